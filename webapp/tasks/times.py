"""When something is due: read as people type it, never in the past; put off so that nobody overwrites another."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import func, update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.pages import moment
from webapp.tasks.models import Task
from webapp.tasks.work import concerned
from webapp.touches import officetime, typedtime

QUICK = ("in_1h", "tomorrow")
MOVABLE = ("next_touch", "matter")
"""Kinds that may be put off. What a caller was promised is not put off without him."""


class Meanwhile(Exception):
    """Somebody has moved, finished or handed over the task since it was shown; nothing changed."""


def ahead(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The instant still to come that `text` means. Raises typedtime.BadTime, in words, for anything else."""
    at = typedtime.moment(text, now, zone)
    if at is None:
        raise typedtime.BadTime(_("When? Type a day and a time: tomorrow 10, 12.03 15:00, in 2 h."))
    if at <= now:
        raise typedtime.BadTime(
            _("%(typed)s has passed: it is %(now)s now. Type a later time.", typed=text.strip()[:40], now=moment(now))
        )
    return at


def quick(name: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """One of QUICK: in an hour, to the minute, or tomorrow at 10:00; None for another name."""
    if name == "in_1h":
        return now.replace(second=0, microsecond=0) + timedelta(hours=1)
    return officetime.preset(name, now, zone) if name in QUICK else None


def may_move(task: Task, user: User) -> bool:
    """Who owes it may put it off, a deadline only who gave it; a head both."""
    if task.kind not in MOVABLE or task.done_at:
        return False
    return user.has_role(Role.HEAD) or user.id == (task.assigned_by_id or task.user_id)


def move(session: Session, task: Task, to: datetime, shown: datetime, user: User, now: datetime) -> None:
    """Put a task off from the time that was `shown` to another; it is reminded of anew.

    Raises Meanwhile when it is due at another time by now, or done: compare-and-set, so two don't undo each other.
    """
    claimed = session.execute(
        update(Task)
        .where(Task.id == task.id, Task.done_at.is_(None), Task.due_at == shown)
        .values(
            due_at=to,
            first_due_at=func.coalesce(Task.first_due_at, shown),
            moves=Task.moves + 1,
            reminded_at=None,
            reminder_answered_at=None,
            remind_again_at=None,
            overdue_told_at=None,
            head_told_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    session.refresh(task)
    if not claimed.rowcount:  # type: ignore[attr-defined]
        raise Meanwhile
    feed.announce(session, [user.id, *concerned(session, task)], "tasks", task.id, now)
