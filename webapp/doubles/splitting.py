"""One card becomes two: what belongs to another client goes to a card of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import Column, or_, select
from sqlalchemy.orm import Session

from webapp.clients import changes, contacts, fields
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, ContactPoint, PairVerdict
from webapp.db import db
from webapp.doubles import choices, merging
from webapp.doubles.choices import BadMerge
from webapp.doubles.journal import Journal
from webapp.doubles.merging import SPLIT
from webapp.doubles.models import Merge
from webapp.touches.models import Touch


@dataclass(frozen=True, slots=True)
class Part:
    """What goes to the new card, called `name`: ids of people, addresses, touches, calls, deals and tasks."""

    name: str = ""
    people: Collection[int] = ()
    points: Collection[int] = ()
    touches: Collection[int] = ()
    calls: Collection[int] = ()
    deals: Collection[int] = ()
    tasks: Collection[int] = ()


def split(session: Session, client_id: int, part: Part, author: Author) -> Merge:
    """Make a card of `part`; what is not this card's is left where it is. Flushes. Raises BadMerge.

    People take their addresses and touches along, and numbers that nobody keeps the touches of their calls.
    """
    (client,) = merging.lock(session, client_id)
    name = _name(client, part, author)
    other = Client(
        kind=client.kind,
        name=name,
        owner_id=client.owner_id,
        region_id=client.region_id,
        created_at=author.at,
        created_by_id=author.user.id if author.user else None,
    )
    session.add(other)
    session.flush()
    book = Journal(session)
    numbers = _people_and_points(book, client, other, part)
    _what_happened(session, book, client, other, part, numbers)
    _told_apart(session, book, client, other, author)
    own = {one: choices.raw(other, one) for one in choices.ORDER}
    row = merging.write(session, SPLIT, client, other, author, own, book)
    changes.note(session, client, "split", "", name, author)
    changes.note(session, other, "card", "", name, author)
    merging.settle(session, client, other, author)
    return row


def _name(client: Client, part: Part, author: Author) -> str:
    if client.merged_into_id is not None:
        raise BadMerge({"": str(_l("This card was merged into another one meanwhile."))})
    if author.user and not merging.may_merge(author.user, client):
        raise BadMerge({"": str(_l("The head of sales splits clients of a colleague."))})
    if not any((part.people, part.points, part.touches, part.calls, part.deals, part.tasks)):
        raise BadMerge({"": str(_l("Tick what belongs to the other client."))})
    if len(author.why) > merging.LONGEST_WHY:
        raise BadMerge({"why": str(_l("At most %(most)d characters.", most=merging.LONGEST_WHY))})
    people = [person.full_name for person in client.people if person.id in part.people and person.full_name]
    try:
        name = fields.cleaned(fields.BY_NAME["name"], part.name)
    except BadValue as why:
        raise BadMerge({"name": str(why)}) from why
    if not (name := name or next(iter(people), "")):
        raise BadMerge({"name": str(_l("Type a name."))})
    return name


def _people_and_points(book: Journal, client: Client, other: Client, part: Part) -> set[str]:
    """Move them; returns the numbers and addresses that the old card has no more."""
    people = {person.id for person in client.people} & set(part.people)
    _follow(book, "person", client, other, people)
    gone: list[ContactPoint] = []
    for point in client.contact_points:
        if point.person_id in people or point.id in part.points:
            gone.append(point)
            _follow(book, "contact_point", client, other, [point.id])
            if point.person_id is not None and point.person_id not in people:
                book.put(_column("contact_point", "person_id"), point.person_id, None, _id("contact_point", [point.id]))
    kept = {point.normal for point in client.contact_points if point not in gone}
    changed = _column("card_change", "person_id").in_(people)
    book.put(_column("card_change", "client_id"), client.id, other.id, changed)
    return {point.normal for point in gone if point.normal and point.kind in contacts.TELEPHONES} - kept


def _what_happened(
    session: Session, book: Journal, client: Client, other: Client, part: Part, numbers: Collection[str]
) -> None:
    people = {person.id for person in client.people} & set(part.people)
    calls = _column("call", "number").in_(numbers) | _id("call", part.calls)
    call_ids = set(book.put(_column("call", "client_id"), client.id, other.id, calls))
    touches = or_(Touch.id.in_(part.touches), Touch.person_id.in_(people), Touch.call_id.in_(call_ids))
    rows = session.execute(
        select(Touch.id, Touch.call_id, Touch.person_id).where(Touch.client_id == client.id, touches)
    ).all()
    touch_ids = [row.id for row in rows]
    _follow(book, "touch", client, other, touch_ids)
    for person_id in {row.person_id for row in rows} - {None, *(people)}:
        book.put(_column("touch", "person_id"), person_id, None, _id("touch", touch_ids))
    _follow(book, "call", client, other, [row.call_id for row in rows if row.call_id is not None])
    call_ids.update(row.call_id for row in rows if row.call_id is not None)
    tasks = _column("task", "touch_id").in_(touch_ids) | _column("task", "call_id").in_(call_ids)
    book.put(_column("task", "client_id"), client.id, other.id, tasks | _id("task", part.tasks))
    _follow(book, "deal", client, other, part.deals)
    deals = _column("card_change", "deal_id").in_(part.deals)
    book.put(_column("card_change", "client_id"), client.id, other.id, deals)
    listed = _column("worklist_item", "number").in_(numbers)
    book.put(_column("worklist_item", "client_id"), client.id, other.id, listed)


def _told_apart(session: Session, book: Journal, client: Client, other: Client, author: Author) -> None:
    """Nobody is asked whether the two are one."""
    verdict = PairVerdict(low_id=client.id, high_id=other.id, verdict="other", at=author.at)
    verdict.user_id = author.user.id if author.user else None
    session.add(verdict)
    session.flush()
    book.new("pair_verdict", verdict.id, {"verdict": "other"})


def _follow(book: Journal, table: str, client: Client, other: Client, ids: Collection[int]) -> None:
    if ids:
        book.put(_column(table, "client_id"), client.id, other.id, _id(table, ids))


def _id(table: str, ids: Collection[int]) -> Any:
    return _column(table, "id").in_(list(ids))


def _column(table: str, name: str) -> Column[Any]:
    return db.metadata.tables[table].c[name]
