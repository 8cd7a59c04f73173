"""What stands in a person's calendar: shifts, absences, tasks with a time. No client is named (docs/security.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import User
from webapp.roster import absences, duty
from webapp.roster.models import Absence, Shift
from webapp.tasks.models import Task
from webapp.tasks.queries import title
from webapp.touches.models import Touch

BEFORE, AFTER = timedelta(days=31), timedelta(days=366)
"""How much of the past and of what is to come a calendar holds."""
TASK_LENGTH = timedelta(minutes=15)
MOST = 2000
"""Entries of one kind; nobody's year has more."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, in UTC. `key` stays what it is for as long as the entry does; `version` grows when it changes.

    `busy`: others see that time as taken. `client_id`: whose card the entry leads to.
    """

    key: str
    starts: datetime
    ends: datetime
    title: str
    busy: bool
    version: int = 0
    client_id: int | None = None


def of(session: Session, user: User, now: datetime) -> list[Entry]:
    """The user's entries around `now`, in order; words in the language of whoever asks."""
    found = [*_shifts(session, user, now), *_absences(session, user, now), *_tasks(session, user, now)]
    return sorted(found, key=lambda entry: (entry.starts, entry.key))


def _shifts(session: Session, user: User, now: datetime) -> Iterator[Entry]:
    rows = session.scalars(
        select(Shift)
        .where(Shift.user_id == user.id, Shift.ends_at > now - BEFORE, Shift.starts_at < now + AFTER)
        .where(Shift.starts_at < Shift.ends_at)
        .order_by(Shift.starts_at, Shift.id)
        .limit(MOST)
        .options(joinedload(Shift.line), joinedload(Shift.region))
    )
    for row in rows:
        words = [_("Backup") if row.rank == duty.BACKUP else _("Duty")]
        if row.line:
            words.append(row.line.title or row.line.name)
        if row.region:
            words.append(row.region.name)
        yield Entry(f"shift-{row.id}", row.starts_at, row.ends_at, " · ".join(words), busy=True, version=row.version)


def _absences(session: Session, user: User, now: datetime) -> Iterator[Entry]:
    rows = session.scalars(
        select(Absence)
        .where(Absence.user_id == user.id, Absence.ends_at > now - BEFORE, Absence.starts_at < now + AFTER)
        .where(Absence.starts_at < Absence.ends_at)
        .order_by(Absence.starts_at, Absence.id)
        .limit(MOST)
    )
    for row in rows:
        words = " · ".join(part for part in (absences.kind_words(row.kind), row.reason) if part)
        yield Entry(f"absence-{row.id}", row.starts_at, row.ends_at, words, busy=True, version=row.version)


def _tasks(session: Session, user: User, now: datetime) -> Iterator[Entry]:
    rows = session.scalars(
        select(Task)
        .where(Task.user_id == user.id, Task.done_at.is_(None))
        .where(Task.due_at > now - BEFORE, Task.due_at < now + AFTER)
        .order_by(Task.due_at, Task.id)
        .limit(MOST)
        .options(joinedload(Task.touch).joinedload(Touch.purpose))
    )
    for row in rows:
        yield Entry(
            f"task-{row.id}",
            row.due_at,
            row.due_at + TASK_LENGTH,
            title(row).capitalize(),
            busy=False,
            version=row.moves,
            client_id=row.client_id,
        )
