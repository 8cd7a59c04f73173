"""Owing something and doing it: promises, messages, words for the head, the report when it is done (D26, D58, D72)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.accounts.queries import heads
from webapp.office.queries import the_office
from webapp.tasks.models import Task
from webapp.touches.models import Touch

MAX_REPORT = 4000


def promise(session: Session, touch: Touch, user: User, now: datetime) -> Task:
    """The caller was told that we ring within the office's minutes: the clock runs from now (D26).

    While a promise of this touch is open, that one stands: its clock is not moved by a second press.
    """
    running = promise_of(session, touch)
    if running:
        return running
    task = _from_touch(touch, "promise", touch.note, user.id, now)
    task.due_at = now + timedelta(minutes=the_office(session).promise_minutes)
    session.add(task)
    session.flush()
    feed.announce(session, [user.id], "tasks", task.id, now)
    return task


def promise_of(session: Session, touch: Touch) -> Task | None:
    """The open promise of this touch or its call, the most pressing one."""
    return session.scalars(
        select(Task)
        .where(Task.kind == "promise", Task.done_at.is_(None))
        .where((Task.touch_id == touch.id) | (Task.call_id == touch.call_id))
        .order_by(Task.due_at)
        .limit(1)
    ).first()


def message(session: Session, touch: Touch, text: str, recipient_id: int | None, now: datetime) -> Task:
    """Words for an absent colleague, exactly as said; the head gets to see them too (D58)."""
    task = _from_touch(touch, "message", text, recipient_id, now)
    session.add(task)
    session.flush()
    feed.announce(session, [recipient_id] if recipient_id else heads(session), "tasks", task.id, now)
    return task


def to_inbox(session: Session, touch: Touch, text: str, now: datetime) -> Task:
    """What a caller said that no script fitted: for the head, so that the script grows (D66)."""
    task = _from_touch(touch, "inbox", text, None, now)
    session.add(task)
    session.flush()
    feed.announce(session, heads(session), "tasks", task.id, now)
    return task


def done(session: Session, task: Task, user: User, report: str, now: datetime) -> bool:
    """Finish a task with its report; False when somebody has finished it already, which then stands."""
    claimed = session.execute(
        update(Task)
        .where(Task.id == task.id, Task.done_at.is_(None))
        .values(done_at=now, done_by_id=user.id, report=report.strip()[:MAX_REPORT])
        .execution_options(synchronize_session=False)
    )
    session.refresh(task)
    told = [task.user_id] if task.user_id else heads(session)
    feed.announce(session, [user.id, *told], "tasks", task.id, now)
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def _from_touch(touch: Touch, kind: str, text: str, user_id: int | None, now: datetime) -> Task:
    return Task(
        kind=kind,
        text=text,
        user_id=user_id,
        client_id=touch.client_id,
        call_id=touch.call_id,
        touch_id=touch.id,
        number=touch.call.number if touch.call else "",
        due_at=now,
        created_at=now,
    )
