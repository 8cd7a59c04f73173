from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sipbridge import weblink
from sipbridge.events import CallOffered, Plan, StandingPlans, Step, TimedPlan
from sipbridge.outbox import Outbox
from sipbridge.weblink import WebLink, read_token
from tests.sipbridge.standin import Desk, wait_for

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLAN = Plan((Step(("sip:anna@10.0.0.1",), 10.0),), 2, 5.0, "hello.wav", "sorry.wav", True)


def offered(call_id: str) -> CallOffered:
    return CallOffered(call_id, "desk", "+74951234567", "Ольга", "desk", AT)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    box = Outbox(tmp_path / "outbox.sqlite")
    yield box
    box.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    stand_in = Desk(lambda call: PLAN).start()
    yield stand_in
    stand_in.stop()


class Linked:
    def __init__(self, desk: Desk, outbox: Outbox, version: str = "") -> None:
        self.plans: dict[str, Plan] = {}
        self.standing: list[StandingPlans] = []
        self.link = WebLink(
            desk.address,
            "secret",
            outbox,
            version,
            on_plan=self.plans.__setitem__,
            on_standing=self.standing.append,
            status=lambda: {"calls": 3},
        )
        self.outbox = outbox

    def add(self, *calls: str) -> None:
        self.outbox.add(*(offered(call) for call in calls))
        self.link.wake()


@pytest.fixture
def linked(desk: Desk, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Linked]]:
    monkeypatch.setattr(weblink, "HEARTBEAT", 0.1)
    monkeypatch.setattr(weblink, "BACK_OFF", (0.02, 0.05))
    made: list[Linked] = []

    def make(**changes: Any) -> Linked:
        made.append(Linked(desk, outbox, **changes))
        made[-1].link.start()
        return made[-1]

    yield make
    for one in made:
        one.link.stop(0.5)


def calls(desk: Desk) -> list[str]:
    with desk.lock:
        return [event.call_id for event in desk.events if isinstance(event, CallOffered)]


def test_an_event_is_delivered_and_its_plan_comes_back(
    desk: Desk, outbox: Outbox, linked: Callable[..., Linked]
) -> None:
    desk.token = "secret"
    link = linked()
    link.add("a")
    wait_for(lambda: link.plans == {"a": PLAN}, 3, "the plan")
    assert calls(desk) == ["a"]
    wait_for(lambda: outbox.waiting() == 0, 3, "an empty outbox")


def test_many_events_go_in_batches_in_order_over_one_connection(
    desk: Desk, outbox: Outbox, linked: Callable[..., Linked]
) -> None:
    names = [str(n) for n in range(250)]
    outbox.add(*(offered(name) for name in names))
    linked()
    wait_for(lambda: len(desk.events) == 250, 3, "250 events")
    assert calls(desk) == names
    assert desk.batches[:3] == [100, 100, 50]
    assert desk.connections == 1


@pytest.mark.parametrize("status", [500, 503, 401, 403, 404, 429])
def test_a_desk_in_trouble_gets_the_same_events_later(
    desk: Desk, outbox: Outbox, linked: Callable[..., Linked], status: int
) -> None:
    desk.status_code = status
    link = linked()
    link.add("a", "b")
    wait_for(lambda: desk.requests >= 3, 3, "three tries")
    link.add("c")
    assert outbox.waiting() == 3 and outbox.refused() == 0
    desk.status_code = 200
    wait_for(lambda: outbox.waiting() == 0, 3, "delivery")
    assert calls(desk) == ["a", "b", "c"]


def test_a_dead_desk_that_comes_back_misses_nothing(desk: Desk, outbox: Outbox, linked: Callable[..., Linked]) -> None:
    link = linked()
    link.add("a")
    wait_for(lambda: calls(desk) == ["a"], 3, "the first")
    desk.stop()
    link.add("b", "c")
    desk.start()
    wait_for(lambda: calls(desk) == ["a", "b", "c"], 3, "the rest")
    wait_for(lambda: outbox.waiting() == 0, 3, "an empty outbox")


def test_an_answer_lost_on_the_way_repeats_the_same_ids(
    desk: Desk, outbox: Outbox, linked: Callable[..., Linked]
) -> None:
    desk.delay = 0.3
    outbox.add(offered("a"))
    linked()
    wait_for(lambda: desk.read, 3, "the request")
    desk.stop()  # the desk works on it, the answer can't come back
    wait_for(lambda: calls(desk) == ["a"], 3, "the desk's work")
    desk.delay = 0.0
    desk.start()
    wait_for(lambda: outbox.waiting() == 0, 3, "the second delivery")
    assert desk.read == 2 and calls(desk) == ["a"], "known by its id"


def test_one_event_the_desk_refuses_does_not_block_the_others(
    desk: Desk, outbox: Outbox, linked: Callable[..., Linked]
) -> None:
    desk.refuse = lambda event: getattr(event, "call_id", "") == "poison"
    outbox.add(*(offered(name) for name in ("a", "poison", "b", "c")))
    linked()
    wait_for(lambda: outbox.waiting() == 0, 3, "an empty outbox")
    assert calls(desk) == ["a", "b", "c"]
    assert outbox.refused() == 1


