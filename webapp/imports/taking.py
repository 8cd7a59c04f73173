"""Putting rows on cards: new cards in bulk, and on known ones only what they lack (nothing is ever written over)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session, selectinload

from webapp.clients import changes, contacts, keys, match, near
from webapp.clients.changes import Author
from webapp.clients.models import CardChange, Client, ContactPoint, Person
from webapp.clients.weigh import Key
from webapp.imports.entries import Entry, same_number
from webapp.rules import extra, transitions
from webapp.rules.models import ExtraField, ExtraValue


def _blank(table: Table) -> dict[str, Any]:
    """A row of a table as it is when nothing is said: for bulk inserts, whose rows must all have every column."""
    return {
        column.name: column.default.arg if column.default is not None and column.default.is_scalar else None  # type: ignore[attr-defined]
        for column in table.columns
        if not column.primary_key
    }


_CLIENT, _PERSON = _blank(Client.__table__), _blank(Person.__table__)  # type: ignore[arg-type]


@dataclass(slots=True)
class NewCard:
    """A card that will be made of a row: its keys are reckoned before anybody's turn to write is taken."""

    entry: Entry
    keys: list[Key]
    owner_id: int | None = None
    id: int = 0
    person_id: int | None = None


@dataclass(slots=True)
class Defaults:
    """What a card gets where its row says nothing: ids of Client's columns."""

    ids: dict[str, int] = field(default_factory=dict)


def prepare(entry: Entry) -> NewCard:
    """Reckon the keys of a card to be made. Reads nothing and writes nothing."""
    people = []
    if entry.person:
        surname, given_name, patronymic = (entry.person.get(n, "") for n in ("surname", "given_name", "patronymic"))
        full_name = " ".join(part for part in (surname, given_name, patronymic) if part)
        people.append((surname, given_name, full_name))
    points = [(point.kind, point.value, point.normal) for point in entry.points]
    found = match.card_keys(entry.client.get("name", ""), entry.client.get("website", ""), people, points)
    found.update(Key(kind, key, "") for kind, key in entry.extra_keys if key)
    return NewCard(entry, sorted(found))


def make(session: Session, new: Sequence[NewCard], defaults: Mapping[str, int], author: Author) -> None:
    """Make the cards, each with its person, addresses, keys and the line of its making; sets their ids. Flushes."""
    if not new:
        return
    made_by = author.user.id if author.user else None
    rows = [
        {
            **_CLIENT,
            "kind": "organisation" if card.entry.client.get("name") else "private",
            **defaults,
            **card.entry.client,
            **card.entry.ids,
            "owner_id": card.owner_id,
            "created_at": author.at,
            "created_by_id": made_by,
        }
        for card in new
    ]
    for card, row, client_id in zip(new, rows, _new_ids(session, Client, len(new)), strict=True):
        card.id = row["id"] = client_id
    _insert(session, Client, rows)
    with_person = [card for card in new if card.entry.person]
    if with_person:
        for card, person_id in zip(with_person, _new_ids(session, Person, len(with_person)), strict=True):
            card.person_id = person_id
        _insert(session, Person, [
            {**_PERSON, **card.entry.person, "client_id": card.id, "id": card.person_id} for card in with_person
        ])  # fmt: skip
    _insert(session, ContactPoint, [
        {"client_id": card.id, "person_id": card.person_id, "preferred": False}
        | {"kind": point.kind, "value": point.value, "normal": point.normal}
        for card in new
        for point in card.entry.points
    ])  # fmt: skip
    if keys_of := [(card.id, *key) for card in new for key in card.keys]:
        near.write(session, "insert into match_key (client_id, kind, key, whole) values (?, ?, ?, ?)", keys_of)
    names = {card.entry.client.get("name", "") for card in new}
    match.keep_slips(session, names, {card.entry.person.get("surname", "") for card in new})
    _insert(session, ExtraValue, [
        {"client_id": card.id, "field_id": field_id, "text": text}
        for card in new
        for field_id, text in card.entry.extra.items()
    ])  # fmt: skip
    _insert(session, CardChange, [changes.line(card.id, "card", "", card.entry.title or "1", author) for card in new])


def _new_ids(session: Session, model: type[Client] | type[Person], count: int) -> Sequence[int]:
    """Ids for so many rows, taken before they are written: told afterwards, SQLite writes its rows one by one."""
    if session.get_bind().dialect.name == "sqlite":  # nobody else writes until this transaction ends
        last = session.scalar(select(func.coalesce(func.max(model.id), 0))) or 0
        return range(last + 1, last + count + 1)
    sequence = func.pg_get_serial_sequence(model.__tablename__, "id")
    return session.scalars(select(func.nextval(sequence)).select_from(func.generate_series(1, count))).all()


