"""The change log: every path writes it, the reader reads it in his words, and nothing leaves it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import g
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import cards, fields
from webapp.clients.changes import Author
from webapp.clients.models import CardChange, Client
from webapp.history import changelog
from webapp.office.models import Channel, ClientStatus, ClientType, ListItem, Region
from webapp.rules.models import ExtraField

SignIn = Callable[[str], FlaskClient]
EVERY_FIELD = (*(one.name for one in fields.FIELDS if one.holder != "touch"), *cards.MORE_FIELDS, "extra:since")


@pytest.fixture
def rassvet(make_card: Maker) -> Client:
    return make_card("Rassvet", ("+7 495 123-45-67",), surname="Orlov", given_name="Pavel")


@pytest.mark.parametrize("name", EVERY_FIELD)
def test_every_field_leaves_a_line(
    sign_in: SignIn, rassvet: Client, office: dict[str, User], session: Session, clock: Clock, name: str
) -> None:
    session.add(ExtraField(key="since", names={"en": "Client since"}, kind="date"))
    session.add(Region(names={"en": "North"}, rank=1))
    session.add(ClientType(names={"en": "Builder"}, rank=1))
    session.commit()
    lists: dict[str, type[ListItem]] = {
        "status": ClientStatus,
        "region": Region,
        "channel": Channel,
        "type": ClientType,
    }
    if name in lists:
        value = str(session.scalars(select(lists[name]).order_by(lists[name].rank)).first().id)  # type: ignore[union-attr]
    else:
        value = {
            "category": "A", "owner": str(office["anna"].id), "kind": "private", "caller_kind": "now",
            "extra:since": "10.03.2026", "email": "p@rassvet.ru", "website": "rassvet.ru",
        }.get(name, "+7 916 123 45 67" if name in ("phone", "mobile", "fax") else "New words")  # fmt: skip
    person = rassvet.people[0]
    cards.update_field(session, rassvet, person, name, value, Author(office["anna"], clock()), "RU")
    session.commit()
    lines = session.scalars(select(CardChange)).all()
    assert [(line.field, line.user_id) for line in lines] == [(name, office["anna"].id)]
    assert lines[0].new and lines[0].old != lines[0].new
    holder = fields.BY_NAME[name].holder if name in fields.BY_NAME else "client"
    assert (lines[0].person_id == person.id) == (holder == "person")
    page = sign_in("head").get(f"/clients/{rassvet.id}/changes").get_data(as_text=True)
    label = changelog.words_for(session, lines).label(name)
    assert label != name and f"<b>{label}</b>" in page and "Anna Petrova" in page


def test_paths_beside_the_fields(sign_in: SignIn, rassvet: Client, office: dict[str, User], session: Session) -> None:
    head, base = sign_in("head"), f"/clients/{rassvet.id}"

    def added(path: str, **data: object) -> list[tuple[str, str, str]]:
        last = session.scalar(select(func.max(CardChange.id))) or 0
        assert head.post(path, data=data).status_code in (200, 204, 303), path
        rows = session.scalars(select(CardChange).where(CardChange.id > last).order_by(CardChange.id))
        return [(row.field, row.old, row.new) for row in rows]

    point, person = rassvet.contact_points[0], rassvet.people[0]
    assert added(f"{base}/never-record", never="y") == [("never_record", "", "1")]
    assert added(f"{base}/people", surname="Belova") == [("person", "", "Belova")]
    assert added(f"{base}/contacts", kind="email", value="a@rassvet.ru") == [("email", "", "a@rassvet.ru")]
    mail = next(one for one in rassvet.contact_points if one.kind == "email")
    whose = f"a@rassvet.ru: {person.full_name}"
    assert added(f"{base}/contacts", kind="email", value="a@rassvet.ru", person=person.id) == [
        ("whose", "a@rassvet.ru", whose)
    ]
    assert added(f"{base}/contacts/{mail.id}/prefer") == [("preferred", "", "a@rassvet.ru")]
    assert added(f"{base}/contacts/{point.id}", value="+7 495 123-45-68") == [
        ("phone", "+7 495 123-45-67", "+7 495 123-45-68")
    ]
    assert added(f"{base}/contacts/{point.id}", value="") == [("phone", "+7 495 123-45-68", "")]
    assert added(f"{base}/deals", title="Doors")[0] == ("deal", "", "Doors")
    page = head.get(f"{base}/changes").get_data(as_text=True)
    for words in ("+7 495 123-45-68", "Never record", "Belova", "Preferred address", "Whose address", "Deal opened"):
        assert words in page, words


def test_the_log_is_read_in_the_readers_language_and_chosen_from(
    sign_in: SignIn, rassvet: Client, office: dict[str, User], session: Session, clock: Clock
) -> None:
    status = session.scalars(select(ClientStatus).order_by(ClientStatus.rank)).first()
    assert status
    status.names = {"en": "Cold", "ru": "Холодный"}
    person = rassvet.people[0]
    rows = [
        ("status", "", "Холодный", None),
        ("stage", "found", "won", None),
        ("surname", "Orlov", "Orlova", person.id),
    ]
    rows += [("caller_kind", "", "now", None), ("surname", "", "Gone", 99), ("person", "", "Gone Person", 99)]
    for name, old, new, person_id in rows:
        line = CardChange(
            client_id=rassvet.id, at=clock.move(minutes=1), field=name, old=old, new=new, person_id=person_id
        )
        line.why, line.user_id = f"why-{name}", office["anna"].id
        session.add(line)
    session.commit()
    browser, base = sign_in("anna"), f"/clients/{rassvet.id}/changes"
    page = browser.get(base).get_data(as_text=True)
    for words in ("Cold", "Found or received", "Won", "Needs it now", "why-status", "Orlov Pavel", "Gone Person"):
        assert words in page, words
    assert "Холодный" not in page
    page = browser.get(f"{base}?field=surname").get_data(as_text=True)
    assert "Orlova" in page and "why-status" not in page
    page = browser.get(f"{base}?person=99").get_data(as_text=True)
    assert "Gone" in page and "Orlova</td>" not in page
    assert browser.get(f"{base}?field=no-such&person=x").status_code == 200


def test_the_log_is_paged_and_asks_little(
    sign_in: SignIn, rassvet: Client, session: Session, clock: Clock, count_queries: Callable[[], int]
) -> None:
    for number in range(120):
        session.add(CardChange(client_id=rassvet.id, at=clock(), field="product", new=f"new-{number:03}."))
    session.commit()
    browser = sign_in("anna")
    before = count_queries()
    page = browser.get(f"/clients/{rassvet.id}/changes").get_data(as_text=True)
    assert count_queries() - before <= 14
    seen = page
    while "before=" in page:
        address = re.findall(r'hx-get="([^"]*before=[^"]*)"', page)[-1].replace("&amp;", "&")
        page = browser.get(address).get_data(as_text=True)
        seen += page
    assert all(seen.count(f"new-{number:03}.") == 1 for number in range(120))


def test_who_may_read_it(sign_in: SignIn, rassvet: Client) -> None:
    assert sign_in("anna").get("/clients/999/changes").status_code == 404
    g.pop("_login_user", None)
    assert sign_in("admin").get(f"/clients/{rassvet.id}/changes").status_code == 403


@pytest.mark.parametrize("person", ["0", "-1", str(2**31), str(2**63), "9" * 30])
def test_somebody_whom_no_table_can_hold(sign_in: SignIn, rassvet: Client, person: str) -> None:
    assert sign_in("anna").get(f"/clients/{rassvet.id}/changes?person={person}").status_code == 404
