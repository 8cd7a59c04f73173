"""Who at a client decides what: read from what is written of each person, and written back there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import deciding
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, Person

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def card(session: Session, make_card: Maker) -> Client:
    card = make_card("Rassvet", surname="Orlov")
    card.people[0].decides = "price; Delivery\nprice,under 1,000"
    card.people.append(Person(surname="Belova", decides="delivery, colour"))
    session.commit()
    return card


def told(card: Client) -> dict[str, list[str]]:
    return {question: [one.surname for one in people] for question, people in deciding.questions(card).items()}


def test_questions_are_read_of_everybody(card: Client) -> None:
    assert told(card) == {
        "price": ["Orlov"],
        "Delivery": ["Orlov", "Belova"],
        "under 1,000": ["Orlov"],
        "colour": ["Belova"],
    }


def test_a_question_goes_to_one_person(session: Session, card: Client, clock: Clock) -> None:
    author, (orlov, belova) = Author(None, clock()), card.people
    deciding.decide(session, card, "Price", belova, author)
    deciding.decide(session, card, "delivery", orlov, author)
    deciding.decide(session, card, "colour", None, author)
    assert (orlov.decides, belova.decides) == ("under 1,000, delivery", "Price")
    with pytest.raises(BadValue):
        deciding.decide(session, card, " ; ", orlov, author)
    with pytest.raises(BadValue):
        deciding.decide(session, card, "x" * 200, belova, author)


def test_from_the_card(sign_in: SignIn, session: Session, card: Client, office: dict[str, User]) -> None:
    browser, address = sign_in("anna"), f"/clients/{card.id}/decides"
    page = browser.get(f"/clients/{card.id}").get_data(as_text=True)
    assert "Who decides what" in page and 'value="colour"' in page
    answer = browser.post(address, data={"question": "credit", "person": card.people[1].id})
    assert answer.status_code == 200 and 'value="credit"' in answer.get_data(as_text=True)
    answer = browser.post(address, data={"question": "x" * 250, "person": card.people[1].id})
    assert answer.status_code == 422 and "x" * 250 in answer.get_data(as_text=True)
    assert browser.post(address, data={"question": "credit", "person": 999}).status_code == 404
    assert browser.post("/clients/999/decides").status_code == 404
    assert sign_in("admin").post(address).status_code == 403
