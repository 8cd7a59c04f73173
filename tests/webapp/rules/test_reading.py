"""Numbers and dates are read as people type them, and what is shown can be typed again."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webapp.languages import LANGUAGES
from webapp.rules import reading


@pytest.mark.parametrize(
    "typed, kept",
    [
        ("12500", "12500"), ("12 500,50", "12500.5"), ("12\u00a0500,5", "12500.5"), ("12,500.50", "12500.5"),
        ("12.500,50", "12500.5"), ("1'250", "1250"), ("1.250.000", "1250000"), ("0,5", "0.5"), ("-3", "-3"),
        ("−3,0", "-3"), ("007", "7"), ("-0", "0"), ("1,25", "1.25"), ("0,125", "0.125"), ("5.", "5"),
    ],
)  # fmt: skip
def test_a_number(app: Flask, typed: str, kept: str) -> None:
    value = reading.number(typed)
    assert value is not None and reading.plain(value) == kept


@pytest.mark.parametrize(
    "typed", ["", "about 12", "12 pcs", "1,2,3", "1.2.3,4", "--1", "1e5", "٣", "1" * 16, "0." + "1" * 7, "NaN", ","]
)
def test_no_number(app: Flask, typed: str) -> None:
    assert reading.number(typed) is None


def test_a_lone_comma_is_read_in_the_readers_way(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        assert reading.number("1,250") == 1250
        assert reading.number("1.250") == Decimal("1.25")
    with app.test_request_context(), force_locale("ru"):
        assert reading.number("1,250") == Decimal("1.25")


@pytest.mark.parametrize(
    "typed",
    [
        "10.03.2026",
        "10.3.26",
        "10/03/2026",
        "10-3-2026",
        "2026-03-10",
        "10 Mar 2026",
        "10 марта 2026 г.",
        "10 мар. 2026",
    ],
)
def test_a_date(typed: str) -> None:
    assert reading.day(typed) == date(2026, 3, 10)


@pytest.mark.parametrize(
    "typed", ["", "31.02.2026", "10.13.2026", "10.03", "tomorrow", "1 Foo 2026", "0.0.0000", "٣.٣.٢٠٢٦"]
)
def test_no_date(typed: str) -> None:
    assert reading.day(typed) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.decimals(-(10**12), 10**12, places=3),
    st.dates(date(1900, 1, 1), date(2999, 12, 31)),
    st.sampled_from(sorted(LANGUAGES)),
)
def test_what_is_shown_can_be_typed_again(app: Flask, value: Decimal, day: date, language: str) -> None:
    with app.test_request_context(), force_locale(language):
        assert reading.number(reading.shown_number(reading.plain(value))) == value
        assert reading.day(reading.shown_day(day.isoformat())) == day


@given(st.text(max_size=40))
def test_anything_typed_is_read_or_refused(text: str) -> None:
    reading.number(text)
    reading.day(text)
