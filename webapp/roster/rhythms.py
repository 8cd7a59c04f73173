"""Patterns in words: on which days, from when to when, for what."""

from __future__ import annotations

from babel.dates import get_day_names
from flask_babel import format_date, get_locale, ngettext
from flask_babel import gettext as _

from webapp.roster.models import ShiftPattern
from webapp.roster.places import words
from webapp.roster.wallclock import DAY_MINUTES, written


def days(pattern: ShiftPattern) -> str:
    """Mon, Tue, Wed; every day; 2 days on, 2 off."""
    if pattern.cycle_days != 7:
        on = len(pattern.days)
        return _(
            "%(on)s, %(off)d off", on=ngettext("%(num)d day on", "%(num)d days on", on), off=pattern.cycle_days - on
        )
    if len(pattern.days) == 7:
        return _("every day")
    names = get_day_names("abbreviated", "stand-alone", get_locale())
    return ", ".join(names[day] for day in sorted((pattern.first_day.weekday() + day) % 7 for day in pattern.days))


def hours(pattern: ShiftPattern) -> str:
    """09:00–18:00, or 22:00–06:00 the next day."""
    ends = pattern.ends if pattern.ends <= DAY_MINUTES else pattern.ends - DAY_MINUTES
    span = f"{written(pattern.starts)}–{written(ends)}"
    return _("%(span)s the next day", span=span) if pattern.ends > DAY_MINUTES else span


def span(pattern: ShiftPattern) -> str:
    """From 10 Mar, or from 10 Mar to 5 May."""
    first = format_date(pattern.first_day, "d MMM y")
    if pattern.last_day is None:
        return _("from %(day)s", day=first)
    return f"{first} – {format_date(pattern.last_day, 'd MMM y')}"


def place(pattern: ShiftPattern) -> str:
    """The line or region it is for, '' for all calls."""
    return words(pattern.line, pattern.region)
