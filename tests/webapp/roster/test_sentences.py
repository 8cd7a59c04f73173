"""The journal in words: every kind that is recorded has its sentence."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask

from webapp.roster import sentences
from webapp.roster.models import RosterChange

MOSCOW = ZoneInfo("Europe/Moscow")
SHIFT = {
    "name": "Anna Petrova", "starts": "2026-03-10T19:00:00+00:00", "ends": "2026-03-11T03:00:00+00:00",
    "rank": 1, "place": "line-7",
}  # fmt: skip


def words(kind: str, **facts: object) -> str:
    change = RosterChange(at=datetime(2026, 3, 10, tzinfo=UTC), kind=kind, facts=facts)
    return sentences.of(change, {"line-7": "Advertisements"}, MOSCOW)


def test_shifts(app: Flask) -> None:
    said = "Anna Petrova, Tue 10 Mar 22:00–11 Mar 06:00, backup, Advertisements"
    assert words("shift_made", **SHIFT) == f"Shift set: {said}"
    assert words("shift_removed", **SHIFT | {"place": "line-8"}).endswith("backup, a line that is gone")
    plain = SHIFT | {"rank": 0, "place": "", "ends": "2026-03-10T21:00:00+00:00"}
    assert words("shift_changed", **plain, was=SHIFT) == (
        f"Shift changed: {said}; now Anna Petrova, Tue 10 Mar 22:00–24:00"
    )


def test_weeks_patterns_and_holidays(app: Flask) -> None:
    assert (
        words("week_copied", monday="2026-03-09", weeks=2, count=1) == "Week from 9 Mar copied 2 weeks ahead: 1 shift"
    )
    assert words("week_cleared", monday="2026-03-09", count=3) == "Week from 9 Mar cleared: 3 shifts"
    night = {"name": "Anna Petrova", "from": 1320, "to": 1800}
    assert words("pattern_made", **night) == "Pattern made: Anna Petrova, 22:00–06:00"
    assert words("pattern_ended", **night | {"to": 1440}) == "Pattern ended: Anna Petrova, 22:00–24:00"
    assert words("holidays_filled", year="2026", count=14) == "14 public holidays of 2026 entered"
    assert words("holiday_set", day="2026-05-01", name="May Day") == "Public holiday set: 1 May, May Day"


def test_every_kind_that_is_recorded_has_a_sentence() -> None:
    recorded = set()
    for file in Path(sentences.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "journal.record":
                recorded |= {one.value for one in ast.walk(node.args[1]) if isinstance(one, ast.Constant)}
    assert recorded >= {"shift_made", "week_copied", "pattern_changed", "holiday_set"}
    assert recorded <= set(sentences.SENTENCES)
