"""Reminders: before a task is due and when it is, each announced once however often the worker dies.

What is claimed and what is announced are one transaction: `reminded_at`, and the row of the feed that brings the
reminder to the page. It stands there until its user acts upon it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session, joinedload

from webapp import feed
from webapp.accounts.models import User
from webapp.tasks.models import Task

AT_ONCE = 50
"""Claimed in one transaction: nobody waits long for the database."""
LONGEST_AHEAD = timedelta(hours=24)
AGAIN = timedelta(minutes=10)
ON_THE_PAGE = 3
HE_WAITS = timedelta(minutes=1)
"""Who was reminded a moment ago is not reminded again by a second click."""


def remind(session: Session, now: datetime) -> int:
    """Claim and announce what is due for a reminder, AT_ONCE at most; how many. Commit, and call again until 0.

    A promise past its time is told by `overdue.py`. Who made a task within his minutes of its time is reminded at
    the time alone.
    """
    values = {"reminded_at": now, "remind_again_at": None}
    claimed = [
        (task_id, user_id)
        for task_id, user_id, which in _waiting(session, now)
        if _claim(session, task_id, user_id, which, values)
    ]
    for task_id, user_id in claimed:  # once all is claimed: rows are never waited for with the feed held
        feed.announce(session, [user_id], "remind", task_id, now)
    return len(claimed)


def nudge(session: Session, task: Task, now: datetime) -> bool:
    """Remind its user now, since somebody asks for it. False when he was reminded a moment ago, or it is done."""
    if task.user_id is None:
        return False
    which = or_(Task.reminded_at.is_(None), Task.reminded_at <= now - HE_WAITS)
    if not _claim(session, task.id, task.user_id, which, {"reminded_at": now}):
        return False
    feed.announce(session, [task.user_id], "remind", task.id, now)
    return True


def standing(session: Session, user: User) -> Sequence[Task]:
    """The reminders that their user has not acted upon, the newest first; one more than the page shows."""
    return session.scalars(
        select(Task)
        .where(Task.user_id == user.id, Task.done_at.is_(None), Task.reminded_at.is_not(None))
        .where(or_(Task.reminder_answered_at.is_(None), Task.reminder_answered_at < Task.reminded_at))
        .order_by(Task.reminded_at.desc(), Task.due_at, Task.id)
        .limit(ON_THE_PAGE + 1)
        .options(joinedload(Task.client), joinedload(Task.touch), joinedload(Task.message))
    ).all()


def answer(session: Session, task: Task, now: datetime, again: bool) -> None:
    """Its user has acted upon the reminder; with `again` the next comes in ten minutes."""
    task.reminder_answered_at = now
    task.remind_again_at = now + AGAIN if again else None
    session.flush()
    if task.user_id:
        feed.announce(session, [task.user_id], "remind", task.id, now)


def answer_all(session: Session, user: User, now: datetime) -> None:
    """The user puts away every reminder on his page."""
    session.execute(
        update(Task)
        .where(Task.user_id == user.id, Task.done_at.is_(None), Task.reminded_at.is_not(None))
        .values(reminder_answered_at=now)
        .execution_options(synchronize_session=False)
    )


def _waiting(session: Session, now: datetime) -> list[tuple[int, int, ColumnElement[bool]]]:
    """Tasks to remind of, with their user and the condition under which the claim holds."""
    query = select(Task.id, Task.user_id, Task.due_at, Task.created_at, User.remind_minutes).join(Task.user)
    query = query.where(Task.done_at.is_(None), User.active)
    found: list[tuple[int, int, ColumnElement[bool]]] = []
    never = Task.reminded_at.is_(None)
    new = query.where(never, Task.due_at <= now + LONGEST_AHEAD).order_by(Task.due_at, Task.id)
    for task_id, user_id, due_at, created_at, minutes in session.execute(new):
        early = due_at - timedelta(minutes=minutes)
        if now >= (early if created_at < early else due_at):
            found.append((task_id, user_id, never))
        if len(found) == AT_ONCE:
            return found
    asked_for = Task.remind_again_at <= now
    early_alone = (Task.due_at <= now) & (Task.reminded_at < Task.due_at) & Task.remind_again_at.is_(None)
    for which in (Task.remind_again_at.is_not(None) & asked_for, early_alone & (Task.kind != "promise")):
        found += [(row[0], row[1], which) for row in session.execute(query.where(which).limit(AT_ONCE))]
    return found[:AT_ONCE]


def _claim(
    session: Session,
    task_id: int,
    user_id: int,
    which: ColumnElement[bool],
    values: dict[str, datetime | None],
) -> bool:
    claimed = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.user_id == user_id, Task.done_at.is_(None), which)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    return bool(claimed.rowcount)  # type: ignore[attr-defined]
