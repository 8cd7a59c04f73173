"""Timers of the SIP thread: a heap of things to do, against an injected clock."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

T1 = 0.5  # seconds, RFC 3261 17.1.1.1
T2 = 4.0
T4 = 5.0
TIMEOUT = 64 * T1  # timers B, F, H, J and the wait for ACK
MANY = 2000  # timers before those cancelled are looked for


class Timer:
    """One thing to do later, until cancelled."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class Timers:
    """The heap. `wake` is called when a new timer is the earliest; callers hold the client's lock."""

    def __init__(self, clock: Callable[[], float], wake: Callable[[], None] = lambda: None) -> None:
        self.clock = clock
        self._wake = wake
        self._heap: list[tuple[float, int, Timer]] = []
        self._sweep_at = MANY
        self._order = itertools.count()

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        timer = Timer(action)
        entry = (self.clock() + seconds, next(self._order), timer)
        if len(self._heap) >= self._sweep_at:
            self._sweep()
        heapq.heappush(self._heap, entry)
        if self._heap[0] is entry:
            self._wake()
        return timer

    def _sweep(self) -> None:
        """Drop what was cancelled: finished calls leave timers of many minutes."""
        self._heap = [each for each in self._heap if each[2].action is not None]
        heapq.heapify(self._heap)
        self._sweep_at = max(MANY, 2 * len(self._heap))

    def pop_due(self) -> Callable[[], None] | None:
        """The next action whose time has come, None when there is none."""
        while self._heap and (self._heap[0][2].action is None or self._heap[0][0] <= self.clock()):
            timer = heapq.heappop(self._heap)[2]
            if timer.action is not None:
                return timer.action
        return None

    def seconds_to_next(self) -> float | None:
        return max(0.0, self._heap[0][0] - self.clock()) if self._heap else None


class Repeater:
    """Sends again after T1, 2 T1, 4 T1 ... (at most `cap` apart) until stopped; gives up after 64 T1."""

    def __init__(
        self, timers: Timers, send: Callable[[], None], give_up: Callable[[], None], cap: float = TIMEOUT
    ) -> None:
        self._timers, self._send, self._cap = timers, send, cap
        self._interval = T1
        self._deadline = timers.after(TIMEOUT, give_up)
        self._next = timers.after(T1, self._again)

    def _again(self) -> None:
        self._send()
        self._interval = min(self._interval * 2, self._cap)
        self._next = self._timers.after(self._interval, self._again)

    def slow_down(self) -> None:
        """From now on repeat every T2 only: a provisional response came (RFC 3261 17.1.2.2)."""
        self._interval = self._cap

    def stop(self) -> None:
        self._deadline.cancel()
        self._next.cancel()
        self._send = nothing


def nothing(*_: object) -> None:
    """What is called in place of somebody who wants to hear no more: who is over shall not live on in a callback."""
