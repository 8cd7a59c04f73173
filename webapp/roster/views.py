"""The roster page: everybody of sales reads the week, the head of sales edits it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, abort, current_app, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.office.queries import the_office
from webapp.roster import grid, queries, shifts
from webapp.roster.forms import AbsenceForm, ShiftForm, absence_values, shift_values
from webapp.roster.models import Absence, Shift
from webapp.roster.wallclock import DAY_MINUTES, instant, wall_clock

bp = Blueprint("roster", __name__, url_prefix="/roster")


@bp.get("")
@allow(*SALES)
def week() -> ResponseReturnValue:
    """The week (`?week=2026-W11`, default this one), `?shift=` or `?absence=` opened for the head to edit."""
    monday = _monday()
    if hx.asked_by_htmx():
        return render_template("roster/_week.html", week=_drawn(monday), editing=None)
    editing: Shift | Absence | None = None
    if me().has_role(Role.HEAD):
        if (shift_id := request.args.get("shift", type=int)) is not None:
            editing = load(select(Shift).where(Shift.id == shift_id))
        elif (absence_id := request.args.get("absence", type=int)) is not None:
            editing = load(select(Absence).where(Absence.id == absence_id))
    return _page(monday, editing=editing)


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
    return _delete(load(select(Shift).where(Shift.id == shift_id)))


@bp.post("/absence")
@allow(Role.HEAD)
def add_absence() -> ResponseReturnValue:
    """Somebody will be away."""
    return _save_absence(None, AbsenceForm(prefix="away-"))


@bp.post("/absence/<int:absence_id>")
@allow(Role.HEAD)
def change_absence(absence_id: int) -> ResponseReturnValue:
    """Another time or reason for an absence."""
    return _save_absence(load(select(Absence).where(Absence.id == absence_id)), AbsenceForm(prefix="edit-"))


@bp.post("/absence/<int:absence_id>/delete")
@allow(Role.HEAD)
def delete_absence(absence_id: int) -> ResponseReturnValue:
    """Somebody is here after all."""
    return _delete(load(select(Absence).where(Absence.id == absence_id)))


@bp.post("/copy")
@allow(Role.HEAD)
def copy_week() -> ResponseReturnValue:
    """This week's plain shifts once more, a week later."""
    monday = _monday()
    copied = shifts.copy_week(db.session(), monday, here.zone())
    shifts.announce(db.session(), current_app.config["CLOCK"]())
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
    monday = _monday()
    form.offer(queries.people(db.session()), _days(monday, shift))
    if form.validate():
        user = db.session.get_one(User, form.user_id.data)
        try:
            shifts.set_shift(db.session(), shift, user, form.wall(), form.rank.data, form.override.data, here.zone())
        except shifts.Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            return _saved(monday)
    return _page(monday, shift_form=None if shift else form, editing=shift, edit_form=form if shift else None, code=422)


def _save_absence(absence: Absence | None, form: AbsenceForm) -> ResponseReturnValue:
    monday = _monday()
    form.offer(queries.people(db.session()))
    if form.validate():
        user = db.session.get_one(User, form.user_id.data)
        start, end = (form.first_day.data, form.starts.data), (form.last_day.data, form.ends.data)
        try:
            shifts.set_absence(db.session(), absence, user, start, end, form.reason.data, here.zone())
        except shifts.Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            return _saved(monday)
    return _page(
        monday, absence_form=None if absence else form, editing=absence, edit_form=form if absence else None, code=422
    )


def _delete(row: Shift | Absence) -> ResponseReturnValue:
    db.session.delete(row)
    return _saved(_monday())


def _saved(monday: date) -> ResponseReturnValue:
    shifts.announce(db.session(), current_app.config["CLOCK"]())
    db.session.commit()
    if hx.asked_by_htmx():
        return _page(monday)
    return hx.go("roster.week", week=grid.week_code(monday))


def _page(
    monday: date,
    shift_form: ShiftForm | None = None,
    absence_form: AbsenceForm | None = None,
    editing: Shift | Absence | None = None,
    edit_form: ShiftForm | AbsenceForm | None = None,
    code: int = 200,
) -> ResponseReturnValue:
    """The whole page, or its changing part for htmx; forms that were refused come back as they were typed."""
    values: dict[str, Any] = {"week": _drawn(monday), "editing": editing}
    if me().has_role(Role.HEAD):
        people = queries.people(db.session())
        shift_form = shift_form or ShiftForm(formdata=None, data=_proposed_shift(monday))
        shift_form.offer(people, _days(monday, None))
        absence_form = absence_form or AbsenceForm(formdata=None, prefix="away-", data=_proposed_absence(monday))
        absence_form.offer(people)
        if editing is not None:
            edit_form = edit_form or _form_of(editing)
            known = people if editing.user in people else [*people, editing.user]
            if isinstance(edit_form, ShiftForm):
                edit_form.offer(known, _days(monday, editing if isinstance(editing, Shift) else None))
            else:
                edit_form.offer(known)
        values |= {"shift_form": shift_form, "absence_form": absence_form, "edit_form": edit_form}
    template = "roster/_roster.html" if hx.asked_by_htmx() else "roster/week.html"
    return render_template(template, **values), code


def _form_of(row: Shift | Absence) -> ShiftForm | AbsenceForm:
    if isinstance(row, Shift):
        return ShiftForm(formdata=None, prefix="edit-", data=shift_values(row, here.zone()))
    return AbsenceForm(formdata=None, prefix="edit-", data=absence_values(row, here.zone()))


def _drawn(monday: date) -> grid.Week:
    session, zone = db.session(), here.zone()
    start, end = instant(monday, 0, zone), instant(monday, 7 * DAY_MINUTES, zone)
    return grid.draw(
        monday,
        queries.shifts_between(session, start, end),
        queries.absences_between(session, start, end),
        the_office(session),
        current_app.config["CLOCK"](),
        zone,
    )


def _proposed_shift(monday: date) -> dict[str, Any]:
    office = the_office(db.session())
    today = wall_clock(current_app.config["CLOCK"](), here.zone())[0]
    day = today if monday <= today < monday + timedelta(days=7) else monday
    return {"day": day.isoformat(), "starts": office.opens, "ends": office.closes}


def _proposed_absence(monday: date) -> dict[str, Any]:
    day = date.fromisoformat(_proposed_shift(monday)["day"])
    opens = the_office(db.session()).opens
    return {"first_day": day, "starts": opens, "last_day": day + timedelta(days=1), "ends": opens}


def _days(monday: date, shift: Shift | None) -> list[date]:
    """The days a shift can be put on: those of the week, and its own when it began the week before."""
    days = [monday + timedelta(days=offset) for offset in range(7)]
    return [*days, wall_clock(shift.starts_at, here.zone())[0]] if shift else days


def _monday() -> date:
    """The Monday of the week asked for; 404 when there is no such week."""
    asked = request.values.get("week", "")
    if not asked:
        today = wall_clock(current_app.config["CLOCK"](), here.zone())[0]
        return today - timedelta(days=today.weekday())
    match = re.fullmatch(r"(2[01]\d\d)-W(\d\d)", asked, re.ASCII)
    try:
        return date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else abort(404)
    except ValueError:
        abort(404)
