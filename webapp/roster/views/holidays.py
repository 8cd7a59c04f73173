"""The calendar of public holidays: a year filled with one button, days edited, own ones added."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import current_app, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.db import db
from webapp.roster import holidays, journal, patterns, shifts
from webapp.roster.forms import HolidayForm
from webapp.roster.models import Holiday
from webapp.roster.views.blueprint import bp
from webapp.roster.wallclock import wall_clock, written


@bp.get("/holidays")
@allow(*SALES)
def holidays_page() -> ResponseReturnValue:
    """The holidays of a year (`?year=2026`, default this one)."""
    return _page(_year())


@bp.post("/holidays/fill")
@allow(Role.HEAD)
def fill_holidays() -> ResponseReturnValue:
    """The public holidays of the office's country in this year entered; what is there stays as it is."""
    year, country = _year(), current_app.config["SETTINGS"].country
    session = db.session()
    new = holidays.fill(session, country, str(get_locale() or "en"), year)
    if new:
        gone = _rest([row.day for row in new])
        rows = [*(journal.made(row) for row in new), *gone]
        journal.record(session, "holidays_filled", rows, me(), here.now(), year=str(year), count=len(new))
        flash(ngettext("%(num)d public holiday entered.", "%(num)d public holidays entered.", len(new)), "good")
        _tell_of_shifts(gone)
    elif holidays.proposed(country, "en", year):
        flash(_("All public holidays of %(year)s are entered already.", year=str(year)), "good")
    else:
        flash(_("No public holidays are known for %(country)s. Enter them by hand.", country=country), "warning")
    return _kept(year)


@bp.post("/holidays")
@allow(Role.HEAD)
def set_holiday() -> ResponseReturnValue:
    """A day entered, or its name and hours changed; 409 when the day is not what it was when it was shown."""
    form, session = HolidayForm(), db.session()
    if not form.validate():
        return _page(_year(), form, 422)
    holidays.alone(session)
    row = session.get(Holiday, form.day.data, populate_existing=True)
    if (form.was.data or "") != holidays.mark(row):
        form.was.data = holidays.mark(row)
        return _page(form.day.data.year, form, 409, _meanwhile(row))
    before = journal.snapshot(row) if row else None
    if row is None:
        row = Holiday(day=form.day.data)
        session.add(row)
    row.name, row.opens, row.closes = form.name.data, form.opens.data, form.closes.data
    session.flush()
    gone = _rest([row.day]) if row.opens is None else []
    rows = [journal.changed(row, before) if before else journal.made(row), *gone]
    journal.record(session, "holiday_set", rows, me(), here.now(), day=row.day.isoformat(), name=row.name)
    flash(_("Saved."), "good")
    _tell_of_shifts(gone)
    return _kept(row.day.year)


@bp.post("/holidays/<day>/delete")
@allow(Role.HEAD)
def delete_holiday(day: str) -> ResponseReturnValue:
    """A day that is no holiday after all."""
    row, session = load(select(Holiday).where(Holiday.day == _day(day))), db.session()
    entry, year = journal.removed(row), row.day.year
    session.delete(row)
    session.flush()
    journal.record(session, "holiday_removed", [entry], me(), here.now(), day=day, name=row.name)
    flash(_("Removed."), "good")
    return _kept(year)


def _rest(days: Sequence[date]) -> journal.Rows:
    return patterns.rest_on(db.session(), days, here.now(), here.zone())


def _tell_of_shifts(gone: journal.Rows) -> None:
    if gone:
        words = ngettext(
            "%(num)d shift laid by a pattern was taken off.",
            "%(num)d shifts laid by patterns were taken off.",
            len(gone),
        )
        flash(words, "warning")


def _kept(year: int) -> ResponseReturnValue:
    shifts.announce(db.session(), here.now())
    db.session.commit()
    return hx.go("roster.holidays_page", year=year)


def _meanwhile(row: Holiday | None) -> str:
    if row is None:
        return _("Somebody has removed this day meanwhile. Save again to enter it anew.")
    if row.opens is None or row.closes is None:
        return _("This day is entered already: %(name)s, closed. Save again to replace it.", name=row.name)
    hours = f"{written(row.opens)}–{written(row.closes)}"
    return _("This day is entered already: %(name)s, %(hours)s. Save again to replace it.", name=row.name, hours=hours)


def _page(year: int, form: HolidayForm | None = None, code: int = 200, conflict: str = "") -> ResponseReturnValue:
    today = wall_clock(here.now(), here.zone())[0]
    rows = list(holidays.between(db.session(), date(year, 1, 1), date(year, 12, 31)).values())
    editing = None
    if (asked := request.args.get("day", "")) and form is None:
        editing = load(select(Holiday).where(Holiday.day == _day(asked)))
        form = HolidayForm(
            formdata=None,
            data={
                "day": editing.day,
                "name": editing.name,
                "opens": editing.opens,
                "closes": editing.closes,
                "was": holidays.mark(editing),
            },
        )
    return render_template(
        "roster/holidays.html",
        year=year,
        rows=rows,
        today=today,
        form=form or HolidayForm(formdata=None),
        editing=editing,
        conflict=conflict,
        country=current_app.config["SETTINGS"].country,
    ), code


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date.min


def _year() -> int:
    """The year asked for, this one when none or nonsense was."""
    asked = request.values.get("year", type=int)
    return asked if asked and 2000 <= asked <= 2199 else wall_clock(here.now(), here.zone())[0].year
