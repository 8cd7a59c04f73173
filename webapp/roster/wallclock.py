"""Wall-clock times of the office and the instants they mean, also in the nights when clocks change.

A wall-clock time is a date and minutes after its midnight, as the clock on the wall shows them; 1440 is the
next midnight. Where the clock repeats an hour the first pass is meant, where it skips one the instant of the
change; so a later wall-clock time never means an earlier instant, and adjacent shifts stay adjacent.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

DAY_MINUTES = 24 * 60


def instant(day: date, minutes: int, zone: tzinfo) -> datetime:
    """The UTC instant of a wall-clock time. Never decreases while the wall-clock time grows."""
    naive = datetime.combine(day, time()) + timedelta(minutes=minutes)
    first, second = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= second:
        return first
    return _change_between(second, first, zone)


def exists(day: date, minutes: int, zone: tzinfo) -> bool:
    """False for a time the clock skips when summer time begins."""
    naive = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) == naive


def wall_clock(at: datetime, zone: tzinfo) -> tuple[date, int]:
    """The date and the minutes after midnight that the office's clock shows at `at`."""
    local = at.astimezone(zone)
    return local.date(), local.hour * 60 + local.minute


def written(minutes: int) -> str:
    """09:05 for 545 and 24:00 for the next midnight."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _change_between(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The instant at which the zone's offset changes from that of `before` to that of `after`, to the second."""
    old = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)
