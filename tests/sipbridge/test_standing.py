from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sipbridge import standing
from sipbridge.events import Plan, StandingPlans, Step, TimedPlan, WireError

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def plan(who: str, answer_on_ring: int = 2) -> Plan:
    return Plan((Step((who,), 10.0),), answer_on_ring, 5.0, "hello.wav", "sorry.wav", False)


def timed(hour: int, who: str) -> TimedPlan:
    return TimedPlan(NINE.replace(hour=hour), plan(who))


PLANS = StandingPlans("1", {"desk": (timed(14, "boris"), timed(9, "anna")), "*": (timed(0, "anyone"),)})


@pytest.mark.parametrize(
    ("line", "at", "who"),
    [
        ("desk", NINE, "anna"),
        ("desk", NINE + timedelta(hours=4, minutes=59), "anna"),
        ("desk", NINE + timedelta(hours=5), "boris"),
        ("desk", NINE + timedelta(days=9), "boris"),
        ("desk", NINE - timedelta(seconds=1), "anyone"),
        ("other", NINE, "anyone"),
        ("DESK", NINE, "anna"),
    ],
)
def test_the_plan_of_the_line_and_the_hour(line: str, at: datetime, who: str) -> None:
    assert standing.choose(PLANS, line, at) == plan(who)


def test_without_any_plan_the_caller_is_still_greeted_and_promised() -> None:
    assert standing.choose(None, "desk", NINE) == standing.NOBODY
    assert standing.choose(StandingPlans("1", {}), "desk", NINE) == standing.NOBODY
    assert standing.check_plan(standing.NOBODY) == standing.NOBODY


def test_plans_are_kept_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "bridge" / "standing.json"
    assert standing.load(path) is None
    standing.save(path, PLANS)
    assert standing.load(path) == PLANS
    assert [file.name for file in path.parent.iterdir()] == ["standing.json"]


@pytest.mark.parametrize("text", ["", "{", '{"version": "1"}', '{"version": 1, "lines": {}}', "[]"])
def test_a_damaged_file_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "standing.json"
    path.write_text(text)
    with pytest.raises(WireError):
        standing.load(path)


def test_steps_that_ring_nobody_or_the_same_phone_twice_are_mended() -> None:
    given = Plan((Step((), 5.0), Step(("a", "b", "a"), 5.0)), 2, 5.0, "", "", False)
    assert standing.check_plan(given).steps == (Step(("a", "b"), 5.0),)


@pytest.mark.parametrize(
    "nonsense",
    [
        plan("a", answer_on_ring=0),
        plan("a", answer_on_ring=21),
        Plan((), 2, 0.0, "", "", False),
        Plan((), 2, float("inf"), "", "", False),
        Plan((), 2, float("nan"), "", "", False),
        Plan((Step(("a",), 0.0),), 2, 5.0, "", "", False),
        Plan((Step(("a",), float("nan")),), 2, 5.0, "", "", False),
        Plan((Step(tuple(map(str, range(21))), 5.0),), 2, 5.0, "", "", False),
        Plan((Step(("a",), 5.0),) * 51, 2, 5.0, "", "", False),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(nonsense: Plan) -> None:
    with pytest.raises(standing.PlanError):
        standing.check_plan(nonsense)
    with pytest.raises(standing.PlanError, match="line 'desk'"):
        standing.check_standing(StandingPlans("1", {"desk": (TimedPlan(NINE, nonsense),)}))
