"""Two managers at one card: nobody's words are lost, and different fields never disturb each other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import cards
from webapp.clients.changes import Author, Changed
from webapp.clients.models import CardChange, Client, Person
from webapp.db import db
from webapp.office.models import ClientStatus, ListItem, Region
from webapp.rules import extra
from webapp.rules.models import ExtraField
from webapp.touches.models import Touch

OWN = ("volume", "delivery", "storage", "how_often", "position", "patronymic", "needed_by", "order_size")
SignIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def rassvet(make_card: Maker) -> Client:
    return make_card("Rassvet", ("+7 495 123-45-67",), surname="Orlov", given_name="Pavel")


@pytest.fixture
def boris(sign_in: SignIn) -> FlaskClient:
    """Boris's browser; the test's context forgets him at once."""
    browser = sign_in("boris")
    g.pop("_login_user", None)
    return browser


def test_the_later_sees_the_earlier_and_may_put_his_own(
    sign_in: SignIn, boris: FlaskClient, rassvet: Client, session: Session
) -> None:
    anna = sign_in("anna")
    address = f"/clients/{rassvet.id}/fields/product"
    assert anna.post(address, data={"value": "doors", "was": ""}, headers=HTMX).status_code == 200
    answer = boris.post(address, data={"value": "windows <b>", "was": ""}, headers=HTMX)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Anna Petrova has changed this meanwhile" in page
    assert 'value="windows &lt;b&gt;"' in page and 'data-theirs="doors"' in page and "<b>" not in page
    session.expire_all()
    assert rassvet.product == "doors"
    assert boris.post(address, data={"value": "windows", "was": "doors"}).status_code == 200
    session.expire_all()
    assert rassvet.product == "windows"
    lines = session.scalars(select(CardChange).where(CardChange.field == "product").order_by(CardChange.id)).all()
    assert [(line.old, line.new) for line in lines] == [("", "doors"), ("doors", "windows")]


def test_a_third_change_in_between_is_shown_again(
    sign_in: SignIn, boris: FlaskClient, rassvet: Client, session: Session
) -> None:
    anna, address = sign_in("anna"), f"/clients/{rassvet.id}/fields/note"
    anna.post(address, data={"value": "first", "was": ""})
    anna.post(address, data={"value": "first\r\nsecond", "was": "first"})
    answer = boris.post(address, data={"value": "first\nmine", "was": "first"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "first\nsecond" in page.replace("\r", "") and 'data-choice="both"' in page
    assert anna.post(address, data={"value": "own", "was": "first\nsecond"}).status_code == 200


def test_the_same_words_and_the_same_person_in_two_tabs_are_no_conflict(
    sign_in: SignIn, rassvet: Client, session: Session
) -> None:
    browser, address = sign_in("anna"), f"/clients/{rassvet.id}/fields/product"
    for _ in range(2):
        assert browser.post(address, data={"value": " doors  and\twindows", "was": ""}).status_code == 200
    answer = browser.post(address, data={"value": "other", "was": ""})
    assert answer.status_code == 409 and "You have changed this yourself" in answer.get_data(as_text=True)


@pytest.mark.parametrize(("name", "model"), [("status", ClientStatus), ("region", Region)])
def test_a_choice_says_both_in_words(
    sign_in: SignIn, boris: FlaskClient, rassvet: Client, session: Session, name: str, model: type[ListItem]
) -> None:
    if model is Region:
        session.add_all([Region(names={"en": "North"}, rank=1), Region(names={"en": "South"}, rank=2)])
        session.commit()
    one, two = session.scalars(select(model).order_by(model.rank)).all()[:2]
    address = f"/clients/{rassvet.id}/fields/{name}"
    assert sign_in("anna").post(address, data={"value": one.id, "was": ""}).status_code == 200
    g.pop("_login_user")
    page = boris.post(address, data={"value": two.id, "was": ""}).get_data(as_text=True)
    assert f"<dd>{one.name}</dd>" in page and f"<dd>{two.name}</dd>" in page


def test_a_persons_field_and_an_address(sign_in: SignIn, boris: FlaskClient, rassvet: Client, session: Session) -> None:
    anna, person, point = sign_in("anna"), rassvet.people[0], rassvet.contact_points[0]
    address = f"/clients/{rassvet.id}/people/{person.id}/fields/surname"
    assert anna.post(address, data={"value": "Orlova", "was": "Orlov"}).status_code == 200
    assert boris.post(address, data={"value": "Orlow", "was": "Orlov"}).status_code == 409
    address = f"/clients/{rassvet.id}/contacts/{point.id}"
    assert anna.post(address, data={"value": "+7 495 123-45-68", "was": "+7 495 123-45-67"}).status_code == 200
    answer = boris.post(address, data={"value": "+7 495 123-45-60", "was": "+7 495 123-45-67"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Anna Petrova has changed this" in page and "123-45-68" in page and 'value="+7 495 123-45-60"' in page
    anna.post(address, data={"value": "", "was": "+7 495 123-45-68"})
    answer = boris.post(address, data={"value": "+7 495 123-45-60", "was": "+7 495 123-45-68"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "Anna Petrova has taken this address off" in page
    assert 'value="+7 495 123-45-60"' in page
    assert boris.post(address, data={"value": "1", "was": "never there"}).status_code == 404


def test_a_field_of_the_heads_making(sign_in: SignIn, boris: FlaskClient, rassvet: Client, session: Session) -> None:
    session.add(ExtraField(key="since", names={"en": "Client since"}, kind="date"))
    session.commit()
    anna, address = sign_in("anna"), f"/clients/{rassvet.id}/fields/extra:since"
    assert anna.post(address, data={"value": "10.03.2026", "was": ""}).status_code == 200
    answer = boris.post(address, data={"value": "11.03.2026", "was": ""})
    assert answer.status_code == 409 and "Anna Petrova has changed this" in answer.get_data(as_text=True)
    shown = extra.shown(session.scalars(select(ExtraField)).one(), "2026-03-10")
    assert f'data-theirs="{shown}"' in answer.get_data(as_text=True)
    assert anna.post(address, data={"value": "12.03.2026", "was": shown}).status_code == 200
    assert anna.post(f"/clients/{rassvet.id}/fields/extra:no", data={"value": "1", "was": ""}).status_code == 404


def test_a_page_of_before_that_says_not_what_it_saw_still_saves(sign_in: SignIn, rassvet: Client) -> None:
    browser, address = sign_in("anna"), f"/clients/{rassvet.id}/fields/product"
    for value in ("doors", "windows"):
        assert browser.post(address, data={"value": value}).status_code == 200


def test_the_fields_as_they_stand(
    sign_in: SignIn, rassvet: Client, session: Session, count_queries: Callable[[], int]
) -> None:
    browser = sign_in("anna")
    before = count_queries()
    page = browser.get(f"/clients/{rassvet.id}/fresh").get_data(as_text=True)
    assert count_queries() - before <= 16
    assert 'id="card-product-field" hx-swap-oob="true"' in page and 'id="people"' in page
    assert browser.get("/clients/999/fresh").status_code == 404


def test_what_the_script_wrote_into_the_note_stays(
    sign_in: SignIn, rassvet: Client, office: dict[str, User], session: Session, clock: Clock
) -> None:
    touch = Touch(started_at=clock(), client_id=rassvet.id, user_id=office["anna"].id, note="before")
    session.add(touch)
    session.commit()
    browser, address = sign_in("anna"), f"/touches/{touch.id}/result"
    touch.note = "before\nscript"
    session.commit()
    answer = browser.post(address, data={"note": "before, mine", "was": "before"})
    assert answer.status_code == 200 and 'data-note="before, mine\nscript"' in answer.get_data(as_text=True)
    session.expire_all()
    assert touch.note == "before, mine\nscript"
    touch.note = "another text"
    session.commit()
    answer = browser.post(address, data={"note": "my text", "was": "before, mine\nscript"})
    assert answer.status_code == 409 and "another text" in answer.get_data(as_text=True)
    session.expire_all()
    assert touch.note == "another text"
    browser.post(f"/touches/{touch.id}/close", data={"note": "my text", "was_note": "before, mine\nscript"})
    session.expire_all()
    assert touch.note == "another text\nmy text"


def test_the_desk_writes_over_nobody(
    sign_in: SignIn, boris: FlaskClient, rassvet: Client, office: dict[str, User], session: Session, clock: Clock
) -> None:
    touch = Touch(started_at=clock(), client_id=rassvet.id, user_id=office["anna"].id)
    session.add(touch)
    session.commit()
    boris.post(f"/clients/{rassvet.id}/fields/volume", data={"value": "40 t", "was": ""})
    g.pop("_login_user", None)
    anna = sign_in("anna")
    answer = anna.post(f"/desk/touches/{touch.id}/fill/volume", data={"volume": "20 t", "was": ""})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "Boris Ivanov has changed this" in page and "40 t" in page
    answer = anna.post(f"/desk/touches/{touch.id}/fill/volume", data={"volume": "20 t", "was": "40 t"})
    assert answer.status_code == 200


def test_many_at_once_and_one_of_them_wins(app: Flask, rassvet: Client, office: dict[str, User], clock: Clock) -> None:
    """Every thread has seen the empty field; whoever comes later is shown what won. Other fields all arrive."""
    client_id, user_id, person_id = rassvet.id, office["anna"].id, rassvet.people[0].id
    db.session.commit()
    start = threading.Barrier(8)

    def write(number: int) -> str:
        with app.app_context():
            session = db.session()
            start.wait(20)
            try:
                client = session.get_one(Client, client_id)
                person = session.get_one(Person, person_id)
                user = session.get_one(User, user_id)
                cards.update_field(
                    session, client, person, OWN[number], f"text {number}", Author(user, clock()), "RU", ""
                )
                session.commit()
                client = session.get_one(Client, client_id)
                cards.update_field(
                    session, client, None, "product", f"text {number}", Author(user, clock()), "RU", was=""
                )
                session.commit()
            except Changed as changed:
                session.rollback()
                return changed.theirs
            finally:
                db.session.remove()
            return ""

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(write, range(8)))
    session = db.session()
    session.expire_all()
    client = session.get_one(Client, client_id)
    assert told.count("") == 1
    assert client.product == f"text {told.index('')}"
    assert set(told) == {"", client.product}
    assert (client.volume, client.delivery, client.storage) == ("text 0", "text 1", "text 2")
    assert (client.how_often, client.people[0].position, client.order_size) == ("text 3", "text 4", "text 7")
    lines = session.scalars(select(CardChange).where(CardChange.field == "product")).all()
    assert [(line.old, line.new) for line in lines] == [("", client.product)]