def test_a_plan_that_makes_no_sense_is_not_followed(desk: Desk, outbox: Outbox, linked: Callable[..., Linked]) -> None:
    plans = {"a": Plan((), 0, 5.0, "", "", False), "b": Plan((), 2, float("nan"), "", "", False), "c": PLAN}
    desk.plan = lambda call: plans[call.call_id]
    link = linked()
    link.add("a", "b", "c")
    wait_for(lambda: link.plans, 3, "a plan")
    assert link.plans == {"c": PLAN}
    wait_for(lambda: outbox.waiting() == 0, 3, "an empty outbox")


def test_an_answer_that_was_not_agreed_still_counts_as_delivery(
    desk: Desk, outbox: Outbox, linked: Callable[..., Linked]
) -> None:
    desk.mumbles = True
    link = linked()
    link.add("a")
    wait_for(lambda: outbox.waiting() == 0, 3, "an empty outbox")
    assert calls(desk) == ["a"] and link.plans == {}


def test_an_answer_cut_short_is_asked_for_again(
    desk: Desk, outbox: Outbox, linked: Callable[..., Linked], capsys: pytest.CaptureFixture[str]
) -> None:
    desk.cuts = 1
    outbox.add(offered("a"))
    link = linked()
    wait_for(lambda: link.plans, 3, "the plan")
    assert link.plans == {"a": PLAN} and calls(desk) == ["a"] and desk.read >= 2
    assert "not what was agreed" not in "".join(capsys.readouterr())


def test_a_refused_heartbeat_only_waits(desk: Desk, outbox: Outbox, linked: Callable[..., Linked]) -> None:
    desk.status_code = 400
    link = linked()
    wait_for(lambda: desk.requests > 2, 3, "heartbeats")
    desk.status_code = 200
    link.add("a")
    wait_for(lambda: outbox.waiting() == 0, 3, "an empty outbox")
    assert calls(desk) == ["a"] and outbox.refused() == 0


def test_heartbeats_tell_the_status_and_bring_standing_plans(
    desk: Desk, outbox: Outbox, linked: Callable[..., Linked]
) -> None:
    first = StandingPlans("1", {"*": (TimedPlan(AT, PLAN),)})
    desk.standing = first
    link = linked()
    wait_for(lambda: link.standing == [first], 3, "the first version")
    second = StandingPlans("2", {})
    desk.standing = second
    wait_for(lambda: link.standing == [first, second], 3, "the second version")
    beats = len(desk.heartbeats)
    wait_for(lambda: len(desk.heartbeats) > beats + 2, 3, "more heartbeats")
    assert desk.heartbeats[-1] == {"calls": 3}
    assert link.standing == [first, second], "the same version is not fetched again"


def test_a_known_version_is_not_fetched(desk: Desk, outbox: Outbox, linked: Callable[..., Linked]) -> None:
    desk.standing = StandingPlans("7", {})
    link = linked(version="7")
    wait_for(lambda: len(desk.heartbeats) > 2, 3, "heartbeats")
    assert link.standing == []


def test_standing_plans_that_make_no_sense_are_not_taken(
    desk: Desk, outbox: Outbox, linked: Callable[..., Linked]
) -> None:
    desk.standing = StandingPlans("1", {"*": (TimedPlan(AT, Plan((), 99, 5.0, "", "", False)),)})
    link = linked()
    wait_for(lambda: len(desk.heartbeats) > 2, 3, "heartbeats")
    assert link.standing == []


def test_stopping_does_not_wait_for_a_desk_that_hangs(desk: Desk, outbox: Outbox) -> None:
    desk.delay = 5.0
    link = Linked(desk, outbox)
    link.link.start()
    link.add("a")
    wait_for(lambda: desk.connections, 3, "the request")
    stopping = threading.Thread(target=link.link.stop, args=(0.3,), daemon=True)
    stopping.start()
    stopping.join(3)
    assert not stopping.is_alive()
    assert outbox.waiting() == 1
    desk.delay = 0.0


def test_the_token_is_made_once_for_both_and_for_nobody_else(tmp_path: Path) -> None:
    data = tmp_path / "new"
    tokens: list[str] = []
    threads = [threading.Thread(target=lambda: tokens.append(read_token(data))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(tokens) == {read_token(data)} and len(tokens) == 8 and len(tokens[0]) >= 32
    assert (data / "bridge_token").stat().st_mode & 0o777 == 0o600
    assert os.listdir(data) == ["bridge_token"]


def test_a_token_of_the_desk_is_read(tmp_path: Path) -> None:
    (tmp_path / "bridge_token").write_text("made-by-the-desk\n")
    assert read_token(tmp_path) == "made-by-the-desk"


def test_an_empty_token_is_told(tmp_path: Path) -> None:
    (tmp_path / "bridge_token").write_text("")
    with pytest.raises(OSError, match="bridge_token is empty"):
        read_token(tmp_path)
