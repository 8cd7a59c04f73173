"""The page of tasks: what is open by lateness, a page at a time; what was done, with its reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Role, User
from webapp.calls.models import Call
from webapp.roster.wallclock import instant
from webapp.tasks.models import Message, Task
from webapp.touches.models import Touch
from webapp.typed import row_id

PER_PAGE = 50
MOST_PAGES = 200
LISTED = 300
"""How many of one person's late tasks the page of what is overdue shows at most."""

KINDS = {
    "promise": _l("promises"),
    "next_touch": _l("next touches"),
    "matter": _l("matters"),
    "message": _l("messages"),
    "note": _l("notes"),
    "inbox": _l("inbox"),
    "gap": _l("gaps"),
}
GROUPS = {"overdue": _l("Overdue"), "today": _l("Today"), "tomorrow": _l("Tomorrow"), "later": _l("Later")}


@dataclass(frozen=True)
class Asked:
    """What the page is asked for. `user_id` None: everybody's and the heads' own. `kinds` (): all. `page` from 1."""

    user_id: int | None
    kinds: tuple[str, ...] = ()
    done: bool = False
    page: int = 1
    with_inbox: bool = False


@dataclass(frozen=True)
class Listed:
    """One page: (name of the group, its tasks) in order; of what was done one group named ''."""

    groups: Sequence[tuple[str, Sequence[Task]]]
    more: bool


def listed(session: Session, asked: Asked, now: datetime, zone: ZoneInfo) -> Listed:
    """Open tasks by lateness, then by time; done ones the newest first."""
    order: Sequence[Any] = (Task.due_at, Task.id)
    query = _which(asked).where(Task.done_at.is_(None))
    if asked.done:
        query, order = _which(asked).where(Task.done_at.is_not(None)), (Task.done_at.desc(), Task.id.desc())
    found = session.scalars(
        with_all(query).order_by(*order).offset((asked.page - 1) * PER_PAGE).limit(PER_PAGE + 1)
    ).all()
    tasks, more = found[:PER_PAGE], len(found) > PER_PAGE
    if asked.done:
        return Listed([("", tasks)] if tasks else [], more)
    groups: dict[str, list[Task]] = {}
    ends = _ends(now, zone)
    for task in tasks:
        groups.setdefault(next((name for name, end in ends if task.due_at < end), "later"), []).append(task)
    return Listed(list(groups.items()), more)


def overdue(session: Session, now: datetime) -> Sequence[tuple[User | None, Sequence[Task]]]:
    """All that is late, by person, the one with the oldest debt first (D72); None: the heads' own."""
    found = session.scalars(
        with_all(select(Task).where(Task.done_at.is_(None), Task.due_at < now))
        .where(Task.kind.not_in(("inbox", "gap")))
        .order_by(Task.due_at, Task.id)
        .limit(LISTED)
    ).all()
    by_user: dict[int | None, list[Task]] = {}
    for task in found:
        by_user.setdefault(task.user_id, []).append(task)
    return [(tasks[0].user, tasks) for tasks in by_user.values()]


def with_all(query: Select[tuple[Task]]) -> Select[tuple[Task]]:
    """The query with what a row of the list shows."""
    return query.options(
        joinedload(Task.client),
        joinedload(Task.call).selectinload(Call.recordings),
        joinedload(Task.call).joinedload(Call.answered_by),
        joinedload(Task.call).joinedload(Call.line),
        joinedload(Task.user),
        joinedload(Task.assigned_by),
        joinedload(Task.done_by),
        joinedload(Task.message).joinedload(Message.taken_by),
        joinedload(Task.touch).joinedload(Touch.purpose),
        joinedload(Task.touch).joinedload(Touch.person),
    )


def _ends(now: datetime, zone: ZoneInfo) -> list[tuple[str, datetime]]:
    today = now.astimezone(zone).date()
    midnight, next_midnight = (instant(today + timedelta(days=days), 0, zone) for days in (1, 2))
    return [("overdue", now), ("today", midnight), ("tomorrow", next_midnight)]


def _which(asked: Asked) -> Select[tuple[Task]]:
    query = select(Task)
    if asked.user_id is not None:
        mine: ColumnElement[bool] = Task.user_id == asked.user_id
        query = query.where(mine | Task.user_id.is_(None) if asked.with_inbox else mine)
    return query.where(Task.kind.in_(asked.kinds)) if asked.kinds else query


def asked_by(user: User, person: str, kinds: Sequence[str], done: bool, page: str) -> Asked:
    """What `user` may ask for: a head anybody's (`person`: an id, or `all`), others their own; nonsense is nothing."""
    user_id: int | None = user.id
    if user.has_role(Role.HEAD):
        user_id = None if person == "all" else row_id(person) or user.id
    number = int(page) if page.isascii() and page.isdecimal() and len(page) < 6 else 1
    return Asked(
        user_id,
        tuple(kind for kind in KINDS if kind in kinds),
        done,
        min(max(number, 1), MOST_PAGES),
        with_inbox=user.has_role(Role.HEAD) and user_id == user.id,
    )
