"""The span of a report: a day, a week, a month, or from one day to another, by the office's calendar."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l

PERIODS = {"day": _l("Day"), "week": _l("Week"), "month": _l("Month"), "range": _l("From … to")}
LONGEST = timedelta(days=92)


def first_and_last(period: str, day: date, until: date | None) -> tuple[date, date]:
    """The first and the last day of the `period` around `day`; a week begins on Monday."""
    if period == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    if period == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    if period == "range":
        return day, until or day
    return day, day


def instants(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first midnight, until the midnight after the last day (excluded), by the office's clock."""
    return _midnight(first, zone), _midnight(last + timedelta(days=1), zone)


def neighbours(period: str, first: date, last: date) -> tuple[date, date]:
    """A day of the period before and one of the period after."""
    length = last - first + timedelta(days=1)
    return (first - length if period == "range" else first - timedelta(days=1)), last + timedelta(days=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)
