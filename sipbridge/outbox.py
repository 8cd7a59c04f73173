"""Events on disk before they are sent, in order, and the calls that are open.

One SQLite file in WAL mode with `synchronous=NORMAL`: a commit is safe from a killed process at once, which
is what the promise is about; only a power cut can lose the last moments, and it ends the calls as well.
FULL would add a disk flush between the INVITE and the manager's page.

A call is known from its first ringing on, though no caller waits for SQLite: `note` appends its offer to a plain
file, which takes microseconds, before the ringing goes out. What was noted and never became an event is found
again by `cut_off`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sipbridge.events import (
    BridgeStarted,
    CallAnswered,
    CallEnded,
    CallOffered,
    CallPlaced,
    EndReason,
    Event,
    GreetingStarted,
    LineChanged,
    WireError,
    decode,
    encode,
)

PATIENCE = 0.2
"""Seconds to wait for another program that holds the file; then the call goes on and the disk comes later."""

_LONGEST_NOTES = 256 * 1024
"""Bytes of notes after which they are begun anew, once all of them are events."""

_LONGEST_LOG = 4 << 20
"""Bytes of SQLite's write-ahead log after which it is cut down again."""

_MOST_EMPTY, _MOST_KEPT = 2048, 512
"""Pages: with more empty ones the file is made small again, once no more are in use and that takes milliseconds."""

