"""Time that goes as fast as it can: what is to happen stands in a queue, and the clock is moved to whatever is next."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the desk reads the time from."""

    at: datetime

    def __call__(self) -> datetime:
        """This instant."""


class Time:
    """The queue of what is to happen, and the clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    @property
    def now(self) -> datetime:
        """This instant of the week."""
        return self.clock.at

    def at(self, when: datetime, do: Callable[[], None]) -> None:
        """Let something happen at this instant; what is asked for at the same one happens in the order of asking."""
        heapq.heappush(self._queue, (max(when, self.now), next(self._numbers), do))

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Let something happen so many seconds from now."""
        self.at(self.now + timedelta(seconds=seconds), do)

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._queue:
            when, _number, do = heapq.heappop(self._queue)
            self.clock.at = max(when, self.now)
            do()
