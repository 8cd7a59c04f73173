"""How often a token may ask: so many requests a minute, counted in this process."""

from __future__ import annotations

import threading
from datetime import datetime


class Throttle:
    """Counts requests by token and minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute, self._counts = 0, dict[int, int]()

    def wait(self, token_id: int, most: int, now: datetime) -> int:
        """Count one more request; the seconds to wait when it is one too many, else 0."""
        minute, second = divmod(int(now.timestamp()), 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._counts = minute, {}
            count = self._counts[token_id] = self._counts.get(token_id, 0) + 1
        return 60 - second if count > most else 0
