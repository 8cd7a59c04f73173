"""Reads of lists to call through: whose they are, how far they are, and what stands on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.accounts.models import Role, User
from webapp.clients.models import Client
from webapp.worklists.making import CALLERS
from webapp.worklists.models import Approach, Worklist, WorklistItem

SHOWN = 100
ON_A_PAGE = 50
REACHED = ("call_later", "meeting", "refused")


@dataclass
class Count:
    """How far a list is, or one agent with it. `called`: numbers with a call; `reached`: somebody spoke."""

    agent: str = ""
    agent_id: int | None = None
    numbers: int = 0
    called: int = 0
    reached: int = 0
    meetings: int = 0
    refused: int = 0
    ended: int = 0
    left: int = 0

    def __add__(self, other: Count) -> Count:
        names = ("numbers", "called", "reached", "meetings", "refused", "ended", "left")
        return Count(**{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def share(self) -> int | None:
        """Meetings in a hundred of those reached; None when nobody was."""
        return round(100 * self.meetings / self.reached) if self.reached else None


def visible(user: User) -> Select[tuple[Worklist]]:
    """The lists that `user` may see: the head all, others those they made or call through."""
    query = select(Worklist)
    if not user.has_role(Role.HEAD):
        mine = exists().where(WorklistItem.worklist_id == Worklist.id, WorklistItem.agent_id == user.id)
        query = query.where(or_(Worklist.made_by_id == user.id, mine))
    return query.options(joinedload(Worklist.channel), joinedload(Worklist.manager))


def lists(session: Session, user: User) -> Sequence[Worklist]:
    """Those lists, the open ones first, then the newest."""
    query = visible(user).order_by(Worklist.closed_at.is_not(None), Worklist.made_at.desc(), Worklist.id.desc())
    return session.scalars(query.limit(SHOWN)).all()


def counts(session: Session, worklist_ids: Sequence[int], user: User | None = None) -> dict[int, list[Count]]:
    """List's id -> a count for each of its agents, by name; of one user alone when given. One query."""
    calls = (
        select(Approach.item_id, func.max(case((Approach.result.in_(REACHED), 1), else_=0)).label("reached"))
        .join(WorklistItem, WorklistItem.id == Approach.item_id)
        .where(WorklistItem.worklist_id.in_(worklist_ids))
        .group_by(Approach.item_id)
        .subquery()
    )

    def total(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    state = WorklistItem.state
    query: Select[Any] = (
        select(
            WorklistItem.worklist_id,
            WorklistItem.agent_id,
            User.name,
            func.count(WorklistItem.id),
            func.count(calls.c.item_id),
            func.coalesce(func.sum(calls.c.reached), 0),
            total(state == "meeting"),
            total(state.in_(("refused", "never"))),
            total(state.in_(("wrong", "given_up"))),
            total(state == "open"),
        )
        .outerjoin(calls, calls.c.item_id == WorklistItem.id)
        .outerjoin(User, User.id == WorklistItem.agent_id)
        .where(WorklistItem.worklist_id.in_(worklist_ids))
        .group_by(WorklistItem.worklist_id, WorklistItem.agent_id, User.name)
        .order_by(User.name, WorklistItem.agent_id)
    )
    if user is not None:
        query = query.where(WorklistItem.agent_id == user.id)
    found: dict[int, list[Count]] = {}
    for worklist_id, agent_id, name, *numbers in session.execute(query) if worklist_ids else ():
        found.setdefault(worklist_id, []).append(Count(name or "", agent_id, *map(int, numbers)))
    return found


def items(session: Session, worklist_id: int, user: User | None, page: int) -> tuple[Sequence[WorklistItem], bool]:
    """A page of a list's numbers, those still to call first; and whether another page follows."""
    query = _items(worklist_id, user).order_by(WorklistItem.state != "open", WorklistItem.id)
    rows = session.scalars(query.offset((page - 1) * ON_A_PAGE).limit(ON_A_PAGE + 1)).all()
    return rows[:ON_A_PAGE], len(rows) > ON_A_PAGE


def each(session: Session, worklist_id: int, user: User | None) -> Iterator[WorklistItem]:
    """All numbers of a list in order, read a few hundred at a time."""
    yield from session.scalars(_items(worklist_id, user).order_by(WorklistItem.id).execution_options(yield_per=500))


def _items(worklist_id: int, user: User | None) -> Select[tuple[WorklistItem]]:
    query = (
        select(WorklistItem)
        .where(WorklistItem.worklist_id == worklist_id)
        .options(
            joinedload(WorklistItem.agent),
            joinedload(WorklistItem.client).joinedload(Client.owner),
            joinedload(WorklistItem.client).selectinload(Client.people),
        )
    )
    return query if user is None else query.where(WorklistItem.agent_id == user.id)


def item(item_id: int) -> Select[tuple[WorklistItem]]:
    """One number with its list and its client."""
    return (
        select(WorklistItem)
        .where(WorklistItem.id == item_id)
        .options(
            joinedload(WorklistItem.worklist),
            joinedload(WorklistItem.client).joinedload(Client.owner),
            selectinload(WorklistItem.client, Client.people),
        )
    )


def agents(session: Session) -> Sequence[User]:
    """Those who may call through a list: agents first, then by name."""
    query = select(User).where(User.active, User.role.in_(CALLERS))
    return session.scalars(query.order_by(User.role != Role.AGENT, User.name, User.id)).all()
