"""The one thread that owns the calls: it runs errands in their order and looks at the clock between them.

What they have to tell is brought to disk after each of them, or several together when they come faster than the disk.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections.abc import Callable

import structlog

from sipbridge.events import Event
from sipbridge.saving import Saving

TOGETHER = 20
"""Events after which a busy thread brings to disk what it has; one that is not busy does so after each errand."""

log = structlog.get_logger(__name__)
Errand = Callable[[], None]


class Errands:
    """`look(now)` does what is due at this monotonic time, `next_due()` tells when something will be, and `busy()`
    whether the thread, once asked to end, has still something to do."""

    def __init__(
        self, saving: Saving, look: Callable[[float], None], next_due: Callable[[], float], busy: Callable[[], bool]
    ) -> None:
        self._saving, self._look, self._next_due, self._busy = saving, look, next_due, busy
        self._queue: queue.SimpleQueue[Errand] = queue.SimpleQueue()
        self._news: list[Event] = []  # of the last errands, on their way to disk
        self._end_by = math.inf
        self.beat = time.monotonic()
        """The monotonic time of the thread's last turn, never older than a few seconds while it is well."""
        self.thread = threading.Thread(target=self._run, name="bridge", daemon=True)

    def put(self, errand: Errand) -> None:
        """Let the thread run this; any thread may ask."""
        self._queue.put(errand)

    def report(self, *events: Event) -> None:
        """Bring events on their way to the desk; a disk that refuses only delays them. Any thread may."""
        if threading.current_thread() is self.thread:
            self._news += events
        else:
            self._saving.save(*events)

    def save_news(self) -> None:
        """Bring to disk what the errands reported so far. The thread's own."""
        news, self._news = self._news, []
        if news:
            self._saving.save(*news)

    def start(self) -> None:
        """Begin; what was put before is not lost."""
        self.beat = time.monotonic()
        self.thread.start()

    def end_soon(self, seconds: float) -> None:
        """End when there is nothing more to do, and in any case after so many seconds. The thread's own."""
        self._end_by = time.monotonic() + seconds

    def _run(self) -> None:
        while self.beat < self._end_by and (self._end_by == math.inf or self._busy()):
            self.beat = time.monotonic()
            due = min(self._next_due(), self._end_by)
            try:
                errand: Errand | None = self._queue.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                errand = None
            try:
                if errand is not None:
                    errand()
                self._look(time.monotonic())
            except Exception:
                log.exception("an errand failed")
            if len(self._news) >= TOGETHER or self._queue.empty():
                self.save_news()
        self.save_news()
