"""The queue of outgoing mail, to see and to decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, current_app, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp import here, hx
from webapp.access import EVERYBODY, SALES, allow, load, me
from webapp.db import db
from webapp.mail import deciding, listing
from webapp.mail.models import OutgoingMail

bp = Blueprint("mail", __name__)
bp.add_app_template_global(listing.state_words, "mail_state")
bp.add_app_template_filter(listing.error_words, "mail_error")


def _mail(mail_id: int) -> OutgoingMail:
    query = select(OutgoingMail).where(OutgoingMail.id == mail_id).options(joinedload(OutgoingMail.user))
    return load(query, if_=lambda mail: listing.may_read(mail, me()))


@bp.get("/mail")
@allow(*EVERYBODY)
def index() -> ResponseReturnValue:
    """What waits, what is unsure, what went; `?show=` chooses."""
    chosen = request.args.get("show", "")
    return render_template(
        "mail/index.html",
        shown=listing.of(db.session(), me(), chosen),
        chosen=chosen,
        filters=listing.FILTERS,
        words=listing.sees_words(me()),
        server=current_app.config["SETTINGS"].mail,
        may=deciding.may,
        attempt=listing.attempt,
    )


@bp.get("/mail/<int:mail_id>")
@allow(*SALES)
def page(mail_id: int) -> ResponseReturnValue:
    """One mail as it went or will go."""
    mail = _mail(mail_id)
    return render_template(
        "mail/mail.html", mail=mail, may=deciding.may(mail), attempt=listing.attempt(mail), server=_server()
    )


@bp.post("/mail/<int:mail_id>/try-now")
@allow(*SALES)
def try_now(mail_id: int) -> ResponseReturnValue:
    """Ask the server at once."""
    return _decide(mail_id, deciding.try_now)


@bp.post("/mail/<int:mail_id>/withdraw")
@allow(*SALES)
def withdraw(mail_id: int) -> ResponseReturnValue:
    """It shall not go."""
    return _decide(mail_id, deciding.withdraw)


@bp.post("/mail/<int:mail_id>/arrived")
@allow(*SALES)
def arrived(mail_id: int) -> ResponseReturnValue:
    """An unsure mail is known to have arrived."""
    return _decide(mail_id, deciding.arrived)


@bp.post("/mail/<int:mail_id>/again")
@allow(*SALES)
def again(mail_id: int) -> ResponseReturnValue:
    """The same words once more."""
    return _decide(mail_id, deciding.again)


def _decide(mail_id: int, verb: Callable[[Session, OutgoingMail, datetime], object]) -> ResponseReturnValue:
    mail = _mail(mail_id)
    done = verb(db.session(), mail, here.now())
    db.session.commit()
    if not done:
        flash(_("This can't be done any more: see how the mail stands now."), "warning")
    shown = done if isinstance(done, OutgoingMail) else mail
    return hx.go("mail.page", mail_id=shown.id)


def _server() -> object:
    return current_app.config["SETTINGS"].mail
