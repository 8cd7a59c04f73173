"""Cards of the demo office that were made twice, so that the page of probable doubles has something to show."""

from __future__ import annotations

from datetime import datetime, timedelta

from anyascii import anyascii
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients import contacts, keys, match
from webapp.clients.models import Client, ContactPoint, Person
from webapp.demo.cards import Book
from webapp.demo.texts import Texts
from webapp.doubles import search
from webapp.office.models import Outcome
from webapp.touches.models import Touch


def make_doubles(session: Session, words: Texts, users: dict[str, User], book: Book, now: datetime) -> None:
    """Two firms that somebody wrote down again in Latin letters: one by its website, one by an e-mail. Flushes."""
    firms = [client for client in book.clients if client.kind == "organisation" and client.owner_id == users["anna"].id]
    by_site = next(one for one in firms if one.name != anyascii(one.name) and one.website)
    by_mail = next(one for one in firms if one is not by_site and _mail(one))
    made = [
        _again(by_site, ("site", by_site.website), now - timedelta(days=9), users["anna"]),
        _again(by_mail, ("email", _mail(by_mail)), now - timedelta(days=4), None),
    ]
    answered = session.scalars(select(Outcome).where(Outcome.key == "answered")).one()
    for double, original in zip(made, (by_site, by_mail), strict=True):
        at = double.created_at
        double.volume, double.note = original.volume or words.volumes[0], words.card_notes[-1]
        session.add(double)
        session.flush()
        match.index(session, double)
        touch = {
            "outcome": answered,
            "direction": "in",
            "door": "web",
            "started_at": at,
            "closed_at": at + timedelta(minutes=5),
        }
        person_id, user_id = double.people[0].id, double.owner_id
        session.add(Touch(client_id=double.id, person_id=person_id, user_id=user_id, name_known=True, **touch))
    session.flush()
    search.look(session, [double.id for double in made], contacts.office_country(), now)


def _mail(client: Client) -> str:
    return next((point.value for point in client.contact_points if point.kind == "email"), "")


def _again(client: Client, address: tuple[str, str], at: datetime, owner: User | None) -> Client:
    person, (kind, value) = client.people[0], address
    name = anyascii(client.name.strip()).upper().replace("<<", '"').replace(">>", '"')
    again = Client(
        kind="organisation", name=name, created_at=at, owner_id=owner and owner.id, channel_id=client.channel_id
    )
    again.people.append(Person(surname=anyascii(person.surname), given_name=anyascii(person.given_name)))
    normal = keys.normal_contact(kind, value, contacts.office_country())
    again.contact_points.append(ContactPoint(person=again.people[0], kind=kind, value=value, normal=normal))
    return again
