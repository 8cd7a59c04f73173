"""Open tasks as a file."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from webapp.clients import cards
from webapp.clients.models import Client
from webapp.exports.lists import Batch, List
from webapp.pages import phone
from webapp.sheets import Column, Row, on_the_wall
from webapp.tasks.models import Task
from webapp.tasks.queries import title
from webapp.touches.models import Touch

AT_A_TIME = 1000


def whole(session: Session, filters: Mapping[str, str], zone: ZoneInfo, country: str) -> List:
    """All that is owed, whenever it is due, in the order it was promised; `mine` is whose tasks alone."""

    def batch(session: Session, after: int) -> Batch:
        tasks = session.scalars(
            _which(filters)
            .where(Task.id > after)
            .order_by(Task.id)
            .limit(AT_A_TIME)
            .options(
                joinedload(Task.client).selectinload(Client.people),
                joinedload(Task.user),
                joinedload(Task.touch).joinedload(Touch.purpose),
            )
        ).all()
        return Batch(
            [_row(task, zone) for task in tasks], len(tasks), tasks[-1].id if len(tasks) == AT_A_TIME else None
        )

    return List(("tasks",), columns(), batch)


def count(session: Session, filters: Mapping[str, str], most: int) -> int:
    """How many tasks the file has, `most` at most."""
    return len(session.scalars(_which(filters).with_only_columns(Task.id).limit(most)).all())


def _which(filters: Mapping[str, str]) -> Select[tuple[Task]]:
    query = select(Task).where(Task.done_at.is_(None))
    return query.where(Task.user_id == int(filters["mine"])) if filters.get("mine") else query


def columns() -> list[Column]:
    """The columns."""
    return [
        Column(_("Due"), 17),
        Column(_("Manager"), 20),
        Column(_("What is owed"), 30),
        Column(_("Client"), 30),
        Column(_("Number"), 20),
        Column(_("Details"), 50),
        Column(_("Made on"), 17),
    ]


def _row(task: Task, zone: ZoneInfo) -> Row:
    return [
        on_the_wall(task.due_at, zone),
        task.user.name if task.user else "",
        title(task),
        cards.title(task.client) if task.client else "",
        phone(task.number),
        task.text,
        on_the_wall(task.created_at, zone),
    ]
