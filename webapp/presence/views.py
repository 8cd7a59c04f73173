"""One key says that somebody is away or back."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp import here
from webapp.access import SALES, allow, me
from webapp.db import db
from webapp.desk.views import bar_as_it_is
from webapp.presence import marking
from webapp.roster import absences, shifts

bp = Blueprint("presence", __name__)
LONGEST_MINUTES = 600


@bp.post("/presence/away")
@allow(*SALES)
def away() -> ResponseReturnValue:
    """I am away, for so many minutes or until I say that I am back. Answers with the desk's bar."""
    typed, now = request.form.get("minutes", "").strip(), here.now()
    minutes = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 5 else 0
    if typed and not 1 <= minutes <= LONGEST_MINUTES:
        error = _("Type minutes from 1 to %(most)d, or nothing.", most=LONGEST_MINUTES)
        return bar_as_it_is(422, minutes=typed[:20], minutes_error=error)
    marking.away(db.session(), me(), now, now + timedelta(minutes=minutes) if minutes else None)
    db.session.commit()
    return bar_as_it_is()


@bp.post("/presence/back")
@allow(*SALES)
def back() -> ResponseReturnValue:
    """I am at my desk, whatever kept me away. Answers with the desk's bar."""
    if absences.back(db.session(), me(), here.now(), here.zone()):
        shifts.announce(db.session(), here.now())
    marking.back(db.session(), me(), here.now())
    db.session.commit()
    return bar_as_it_is()
