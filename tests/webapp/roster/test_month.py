"""How a month is drawn: people by days, what counts, what shows red."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import Flask

from webapp.accounts.models import User
from webapp.office.models import Line, Office
from webapp.roster import month
from webapp.roster.models import Absence, Holiday, Shift
from webapp.roster.places import Place
from webapp.roster.wallclock import instant

KYIV = ZoneInfo("Europe/Kyiv")
FIRST = date(2026, 3, 1)
OFFICE = Office(opens=540, closes=1080, workdays=[0, 1, 2, 3, 4])
ANNA, BORIS = User(id=1, name="Anna Petrova", active=True), User(id=2, name="Boris Ivanov", active=True)


def shift(user: User, day: int, start: int, end: int, **more: object) -> Shift:
    moments = [instant(date(2026, 3, day), hour * 60, KYIV) for hour in (start, end)]
    values = {"rank": 0, "override": False} | more
    return Shift(user=user, user_id=user.id, starts_at=moments[0], ends_at=moments[1], **values)


def draw(shifts: list[Shift], absences: list[Absence] | None = None, **more: object) -> month.Month:
    values = {"gaps": [], "special": {}, "place": Place()} | more
    return month.draw(
        FIRST, [ANNA], shifts, absences or [], values["gaps"], OFFICE, values["special"], date(2026, 3, 10), KYIV,
        values["place"],
    )  # type: ignore[arg-type]  # fmt: skip


def test_a_row_a_person_and_a_column_a_day(app: Flask) -> None:
    drawn = draw([shift(BORIS, 10, 9, 18), shift(BORIS, 28, 22, 30)])
    assert (drawn.code, drawn.previous, drawn.next) == ("2026-03", "2026-02", "2026-04")
    assert len(drawn.columns) == 31 and [row.user for row in drawn.rows] == [ANNA, BORIS]
    boris = drawn.rows[1]
    assert [entry.text for entry in boris.cells[9].entries] == ["9–18"]
    assert [entry.text for entry in boris.cells[27].entries] == ["22–6"], "a night stands on the day it begins"
    assert boris.hours == 9 + 7, "the night the clocks go forward has an hour less"
    assert [column.day.day for column in drawn.columns if column.today] == [10]


def test_what_does_not_count_is_told_and_absences_are_marked(app: Flask) -> None:
    away = shift(ANNA, 10, 8, 20)
    gone = Absence(
        user=ANNA, user_id=1, starts_at=away.starts_at, ends_at=instant(date(2026, 3, 12), 0, KYIV), reason="ill"
    )
    drawn = draw([shift(ANNA, 10, 9, 18), shift(ANNA, 12, 9, 18, rank=1)], [gone])
    cells = drawn.rows[0].cells
    assert not cells[9].entries[0].counts and "does not count" in cells[9].entries[0].label
    assert [index + 1 for index, cell in enumerate(cells) if cell.absence] == [10, 11], "midnight ends the day before"
    assert cells[11].entries[0].kind == "backup" and drawn.rows[0].hours == 0


def test_gaps_and_days_of_rest_show_in_their_columns(app: Flask) -> None:
    gaps = [
        (instant(date(2026, 3, 9), a, KYIV), instant(date(2026, 3, 9), b, KYIV)) for a, b in ((540, 600), (720, 1080))
    ]
    holiday = Holiday(day=date(2026, 3, 10), name="Holiday")
    drawn = draw([], gaps=gaps, special={holiday.day: holiday})
    ninth, tenth = drawn.columns[8], drawn.columns[9]
    assert (ninth.gap, ninth.gaps, ninth.week) == ("9–10 +", "9–10, 12–18", "2026-W11") and drawn.has_gaps
    assert tenth.rests and tenth.holiday is holiday and drawn.columns[0].rests and not ninth.rests


def test_one_line_alone(app: Flask) -> None:
    line = Line(id=7, name="ads", title="Advertisements")
    of_line = shift(BORIS, 10, 9, 18, line_id=7, line=line)
    drawn = draw([of_line, shift(BORIS, 11, 9, 18)], place=Place(line_id=7))
    assert [len(cell.entries) for cell in drawn.rows[1].cells[9:11]] == [1, 0]
    assert "Advertisements" in drawn.rows[1].cells[9].entries[0].label


def test_the_last_day_of_a_month() -> None:
    assert month.last_day(date(2028, 2, 1)) == date(2028, 2, 29)
    assert month.last_day(date(2026, 12, 1)) == date(2026, 12, 31)
    assert month.last_day(date(2026, 4, 1)) - timedelta(days=29) == date(2026, 4, 1)
