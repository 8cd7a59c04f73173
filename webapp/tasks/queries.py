"""Reads of tasks: what somebody owes today, most pressing first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Role, User
from webapp.pages import moment
from webapp.tasks.listing import with_all
from webapp.tasks.models import Message, Task
from webapp.touches.forms import NEXT_LABELS

LIST_LIMIT = 200


def due(session: Session, user: User, until: datetime) -> Sequence[Task]:
    """The user's open tasks that are due before `until`, earliest first; a head's with the head's inbox."""
    mine = Task.user_id == user.id
    if user.has_role(Role.HEAD):
        mine = or_(mine, Task.user_id.is_(None))
    unread = (Task.kind == "message") & Task.message.has(Message.read_at.is_(None))
    return session.scalars(
        with_all(select(Task))
        .where(mine, Task.done_at.is_(None), or_(Task.due_at < until, unread))
        .order_by(Task.due_at, Task.id)
        .limit(LIST_LIMIT)
    ).all()


def promises(session: Session, user: User) -> Sequence[Task]:
    """The user's open promises, the most pressing first; a head's with those of nobody (D26)."""
    mine = Task.user_id == user.id
    if user.has_role(Role.HEAD):
        mine = or_(mine, Task.user_id.is_(None))
    return session.scalars(
        with_all(select(Task))
        .where(mine, Task.kind == "promise", Task.done_at.is_(None))
        .order_by(Task.due_at, Task.id)
        .limit(LIST_LIMIT)
    ).all()


def open_for_client(session: Session, client_id: int) -> Sequence[Task]:
    """What is owed to a client: promises, next touches and messages, earliest first."""
    return session.scalars(
        select(Task)
        .where(Task.client_id == client_id, Task.done_at.is_(None))
        .where(Task.kind.in_(("promise", "next_touch", "message", "matter")))
        .order_by(Task.due_at)
        .limit(20)
        .options(joinedload(Task.user))
    ).all()


def may_finish(task: Task, user: User) -> bool:
    """True for the one who owes it, who passed it on, and for a head."""
    return user.id in (task.user_id, task.assigned_by_id) or user.has_role(Role.HEAD)


def title(task: Task) -> str:
    """What is owed, in a few words of the reader's language."""
    if task.kind == "promise":
        return _("promised call")
    if task.kind == "message":
        return _("message for you")
    if task.kind == "note":
        if task.call is None:
            return _("a colleague answered in your place")
        who = task.call.answered_by.name if task.call.answered_by else _("a colleague")
        line = (task.call.line.title or task.call.line.name) if task.call.line else task.call.line_name
        when = moment(task.call.offered_at)
        return _("rang %(when)s on line %(line)s; %(who)s answered for you", when=when, line=line, who=who)
    if task.kind == "inbox":
        return _("the script had nothing for this")
    if task.kind == "matter":
        return _("matter passed on to you by %(name)s", name=task.assigned_by.name) if task.assigned_by else _("matter")
    if task.kind == "gap":
        return _("a call rang while nobody was on duty") if task.call_id else _("nobody on duty")
    touch = task.touch
    step = str(NEXT_LABELS.get(touch.next_kind, "")) if touch else ""
    words = [step or _("next touch"), touch.purpose.name if touch and touch.purpose else ""]
    return " · ".join(word for word in words if word)
