"""What was learnt of a client joins the card that is there: empty fields are filled, nothing is written over."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from webapp.clients import cards, contacts, fields, keys, match
from webapp.clients.changes import Author
from webapp.clients.models import Client, Person


def join(session: Session, client: Client, values: Mapping[str, str], author: Author, country: str) -> Person | None:
    """Put what is new onto a card that is there: empty fields are filled, nothing is written over.

    An address joins those there; somebody new joins the people. Returns the person meant, None for nobody.
    """
    person = _person(client, values.get("surname", ""), values.get("given_name", ""))
    if person is None and (values.get("surname") or values.get("given_name")):
        person = cards.add_person(session, client, values, author)
    have = fields.known(client, person)
    for name, text in values.items():
        if fields.BY_NAME[name].kind == "contact":
            kind = contacts.phone_kind(keys.normal_phone(text, country)) if name == "phone" else name
            contacts.add(session, client, kind, text, country, person, author)
        elif name not in have and not (person is None and fields.BY_NAME[name].holder == "person"):
            fields.fill(session, client, person, name, text, author, country)
    match.index(session, client)
    cards.announce_card(session, client, author.at)
    return person


def _person(client: Client, surname: str, given_name: str) -> Person | None:
    """Whom of the card's people a name means: names that sound alike do, and one that is missing is no other."""
    asked = (keys.surname_key(surname), keys.given_name_key(given_name))
    if not any(asked):
        return None
    for person in client.people:
        have = (keys.surname_key(person.surname), keys.given_name_key(person.given_name))
        pairs = list(zip(asked, have, strict=True))
        if all(one == other or not one or not other for one, other in pairs) and any(
            one and one == other for one, other in pairs
        ):
            return person
    return None
