"""When each call next wants to be told of the time; the cost of a call does not grow with their number."""

from __future__ import annotations

import heapq
import math


class Deadlines:
    """Moments by key, on any one clock. A key has one at most; the last set counts."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []  # some are out of date
        self._due: dict[str, float] = {}

    def set(self, key: str, at: float | None) -> None:
        """Tell `key` at this moment; None: not at all."""
        if at is None:
            self._due.pop(key, None)
        elif self._due.get(key) != at:
            self._due[key] = at
            heapq.heappush(self._heap, (at, key))

    @property
    def next(self) -> float:
        """No deadline is earlier; infinity without any."""
        return self._heap[0][0] if self._heap else math.inf

    def take(self, now: float) -> str | None:
        """A key that is due by `now`, its deadline taken; None when there is none."""
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._due.get(key) == at:
                del self._due[key]
                return key
        return None
