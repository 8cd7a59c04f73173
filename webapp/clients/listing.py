"""The list of cards: filters, order, a page of it, and all of it for a file; a million cards must not make it slow.

Few cards fit: their ids are read and put in order. Many fit: nobody reads them all, so that the list is walked in its
order until the page is full, and ends after MOST cards. The count is exact up to MOST, and "more" beyond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Float, Select, and_, case, cast, literal_column, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.sql.elements import ColumnElement

from webapp.accounts.models import User
from webapp.clients import queries
from webapp.clients.models import Client
from webapp.office.models import ClientStatus, ListItem, Region
from webapp.rules.models import ExtraField, ExtraValue
from webapp.tasks.models import Task

ON_A_PAGE = 25
MOST = 1000
COLUMNS = ("status_id", "type_id", "region_id", "channel_id", "owner_id", "category", "caller_kind")
"""Columns of a card that a filter compares; 0 or '' there means that there is none."""
SORTS = ("new", "name", "category", "status", "region", "owner")


@dataclass(frozen=True, slots=True)
class ExtraWanted:
    """A condition on one of the office's own fields: this text, or from `low` to `high` (each '' for no bound)."""

    field_id: int
    kind: str
    text: str = ""
    low: str = ""
    high: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list shows. `equal`: column of COLUMNS -> value; `sort`: one of SORTS, `backwards` turns it round."""

    text: str = ""
    equal: Mapping[str, Any] = field(default_factory=dict)
    created_from: datetime | None = None
    created_until: datetime | None = None
    without_next: bool = False
    extra: Sequence[ExtraWanted] = ()
    sort: str = "new"
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `count` cards fit, `more` when there are more than that; `pages` can be turned to."""

    clients: Sequence[Client]
    number: int
    count: int
    more: bool

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.count // ON_A_PAGE))


