"""Handing over what somebody owes who has fallen ill: shown first, then done in one transaction, as it was shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, insert, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp import feed
from webapp.accounts.models import User
from webapp.clients import cards, changes
from webapp.clients.changes import Author
from webapp.clients.models import CardChange, Client
from webapp.deals.models import ENDED, Deal
from webapp.pages import phone
from webapp.tasks.models import Task
from webapp.tasks.queries import title
from webapp.touches.models import Touch

WHAT = {
    "tasks": _l("next touches and notes"),
    "promises": _l("promised calls"),
    "matters": _l("matters"),
    "messages": _l("messages"),
    "deals": _l("open deals"),
    "clients": _l("clients: they become the new manager's own"),
}
AT_FIRST = ("tasks", "promises", "matters", "messages", "deals")
"""What is handed over unless somebody says otherwise: whose the clients are stays."""
RULES = {
    "evenly": _l("evenly"),
    "rule": _l("by rule: to whose client it is, else to the manager of the client's region, else evenly"),
}
TASK_KINDS = {
    "tasks": ("next_touch", "note"),
    "promises": ("promise",),
    "matters": ("matter",),
    "messages": ("message",),
}
MOST = 2000
"""Rows handed over at once; the rest by the next press."""


@dataclass(frozen=True)
class Move:
    """One row and whose it becomes. `row`: task, deal or client."""

    row: str
    row_id: int
    to_id: int

    def __str__(self) -> str:
        return f"{self.row}:{self.row_id}:{self.to_id}"


@dataclass(frozen=True)
class Line:
    """A move in words: what it is, whose client, and why he gets it."""

    move: Move
    words: str
    why: str


@dataclass
class Done:
    """What came of it: how many rows each person got; rows that had changed meanwhile and were left."""

    given: Counter[int] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)


def plan(
    session: Session, ill: User, what: Collection[str], to: Sequence[User], rule: str
) -> tuple[Sequence[Line], bool]:
    """Which row would go to whom, the most pressing first; nothing is written. The second value: there are more rows.

    By rule: to the owner of the client when he is among `to`, else to whoever of `to` has the client's region, else
    to whoever of `to` has been given least. What is about one client goes to one person.
    """
    rows = _rows(session, ill, what)
    given: Counter[int] = Counter()
    by_client: dict[int, User] = {}
    lines = []
    for row in rows[:MOST]:
        client = row if isinstance(row, Client) else row.client
        taker, why = (by_client.get(client.id), "same") if client else (None, "")
        if taker is None:
            taker, why = _taker(client, ill, to, given, rule)
        if client:
            by_client[client.id] = taker
        given[taker.id] += 1
        lines.append(Line(Move(_name(row), row.id, taker.id), words(row), why))
    return lines, len(rows) > MOST


def hand_over(session: Session, ill: User, moves: Sequence[Move], to: Mapping[int, User], by: Author) -> Done:
    """Do what was shown. A row that is no longer his, or done, is left where it is and named. Flushes.

    Cards get a line in their journal that names who had it; everybody concerned is told.
    """
    done, at = Done(), by.at
    clients: set[int] = set()
    journal = []
    found = _found(session, moves)
    for move in moves:
        row = found.get((move.row, move.row_id))
        taker = to.get(move.to_id)
        if row is None or taker is None or not _claim(session, move, ill, at):
            done.left.append(words(row) if row is not None else f"{move.row} {move.row_id}")
            continue
        done.given[taker.id] += 1
        client_id = row.id if isinstance(row, Client) else row.client_id
        if client_id:
            clients.add(client_id)
            name = "task" if isinstance(row, Task) else "owner"
            deal_id = row.id if isinstance(row, Deal) else None
            old = f"{ill.name}: {title(row)}" if isinstance(row, Task) else ill.name
            journal.append(changes.line(client_id, name, old, taker.name, by, deal_id=deal_id))
    if journal:
        session.execute(insert(CardChange), journal)
    session.expire_all()
    heads = [by.user.id] if by.user else []
    feed.announce(session, [ill.id, *heads, *done.given], "tasks", ill.id, at)
    for client_id in sorted(clients):
        feed.announce(session, [ill.id, *heads, *done.given], "card", client_id, at)
    return done


def read(text: str) -> list[Move]:
    """The moves that a page shows, as it sends them back; what is none is left out."""
    found = []
    for word in text.split()[:MOST]:
        parts = word.split(":")
        if len(parts) == 3 and parts[0] in ("task", "deal", "client") and all(p.isdecimal() for p in parts[1:]):
            found.append(Move(parts[0], int(parts[1][:9]), int(parts[2][:9])))
    return found


def words(row: Task | Deal | Client) -> str:
    """A row in a few words."""
    if isinstance(row, Client):
        return cards.title(row)
    if isinstance(row, Deal):
        return f"{cards.title(row.client)}: {row.title}"
    whom = (cards.title(row.client) if row.client else "") or phone(row.number)
    return " · ".join(filter(None, (whom, title(row), " ".join(row.text.split())[:80])))


def _rows(session: Session, ill: User, what: Collection[str]) -> list[Task | Deal | Client]:
    kinds = [kind for name, names in TASK_KINDS.items() if name in what for kind in names]
    found: list[Task | Deal | Client] = []
    if kinds:
        query = select(Task).where(Task.user_id == ill.id, Task.done_at.is_(None), Task.kind.in_(kinds))
        found += session.scalars(_seen(query).order_by(Task.due_at, Task.id).limit(MOST + 1))
    if "deals" in what:
        deals = select(Deal).where(Deal.owner_id == ill.id, Deal.stage.not_in(ENDED))
        clients = joinedload(Deal.client)
        options = (clients.joinedload(Client.owner), clients.selectinload(Client.people))
        found += session.scalars(deals.order_by(Deal.id).limit(MOST + 1).options(*options))
    if "clients" in what:
        own = select(Client).where(Client.owner_id == ill.id, Client.merged_into_id.is_(None))
        options = (joinedload(Client.owner), selectinload(Client.people))
        found += session.scalars(own.order_by(Client.id).limit(MOST + 1).options(*options))
    return found


def _seen(query: Select[tuple[Task]]) -> Select[tuple[Task]]:
    clients = joinedload(Task.client)
    return query.options(
        clients.joinedload(Client.owner),
        clients.selectinload(Client.people),
        joinedload(Task.touch).joinedload(Touch.purpose),
        joinedload(Task.assigned_by),
    )


def _found(session: Session, moves: Sequence[Move]) -> dict[tuple[str, int], Task | Deal | Client]:
    """The rows that are meant, whosever they are."""
    found: dict[tuple[str, int], Task | Deal | Client] = {}
    clients = joinedload(Deal.client).selectinload(Client.people)
    queries: dict[str, Select[Any]] = {
        "task": _seen(select(Task)),
        "deal": select(Deal).options(clients),
        "client": select(Client).options(selectinload(Client.people)),
    }
    for name, query in queries.items():
        ids = [move.row_id for move in moves if move.row == name]
        for start in range(0, len(ids), 500):
            column = query.column_descriptions[0]["entity"].id
            found |= {(name, row.id): row for row in session.scalars(query.where(column.in_(ids[start : start + 500])))}
    return found


def _claim(session: Session, move: Move, ill: User, now: datetime) -> bool:
    if move.row == "task":
        still = (Task.id == move.row_id) & (Task.user_id == ill.id) & Task.done_at.is_(None)
        again = {"reminded_at": None, "reminder_answered_at": None, "remind_again_at": None}
        query = update(Task).where(still).values(user_id=move.to_id, **again)
    elif move.row == "deal":
        still = (Deal.id == move.row_id) & (Deal.owner_id == ill.id) & Deal.stage.not_in(ENDED)
        query = update(Deal).where(still).values(owner_id=move.to_id)
    else:
        still = (Client.id == move.row_id) & (Client.owner_id == ill.id) & Client.merged_into_id.is_(None)
        query = update(Client).where(still).values(owner_id=move.to_id)
    return bool(session.execute(query.execution_options(synchronize_session=False)).rowcount)  # type: ignore[attr-defined]


def _taker(
    client: Client | None, ill: User, to: Sequence[User], given: Mapping[int, int], rule: str
) -> tuple[User, str]:
    if rule == "rule" and client is not None:
        if client.owner_id != ill.id and (owner := next((one for one in to if one.id == client.owner_id), None)):
            return owner, "owner"
        theirs = [one for one in to if one.region_id and one.region_id == client.region_id]
        if theirs:
            return min(theirs, key=lambda one: given.get(one.id, 0)), "region"
    return min(to, key=lambda one: given.get(one.id, 0)), "evenly"


def _name(row: Task | Deal | Client) -> str:
    return "task" if isinstance(row, Task) else "deal" if isinstance(row, Deal) else "client"
