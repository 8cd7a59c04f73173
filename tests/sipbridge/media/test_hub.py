from __future__ import annotations

import itertools
import logging
import socket
import threading
import time

import pytest

from sipbridge.media.hub import Hub
from tests.sipbridge.media.conftest import until


def test_the_beat_goes_on_with_nothing_to_do(hub: Hub) -> None:
    first = hub.beat
    until(lambda: hub.beat > first + 0.4)


def test_errands_run_on_the_hubs_thread_and_in_order(hub: Hub) -> None:
    seen: list[tuple[int, str]] = []
    for i in range(100):
        hub.run(lambda i=i: seen.append((i, threading.current_thread().name)))
    until(lambda: len(seen) == 100)
    assert seen == [(i, "media-hub") for i in range(100)]


def test_a_failing_reader_is_counted_and_others_are_still_read(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    bad, bad_end = socket.socketpair()
    good, good_end = socket.socketpair()
    heard: list[bytes] = []

    def fail() -> None:
        bad.recv(10)
        raise ZeroDivisionError("a callback's own fault")

    with bad, bad_end, good, good_end, caplog.at_level(logging.ERROR):
        hub.add(bad, fail)
        hub.add(good, lambda: heard.append(good.recv(10)))
        for expected in (1, 2, 3):
            bad_end.send(b"x")
            until(lambda expected=expected: hub.failures >= expected)
        good_end.send(b"hello")
        until(lambda: heard == [b"hello"])
        hub.remove(bad)
        hub.remove(good)
        hub.remove(good)
    assert hub.failures == 3
    assert hub.running
    until(lambda: "a callback's own fault" in caplog.text)


def test_a_failing_turn_ends_alone(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    turns: list[float] = []

    def well(now: float) -> float | None:
        turns.append(now)
        return now + 0.005 if len(turns) < 10 else None

    def fail(now: float) -> float | None:
        raise ZeroDivisionError

    hub.pace(fail)
    hub.pace(well)
    until(lambda: len(turns) == 10)
    assert hub.failures == 1
    assert all(later - earlier >= 0.004 for earlier, later in itertools.pairwise(turns))


def test_a_turn_that_asks_for_the_past_does_not_starve_the_rest(hub: Hub) -> None:
    greedy: list[float] = []

    def always_late(now: float) -> float | None:
        greedy.append(now)
        return None if done.is_set() else now - 10

    done = threading.Event()
    hub.pace(always_late)
    until(lambda: len(greedy) > 3)
    hub.run(done.set)
    assert done.wait(5)


def test_errands_of_a_stopped_hub_are_done_at_once() -> None:
    hub = Hub()
    hub.start()
    hub.stop()
    assert not hub.running
    done: list[str] = []
    hub.run(lambda: done.append("x"))
    assert done == ["x"]


def test_stop_is_prompt() -> None:
    hub = Hub()
    hub.start()
    began = time.monotonic()
    hub.stop()
    assert time.monotonic() - began < 2
