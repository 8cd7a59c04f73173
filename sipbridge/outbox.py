"""Events on disk before they are sent, in order, and the calls that are open.

One SQLite file in WAL mode with `synchronous=NORMAL`: a commit is safe from a killed process at once, which
is what the promise is about; only a power cut can lose the last moments, and it ends the calls as well.
FULL would add a disk flush between the INVITE and the manager's page.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sipbridge.events import (
    CallAnswered,
    CallEnded,
    CallOffered,
    EndReason,
    Event,
    GreetingStarted,
    encode,
)

PATIENCE = 0.2
"""Seconds to wait for another program that holds the file; then the call goes on and the disk comes later."""

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE, envelope TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refused (
    seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, envelope TEXT NOT NULL, why TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS open_calls (
    call_id TEXT PRIMARY KEY, offered_at TEXT NOT NULL, seen_at TEXT NOT NULL,
    answered_at TEXT, rings INTEGER, ring_seconds REAL);
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """An event that waits for delivery; `envelope` is its JSON text."""

    seq: int
    event_id: str
    envelope: str


class Outbox:
    """The file at `path`; any thread may call. Raises sqlite3.Error when the file can't be used."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=PATIENCE)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_TABLES)

    def add(self, *events: Event) -> None:
        """Keep the events in this order, all or none; when this returns they will be delivered."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for event in events:
                    self._insert(event)
                    self._follow(event)
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def oldest(self, most: int) -> list[Kept]:
        """Up to `most` events that wait, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT seq, event_id, envelope FROM events ORDER BY seq LIMIT ?", (most,)
            ).fetchall()
        return [Kept(*row) for row in rows]

    def delivered(self, kept: Iterable[Kept]) -> None:
        """Forget these: the desk has them."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("DELETE FROM events WHERE seq = ?", [(item.seq,) for item in kept])
            self._db.execute("COMMIT")

    def put_aside(self, kept: Kept, why: str) -> None:
        """Move one event the desk refuses out of the way; it stays on disk in the table `refused`."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT INTO refused (seq, event_id, envelope, why) VALUES (?, ?, ?, ?)",
                (kept.seq, kept.event_id, kept.envelope, why),
            )
            self._db.execute("DELETE FROM events WHERE seq = ?", (kept.seq,))
            self._db.execute("COMMIT")

    def waiting(self) -> int:
        """How many events wait for delivery."""
        with self._lock:
            (count,) = self._db.execute("SELECT count(*) FROM events").fetchone()
        return int(count)

    def refused(self) -> int:
        """How many events were put aside."""
        with self._lock:
            (count,) = self._db.execute("SELECT count(*) FROM refused").fetchone()
        return int(count)

    def still_open(self, at: datetime) -> None:
        """Note that the open calls were alive at `at`: after a crash they ended no earlier."""
        with self._lock:
            self._db.execute("UPDATE open_calls SET seen_at = ?", (at.isoformat(),))

    def fail_open_calls(self) -> list[tuple[str, datetime]]:
        """Add `CallEnded(FAILED)` for every call a crash left open, as of its last sign of life.

        Returns the id and the time of offer of each.
        """
        with self._lock:
            rows = self._db.execute(
                "SELECT call_id, offered_at, seen_at, answered_at, rings, ring_seconds FROM open_calls ORDER BY rowid"
            ).fetchall()
        self.add(*(_failed(*row) for row in rows))
        return [(call_id, datetime.fromisoformat(offered_at)) for call_id, offered_at, *_ in rows]

    def close(self) -> None:
        """Close the file; what waits stays in it."""
        with self._lock:
            self._db.close()

    def _insert(self, event: Event) -> None:
        event_id = str(uuid.uuid4())
        envelope = json.dumps(encode(event_id, event), ensure_ascii=False, separators=(",", ":"))
        self._db.execute("INSERT INTO events (event_id, envelope) VALUES (?, ?)", (event_id, envelope))

    def _follow(self, event: Event) -> None:
        """Keep `open_calls` in step with what the desk is told."""
        match event:
            case CallOffered():
                at = event.offered_at.isoformat()
                self._db.execute(
                    "INSERT OR REPLACE INTO open_calls (call_id, offered_at, seen_at) VALUES (?, ?, ?)",
                    (event.call_id, at, at),
                )
            case GreetingStarted():
                self._db.execute(
                    "UPDATE open_calls SET rings = ?, seen_at = ? WHERE call_id = ?",
                    (event.rings, event.at.isoformat(), event.call_id),
                )
            case CallAnswered():
                at = event.at.isoformat()
                self._db.execute(
                    "UPDATE open_calls SET answered_at = ?, rings = ?, ring_seconds = ?, seen_at = ? WHERE call_id = ?",
                    (at, event.rings, event.seconds, at, event.call_id),
                )
            case CallEnded():
                self._db.execute("DELETE FROM open_calls WHERE call_id = ?", (event.call_id,))


def _failed(
    call_id: str,
    offered_at: str,
    seen_at: str,
    answered_at: str | None,
    rings: int | None,
    ring_seconds: float | None,
) -> CallEnded:
    seen = datetime.fromisoformat(seen_at)
    talk = 0.0
    if answered_at is not None:
        talk = max(0.0, (seen - datetime.fromisoformat(answered_at)).total_seconds())
    if ring_seconds is None:
        ring_seconds = max(0.0, (seen - datetime.fromisoformat(offered_at)).total_seconds())
    return CallEnded(call_id, EndReason.FAILED, rings or 1, ring_seconds, talk, seen)
