"""Brings events to disk; while the disk refuses they wait in memory, and no call notices."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable

import structlog

from sipbridge.events import CallOffered, Event
from sipbridge.outbox import Outbox

MOST_UNSAVED = 10_000

log = structlog.get_logger(__name__)


class Saving:
    """Events on their way into `outbox`, in order. Any thread may call."""

    def __init__(self, outbox: Outbox) -> None:
        self.deliver: Callable[[bool], None] = lambda hurry: None
        """Called whenever the outbox has news; True when a caller waits for the desk's answer."""
        self._outbox = outbox
        self._unsaved: deque[Event] = deque(maxlen=MOST_UNSAVED)
        self._lock = threading.Lock()

    def save(self, *events: Event) -> None:
        """Bring these to disk, and what waits before them."""
        with self._lock:
            self._unsaved.extend(events)
            if not self._unsaved:
                return
            try:
                self._outbox.add(*self._unsaved)
            except sqlite3.Error as error:
                log.error("events can't be brought to disk", waiting=len(self._unsaved), why=str(error))
                return
            hurry = any(isinstance(event, CallOffered) for event in self._unsaved)
            self._unsaved.clear()
        self.deliver(hurry)
