"""The roster page: everybody of sales reads the week, the head of sales edits it."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.roster import grid, queries, shifts
from webapp.roster.forms import ShiftForm
from webapp.roster.models import Absence, Shift
from webapp.roster.views.blueprint import bp
from webapp.roster.views.page import days_of, drawn, monday_asked, page, saved


@bp.get("")
@allow(*SALES)
def week() -> ResponseReturnValue:
    """The week (`?week=2026-W11`, default this one), `?shift=` or `?absence=` opened for the head to edit."""
    monday = monday_asked()
    if hx.asked_by_htmx():
        return render_template("roster/_week.html", week=drawn(monday), editing=None)
    editing: Shift | Absence | None = None
    if me().has_role(Role.HEAD):
        if (shift_id := request.args.get("shift", type=int)) is not None:
            editing = load(select(Shift).where(Shift.id == shift_id))
        elif (absence_id := request.args.get("absence", type=int)) is not None:
            editing = load(select(Absence).where(Absence.id == absence_id))
    return page(monday, editing=editing)


@bp.post("/shift")
@allow(Role.HEAD)
def add_shift() -> ResponseReturnValue:
    """A new shift."""
    return _save_shift(None, ShiftForm())


@bp.post("/shift/<int:shift_id>")
@allow(Role.HEAD)
def change_shift(shift_id: int) -> ResponseReturnValue:
    """Another person, day, time or rank for a shift."""
    return _save_shift(load(select(Shift).where(Shift.id == shift_id)), ShiftForm(prefix="edit-"))


@bp.post("/shift/<int:shift_id>/delete")
@allow(Role.HEAD)
def delete_shift(shift_id: int) -> ResponseReturnValue:
    """A shift taken off the roster."""
    db.session.delete(load(select(Shift).where(Shift.id == shift_id)))
    return saved(monday_asked())


@bp.post("/copy")
@allow(Role.HEAD)
def copy_week() -> ResponseReturnValue:
    """This week's plain shifts once more, a week later."""
    monday = monday_asked()
    copied = shifts.copy_week(db.session(), monday, here.zone())
    shifts.announce(db.session(), here.now())
    db.session.commit()
    flash(ngettext("%(num)d shift copied.", "%(num)d shifts copied.", copied.made), "good")
    if copied.skipped:
        flash(
            ngettext(
                "%(num)d skipped: that person already has a shift then.",
                "%(num)d skipped: those people already have shifts then.",
                copied.skipped,
            ),
            "warning",
        )
    return hx.go("roster.week", week=grid.week_code(monday + timedelta(days=7)))


def _save_shift(shift: Shift | None, form: ShiftForm) -> ResponseReturnValue:
    monday = monday_asked()
    form.offer(queries.people(db.session()), days_of(monday, shift))
    if form.validate():
        user = db.session.get_one(User, form.user_id.data)
        try:
            shifts.set_shift(db.session(), shift, user, form.wall(), form.rank.data, form.override.data, here.zone())
        except shifts.Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            return saved(monday)
    return page(monday, shift_form=None if shift else form, editing=shift, edit_form=form if shift else None, code=422)
