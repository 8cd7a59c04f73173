"""Times as the office's clock shows them: what a form says, and the shortcuts for a next touch."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

PRESETS = ("in_2h", "tomorrow")
TOMORROW_AT = time(10, 0)


def instant(local: datetime, zone: ZoneInfo) -> datetime | None:
    """The UTC instant of a time on the office's wall, None when the clocks skip it in spring.

    In autumn, when an hour comes twice, the first is meant.
    """
    at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return at if at.astimezone(zone).replace(tzinfo=None) == local.replace(fold=0) else None


def on_the_wall(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    """An instant as the office's wall clock shows it, without zone, for a form."""
    return at.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0) if at else None


def preset(name: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """`in_2h` (to the minute) or `tomorrow` (at 10:00 by the office's clock), in UTC; None for another name."""
    if name == "in_2h":
        return now.astimezone(UTC).replace(second=0, microsecond=0) + timedelta(hours=2)
    if name == "tomorrow":
        tomorrow = now.astimezone(zone).date() + timedelta(days=1)
        return instant(datetime.combine(tomorrow, TOMORROW_AT), zone)
    return None
