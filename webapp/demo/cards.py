"""The demo office's clients: firms and private people with phones, addresses and needs, some filled in, some not."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients import contacts, keys, match
from webapp.clients.models import Client, ContactPoint, Person
from webapp.demo.names import Name, Names, ascii_slug
from webapp.demo.phones import Number, Numbers, written
from webapp.demo.setting import MANAGERS
from webapp.demo.texts import Texts
from webapp.office.models import Channel, ClientStatus, Region

HOW_MANY = 200
SHARES = {"ru": {"ru": 60, "ua": 14, "en": 16, "gr": 10}, "en": {"en": 50, "ru": 22, "ua": 12, "gr": 16}}
"""Of a hundred clients, how many of each alphabet, by the office's language."""
COUNTRIES = {"ru": ("ru",), "ua": ("ua",), "gr": ("gr", "gr", "cy"), "en": ("gb", "gb", "us")}
REGION_OF_AREA = {"495": 0, "944": 0, "812": 1, "343": 2}


@dataclass
class Book:
    """What the history needs of the cards: the clients with a number each calls from."""

    clients: list[Client] = field(default_factory=list)
    numbers: dict[int, Number] = field(default_factory=dict)
    """client's id: the number it calls from"""


def make_clients(
    session: Session, words: Texts, language: str, users: dict[str, User], now: datetime, dice: random.Random
) -> tuple[Book, Numbers]:
    """About HOW_MANY cards with owners, regions, channels, statuses and categories spread over them."""
    names, numbers, book = Names(dice), Numbers(dice), Book()
    country_here = contacts.office_country()
    home = country_here.lower()
    channels = list(session.scalars(select(Channel).order_by(Channel.rank)))
    statuses = list(session.scalars(select(ClientStatus).order_by(ClientStatus.rank)))
    regions = list(session.scalars(select(Region).order_by(Region.rank)))
    shares = SHARES.get(language, SHARES["en"])
    callers: list[tuple[Client, Number]] = []
    for _ in range(HOW_MANY):
        alphabet = dice.choices(list(shares), list(shares.values()))[0]
        firm = names.firms_left(alphabet) > 0 and dice.random() < 0.72
        country = dice.choice(COUNTRIES[alphabet])
        client = Client(
            kind="organisation" if firm else "private",
            status_id=dice.choices(statuses, (50, 20, 25, 5))[0].id,
            category=dice.choices(("", "A", "B", "C"), (30, 12, 25, 33))[0],
            owner_id=users[dice.choice(MANAGERS)].id if dice.random() < 0.9 else None,
            channel_id=dice.choice(channels).id if dice.random() < 0.85 else None,
            created_at=now - timedelta(days=dice.randrange(1, 700), hours=dice.randrange(24)),
            created_by_id=users[dice.choice((*MANAGERS, "sofia"))].id,
            caller_kind=dice.choice(("", "now", "later", "casual")),
            note=dice.choice(words.card_notes),
        )
        _need(client, words, dice)
        people = [names.person(alphabet) for _ in range(dice.choices((1, 2, 3), (60, 30, 10))[0] if firm else 1)]
        if firm:
            client.name, slug = names.firm(alphabet)
            client.what_it_does = dice.choice(words.trades) if dice.random() < 0.8 else ""
            domain = f"{slug}.example"
            if dice.random() < 0.6:
                client.website = dice.choice(("{}", "www.{}", "https://{}/", "http://www.{}/ru")).format(domain)
        else:
            domain = f"{people[0].ascii}-{dice.randrange(100, 1000)}.example"
        number = _people_and_phones(client, people, domain, country, home, numbers, words, dice)
        if not firm:
            client.name = client.people[0].full_name
        client.region_id = regions[REGION_OF_AREA[number.area] if country == "ru" else 3].id
        callers.append((client, number))
    _share_a_phone(callers)
    session.add_all(client for client, _ in callers)
    session.flush()
    for client, number in callers:
        for point in client.contact_points:
            point.normal = keys.normal_contact(point.kind, point.value, country_here)
        match.index(session, client)
        book.clients.append(client)
        book.numbers[client.id] = number
    return book, numbers


def _need(client: Client, words: Texts, dice: random.Random) -> None:
    """The need's fields (D32): of some cards all are known, of some nothing."""
    known = dice.choice((0.0, 0.3, 0.6, 0.95))
    choices = {
        "reason": words.reasons,
        "product": tuple(product for product, *_ in words.prices),
        "volume": words.volumes,
        "how_often": words.how_often,
        "order_size": words.order_sizes,
        "needed_by": words.needed_by,
        "exact_variant": words.exact,
        "delivery": words.delivery,
        "storage": words.storage,
        "decides_alone": words.alone,
    }
    for name, texts in choices.items():
        if dice.random() < known:
            setattr(client, name, dice.choice(texts))


def _people_and_phones(
    client: Client,
    people: list[Name],
    domain: str,
    country: str,
    home: str,
    numbers: Numbers,
    words: Texts,
    dice: random.Random,
) -> Number:
    """Fill in the people and their contact points; returns the number this client calls from."""
    calls_from: Number | None = None
    firm = client.kind == "organisation"
    for index, name in enumerate(people):
        person = Person(surname=name.surname, given_name=name.given, patronymic=name.patronymic)
        if firm:
            person.position = dice.choice(words.positions)
            person.decides = dice.choice(words.decides) if dice.random() < 0.4 else ""
        client.people.append(person)
        for turn in range(dice.choice((1, 1, 2))):
            number = numbers.new(country)
            calls_from = calls_from or number
            _point(
                client, person, "mobile" if number.mobile else "phone", written(number, dice, home), index + turn == 0
            )
        if dice.random() < 0.75:
            _point(client, person, "email", f"{name.ascii}@{domain}")
    if firm and dice.random() < 0.3:
        _point(client, None, "email", f"office@{domain}")
    if firm and dice.random() < 0.15:
        _point(client, None, "fax", written(numbers.new(country), dice, home))
    if dice.random() < 0.2:
        _point(client, client.people[0], "messenger", f"@{ascii_slug(people[0].surname)}_{dice.randrange(10, 99)}")
    assert calls_from is not None  # noqa: S101  (everybody has a phone)
    return calls_from


def _point(client: Client, person: Person | None, kind: str, value: str, preferred: bool = False) -> None:
    client.contact_points.append(ContactPoint(person=person, kind=kind, value=value, preferred=preferred))


def _share_a_phone(callers: list[tuple[Client, Number]]) -> None:
    """A firm and a private person with one phone between them: a call from it has two candidates."""
    firm, number = next(pair for pair in callers if pair[0].kind == "organisation" and pair[1].country in ("ru", "gb"))
    person = next(client for client, _ in callers if client.kind == "private")
    _point(person, person.people[0], "phone", number.e164)
    assert firm is not person  # noqa: S101
