"""The result letter of a talk: proposed, edited, sent or left out (D73)."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, current_app, flash, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.clients.changes import Changed
from webapp.db import db
from webapp.letters import checks, deciding, queries
from webapp.letters.models import Letter

bp = Blueprint("letters", __name__, url_prefix="/letters")


def _letter(letter_id: int) -> Letter:
    query = select(Letter).where(Letter.id == letter_id)
    query = query.options(joinedload(Letter.client), joinedload(Letter.user), joinedload(Letter.mail))
    return load(query, if_=lambda letter: queries.may_write(letter, me()))


def _page(letter: Letter, status: int = 200, **more: Any) -> ResponseReturnValue:
    return render_template(
        "letters/letter.html",
        letter=letter,
        draft=deciding.is_draft(letter),
        genuine=deciding.is_genuine(letter),
        warned=checks.look(letter),
        server=current_app.config["SETTINGS"].mail,
        longest=deciding.LONGEST,
        **more,
    ), status


@bp.get("")
@allow(*SALES)
def index() -> ResponseReturnValue:
    """Letters to send; `?show=` chooses those that went or were left out."""
    chosen = request.args.get("show", "draft")
    chosen = chosen if chosen in queries.FILTERS else "draft"
    letters = queries.of(db.session(), me(), chosen)
    return render_template("letters/index.html", letters=letters, chosen=chosen, filters=queries.FILTERS)


@bp.get("/<int:letter_id>")
@allow(*SALES)
def page(letter_id: int) -> ResponseReturnValue:
    """One letter, to edit while it is a draft."""
    return _page(_letter(letter_id))


@bp.post("/<int:letter_id>/<any(to_address, subject, body):name>")
@allow(*SALES)
def save(letter_id: int, name: str) -> ResponseReturnValue:
    """Keep one field as it is typed; what somebody else wrote there meanwhile is shown beside it."""
    letter = _letter(letter_id)
    told: dict[str, Any] = {"letter": letter, "name": name}
    status = 200
    try:
        kept = deciding.save(
            db.session(), letter, name, request.form.get("was", ""), request.form.get(name, ""), here.now()
        )
        told["error"] = "" if kept else _over()
        status = 200 if kept else 422
    except Changed as changed:
        told["changed"], status = changed, 409
    except deciding.TooLong:
        told["error"], status = _too_long(name), 422
    db.session.commit()
    return make_response(render_template("letters/_told.html", warned=checks.look(letter), **told), status)


@bp.post("/<int:letter_id>/send")
@allow(*SALES)
def send(letter_id: int) -> ResponseReturnValue:
    """Send it as it stands on the page; what makes that impossible is said beside its field."""
    letter, now = _letter(letter_id), here.now()
    conflicts: dict[str, Changed] = {}
    errors: dict[str, str] = {}
    for name in deciding.LONGEST:
        if name not in request.form:
            continue
        mine = request.form[name]
        try:
            deciding.save(db.session(), letter, name, request.form.get(f"was_{name}", ""), mine, now)
        except Changed as changed:
            conflicts[name] = changed
        except deciding.TooLong:
            errors[name] = _too_long(name)
    stopped = [one for one in checks.look(letter) if one.stops]
    if deciding.is_draft(letter) and (conflicts or errors or stopped):
        db.session.commit()
        typed = {name: request.form.get(name, "") for name in (*conflicts, *errors)}
        return _page(letter, 409 if conflicts else 422, conflicts=conflicts, errors=errors, typed=typed)
    mail = deciding.send(db.session(), letter, me(), now)
    db.session.commit()
    if mail is None:
        flash(_over(), "warning")
    elif current_app.config["SETTINGS"].mail is None:
        flash(_("The letter is queued: no mail server is set yet."), "warning")
    else:
        flash(_("The letter is on its way."), "good")
    return hx.go("letters.page", letter_id=letter.id)


@bp.post("/<int:letter_id>/leave-out")
@allow(*SALES)
def leave_out(letter_id: int) -> ResponseReturnValue:
    """Send none, with a reason."""
    letter = _letter(letter_id)
    reason = request.form.get("reason", "")
    if not reason.strip():
        return _page(letter, 422, reason_error=_("Say in a word why no letter goes out."))
    done = deciding.skip(db.session(), letter, reason, here.now())
    db.session.commit()
    if not done:
        flash(_over(), "warning")
    return hx.go("letters.index")


@bp.post("/<int:letter_id>/take-up")
@allow(*SALES)
def take_up(letter_id: int) -> ResponseReturnValue:
    """Make a draft of it again."""
    letter = _letter(letter_id)
    if not deciding.take_up(db.session(), letter, here.now()):
        abort(404)
    db.session.commit()
    return hx.go("letters.page", letter_id=letter.id)


def _over() -> str:
    return _("This letter was sent or left out meanwhile; it changes no more.")


def _too_long(name: str) -> str:
    return _("At most %(max)d characters.", max=deciding.LONGEST[name])
