"""Counting what befalls somebody lately, to stop listening to those who go wrong too often."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

MOST_WATCHED = 4096


class Throttle:
    """Counts what befell a key within the last `window` seconds, up to `limit`; remembers so many keys only."""

    def __init__(self, clock: Callable[[], float], limit: int, window: float) -> None:
        self._clock, self._limit, self._window = clock, limit, window
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, key: str) -> None:
        self._times.setdefault(key, deque(maxlen=self._limit)).append(self._clock())
        self._times.move_to_end(key)
        if len(self._times) > MOST_WATCHED:
            self._times.popitem(last=False)

    def seen(self, key: str) -> int:
        times = self._times.get(key)
        if not times:
            return 0
        while times and times[0] <= self._clock() - self._window:
            times.popleft()
        if not times:
            del self._times[key]
        return len(times)

    def is_full(self, key: str) -> bool:
        return self.seen(key) >= self._limit
