"""Messages that nobody has read chase their reader while he is here, and the head when that is in vain (D58)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload

from webapp import feed
from webapp.accounts.queries import heads
from webapp.presence import whereabouts
from webapp.roster.models import Absence
from webapp.tasks import messages
from webapp.tasks.models import Message, Task

FIRST_AFTER = timedelta(minutes=30)
THEN_EVERY = timedelta(hours=1)
MOST = 3
GONE = ("absent", "away", "off")
MAILED_AFTER = timedelta(minutes=5)
"""A message the script began is mailed as it is when nobody has completed it by then."""


def chase(session: Session, now: datetime, zone: ZoneInfo) -> int:
    """Remind those who have not read a message: after half an hour here, or at once on their return, then every hour;
    after three times in vain the heads are told, once. How many were announced. Flushes.
    """
    news: list[tuple[list[int | None], str, int]] = []
    waiting = session.scalars(
        select(Task)
        .join(Task.message)
        .where(Message.read_at.is_(None), Task.done_at.is_(None), Task.user_id.is_not(None))
        .order_by(Message.task_id)
        .options(joinedload(Task.message), joinedload(Task.user))
    ).all()
    if not waiting:
        return 0
    people = {task.user_id: task.user for task in waiting if task.user}
    gone = {one.user.id for one in whereabouts.of(session, list(people.values()), now, zone) if one.state in GONE}
    absences = _absences(session, people, now)
    for task in waiting:
        message = task.message
        if message is None:
            continue
        if message.mail_id is None and now - task.created_at >= MAILED_AFTER:
            messages.mail(session, task, now)
        if task.user_id in gone:
            continue
        last = message.chased_at or task.created_at
        returned = any(last < one.ends_at for one in absences if one.user_id == task.user_id)
        if not returned and now - last < (THEN_EVERY if message.chases else FIRST_AFTER):
            continue
        if message.chases < MOST:
            if _remind(session, task, message, now):
                news.append(([task.user_id], "remind", task.id))
        elif task.head_told_at is None and _is_for_heads(session, task, now):
            news.append(([*heads(session)], "tasks", task.id))
    for users, kind, task_id in news:  # once all is claimed: rows are never waited for with the feed held
        feed.announce(session, users, kind, task_id, now)
    return len(news)


def _remind(session: Session, task: Task, message: Message, now: datetime) -> bool:
    claimed = session.execute(
        update(Message)
        .where(Message.task_id == task.id, Message.read_at.is_(None), Message.chases == message.chases)
        .values(chased_at=now, chases=message.chases + 1)
        .execution_options(synchronize_session=False)
    )
    if not claimed.rowcount:  # type: ignore[attr-defined]
        return False
    session.execute(
        update(Task).where(Task.id == task.id).values(reminded_at=now).execution_options(synchronize_session=False)
    )
    session.expire(message)
    return True


def _is_for_heads(session: Session, task: Task, now: datetime) -> bool:
    claimed = session.execute(
        update(Task)
        .where(Task.id == task.id, Task.head_told_at.is_(None))
        .values(head_told_at=now)
        .execution_options(synchronize_session=False)
    )
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def _absences(session: Session, users: Collection[int | None], now: datetime) -> list[Absence]:
    """Absences of these people that are over, as far back as a message may wait for its first reading."""
    return list(
        session.scalars(
            select(Absence).where(
                Absence.user_id.in_(users), Absence.ends_at <= now, Absence.ends_at > now - timedelta(days=60)
            )
        )
    )
