"""Finished recordings brought to rest, one after another, so that a worker killed at any instant loses nothing.

Each step can be done again: the row is claimed, a second file is written beside the original and proved, the row is
moved over to it, and only then is the original removed.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import ColumnElement, and_, literal_column, or_, select, update
from sqlalchemy.orm import Session

from webapp.recordings import files
from webapp.recordings.compress import Stored, Unreadable, compress
from webapp.recordings.models import Recording

LEASE = timedelta(hours=1)
"""A worker that has not stored by then is taken for dead, and so is a disk that was full."""

log = structlog.get_logger()


def store_all(session: Session, folder: Path, now: datetime, more: Callable[[], bool]) -> int:
    """Store what is finished while `more()`; returns how many were. Commits after every step."""
    remove_originals(session, folder)
    stored = 0
    while more() and (claimed := claim(session, now)) is not None:
        stored += store(session, folder, *claimed, now)
    return stored


def claim(session: Session, now: datetime) -> tuple[int, str] | None:
    """The id and the path of a recording to be stored, this worker's for LEASE; None when there is none."""
    waits = _waits(now)
    rows = session.execute(
        select(Recording.id, Recording.path).where(waits).order_by(Recording.ready_at, Recording.id).limit(10)
    ).all()
    for recording_id, path in rows:
        taken = session.execute(
            update(Recording).where(Recording.id == recording_id, waits).values(claimed_at=now),
            execution_options={"synchronize_session": False},
        )
        if taken.rowcount:  # type: ignore[attr-defined]
            session.commit()
            return recording_id, path
    session.commit()
    return None


def _waits(now: datetime) -> ColumnElement[bool]:
    return and_(
        Recording.ready_at.is_not(None),
        Recording.stored_at.is_(None),
        Recording.path.endswith(".wav"),
        Recording.stopped != "forbidden",
        or_(Recording.claimed_at.is_(None), Recording.claimed_at < now - LEASE),
    )


def store(session: Session, folder: Path, recording_id: int, path: str, now: datetime) -> bool:
    """Store one that was claimed; whether it is stored. Commits; nothing is locked while it works.

    What can't be read stays as it is, and what can't be written now is tried again after LEASE.
    """
    source = files.find(folder, path)
    if source is None:
        log.warning("a recording is not on the disk", recording=recording_id)
        return False
    target, part = source.with_suffix(files.STORED), source.with_suffix(files.PART)
    try:
        stored = compress(source, part)
        os.replace(part, target)
    except Unreadable as error:
        log.warning("a recording stays as it is", recording=recording_id, reason=str(error))
        part.unlink(missing_ok=True)
        _move(session, recording_id, path, {"stored_at": now})
        return False
    except OSError as error:
        log.warning("a recording could not be stored", recording=recording_id, error=type(error).__name__)
        part.unlink(missing_ok=True)
        return False
    if not _move(session, recording_id, path, {**_columns(stored, target, folder, path), "stored_at": now}):
        if session.scalar(select(Recording.path).where(Recording.id == recording_id)) != _name(target, folder):
            target.unlink(missing_ok=True)  # deleted or forbidden meanwhile
        session.commit()
        return False
    remove_originals(session, folder, recording_id)
    return True


def _columns(stored: Stored, target: Path, folder: Path, path: str) -> dict[str, object]:
    return {
        "path": _name(target, folder),
        "original": path,
        "size": stored.size,
        "seconds": stored.seconds,
        "peaks": stored.peaks,
        "levels": [dataclasses.asdict(level) for level in stored.levels],
    }


def _name(target: Path, folder: Path) -> str:
    return str(target.relative_to(folder.resolve()))


def _move(session: Session, recording_id: int, path: str, values: dict[str, object]) -> bool:
    """Change the row if it still is what was claimed; whether it was."""
    moved = session.execute(
        update(Recording)
        .where(Recording.id == recording_id, Recording.path == path, Recording.stored_at.is_(None))
        .where(Recording.stopped != "forbidden")
        .values(values),
        execution_options={"synchronize_session": False},
    )
    session.commit()
    return bool(moved.rowcount)  # type: ignore[attr-defined]


def remove_originals(session: Session, folder: Path, recording_id: int | None = None) -> None:
    """Remove the files that stored ones were made from, of a worker that died before it could too. Commits."""
    query = select(Recording.id, Recording.original).where(Recording.original != literal_column("''"))
    if recording_id is not None:
        query = query.where(Recording.id == recording_id)
    for row_id, original in session.execute(query).all():
        files.remove(folder, original)
        session.execute(
            update(Recording).where(Recording.id == row_id).values(original=""),
            execution_options={"synchronize_session": False},
        )
    session.commit()
