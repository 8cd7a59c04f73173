"""All that happened with a client on one timeline (D38): calls, letters, visits, tasks, deals, changes, merges.

Each source gives its newest rows behind a place, and the newest of all are shown; so a page costs the same however
long the history is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.calls.models import Call
from webapp.clients.models import CardChange, Client
from webapp.deals.models import Deal
from webapp.doubles.models import Merge
from webapp.history.moments import Place, not_older, older
from webapp.letters.models import Letter
from webapp.tasks.models import Task
from webapp.touches.models import Touch

AT_ONCE = 30
MOST = 300
"""A page that is drawn anew shows again what had been unfolded, up to so many entries."""

KINDS = {
    "call": _l("Calls"),
    "letter": _l("Letters"),
    "request": _l("Requests"),
    "visit": _l("Visits"),
    "task": _l("Tasks"),
    "deal": _l("Deals"),
    "change": _l("Changes"),
    "merge": _l("Merges"),
}
"""What may be chosen, in the order of the keys."""
USUAL = ("call", "letter", "request", "visit", "task", "deal", "merge")
DOORS = {"call": ("call", "phone"), "letter": ("mail", "letter", "fax"), "request": ("web",)}
"""The doors of a touch by the kind of its entry; any other is a visit."""
NAMED_DOORS = tuple(door for doors in DOORS.values() for door in doors)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `source`: letter, touch, call, task, deal, change or merge."""

    place: Place
    source: str
    row: Any

    @property
    def at(self) -> datetime:
        """When."""
        return self.place.at


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first; `more`: older ones follow the last."""

    entries: Sequence[Entry]
    more: bool


@dataclass(frozen=True, slots=True)
class Source:
    """One table that gives entries; `rank` orders what has equal times, and never changes."""

    name: str
    rank: int
    query: Select[Any]
    at: Any
    id: Any


def family(session: Session, client_id: int) -> list[int]:
    """The card and those that were merged into it, whose changes are its own past."""
    found = [client_id]
    new = [client_id]
    while new:
        new = list(session.scalars(select(Client.id).where(Client.merged_into_id.in_(new), Client.id.not_in(found))))
        found += new
    return found


def of_client(
    session: Session,
    client_id: int,
    kinds: Collection[str],
    before: Place | None = None,
    until: Place | None = None,
) -> Page:
    """The entries of these kinds behind `before`; or the newest down to `until` and its page's end, at most MOST."""
    return page(session, _sources(client_id, family(session, client_id), set(kinds)), before, until)


def page(session: Session, sources: Iterable[Source], before: Place | None, until: Place | None = None) -> Page:
    """The newest entries of all sources."""
    limit = AT_ONCE
    found: list[Entry] = []
    for one in sources:
        query = one.query.order_by(one.at.desc(), one.id.desc())
        if before is not None:
            query = query.where(older(one.at, one.id, one.rank, before))
        if until is not None:
            kept = session.scalars(query.where(not_older(one.at, one.id, one.rank, until)).limit(MOST)).all()
            found += _entries(one, kept)
            query = query.where(older(one.at, one.id, one.rank, until)).limit(1)
        else:
            query = query.limit(limit + 1)
        found += _entries(one, session.scalars(query).all())
    found.sort(key=lambda entry: entry.place, reverse=True)
    if until is not None:
        limit = min(sum(entry.place >= until for entry in found), MOST) or AT_ONCE
    return Page(found[:limit], len(found) > limit)


def _entries(source: Source, rows: Iterable[Any]) -> Iterator[Entry]:
    for row in rows:
        yield Entry(Place(getattr(row, source.at.key), source.rank, row.id), source.name, row)


def touches(where: ColumnElement[bool]) -> Source:
    """Contacts with their calls."""
    query = select(Touch).where(where)
    query = query.options(
        joinedload(Touch.user),
        joinedload(Touch.purpose),
        joinedload(Touch.outcome),
        joinedload(Touch.person),
        joinedload(Touch.client),
        joinedload(Touch.call).joinedload(Call.answered_by),
        joinedload(Touch.call).selectinload(Call.recordings),
    )
    return Source("touch", 5, query, Touch.started_at, Touch.id)


def calls(where: ColumnElement[bool]) -> Source:
    """Calls that no contact of the timeline stands for."""
    query = select(Call).where(where)
    query = query.options(joinedload(Call.answered_by), joinedload(Call.client), selectinload(Call.recordings))
    return Source("call", 4, query, Call.offered_at, Call.id)


def tasks(where: ColumnElement[bool]) -> Source:
    """What was owed, at the time it was written down."""
    query = select(Task).where(where).options(joinedload(Task.user), joinedload(Task.client))
    return Source("task", 3, query, Task.created_at, Task.id)


def letters(where: ColumnElement[bool]) -> Source:
    """Result letters that went or are on their way, at the time they were sent off."""
    query = select(Letter).where(where, Letter.mail_id.is_not(None))
    query = query.options(joinedload(Letter.mail), joinedload(Letter.user), joinedload(Letter.client))
    return Source("letter", 6, query, Letter.saved_at, Letter.id)


def _sources(client_id: int, ids: list[int], kinds: set[str]) -> Iterator[Source]:
    doors = [door for kind in kinds & DOORS.keys() for door in DOORS[kind]]
    wanted: ColumnElement[bool] = Touch.door.in_(doors)
    if "visit" in kinds:
        wanted = or_(wanted, Touch.door.not_in(NAMED_DOORS))
    if doors or "visit" in kinds:
        yield touches((Touch.client_id == client_id) & wanted)
    if "letter" in kinds:
        yield letters(Letter.client_id == client_id)
    if "call" in kinds:
        alone = ~exists().where(Touch.call_id == Call.id, Touch.client_id == client_id)
        yield calls((Call.client_id == client_id) & alone)
    if "task" in kinds:
        yield tasks(Task.client_id == client_id)
    if "deal" in kinds:
        deals = select(Deal).where(Deal.client_id == client_id).options(joinedload(Deal.owner))
        yield Source("deal", 2, deals, Deal.opened_at, Deal.id)
    if kinds & {"change", "deal"}:
        changes = select(CardChange).where(CardChange.client_id.in_(ids)).options(joinedload(CardChange.user))
        if "deal" not in kinds:
            changes = changes.where(CardChange.deal_id.is_(None))
        elif "change" not in kinds:
            changes = changes.where(CardChange.deal_id.is_not(None))
        yield Source("change", 1, changes.where(CardChange.field != "deal"), CardChange.at, CardChange.id)
    if "merge" in kinds:
        merges = select(Merge).where(or_(Merge.survivor_id.in_(ids), Merge.other_id.in_(ids)))
        merges = merges.options(
            joinedload(Merge.by), joinedload(Merge.undone_by), joinedload(Merge.survivor), joinedload(Merge.other)
        )
        yield Source("merge", 0, merges, Merge.at, Merge.id)


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """The kinds that an address names, in their order; the usual ones when it names none."""
    return tuple(kind for kind in KINDS if kind in names) or USUAL
