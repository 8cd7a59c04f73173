"""A person's shifts, absences and tasks as an iCalendar feed at a secret address; the page that makes the address."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale

from webapp import here, hx
from webapp.access import SALES, allow, me, public
from webapp.calendars import entries, icalendar, secret
from webapp.db import db
from webapp.languages import LANGUAGES
from webapp.office.queries import the_office

bp = Blueprint("calendars", __name__)


@bp.get("/me/calendar")
@allow(*SALES)
def own() -> ResponseReturnValue:
    """Whether there is an address of one's calendar."""
    return render_template("calendars/own.html", address="")


@bp.post("/me/calendar")
@allow(*SALES)
def make() -> ResponseReturnValue:
    """An address for one's calendar, on this page once; an older one works no more."""
    made = secret.make(db.session(), me())
    db.session.commit()
    return render_template("calendars/own.html", address=url_for("calendars.feed", secret_=made, _external=True))


@bp.post("/me/calendar/end")
@allow(*SALES)
def end() -> ResponseReturnValue:
    """One's calendar has no address any more."""
    secret.end(db.session(), me())
    db.session.commit()
    return hx.go("calendars.own")


@bp.get("/calendar/<secret_>.ics")
@public
def feed(secret_: str) -> ResponseReturnValue:
    """The calendar this secret opens, for programs; in its person's language. An unknown one is no address at all."""
    user = secret.whose(db.session(), secret_)
    if user is None:
        abort(404)
    office, now = the_office(db.session()), here.now()
    language = user.language or office.language
    with force_locale(language if language in LANGUAGES else "en"):
        found = entries.of(db.session(), user, now)
    name = f"{office.company}: {user.name}"
    # What is in it, without the moment it was asked for: who asks again learns that nothing has changed.
    answer = Response(mimetype=icalendar.MIMETYPE, headers={"Cache-Control": "private, no-cache"})
    answer.set_etag(hashlib.sha256(repr((name, request.host, found)).encode()).hexdigest()[:32])
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.set_data(icalendar.written(name, found, request.host, _card, now))
    return answer.make_conditional(request)


def _card(client_id: int) -> str:
    return url_for("clients.card", client_id=client_id, _external=True)
