"""Timers against a clock that the test moves."""

from __future__ import annotations

from sipbridge.pyvoip.timers import T2, Repeater, Timers


class Moving:
    def __init__(self) -> None:
        self.now = 0.0
        self.timers = Timers(lambda: self.now)

    def run(self, until: float) -> None:
        while (seconds := self.timers.seconds_to_next()) is not None and self.now + seconds <= until:
            self.now += seconds
            while action := self.timers.pop_due():
                action()
        self.now = until


def test_in_order_of_time_then_of_asking() -> None:
    clock, done = Moving(), []
    for name, seconds in (("c", 2.0), ("a", 1.0), ("b", 1.0)):
        clock.timers.after(seconds, lambda name=name: done.append(name))  # type: ignore[misc]
    clock.timers.after(1.5, lambda: done.append("never")).cancel()
    clock.run(3)
    assert done == ["a", "b", "c"] and clock.timers.seconds_to_next() is None


def test_only_an_earlier_timer_wakes() -> None:
    woken: list[int] = []
    timers = Timers(lambda: 0.0, lambda: woken.append(1))
    timers.after(2, lambda: None)
    timers.after(3, lambda: None)
    timers.after(1, lambda: None)
    assert len(woken) == 2


def test_an_invite_is_repeated_ever_more_slowly_and_given_up() -> None:
    clock, sent, gave_up = Moving(), [], []
    repeater = Repeater(clock.timers, lambda: sent.append(clock.now), lambda: gave_up.append(clock.now))
    clock.run(31.9)
    assert sent == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5] and not gave_up
    clock.run(32)
    assert gave_up == [32]
    repeater.stop()
    clock.run(200)
    assert len(sent) == 6


def test_other_requests_every_four_seconds_at_most() -> None:
    clock, sent = Moving(), []
    Repeater(clock.timers, lambda: sent.append(clock.now), lambda: None, T2)
    clock.run(20)
    assert sent == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5]


def test_cancelled_timers_take_no_room() -> None:
    now = [0.0]
    timers = Timers(lambda: now[0])
    done: list[int] = []
    for number in range(50_000):
        timer = timers.after(1000 + number, lambda number=number: done.append(number))
        if number % 1000:
            timer.cancel()
    assert len(timers._heap) < 5000
    now[0] = 100_000
    while action := timers.pop_due():
        action()
    assert done == list(range(0, 50_000, 1000))
