"""Days and times as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webapp.touches import typedtime

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)  # Tuesday, 12:00 in Moscow


@pytest.mark.parametrize(
    ("typed", "wall"),
    [
        ("завтра 10", "2026-03-11 10:00"),
        ("Завтра в 10.30", "2026-03-11 10:30"),
        ("послезавтра", "2026-03-12 10:00"),
        ("tomorrow 10:00", "2026-03-11 10:00"),
        ("tomorrow at 3 pm", "2026-03-11 15:00"),
        ("12.03 15:00", "2026-03-12 15:00"),
        ("12.3, 15", "2026-03-12 15:00"),
        ("12/03 9", "2026-03-12 09:00"),
        ("12.03", "2026-03-12 10:00"),
        ("9.03 15:00", "2027-03-09 15:00"),
        ("09.03.2027 15:00", "2027-03-09 15:00"),
        ("12.03.26 15-30", "2026-03-12 15:30"),
        ("2026-03-12T15:00", "2026-03-12 15:00"),
        ("2026-04-01 09:15", "2026-04-01 09:15"),
        ("15:00", "2026-03-10 15:00"),
        ("9", "2026-03-11 09:00"),
        ("9.30", "2026-03-11 09:30"),
        ("сегодня 17:30", "2026-03-10 17:30"),
        ("сегодня 9:00", "2026-03-10 09:00"),
        ("пт 11", "2026-03-13 11:00"),
        ("во вторник", "2026-03-17 10:00"),
        ("понедельник 9.30", "2026-03-16 09:30"),
        ("next friday 14:00", "2026-03-13 14:00"),
        ("12 марта 15", "2026-03-12 15:00"),
        ("12 mar 15:00", "2026-03-12 15:00"),
        ("March 12 15:00", "2026-03-12 15:00"),
        ("1 мая 2027", "2027-05-01 10:00"),
        ("через 2 часа", "2026-03-10 14:00"),
        ("через час", "2026-03-10 13:00"),
        ("in 30 min", "2026-03-10 12:30"),
        ("in 2 h", "2026-03-10 14:00"),
        ("через 3 дня", "2026-03-13 10:00"),
        ("через неделю", "2026-03-17 10:00"),
        ("in 2 weeks", "2026-03-24 10:00"),
        ("29.02.2028", "2028-02-29 10:00"),
    ],
)
def test_what_people_type(app: Flask, typed: str, wall: str) -> None:
    found = typedtime.moment(typed, NOW, MOSCOW)
    assert found and found.astimezone(MOSCOW).strftime("%Y-%m-%d %H:%M") == wall


@pytest.mark.parametrize(
    "typed",
    ["soon", "завтра вечером", "32.01", "31.02.2027", "25:00", "tomorrow 25", "12.13.2026", "in 900 months", "1.1.2099",
     "через пять лет", "0000-00-00", "99 мая", "29.02.2027", "0001-01-01", "0001-01-01T00:00", "9999-12-31 23:59"],
)  # fmt: skip
def test_what_names_no_time(app: Flask, typed: str) -> None:
    with pytest.raises(typedtime.BadTime):
        typedtime.moment(typed, NOW, MOSCOW)


def test_an_hour_the_clocks_skip(app: Flask) -> None:
    with pytest.raises(typedtime.BadTime):
        typedtime.moment("29.03 2:30", NOW, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("", date(2026, 3, 10)),
        ("вчера", date(2026, 3, 9)),
        ("сегодня", date(2026, 3, 10)),
        ("9.03", date(2026, 3, 9)),
        ("25.12", date(2025, 12, 25)),
        ("пн", date(2026, 3, 9)),
        ("tue", date(2026, 3, 10)),
        ("2 mar", date(2026, 3, 2)),
        ("2026-03-01", date(2026, 3, 1)),
    ],
)
def test_days_behind(app: Flask, typed: str, day: date) -> None:
    assert typedtime.day(typed, NOW, MOSCOW) == day


@pytest.mark.parametrize("typed", ["tomorrow", "11.03.2026", "someday", "1.1.1999", "вчера 10"])
def test_days_that_can_not_be(app: Flask, typed: str) -> None:
    with pytest.raises(typedtime.BadTime):
        typedtime.day(typed, NOW, MOSCOW)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="0123456789.:-/ завтрчепнмйиjanfebtomorwhd,в", max_size=20))
def test_any_words_are_a_time_or_a_message(app: Flask, typed: str) -> None:
    try:
        found = typedtime.moment(typed, NOW, MOSCOW)
    except typedtime.BadTime as why:
        assert str(why)
    else:
        assert found is None or abs(found - NOW) <= typedtime.FARTHEST
