"""What a merge left behind because the survivor had it already: somebody who is to be forgotten stands there too."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webapp.clients.models import Client, ContactPoint, Person
from webapp.doubles import gathering
from webapp.doubles.models import Merge
from webapp.history.timeline import family


def people(session: Session, person: Person) -> list[Person]:
    """The same person, as left behind on cards that were merged into this one."""
    found = []
    for card in _merged(session, person.client_id):
        same = gathering.same_people(person.client, card)
        found += [one for one in card.people if one.id in same and same[one.id].id == person.id]
    return found


def points(session: Session, client_id: int, normals: Collection[str]) -> list[ContactPoint]:
    """These addresses, as left behind on cards that were merged into this one."""
    return [
        point
        for card in _merged(session, client_id)
        for point in card.contact_points
        if point.normal and point.normal in normals
    ]


def became(session: Session, client_id: int, person_id: int | None, point_id: int | None) -> dict[str, int]:
    """What a person, or an address, that a merge left behind is called on the card that stays; {} for others."""
    found: dict[str, int] = {}
    person = session.get(Person, person_id) if person_id is not None else None
    if person is not None and (stays := _stays(session, client_id, person.client)):
        twins = gathering.same_people(stays, person.client)
        found |= {"person_id": twins[person.id].id} if person.id in twins else {}
    point = session.get(ContactPoint, point_id) if point_id is not None else None
    if point is not None and (stays := _stays(session, client_id, point.client)):
        copies = gathering.same_points(stays, point.client)
        found |= {"point_id": copies[point.id].id} if point.id in copies else {}
    return found


def _stays(session: Session, client_id: int, card: Client) -> Client | None:
    """The card with this id, when `card` was merged into it."""
    merged = card.id != client_id and card.id in family(session, client_id)
    return session.get(Client, client_id) if merged else None


def forget(session: Session, client_ids: Collection[int], person_ids: Collection[int]) -> None:
    """Take these people's names out of what an undo would go back by. Flushes."""
    of_them = or_(Merge.survivor_id.in_(client_ids), Merge.other_id.in_(client_ids))
    for row in session.scalars(select(Merge).where(of_them)):
        row.moved = [
            entry
            for entry in row.moved
            if not (entry[0] == "person" and entry[1] != "client_id" and set(entry[2]) & set(person_ids))
        ]
    session.flush()


def _merged(session: Session, client_id: int) -> list[Client]:
    ids = [one for one in family(session, client_id) if one != client_id]
    return list(session.scalars(select(Client).where(Client.id.in_(ids)).order_by(Client.id)))
