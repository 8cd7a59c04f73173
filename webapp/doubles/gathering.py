"""What hangs on a card comes together with what hangs on another: once, where both have the same.

What the survivor has already stays behind on the merged card, so that an undo finds it as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, or_, select
from sqlalchemy.orm import Session

from webapp.calls.models import LIVE, Call
from webapp.clients import changes, keys
from webapp.clients.changes import Author
from webapp.clients.contacts import TELEPHONES
from webapp.clients.models import CardChange, Client, ContactPoint, NotSame, PairVerdict, Person
from webapp.db import db
from webapp.doubles import links
from webapp.doubles.journal import Journal
from webapp.touches.models import Touch

NAMES = ("surname", "given_name", "patronymic")
JOINED = ("position", "decides")


def same_points(survivor: Client, other: Client) -> dict[int, ContactPoint]:
    """The other card's addresses that the survivor has: id -> the survivor's."""
    have: dict[tuple[str, str], ContactPoint] = {}
    for point in survivor.contact_points:
        have.setdefault(_address(point), point)
    return {point.id: have[_address(point)] for point in other.contact_points if _address(point) in have}


def _address(point: ContactPoint) -> tuple[str, str]:
    kind = "phone" if point.kind in TELEPHONES else point.kind
    return kind, point.normal or " ".join(point.value.casefold().split())


def same_people(survivor: Client, other: Client) -> dict[int, Person]:
    """Who of the other card is on the survivor too: id -> the survivor's person; nobody is two people.

    The same surname in any alphabet and no other given name; or one address, and no name against it.
    """
    found: dict[int, Person] = {}
    shared = same_points(survivor, other)
    for person in other.people:
        theirs = [point for point in other.contact_points if point.person_id == person.id and point.id in shared]
        own = {shared[point.id].person_id for point in theirs}
        free = [one for one in survivor.people if one not in found.values()]
        same = [one for one in free if _one_name(one, person)]
        same += [one for one in free if one.id in own and not _at_odds(one, person)]
        if same:
            found[person.id] = same[0]
    return found


def _one_name(one: Person, other: Person) -> bool:
    surname = keys.surname_key(one.surname)
    return bool(surname) and surname == keys.surname_key(other.surname) and not _at_odds(one, other)


def _at_odds(one: Person, other: Person) -> bool:
    pairs = [(keys.surname_key(one.surname), keys.surname_key(other.surname))]
    pairs.append((keys.given_name_key(one.given_name), keys.given_name_key(other.given_name)))
    return any(mine and theirs and mine != theirs for mine, theirs in pairs)


def everything(
    session: Session, journal: Journal, survivor: Client, other: Client, same: Mapping[int, Person], author: Author
) -> None:
    """All that refers to `other` refers to the survivor; `same`: who of the other is whom of the survivor.

    The session must be flushed; what it holds of both cards is out of date afterwards.
    """
    points = same_points(survivor, other)
    _people(session, journal, survivor, other, same, author)
    _points(journal, survivor, other, same, points)
    _told_apart(session, journal, survivor, other)
    follow(journal, other.id, survivor.id)
    candidates(session, journal, other.id, survivor.id)


def follow(journal: Journal, before: int, after: int) -> None:
    """Every row that refers to the card `before` and has no way of its own refers to `after`."""
    for column in links.followers(db.metadata):
        journal.put(column, before, after)


def _people(
    session: Session, journal: Journal, survivor: Client, other: Client, same: Mapping[int, Person], author: Author
) -> None:
    table = _table(Person)
    journal.put(table.c.client_id, other.id, survivor.id, table.c.id.not_in(list(same)))
    for person in other.people:
        if person.id not in same:
            changes.note(session, survivor, "person", "", person.full_name, author, person)
            continue
        kept = same[person.id]
        for name in (*NAMES, *JOINED):
            before, theirs = getattr(kept, name), getattr(person, name)
            after = _with(before, theirs, name)
            if after != before:
                journal.put(table.c[name], before, after, table.c.id == kept.id)
                changes.note(session, survivor, name, before, after, author, kept)
        journal.put(_table(Touch).c.person_id, person.id, kept.id)
        journal.put(_table(CardChange).c.person_id, person.id, kept.id)


def _with(mine: str, theirs: str, name: str) -> str:
    if not mine or not theirs:
        return mine or theirs
    joined = f"{mine}; {theirs}"
    fits = len(joined) <= (_table(Person).c[name].type.length or 0)  # type: ignore[attr-defined]
    return joined if name in JOINED and theirs.casefold() not in mine.casefold() and fits else mine


def _points(
    journal: Journal, survivor: Client, other: Client, same: Mapping[int, Person], points: Mapping[int, ContactPoint]
) -> None:
    table = _table(ContactPoint)
    preferred = {point.person_id for point in survivor.contact_points if point.preferred}
    for point in other.contact_points:
        person_id = point.person_id
        if person_id is not None and person_id in same:
            person_id = same[person_id].id
        if (kept := points.get(point.id)) is not None:
            if kept.person_id is None and person_id is not None:
                journal.put(table.c.person_id, None, person_id, table.c.id == kept.id)
            continue
        this = table.c.id == point.id
        journal.put(table.c.client_id, other.id, survivor.id, this)
        if person_id != point.person_id:
            journal.put(table.c.person_id, point.person_id, person_id, this)
        if point.preferred and person_id in preferred:
            journal.put(table.c.preferred, True, False, this)


def _told_apart(session: Session, journal: Journal, survivor: Client, other: Client) -> None:
    """Numbers that are not theirs, and cards that are another's: unless they are the survivor's now."""
    table, theirs = _table(NotSame), {point.normal for point in other.contact_points if point.normal}
    numbers = {point.normal for point in survivor.contact_points if point.normal} | theirs
    journal.put(table.c.client_id, survivor.id, other.id, table.c.number.in_(theirs - _numbers(session, other.id)))
    numbers |= _numbers(session, survivor.id)
    journal.put(table.c.client_id, other.id, survivor.id, table.c.number.not_in(numbers))
    known = {_partner(row, survivor.id) for row in _verdicts(session, survivor.id)} | {survivor.id}
    for row in _verdicts(session, other.id):
        if (partner := _partner(row, other.id)) not in known:
            low, high = sorted((partner, survivor.id))
            new = PairVerdict(low_id=low, high_id=high, verdict=row.verdict, user_id=row.user_id, at=row.at)
            session.add(new)
            session.flush()
            journal.new("pair_verdict", new.id, {"verdict": new.verdict})


def _numbers(session: Session, client_id: int) -> set[str]:
    return set(session.scalars(select(NotSame.number).where(NotSame.client_id == client_id)))


def _verdicts(session: Session, client_id: int) -> Sequence[PairVerdict]:
    ours = or_(PairVerdict.low_id == client_id, PairVerdict.high_id == client_id)
    return session.scalars(select(PairVerdict).where(ours).order_by(PairVerdict.id)).all()


def _partner(row: PairVerdict, client_id: int) -> int:
    return row.high_id if row.low_id == client_id else row.low_id


def candidates(session: Session, journal: Journal, before: int, after: int) -> None:
    """Calls that still ask whether they come from the card `before` ask of `after`: those that go on, and open rows."""
    rows = select(Touch.call_id).where(Touch.closed_at.is_(None), Touch.client_id.is_(None))
    open_calls = select(Call.id, Call.candidates).where(or_(Call.state.in_(LIVE), Call.id.in_(rows)))
    for call_id, asked in session.execute(open_calls.order_by(Call.id)).all():
        if any(one["client_id"] == before for one in asked):
            journal.put_json(_table(Call).c.candidates, call_id, asked, _asked_once(asked, before, after))


def _asked_once(asked: Sequence[dict[str, Any]], before: int, after: int) -> list[dict[str, Any]]:
    once: dict[int, dict[str, Any]] = {}
    for one in asked:
        client_id = after if one["client_id"] == before else one["client_id"]
        known = once.get(client_id)
        if known is None or (one["sure"] and not known["sure"]):
            once[client_id] = {**one, "client_id": client_id}
    return list(once.values())


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table
