"""The office's clock: shortcuts and typed times, also in the nights when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from webapp.touches import officetime

MOSCOW, ATHENS = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Athens")


def test_in_two_hours_is_to_the_minute() -> None:
    now = datetime(2026, 3, 10, 9, 0, 31, tzinfo=UTC)
    assert officetime.preset("in_2h", now, MOSCOW) == datetime(2026, 3, 10, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        (datetime(2026, 3, 10, 9, 0, tzinfo=UTC), MOSCOW, datetime(2026, 3, 11, 7, 0, tzinfo=UTC)),
        # 23:30 in UTC is the next day in Moscow already: tomorrow is the day after that
        (datetime(2026, 3, 10, 23, 30, tzinfo=UTC), MOSCOW, datetime(2026, 3, 12, 7, 0, tzinfo=UTC)),
        # the evening before summer time begins: 10:00 is an hour nearer
        (datetime(2026, 3, 28, 16, 0, tzinfo=UTC), ATHENS, datetime(2026, 3, 29, 7, 0, tzinfo=UTC)),
        (datetime(2026, 10, 24, 16, 0, tzinfo=UTC), ATHENS, datetime(2026, 10, 25, 8, 0, tzinfo=UTC)),
    ],
)
def test_tomorrow_at_ten_is_the_offices_tomorrow(now: datetime, zone: ZoneInfo, expected: datetime) -> None:
    assert officetime.preset("tomorrow", now, zone) == expected


def test_an_unknown_shortcut_is_none() -> None:
    assert officetime.preset("yesterday", datetime(2026, 3, 10, tzinfo=UTC), MOSCOW) is None


def test_an_hour_the_clocks_skip_is_no_time() -> None:
    assert officetime.instant(datetime(2026, 3, 29, 3, 30), ATHENS) is None  # noqa: DTZ001
    assert officetime.instant(datetime(2026, 3, 29, 4, 0), ATHENS) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # noqa: DTZ001


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    assert officetime.instant(datetime(2026, 10, 25, 3, 30), ATHENS) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # noqa: DTZ001


def test_the_wall_shows_what_was_typed() -> None:
    at = officetime.instant(datetime(2026, 7, 1, 10, 15), ATHENS)  # noqa: DTZ001
    assert officetime.on_the_wall(at, ATHENS) == datetime(2026, 7, 1, 10, 15)  # noqa: DTZ001
    assert officetime.on_the_wall(None, ATHENS) is None