def _insert(session: Session, model: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(model), rows)


# Cards that are there


def load(session: Session, client_ids: Sequence[int]) -> dict[int, Client]:
    """The cards with all that a row may add to."""
    query = (
        select(Client)
        .where(Client.id.in_(client_ids))
        .options(selectinload(Client.people), selectinload(Client.contact_points), selectinload(Client.extra_values))
    )
    return {client.id: client for client in session.scalars(query)}


def lacks(client: Client, entry: Entry) -> bool:
    """True when the row knows something that the card doesn't."""
    person, _theirs = _person(client, entry)
    return bool(
        _empty(client, entry)
        or [name for name in entry.ids if getattr(client, name) is None]
        or entry.extra.keys() - {value.field_id for value in client.extra_values}
        or (entry.person and _full_name(entry) and (person is None or _unknown_of(person, entry)))
        or not all(_has(client, point.kind, point.value, point.normal) for point in entry.points)
    )


def knows(client: Client, entry: Entry) -> bool:
    """True when the row's person or one of its addresses is the card's."""
    if any(_has(client, point.kind, point.value, point.normal) for point in entry.points):
        return True
    person, theirs = _person(client, entry)
    return theirs and person is not None


def fill(session: Session, client: Client, entry: Entry, author: Author, country: str) -> None:
    """Put on a card what it lacks and the row knows: empty fields, new addresses, another person. Flushes.

    A status is set only on a card without one, and only as the rules allow (D35).
    """
    for name in _empty(client, entry):
        changes.put(session, client, client, name, entry.client[name], author)
    for name, item_id in entry.ids.items():
        relation = name.removesuffix("_id")
        if getattr(client, name) is None and (relation != "status" or may_become(session, item_id)):
            item = session.get(Client.__mapper__.relationships[relation].mapper.class_, item_id)
            changes.put(session, client, client, relation, item, author)
    person, theirs = _person(client, entry)
    if theirs and _full_name(entry):
        if person is None:
            person = Person(**{**_PERSON, **entry.person, "client_id": client.id})
            client.people.append(person)
            session.flush()
            changes.note(session, client, "person", "", person.full_name, author, person)
        else:
            for name in _unknown_of(person, entry):
                changes.put(session, client, person, name, entry.person[name], author, person)
    for point in entry.points:
        if entry.card and _has(client, point.kind, point.value, point.normal):
            continue  # a file of ours has the shared addresses with every person: they stay nobody's
        contacts.add(session, client, point.kind, point.value, country, person, author)
    known = {value.field_id for value in client.extra_values}
    for field_id, text in entry.extra.items():
        if field_id not in known:
            extra.put(session, client, session.get_one(ExtraField, field_id), text, author)
    match.index(session, client)


def may_become(session: Session, status_id: int) -> bool:
    """Whether a card without a status may get this one (D35)."""
    return transitions.allowed(session, transitions.STATUS, "", str(status_id))


def _empty(client: Client, entry: Entry) -> list[str]:
    return [name for name in entry.client if name != "kind" and not getattr(client, name)]


def _full_name(entry: Entry) -> bool:
    return bool(entry.person.get("surname") or entry.person.get("given_name"))


def _unknown_of(person: Person, entry: Entry) -> list[str]:
    return [name for name in entry.person if not getattr(person, name)]


def _person(client: Client, entry: Entry) -> tuple[Person | None, bool]:
    """The row's person among the card's, None for a new one; and whether the row names one at all."""
    if not entry.person:
        return None, False
    surname = keys.surname_key(entry.person.get("surname", ""))
    given = keys.given_name_key(entry.person.get("given_name", ""))
    for person in client.people:
        theirs, their_given = keys.surname_key(person.surname), keys.given_name_key(person.given_name)
        agrees = (surname == theirs or not (surname and theirs)) and (
            given == their_given or not (given and their_given)
        )
        if agrees and ((surname and surname == theirs) or (given and given == their_given)):
            return person, True
    return None, True


def _has(client: Client, kind: str, value: str, normal: str) -> bool:
    return any(
        (point.kind == kind or {point.kind, kind} <= set(contacts.TELEPHONES))
        and (same_number(point, normal, value) if normal else point.value == value)
        for point in client.contact_points
    )
