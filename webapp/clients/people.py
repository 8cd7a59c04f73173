"""The people of a client, and the telephones and addresses of them and of the client itself (D30)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from webapp.clients import changes, contacts, fields, keys, match
from webapp.clients.cards import BadCard, announce_card
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, ContactPoint, Person

PERSON_FIELDS = ("surname", "given_name", "patronymic", "position", "decides")


def add_person(session: Session, client: Client, values: Mapping[str, str], author: Author) -> Person:
    """Add somebody at the client: surname, given_name, patronymic, position, decides. Raises BadCard."""
    person, errors = Person(), {}
    for name in PERSON_FIELDS:
        try:
            setattr(person, name, fields.cleaned(fields.BY_NAME[name], values.get(name, "")))
        except BadValue as why:
            errors[name] = str(why)
    if not errors and not person.full_name:
        errors["surname"] = str(_l("Type a name."))
    if errors:
        raise BadCard(errors)
    client.people.append(person)
    session.flush()
    changes.note(session, client, "person", "", person.full_name, author, person)
    _changed(session, client, author.at)
    return person


def add_contact_point(
    session: Session,
    client: Client,
    kind: str,
    value: str,
    country: str,
    author: Author,
    person: Person | None = None,
) -> ContactPoint:
    """Add a phone, an e-mail or another address, kept as written; of several in one text the first is returned.

    Raises BadValue.
    """
    points = contacts.add_all(session, client, kind, value, country, person, author)
    _changed(session, client, author.at)
    return points[0]


def change_contact_point(
    session: Session, point: ContactPoint, value: str, country: str, author: Author, was: str | None = None
) -> bool:
    """Write an address anew; an empty text takes it off the card, and False is returned. Raises BadValue.

    Of several numbers in one text the first takes its place, the others are added.
    `was`: what the writer saw there; raises `changes.Changed` when somebody has changed it meanwhile.
    """
    client = point.client
    if was is not None:
        try:
            changes.hold(session, client, point)
        except InvalidRequestError as gone:  # it has been taken off since it was read
            raise changes.Changed("", value) from gone
        changes.compare(session, client, point.kind, point.value, was, value, point.person, point.value)
    old = point.value
    if not value.strip():
        client.contact_points.remove(point)
        changes.note(session, client, point.kind, old, "", author, point.person)
        _changed(session, client, author.at)
        return False
    point.value, *more = contacts.several(point.kind, value, country)
    point.normal = keys.normal_contact(point.kind, point.value, country)
    changes.note(session, client, point.kind, old, point.value, author, point.person)
    for one in more:
        contacts.add(session, client, point.kind, one, country, point.person, author)
    _changed(session, client, author.at)
    return True


def prefer(session: Session, point: ContactPoint, author: Author) -> None:
    """Make this the way its person (or the client) likes to be reached; a second time takes that back (D30)."""
    wanted = not point.preferred
    before = ""
    for other in point.client.contact_points:
        if other.person_id == point.person_id and other.preferred:
            before, other.preferred = other.value, False
    point.preferred = wanted
    changes.note(session, point.client, "preferred", before, point.value if wanted else "", author, point.person)
    _changed(session, point.client, author.at)


def _changed(session: Session, client: Client, now: datetime) -> None:
    match.index(session, client)
    announce_card(session, client, now)