MOST_REFUSED = 1000
"""Events put aside, the newest."""

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE, envelope TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refused (
    seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL, envelope TEXT NOT NULL, why TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS open_calls (
    call_id TEXT PRIMARY KEY, offered_at TEXT NOT NULL, seen_at TEXT NOT NULL,
    answered_at TEXT, rings INTEGER, ring_seconds REAL);
CREATE TABLE IF NOT EXISTS last_offered (one INTEGER PRIMARY KEY CHECK (one = 1), call_id TEXT NOT NULL);
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
        self._db.execute(f"PRAGMA journal_size_limit={_LONGEST_LOG}")
        self._db.executescript(_TABLES)
        self._notes = path.with_name("offered.jsonl")
        self._noting = threading.Lock()
        self._noted = ""  # the last call noted
        self._pen = os.open(self._notes, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def note(self, offered: CallOffered) -> None:
        """Remember, before anything of it is heard, that a call came; its event follows. Takes microseconds.

        A disk that refuses is no reason to let a caller wait: the note is then left out.
        """
        line = _json(offered.call_id, offered).encode() + b"\n"
        with self._noting, contextlib.suppress(OSError):
            os.write(self._pen, line)
            self._noted = offered.call_id

    def add(self, *events: Event) -> None:
        """Keep the events in this order, all or none; when this returns they will be delivered."""
        ids = [str(uuid.uuid4()) for _ in events]
        rows = [(event_id, _json(event_id, event)) for event_id, event in zip(ids, events, strict=True)]
        offered = [event.call_id for event in events if isinstance(event, CallOffered)]
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany("INSERT INTO events (event_id, envelope) VALUES (?, ?)", rows)
                for event in events:
                    self._follow(event)
                if offered:
                    self._db.execute("INSERT OR REPLACE INTO last_offered VALUES (1, ?)", (offered[-1],))
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        if offered:
            self._forget_notes(offered[-1])

    def oldest(self, most: int) -> list[Kept]:
        """Up to `most` events that wait, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT seq, event_id, envelope FROM events ORDER BY seq LIMIT ?", (most,)
            ).fetchall()
        return [Kept(*row) for row in rows]

    def delivered(self, kept: Sequence[Kept]) -> None:
        """Forget these, which `oldest` gave: the desk has them."""
        with self._lock:  # one statement: a call must not wait while this thread fights for the interpreter
            self._db.execute("DELETE FROM events WHERE seq BETWEEN ? AND ?", (kept[0].seq, kept[-1].seq))
            with contextlib.suppress(sqlite3.Error):  # these are delivered, whatever becomes of the file's size
                self._shrink()

    def put_aside(self, kept: Kept, why: str) -> None:
        """Move one event the desk refuses out of the way; it stays on disk in the table `refused`."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "INSERT INTO refused (seq, event_id, envelope, why) VALUES (?, ?, ?, ?)",
                (kept.seq, kept.event_id, kept.envelope, why),
            )
            self._db.execute("DELETE FROM events WHERE seq = ?", (kept.seq,))
            self._db.execute(
                "DELETE FROM refused WHERE seq <= (SELECT seq FROM refused ORDER BY seq DESC LIMIT 1 OFFSET ?)",
                (MOST_REFUSED,),
            )
            self._db.execute("COMMIT")

    def waiting(self) -> int:
        """How many events wait for delivery. They leave from the front, so their numbers tell."""
        with self._lock:
            first, last = self._db.execute(
                "SELECT (SELECT min(seq) FROM events), (SELECT max(seq) FROM events)"
            ).fetchone()
        return 0 if last is None else int(last - first + 1)

    def refused(self) -> int:
        """How many events were put aside."""
        with self._lock:
            (count,) = self._db.execute("SELECT count(*) FROM refused").fetchone()
        return int(count)

    def still_open(self, at: datetime) -> None:
        """Note that the open calls were alive at `at`: after a crash they ended no earlier."""
        with self._lock:
            # The wall clock may be moved back; nobody is seen earlier than before.
            self._db.execute("UPDATE open_calls SET seen_at = max(seen_at, ?)", (at.isoformat(),))

    def cut_off(self) -> list[tuple[CallOffered | None, CallEnded, datetime]]:
        """Every call that a crash cut off: its offer, unless it is an event already, its end, when it was offered.

        It ended with its last sign of life. Nothing is changed here: `add` what is found.
        """
        with self._lock:
            rows = self._db.execute(
                "SELECT call_id, offered_at, seen_at, answered_at, rings, ring_seconds FROM open_calls ORDER BY rowid"
            ).fetchall()
            last = self._db.execute("SELECT call_id FROM last_offered").fetchone()
        found: list[tuple[CallOffered | None, CallEnded, datetime]] = [
            (None, _failed(*row), datetime.fromisoformat(row[1])) for row in rows
        ]
        for offered in self._unsaved_notes(last[0] if last else ""):
            at = offered.offered_at
            found.append((offered, CallEnded(offered.call_id, EndReason.FAILED, 1, 0.0, 0.0, at), at))
        return found

    def close(self) -> None:
        """Close the file; what waits stays in it."""
        with self._lock:
            self._db.close()
        with self._noting:
            pen, self._pen = self._pen, -1
            os.close(pen)

    def _shrink(self) -> None:
        """Give back what the file grew by while the desk was away."""
        (empty,) = self._db.execute("PRAGMA freelist_count").fetchone()
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        if empty > _MOST_EMPTY and pages - empty < _MOST_KEPT:
            self._db.execute("VACUUM")

    def _unsaved_notes(self, last_saved: str) -> list[CallOffered]:
        """The notes after that of the last call whose offer is an event; half a line at the end is nobody's."""
        notes: list[CallOffered] = []
        for line in self._notes.read_bytes().split(b"\n"):
            try:
                _, event = decode(json.loads(line))
            except (ValueError, WireError):
                continue
            if isinstance(event, CallOffered):
                notes.append(event)
                if event.call_id == last_saved:
                    notes.clear()
        return notes

    def _forget_notes(self, saved: str) -> None:
        """Begin the notes anew when they are long and the newest has become an event, as all before it have."""
        with self._noting, contextlib.suppress(OSError):
            if self._noted == saved and os.fstat(self._pen).st_size > _LONGEST_NOTES:
                os.ftruncate(self._pen, 0)

    def _follow(self, event: Event) -> None:
        """Keep `open_calls` in step with what the desk is told."""
        match event:
            case CallOffered():
                at = event.offered_at.isoformat()
                self._db.execute(
                    "INSERT OR REPLACE INTO open_calls (call_id, offered_at, seen_at) VALUES (?, ?, ?)",
                    (event.call_id, at, at),
                )
            case CallPlaced():
                at = event.at.isoformat()
                self._db.execute(
                    "INSERT OR REPLACE INTO open_calls (call_id, offered_at, seen_at, rings, ring_seconds)"
                    " VALUES (?, ?, ?, 0, 0)",
                    (event.call_id, at, at),
                )
            case GreetingStarted():
                self._db.execute(
                    "UPDATE open_calls SET seen_at = max(seen_at, ?), rings = ? WHERE call_id = ?",
                    (event.at.isoformat(), event.rings, event.call_id),
                )
            case CallAnswered():
                at = event.at.isoformat()
                self._db.execute(
                    "UPDATE open_calls SET seen_at = max(seen_at, ?), answered_at = ?, rings = ?, ring_seconds = ?"
                    " WHERE call_id = ?",
                    (at, at, event.rings, event.seconds, event.call_id),
                )
            case CallEnded():
                self._db.execute("DELETE FROM open_calls WHERE call_id = ?", (event.call_id,))
            case LineChanged() | BridgeStarted():
                pass
            case _:
                self._db.execute(
                    "UPDATE open_calls SET seen_at = max(seen_at, ?) WHERE call_id = ?",
                    (event.at.isoformat(), event.call_id),
                )


def _json(event_id: str, event: Event) -> str:
    """The envelope as JSON. Half a character that the network sent becomes a question mark: no file takes it."""
    text = json.dumps(encode(event_id, event), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


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
