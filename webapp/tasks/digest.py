"""The digest: one mail a day of what somebody owes, at the hour he chose, in his language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import force_locale, format_date
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Role, User
from webapp.clients import cards
from webapp.clients.models import Client
from webapp.mail import queue
from webapp.mail.models import OutgoingMail
from webapp.office.queries import the_office
from webapp.pages import clock_time, moment, phone
from webapp.roster import duty
from webapp.roster.wallclock import instant
from webapp.tasks.models import Message, Task
from webapp.tasks.queries import title
from webapp.touches.models import Touch

LATE_BY = timedelta(hours=3)
"""A worker that was away at the hour sends it this much later at most; after that the day speaks for itself."""
LINES = 50


def send(session: Session, now: datetime, zone: ZoneInfo) -> int:
    """Queue the digests whose hour has come; how many. Once a user and day, by the mail's key. Flushes.

    None when nothing is owed, none on a day its user is absent. An hour that the clocks skip comes when they do.
    """
    day = now.astimezone(zone).date()
    due: list[tuple[User, datetime]] = []
    for user in session.scalars(select(User).where(User.active, User.digest_at.is_not(None), User.email != "")):
        at = instant(day, user.digest_at or 0, zone)
        if at <= now < at + LATE_BY:
            due.append((user, at))
    keys = {_key(user, day.isoformat()): (user, at) for user, at in due}
    sent = set(session.scalars(select(OutgoingMail.key).where(OutgoingMail.key.in_(keys)))) if keys else set()
    made = 0
    for key, (user, at) in keys.items():
        if key in sent or duty.absence_of(session, user, at):
            continue
        owed = _owed(session, user, at, instant(day + timedelta(days=1), 0, zone))
        if owed:
            with force_locale(user.language or the_office(session).language):
                subject, body = _words(owed, at)
            queue.put(session, key, user.email, subject, body, now, user_id=user.id)
            made += 1
    return made


def _key(user: User, day: str) -> str:
    return f"digest:{user.id}:{day}"


def _owed(session: Session, user: User, at: datetime, midnight: datetime) -> Sequence[Task]:
    """What was owed at the digest's hour until the end of that day, and messages unread; the most late first."""
    mine = Task.user_id == user.id
    if user.has_role(Role.HEAD):
        mine = or_(mine, Task.user_id.is_(None))
    unread = (Task.kind == "message") & Message.read_at.is_(None)
    return session.scalars(
        select(Task)
        .outerjoin(Task.message)
        .where(mine, Task.done_at.is_(None), Task.created_at <= at)
        .where(or_(Task.due_at < midnight, unread))
        .order_by(Task.due_at, Task.id)
        .options(joinedload(Task.client).selectinload(Client.people))
        .options(joinedload(Task.message), joinedload(Task.touch).joinedload(Touch.purpose))
    ).all()


def _words(owed: Sequence[Task], at: datetime) -> tuple[str, str]:
    """Subject and body: overdue, promised, today, unread; each task in one part alone."""
    unread = [task for task in owed if task.message and task.message.read_at is None]
    rest = [task for task in owed if task not in unread]
    promised = [task for task in rest if task.kind == "promise"]
    late = [task for task in rest if task.due_at <= at and task not in promised]
    today = [task for task in rest if task.due_at > at and task not in promised]
    parts = (
        (_("Overdue"), late),
        (_("Promised calls"), promised),
        (_("Due today"), today),
        (_("Messages not read"), unread),
    )
    lines: list[str] = []
    for name, tasks in parts:
        if tasks:
            lines += [f"{name} ({len(tasks)})", *(f"- {_line(task, at)}" for task in tasks[:LINES])]
            if len(tasks) > LINES:
                lines.append(_("and %(num)d more", num=len(tasks) - LINES))
            lines.append("")
    counts = ", ".join(f"{name.lower()}: {len(tasks)}" for name, tasks in parts if tasks)
    day = format_date(at, "d MMMM")
    return _("%(day)s: %(counts)s", day=day, counts=counts), "\n".join(lines).strip() + "\n"


def _line(task: Task, at: datetime) -> str:
    when = clock_time(task.due_at) if task.due_at > at else moment(task.due_at)
    who = (cards.title(task.client) if task.client else "") or phone(task.number)
    if task.message and task.message.who:
        who = task.message.who
    text = " ".join(task.text.split())
    return " · ".join(filter(None, (when, who, title(task), text[:200])))
