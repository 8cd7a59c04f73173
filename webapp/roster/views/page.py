"""The roster's page as every one of its views gives it back."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp import here, hx
from webapp.access import me
from webapp.accounts.models import Role
from webapp.db import db
from webapp.office.queries import the_office
from webapp.roster import grid, holidays, queries, shifts
from webapp.roster.forms import AbsenceForm, ShiftForm, absence_values, shift_values
from webapp.roster.models import Absence, Shift
from webapp.roster.wallclock import DAY_MINUTES, instant, wall_clock


def saved(monday: date) -> ResponseReturnValue:
    """Announce and keep a change of the roster, and show it."""
    shifts.announce(db.session(), here.now())
    db.session.commit()
    if hx.asked_by_htmx():
        return page(monday)
    return hx.go("roster.week", week=grid.week_code(monday))


def page(
    monday: date,
    shift_form: ShiftForm | None = None,
    absence_form: AbsenceForm | None = None,
    editing: Shift | Absence | None = None,
    edit_form: ShiftForm | AbsenceForm | None = None,
    code: int = 200,
) -> ResponseReturnValue:
    """The whole page, or its changing part for htmx; forms that were refused come back as they were typed."""
    values: dict[str, Any] = {"week": drawn(monday), "editing": editing}
    if me().has_role(Role.HEAD):
        people = queries.people(db.session())
        shift_form = shift_form or ShiftForm(formdata=None, data=_proposed_shift(monday))
        shift_form.offer(people, days_of(monday, None))
        absence_form = absence_form or AbsenceForm(formdata=None, prefix="away-", data=_proposed_absence(monday))
        absence_form.offer(people)
        if editing is not None:
            edit_form = edit_form or _form_of(editing)
            known = people if editing.user in people else [*people, editing.user]
            if isinstance(edit_form, ShiftForm):
                edit_form.offer(known, days_of(monday, editing if isinstance(editing, Shift) else None))
            else:
                edit_form.offer(known)
        values |= {"shift_form": shift_form, "absence_form": absence_form, "edit_form": edit_form}
    template = "roster/_roster.html" if hx.asked_by_htmx() else "roster/week.html"
    return render_template(template, **values), code


def _form_of(row: Shift | Absence) -> ShiftForm | AbsenceForm:
    if isinstance(row, Shift):
        return ShiftForm(formdata=None, prefix="edit-", data=shift_values(row, here.zone()))
    return AbsenceForm(formdata=None, prefix="edit-", data=absence_values(row, here.zone()))


def drawn(monday: date) -> grid.Week:
    session, zone = db.session(), here.zone()
    start, end = instant(monday, 0, zone), instant(monday, 7 * DAY_MINUTES, zone)
    return grid.draw(
        monday,
        queries.shifts_between(session, start, end),
        queries.absences_between(session, start, end),
        the_office(session),
        holidays.between(session, monday, monday + timedelta(days=6)),
        here.now(),
        zone,
    )


def _proposed_shift(monday: date) -> dict[str, Any]:
    office = the_office(db.session())
    today = wall_clock(here.now(), here.zone())[0]
    day = today if monday <= today < monday + timedelta(days=7) else monday
    return {"day": day.isoformat(), "starts": office.opens, "ends": office.closes}


def _proposed_absence(monday: date) -> dict[str, Any]:
    day = date.fromisoformat(_proposed_shift(monday)["day"])
    opens = the_office(db.session()).opens
    return {"first_day": day, "starts": opens, "last_day": day + timedelta(days=1), "ends": opens}


def days_of(monday: date, shift: Shift | None) -> list[date]:
    """The days a shift can be put on: those of the week, and its own when it began the week before."""
    days = [monday + timedelta(days=offset) for offset in range(7)]
    return [*days, wall_clock(shift.starts_at, here.zone())[0]] if shift else days


def monday_asked() -> date:
    """The Monday of the week asked for; 404 when there is no such week."""
    asked = request.values.get("week", "")
    if not asked:
        today = wall_clock(here.now(), here.zone())[0]
        return today - timedelta(days=today.weekday())
    match = re.fullmatch(r"(2[01]\d\d)-W(\d\d)", asked, re.ASCII)
    try:
        return date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else abort(404)
    except ValueError:
        abort(404)
