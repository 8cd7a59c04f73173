"""Promises that ran out: told once to whoever made them, and once to the head when they stay broken (D26)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp import feed
from webapp.accounts.models import User
from webapp.accounts.queries import heads
from webapp.now import telling
from webapp.office.queries import the_office
from webapp.tasks.listing import with_all
from webapp.tasks.models import Task

MOST_BROKEN = 50


def tell_overdue(session: Session, now: datetime) -> int:
    """Announce promises past their time; returns how many steps were claimed here. The worker's, each minute.

    Whoever made one hears at once. The head hears when it is late by as long again as callers are promised
    (`Office.promise_minutes`): until then its maker can mend it. One that is nobody's is the head's at once.
    """
    patience = timedelta(minutes=the_office(session).promise_minutes)
    waiting = session.execute(
        select(Task.id, Task.user_id, Task.due_at, Task.overdue_told_at, Task.head_told_at).where(
            Task.kind == "promise",
            Task.done_at.is_(None),
            Task.due_at <= now,
            or_(Task.overdue_told_at.is_(None), Task.head_told_at.is_(None)),
        )
    ).tuples()
    news: list[tuple[list[int], int]] = []  # told when all is claimed: rows are never waited for with the feed held
    for task_id, user_id, due_at, maker_told, head_told in waiting.all():
        if maker_told is None and _claim(session, task_id, Task.overdue_told_at, now):
            news.append(([user_id] if user_id else [], task_id))
        for_head = user_id is None or due_at <= now - patience
        if head_told is None and for_head and _claim(session, task_id, Task.head_told_at, now):
            news.append((heads(session), task_id))
    for users, task_id in news:
        feed.announce(session, users, "tasks", task_id, now)
    if news:
        telling.tell(session, now)
    return len(news)


def _claim(session: Session, task_id: int, column: InstrumentedAttribute[datetime | None], now: datetime) -> bool:
    claimed = session.execute(
        update(Task)
        .where(Task.id == task_id, Task.done_at.is_(None), column.is_(None))
        .values({column: now})
        .execution_options(synchronize_session=False)
    )
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def broken(session: Session, head: User) -> Sequence[Task]:
    """Other people's promises that the head was told of and that nobody has kept yet, the latest first."""
    return session.scalars(
        with_all(select(Task))
        .where(Task.kind == "promise", Task.done_at.is_(None), Task.head_told_at.is_not(None))
        .where(Task.user_id.is_not(None), Task.user_id != head.id)
        .order_by(Task.due_at, Task.id)
        .limit(MOST_BROKEN)
    ).all()
