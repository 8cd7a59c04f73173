"""How a week is drawn: where bars lie, what is said of them, what shows red."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from flask import Flask

from webapp.accounts.models import User
from webapp.office.models import Office
from webapp.roster import grid
from webapp.roster.models import Absence, Shift
from webapp.roster.wallclock import instant

KYIV = ZoneInfo("Europe/Kyiv")
MONDAY = date(2026, 3, 23)  # the clocks go forward on its Sunday
OFFICE = Office(opens=9 * 60, closes=18 * 60, workdays=[0, 1, 2, 3, 4])
NOW = datetime(2026, 3, 24, 10, 0, tzinfo=UTC)  # Tuesday noon
ANNA = User(id=1, name="Anna Petrova", active=True)
BORIS = User(id=2, name="Boris Ivanov", active=True)


def shift(user: User, day: int, start: int, end: int, rank: int = 0, override: bool = False) -> Shift:
    moments = (instant(date(2026, 3, day), hour * 60, KYIV) for hour in (start, end))
    starts_at, ends_at = moments
    return Shift(
        user=user, user_id=user.id, starts_at=starts_at, ends_at=ends_at, rank=rank, override=override
    )  # fmt: skip


def absence(user: User, day: int, start: int, end: int) -> Absence:
    row = shift(user, day, start, end)
    return Absence(user=user, user_id=user.id, starts_at=row.starts_at, ends_at=row.ends_at, reason="")


def draw(shifts: list[Shift], absences: list[Absence] | None = None) -> grid.Week:
    return grid.draw(MONDAY, shifts, absences or [], OFFICE, {}, NOW, KYIV)


def kinds(day: grid.Day) -> list[tuple[str, int, int]]:
    return [(bar.kind, bar.start // 60, bar.end // 60) for bar in day.bars]


def test_bars_lie_on_the_wall_clock_also_when_clocks_change(app: Flask) -> None:
    week = draw([shift(ANNA, 23, 9, 18), shift(ANNA, 29, 9, 18)])
    assert (week.first, week.last) == (8 * 60, 19 * 60)
    monday, sunday = week.days[0].bars[0], week.days[6].bars[0]
    assert (monday.x, monday.width) == (sunday.x, sunday.width) == (round(100 / 11, 3), round(900 / 11, 3))


def test_the_hours_shown_widen_for_a_night(app: Flask) -> None:
    week = draw([shift(ANNA, 28, 22, 30)])
    assert (week.first, week.last) == (0, 24 * 60)
    assert kinds(week.days[5]) == [("duty", 22, 24)] and kinds(week.days[6]) == [("duty", 0, 6)]
    assert not week.days[6].bars[0].whole


def test_what_nobody_covers_is_a_gap_in_words_and_place(app: Flask) -> None:
    week = draw([shift(ANNA, day, 9, 18) for day in range(24, 28)] + [shift(BORIS, 23, 11, 14)])
    assert week.gaps == ["Mon 23 Mar 09:00–11:00, 14:00–18:00"]
    gap, gap2, duty = week.days[0].bars
    assert gap.text == "nobody on duty" and gap.y == gap2.y == duty.y, "they share a lane"


def test_overlapping_people_have_lanes_and_backups_lie_below(app: Flask) -> None:
    anna, boris, backup = (
        draw([shift(ANNA, 23, 9, 18), shift(BORIS, 23, 10, 12), shift(BORIS, 23, 12, 18, 1)]).days[0].bars
    )
    assert anna.y < boris.y < backup.y and backup.kind == "backup"


def test_parts_that_do_not_count_are_told_apart(app: Flask) -> None:
    week = draw([shift(ANNA, 23, 9, 18), shift(BORIS, 23, 11, 13, override=True)], [absence(ANNA, 23, 16, 20)])
    bar = next(bar for bar in week.days[0].bars if bar.colour == ANNA.id)
    assert not bar.full and len(bar.pieces) == 2, "before and after the override, until the absence"
    assert draw([shift(ANNA, 23, 9, 18)]).days[0].bars[0].full


def test_now_is_shown_today_only(app: Flask) -> None:
    week = draw([])
    assert [day.now_x for day in week.days] == [None, round(100 * 4 / 11, 3), None, None, None, None, None]
    assert week.days[1].today


def test_weeks_have_codes_and_neighbours(app: Flask) -> None:
    week = grid.draw(date(2026, 12, 28), [], [], OFFICE, {}, NOW, KYIV)
    assert (week.code, week.previous, week.next) == ("2026-W53", "2026-W52", "2027-W01")
