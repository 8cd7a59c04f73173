"""What was taken out of the house comes in again: into the same office it adds nothing, into an empty one all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker, make_card  # noqa: F401
from tests.webapp.conftest import Clock
from tests.webapp.imports.conftest import Desk, as_csv
from webapp.accounts.models import User
from webapp.clients import contacts, listfile, match
from webapp.clients.models import CardChange, Client, ContactPoint, MatchKey, Person
from webapp.clients.people import PERSON_FIELDS
from webapp.db import db
from webapp.imports import columns
from webapp.office.models import Channel, ClientStatus, ClientType, Region
from webapp.rules import extra
from webapp.rules.models import ExtraField
from webapp.sheets import undefused

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def desk(app: Flask, clock: Clock, sign_in: SignIn) -> Desk:
    """The head takes lists in and out."""
    return Desk(app, clock, sign_in("head"))


@pytest.fixture
def cards(make_card: Maker, session: Session, office: dict[str, User]) -> Iterator[list[str]]:  # noqa: F811
    """Cards with everything on them; their names."""
    own = {
        kind: ExtraField(key=kind, names=names, kind=kind, choices=["малый", "большой"] if kind == "list" else [])
        for kind, names in (
            ("text", {"en": "Gate", "ru": "Проходная"}),
            ("number", {"en": "Size", "ru": "Размер"}),
            ("date", {"en": "Founded", "ru": "Основана"}),
            ("yes_no", {"en": "Pays ahead", "ru": "Платит вперёд"}),
            ("list", {"en": "Store", "ru": "Магазин"}),
        )
    }
    session.add_all([*own.values(), Region(names={"en": "Kazan", "ru": "Казань"})])
    session.flush()
    lists: dict[str, Any] = {
        model.__tablename__.removeprefix("client_"): session.scalars(select(model).order_by(model.id)).all()[-1]
        for model in (Channel, ClientStatus, ClientType, Region)
    }
    granit = make_card(
        "ООО «Гранит»", ("+7 495 555-00-21", "8 (495) 555-00-22 доб. 12", "8 (495) 555-00-22 доб. 14"),
        "info@granit.example", owner_id=office["anna"].id, category="B", website="granit.example",
        what_it_does="=камень", note="Звонить после обеда.\n\n-скидку не давать",
        caller_kind="later", volume="12", **lists,
    )  # fmt: skip
    pavel = Person(surname="Орлов", given_name="Павел", patronymic="Ильич", position="=закупки", decides="цена, срок")
    granit.people += [pavel, Person(surname="Серова", given_name="Ольга"), Person(surname="Орлов", given_name="Пётр")]
    session.flush()
    for kind, value, person in (
        ("mobile", "8 916 555-00-22", pavel), ("mobile", "+7 916 555-00-23", pavel),
        ("phone", "+7 916 555-00-24", pavel),
        ("phone", "звоните позже", pavel), ("phone", "101", pavel), ("messenger", "Телеграм @orlov, вечером", pavel),
        ("messenger", "@granit", granit.people[1]),
        ("site", "granit-opt.example", None), ("fax", "+7 495 555-00-29", None),
        ("email", "orlov@granit.example", pavel), ("email", "@нет почты", pavel),
    ):  # fmt: skip
        contacts.add(session, granit, kind, value, "RU", person)
    values = {"text": "-2 этаж", "number": "-12.5", "date": "10.03.1999", "yes_no": "yes", "list": "большой"}
    for kind, text in values.items():
        extra.put(session, granit, own[kind], text, None)
    make_card("Базальт")
    make_card("", ("+7 495 555-00-31",), surname="Зимина", given_name="Анна", kind="private", note="'так и надо'")
    family = make_card("", kind="private", surname="Белкин", given_name="Иван", category="A")
    family.people.append(Person(surname="Уткина", given_name="Мария"))
    make_card("Рассвет", ("+7 495 555-00-41",), owner_id=office["boris"].id)
    session.flush()
    for client in session.scalars(select(Client)):
        match.index(session, client)
    session.commit()
    yield ["ООО «Гранит»", "Базальт", "", "", "Рассвет"]


def everything() -> list[Any]:
    """All that the cards say, but their numbers."""
    db.session.expire_all()
    whole = []
    for client in db.session.scalars(select(Client).order_by(Client.id)):
        plain = {
            one.name: getattr(client, one.name)
            for one in Client.__table__.columns
            if one.name not in ("id", "created_at", "created_by_id", "merged_into_id")
        }
        people = [
            tuple(getattr(person, name) for name in ("surname", "given_name", "patronymic", "position", "decides"))
            for person in client.people
        ]
        points = sorted((one.kind, one.value, one.normal) for one in client.contact_points)
        whole.append((plain, people, points, sorted(extra.values(client).items())))
    return whole


def rows() -> list[int | None]:
    return [
        db.session.scalar(select(func.count()).select_from(model))
        for model in (Client, Person, ContactPoint, CardChange, MatchKey)
    ]


def speak(session: Session, language: str, *users: User) -> None:
    for user in users:
        user.language = language
    session.commit()


def taken_out(desk: Desk, ending: str) -> bytes:
    answer = desk.client.post(f"/clients/export.{ending}", buffered=True)
    assert answer.status_code == 200
    return answer.data


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_a_file_of_ours_taken_in_again_adds_nothing(
    desk: Desk, cards: list[str], session: Session, office: dict[str, User], ending: str, language: str
) -> None:
    session.add(Client(name="Базальт", created_at=desk.clock()))  # nothing but its number tells it from the other
    speak(session, language, office["head"])
    body = taken_out(desk, ending)
    before, said = rows(), everything()
    import_ = desk.take_in(body, f"clients.{ending}")
    assert import_.counts == {"matched": 9}
    assert rows() == before and everything() == said


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize(("out", "in_"), [("en", "ru"), ("ru", "en")])
def test_an_empty_office_gets_the_same_cards(
    desk: Desk, cards: list[str], session: Session, office: dict[str, User], ending: str, out: str, in_: str
) -> None:
    speak(session, out, office["head"])
    body = taken_out(desk, ending)
    said = everything()
    assert [about["name"] for about, *_rest in said] == cards
    session.execute(delete(Client))
    speak(session, in_, office["head"])
    import_id = desk.brought(body, f"clients.{ending}")
    assert desk.look_through(import_id).counts == {"new": 5, "matched": 3, "marked": 2}
    assert desk.run(import_id).counts == {"new": 5, "matched": 3, "marked": 2}
    assert everything() == said


def test_every_column_is_known_in_each_language(app: Flask, office: dict[str, User], session: Session) -> None:
    for language in ("en", "ru"):
        with force_locale(language):
            titles = [column.title for column in listfile.columns([])]
        assert len(set(titles)) == len(titles)
        found = columns.guess(titles, [], {}, "RU")
        wanted = ["card", *listfile._FIRM, *PERSON_FIELDS, *contacts.KINDS, *listfile._CHOSEN]
        assert list(found.values()) == [*wanted, *listfile._NEED]


def test_the_number_of_a_card_alone_proves_nothing(desk: Desk, make_card: Maker, session: Session) -> None:  # noqa: F811
    one = make_card("Гранит", ("+7 495 555-00-21",))
    other = make_card("", surname="Орлов", given_name="Павел", kind="private")
    head = ("Карточка", "Компания", "Фамилия", "Имя", "Телефон")
    body = as_csv([head, (one.id, "Базальт", "", "", "+7 495 555-00-51"), (other.id, "", "Зимина", "Анна", "")])
    assert desk.take_in(body).counts == {"new": 2}


def test_what_was_retired_since_is_no_reason_to_refuse_a_row(
    desk: Desk,
    make_card: Maker,  # noqa: F811
    session: Session,
    office: dict[str, User],
) -> None:
    region = Region(names={"en": "Kazan"})
    session.add(region)
    make_card("Гранит", owner_id=office["anna"].id, region=region)
    body = taken_out(desk, "csv")
    region.active = office["anna"].active = False
    session.commit()
    before = rows()
    assert desk.take_in(body).counts == {"matched": 1}
    assert rows() == before


@pytest.mark.parametrize(
    ("cell", "text"),
    [("'+7 495", "+7 495"), ("' =1", " =1"), ("'тихо'", "'тихо'"), ("'", "'"), ("''+7", "''+7"), ("+7", "+7")],
)
def test_apostrophes_that_defuse_are_taken_off(cell: str, text: str) -> None:
    assert undefused(cell) == text