def page(session: Session, asked: Asked, number: int, country: str) -> Page:
    """A page of the list, counted from 1; one beyond the end is the last."""
    found = _conditions(session, asked, country)
    query = select(Client.id).where(*found).limit(MOST + 1)
    ids = list(session.scalars(query.order_by(Client.id) if asked.text else query))
    count, more = min(len(ids), MOST), len(ids) > MOST
    number = min(max(number, 1), max(1, -(-count // ON_A_PAGE)))
    start, end = (number - 1) * ON_A_PAGE, number * ON_A_PAGE
    if more and not asked.text:
        ids = _walk(session, asked, _conditions(session, asked, country, walking=True), end)
    else:  # of words that fit thousands of cards the first found are put in order: more words are wanted
        ids = _in_order(session, asked, ids[:MOST])
    return Page(cards(session, ids[start:end]), number, count, more)


def search(session: Session, text: str, country: str) -> Sequence[Client]:
    """The first cards that the search box finds."""
    return page(session, Asked(text=text), 1, country).clients


def cards(session: Session, ids: Sequence[int]) -> list[Client]:
    """The cards with these ids as the list shows them, in this order."""
    query = select(Client).where(Client.id.in_(ids)).options(*_SHOWN)
    rows = {client.id: client for client in session.scalars(query)}
    return [rows[one] for one in ids if one in rows]


_SHOWN = (
    selectinload(Client.people),
    selectinload(Client.contact_points),
    joinedload(Client.owner),
    joinedload(Client.status),
    joinedload(Client.region),
)


def after(session: Session, asked: Asked, last_id: int, most: int, country: str) -> list[int]:
    """Ids of the next `most` cards of the whole list after `last_id`, oldest card first."""
    found = _conditions(session, asked, country)
    query = select(Client.id).where(*found, Client.id > last_id)
    return list(session.scalars(query.order_by(Client.id).limit(most)))


def count(session: Session, asked: Asked, most: int, country: str) -> int:
    """How many cards fit, `most` at most."""
    return len(session.scalars(select(Client.id).where(*_conditions(session, asked, country)).limit(most)).all())


# In order


def _in_order(session: Session, asked: Asked, ids: Sequence[int]) -> list[int]:
    query: Select[tuple[int]] = select(Client.id).where(Client.id.in_(ids))
    segments = _segments(session, asked)
    if len(segments) > 1:
        query = query.order_by(case(*((one, place) for place, one in enumerate(segments)), else_=len(segments)))
    return list(session.scalars(query.order_by(*_within(asked))))


def _walk(session: Session, asked: Asked, conditions: Sequence[ColumnElement[bool]], most: int) -> list[int]:
    """The first `most` ids of the list, a status or a region after the other when it is sorted so."""
    found: list[int] = []
    for segment in _segments(session, asked):
        query = select(Client.id).where(segment, *conditions).order_by(*_within(asked))
        found += session.scalars(query.limit(most - len(found)))
        if len(found) >= most:
            break
    return found


def _segments(session: Session, asked: Asked) -> list[ColumnElement[bool]]:
    """The groups of cards, first to last, that a sort by a column of few values has; else one of all."""
    if asked.sort == "category":
        groups = [Client.category == letter for letter in ("A", "B", "C", "")]
    elif asked.sort in _GROUPS:
        column, model = _GROUPS[asked.sort]
        order = (model.name, model.id) if model is User else (model.rank, model.id)
        ids = session.scalars(select(model.id).order_by(*order))
        groups = [column == one for one in ids] + [column.is_(None)]
    else:
        return [Client.id > 0]
    return groups[::-1] if asked.backwards else groups


_GROUPS: dict[str, tuple[Any, type[ListItem] | type[User]]] = {
    "status": (Client.status_id, ClientStatus),
    "region": (Client.region_id, Region),
    "owner": (Client.owner_id, User),
}


def _within(asked: Asked) -> list[Any]:
    """The order within a group: the newest card first; that of the whole list by name or by day."""
    if asked.sort not in ("name", "new"):
        return [Client.id.desc()]
    columns = [Client.name, Client.id] if asked.sort == "name" else [Client.created_at, Client.id]
    return columns if (asked.sort == "name") != asked.backwards else [column.desc() for column in columns]


# What fits


def _conditions(session: Session, asked: Asked, country: str, walking: bool = False) -> list[ColumnElement[bool]]:
    """The conditions on Client. `walking`: the order leads, and no filter's index shall be taken in its place."""
    lite = session.get_bind().dialect.name == "sqlite"

    def column(name: str, follow: bool = False) -> Any:
        # SQLite has no statistics of ours, and takes an index for any equality; behind a plus it doesn't.
        hidden = lite and not follow
        return literal_column(f"+client.{name}", Client.__table__.c[name].type) if hidden else getattr(Client, name)

    found: list[ColumnElement[bool]] = [column("merged_into_id").is_(None)]
    for name, value in asked.equal.items():
        one = column(name, follow=not walking)
        found.append(one.is_(None) if value == 0 else one == value)
    if asked.created_from is not None:
        found.append(column("created_at", follow=not walking or asked.sort == "new") >= asked.created_from)
    if asked.created_until is not None:
        found.append(column("created_at", follow=not walking or asked.sort == "new") < asked.created_until)
    if asked.without_next:
        owed = select(Task.id).where(Task.client_id == Client.id, Task.kind == "next_touch", Task.done_at.is_(None))
        found.append(~owed.exists())
    found += [_extra(one) for one in asked.extra]
    return found + queries.found_by(session, asked.text, country)


def _extra(wanted: ExtraWanted) -> ColumnElement[bool]:
    text: Any = ExtraValue.text
    low: Any = wanted.low
    high: Any = wanted.high
    if wanted.kind == "number":
        # Other fields' texts are no numbers: PostgreSQL may look at them first.
        text = case((ExtraValue.field_id == wanted.field_id, cast(ExtraValue.text, Float)))
        low, high = float(low) if low else "", float(high) if high else ""
    parts = [ExtraValue.field_id == wanted.field_id]
    if wanted.text:
        parts.append(ExtraValue.text == wanted.text)
    if low != "":
        parts.append(text >= low)
    if high != "":
        parts.append(text <= high)
    return Client.id.in_(select(ExtraValue.client_id).where(and_(*parts)))


def wanted(one: ExtraField, text: str = "", low: str = "", high: str = "") -> ExtraWanted | None:
    """The condition on a field; None when nothing is asked of it."""
    return ExtraWanted(one.id, one.kind, text, low, high) if text or low or high else None
