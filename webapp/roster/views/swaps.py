"""Shifts offered and taken: the page of offers, and the answers from it and from the desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.db import db
from webapp.roster import queries, sentences, swaps
from webapp.roster.forms import OfferForm
from webapp.roster.models import Shift, Swap
from webapp.roster.shifts import Refused
from webapp.roster.views.blueprint import bp
from webapp.typed import row_of

SHOWN_FOR = timedelta(days=7)
"""How long an answered offer stays on the page."""
AHEAD = timedelta(days=35)
"""How far ahead shifts can be offered and asked for."""


@bp.app_template_filter("offered")
def words(swap: Swap) -> str:
    """What was offered, also when the shift is gone: Tue 10 Mar 09:00-18:00, backup, Advertisements."""
    hours = sentences.span_words(swap.starts_at, swap.ends_at, here.zone())
    return ", ".join([hours, *(sentences.notes(swap.shift) if swap.shift else [])])


@bp.app_template_filter("in_return")
def in_return(swap: Swap) -> str:
    """The hours asked for in return, '' for none."""
    if not swap.return_starts_at or not swap.return_ends_at:
        return ""
    return sentences.span_words(swap.return_starts_at, swap.return_ends_at, here.zone())


@bp.get("/swaps")
@allow(*SALES)
def swaps_page() -> ResponseReturnValue:
    """What is offered to me and by me, for the head everybody's; and the form of an offer (`?shift=`)."""
    if hx.asked_by_htmx():
        return render_template("roster/_swaps.html", **_lists())
    return _page(_form(OfferForm(request.args)))


@bp.get("/swaps/form")
@allow(*SALES)
def offer_form() -> ResponseReturnValue:
    """The form again, with the shifts of the colleague chosen."""
    form = _form(OfferForm(request.args))
    form.in_return_id.data = ""  # one of a colleague chosen before is none of this one's
    return render_template("roster/_offer.html", offer_form=form)


@bp.post("/swaps")
@allow(*SALES)
def offer() -> ResponseReturnValue:
    """A shift of mine for whoever takes it."""
    form, session = _form(OfferForm()), db.session()
    if form.validate():
        shift = session.get_one(Shift, int(form.shift_id.data))
        wanted = row_of(session, Shift, form.in_return_id.data)
        to = next((user for user in queries.people(session) if str(user.id) == form.to_user_id.data), None)
        try:
            swaps.offer(session, shift, me(), to, wanted, form.words.data, here.now(), here.zone())
        except Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            session.commit()
            flash(_("Offered. You keep the shift until somebody takes it."), "good")
            return hx.go("roster.swaps_page")
    return _page(form), 422


@bp.post("/swaps/<int:swap_id>/accept")
@allow(*SALES)
def accept(swap_id: int) -> ResponseReturnValue:
    """I take the shift offered to me."""
    swap = load(select(Swap).where(Swap.id == swap_id), if_=lambda row: swaps.may_answer(row, me()))

    def take() -> str:
        swaps.accept(db.session(), swap, me(), here.now(), here.zone())
        return _("The shift is yours: %(shift)s.", shift=words(swap))

    return _answered(take)


@bp.post("/swaps/<int:swap_id>/decline")
@allow(*SALES)
def decline(swap_id: int) -> ResponseReturnValue:
    """I don't take the shift offered to me."""
    swap = load(select(Swap).where(Swap.id == swap_id), if_=lambda row: row.to_user_id == me().id)

    def say() -> str:
        swaps.decline(db.session(), swap, me(), here.now())
        return _("Declined. %(name)s keeps the shift.", name=swap.from_user.name)

    return _answered(say)


@bp.post("/swaps/<int:swap_id>/withdraw")
@allow(*SALES)
def withdraw(swap_id: int) -> ResponseReturnValue:
    """I keep my shift after all."""
    swap = load(select(Swap).where(Swap.id == swap_id), if_=lambda row: row.from_user_id == me().id)

    def keep() -> str:
        swaps.withdraw(db.session(), swap, me(), here.now())
        return _("Withdrawn. You keep the shift.")

    return _answered(keep)


def _answered(verb: Callable[[], str]) -> ResponseReturnValue:
    """What came of an answer, said on the page it was given on. An offer found void stays so."""
    try:
        flash(verb(), "good")
    except swaps.Lost as lost:
        flash(str(lost), "warning")
    except Refused as refused:
        db.session.rollback()
        flash(refused.reason, "bad")
    db.session.commit()
    return hx.go("desk.page" if request.form.get("from") == "desk" else "roster.swaps_page")


def _form(form: OfferForm) -> OfferForm:
    session, now = db.session(), here.now()
    people = [user for user in queries.people(session) if user.id != me().id]
    mine = queries.coming_shifts(session, me().id, now, now + AHEAD)
    wanted = next((user for user in people if str(user.id) == form.to_user_id.data), None)
    theirs = queries.coming_shifts(session, wanted.id, now, now + AHEAD) if wanted else []
    form.offer(mine, people, theirs, here.zone())
    return form


def _lists() -> dict[str, object]:
    session, now, since = db.session(), here.now(), here.now() - SHOWN_FOR
    return {
        "for_me": swaps.for_user(session, me(), now),
        "of_me": swaps.of_user(session, me(), since),
        "of_all": swaps.of_all(session, since) if me().has_role(Role.HEAD) else None,
    }


def _page(form: OfferForm) -> str:
    return render_template("roster/swaps.html", offer_form=form, **_lists())
