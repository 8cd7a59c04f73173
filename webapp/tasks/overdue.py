"""Promises that ran out: told once, to whoever made them and to the head (D26)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.queries import heads
from webapp.tasks.models import Task


def tell_overdue(session: Session, now: datetime) -> int:
    """Announce every promise that is past its time and was not told yet; returns how many were claimed here."""
    told_too = heads(session)
    waiting = session.execute(
        select(Task.id, Task.user_id).where(
            Task.kind == "promise", Task.done_at.is_(None), Task.due_at <= now, Task.overdue_told_at.is_(None)
        )
    ).all()
    told = 0
    for task_id, user_id in waiting:
        claimed = session.execute(
            update(Task).where(Task.id == task_id, Task.overdue_told_at.is_(None)).values(overdue_told_at=now)
        )
        if claimed.rowcount:  # type: ignore[attr-defined]
            told += 1
            feed.announce(session, [*([user_id] if user_id else []), *told_too], "tasks", task_id, now)
    return told
