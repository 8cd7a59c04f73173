"""The journal of the roster in words: a sentence a kind of change, said in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from flask_babel import format_date, ngettext
from flask_babel import gettext as _

from webapp.roster.duty import BACKUP
from webapp.roster.models import RosterChange, Shift
from webapp.roster.places import words as place_words
from webapp.roster.wallclock import DAY_MINUTES, wall_clock, written

Facts = Mapping[str, Any]
Places = Mapping[str, str]


def of(change: RosterChange, places: Places, zone: tzinfo) -> str:
    """What was done; `places` are the names of lines and regions by their codes."""
    words = SENTENCES.get(change.kind)
    return words(change.facts, places, zone) if words else change.kind


def span(facts: Facts, zone: tzinfo) -> str:
    """Tue 10 Mar 09:00–18:00, from `starts` and `ends` (ISO 8601)."""
    (day, start), (last, end) = (wall_clock(datetime.fromisoformat(facts[name]), zone) for name in ("starts", "ends"))
    if last == day + timedelta(days=1) and end == 0:
        last, end = day, DAY_MINUTES
    until = written(end) if last == day else f"{format_date(last, 'd MMM')} {written(end)}"
    return f"{format_date(day, 'EEE d MMM')} {written(start)}–{until}"


def span_words(starts: datetime, ends: datetime, zone: tzinfo) -> str:
    """Tue 10 Mar 09:00–18:00."""
    return span({"starts": starts.isoformat(), "ends": ends.isoformat()}, zone)


def shift_words(row: Shift, zone: tzinfo) -> str:
    """Tue 10 Mar 09:00–18:00, backup, Advertisements; its line and region are loaded."""
    return ", ".join([span_words(row.starts_at, row.ends_at, zone), *notes(row)])


def notes(row: Shift) -> list[str]:
    """What kind of duty a shift is, where it is not the usual one."""
    place = place_words(row.line, row.region)
    return [*([_("backup")] if row.rank == BACKUP else []), *([place] if place else [])]


def shift(facts: Facts, places: Places, zone: tzinfo) -> str:
    """Anna Petrova, Tue 10 Mar 09:00–18:00, backup, Advertisements."""
    notes = [_("backup")] if facts.get("rank") == BACKUP else []
    if code := facts.get("place"):
        notes.append(places.get(code, _("a line that is gone")))
    return ", ".join([facts["name"], span(facts, zone), *notes])


def _shift_changed(facts: Facts, places: Places, zone: tzinfo) -> str:
    return _(
        "Shift changed: %(before)s; now %(after)s",
        before=shift(facts["was"], places, zone),
        after=shift(facts, places, zone),
    )


def _week_copied(facts: Facts, places: Places, zone: tzinfo) -> str:
    shifts = ngettext("%(num)d shift", "%(num)d shifts", facts["count"])
    weeks = ngettext("%(num)d week", "%(num)d weeks", facts["weeks"])
    return _(
        "Week from %(day)s copied %(weeks)s ahead: %(shifts)s", day=_day(facts["monday"]), weeks=weeks, shifts=shifts
    )


def _week_cleared(facts: Facts, places: Places, zone: tzinfo) -> str:
    shifts = ngettext("%(num)d shift", "%(num)d shifts", facts["count"])
    return _("Week from %(day)s cleared: %(shifts)s", day=_day(facts["monday"]), shifts=shifts)


def _pattern(words: Callable[..., str]) -> Callable[[Facts, Places, tzinfo], str]:
    def say(facts: Facts, places: Places, zone: tzinfo) -> str:
        hours = f"{written(facts['from'])}–{written(facts['to'] % DAY_MINUTES or facts['to'])}"
        return words(name=facts["name"], hours=hours)

    return say


def _day(iso: str) -> str:
    return format_date(date.fromisoformat(iso), "d MMM")


def _away(words: Callable[..., str]) -> Callable[[Facts, Places, tzinfo], str]:
    def say(facts: Facts, places: Places, zone: tzinfo) -> str:
        return words(name=facts["name"], span=span(facts, zone))

    return say


def _swap(facts: Facts, places: Places, zone: tzinfo) -> str:
    said = _("%(to)s takes the shift of %(name)s: %(span)s", to=facts["to"], name=facts["name"], span=span(facts, zone))
    if returned := facts.get("return"):
        said += "; " + _("in return for %(span)s", span=span(returned, zone))
    return said


SENTENCES: dict[str, Callable[[Facts, Places, tzinfo], str]] = {
    "shift_made": lambda facts, places, zone: _("Shift set: %(shift)s", shift=shift(facts, places, zone)),
    "shift_changed": _shift_changed,
    "shift_removed": lambda facts, places, zone: _("Shift taken off: %(shift)s", shift=shift(facts, places, zone)),
    "week_copied": _week_copied,
    "week_cleared": _week_cleared,
    "pattern_made": _pattern(lambda **named: _("Pattern made: %(name)s, %(hours)s", **named)),
    "pattern_changed": _pattern(lambda **named: _("Pattern changed: %(name)s, %(hours)s", **named)),
    "pattern_ended": _pattern(lambda **named: _("Pattern ended: %(name)s, %(hours)s", **named)),
    "absence_made": _away(lambda **named: _("Absence set: %(name)s, %(span)s", **named)),
    "absence_changed": _away(lambda **named: _("Absence changed: %(name)s, %(span)s", **named)),
    "absence_ended": _away(lambda **named: _("Back again: %(name)s, %(span)s", **named)),
    "absence_removed": _away(lambda **named: _("Absence taken off: %(name)s, %(span)s", **named)),
    "swap": _swap,
    "holidays_filled": lambda facts, places, zone: ngettext(
        "%(num)d public holiday of %(year)s entered",
        "%(num)d public holidays of %(year)s entered",
        facts["count"],
        year=facts["year"],
    ),
    "holiday_set": lambda facts, places, zone: _(
        "Public holiday set: %(day)s, %(name)s", day=_day(facts["day"]), name=facts["name"]
    ),
    "holiday_removed": lambda facts, places, zone: _(
        "Public holiday removed: %(day)s, %(name)s", day=_day(facts["day"]), name=facts["name"]
    ),
}
