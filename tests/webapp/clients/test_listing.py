"""The list of cards: filters, order, pages, and the count that stops counting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import listing
from webapp.clients.listing import Asked, ExtraWanted
from webapp.clients.models import Client
from webapp.office.models import ClientStatus
from webapp.rules import extra
from webapp.rules.models import ExtraField
from webapp.tasks.models import Task

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def cards(make_card: Maker, session: Session, office: dict[str, User], clock: Clock) -> list[Client]:
    """Six cards: categories A, B, C in turn, two statuses, Anna's and Boris's, one a day."""
    statuses = session.scalars(select(ClientStatus).order_by(ClientStatus.rank)).all()
    found = []
    for number, name in enumerate("FEDCBA"):
        clock.move(days=1)
        found.append(
            make_card(
                f"Firm {name}",
                category="ABC"[number % 3],
                status_id=statuses[number % 2].id if number else None,
                owner_id=office["anna" if number < 3 else "boris"].id,
            )
        )
    return found


def names(session: Session, **asked: Any) -> str:
    return "".join(one.name[-1] for one in listing.page(session, Asked(**asked), 1, "RU").clients)


@pytest.mark.parametrize("most", [1000, 2])
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "ABCDEF"), ({"backwards": True}, "FEDCBA"), ({"sort": "name"}, "ABCDEF"),
        ({"sort": "name", "backwards": True}, "FEDCBA"), ({"sort": "category"}, "CFBEAD"),
        ({"sort": "category", "backwards": True}, "ADBECF"), ({"sort": "status"}, "BDACEF"),
        ({"sort": "owner"}, "DEFABC"), ({"sort": "region"}, "ABCDEF"),
    ],
)  # fmt: skip
def test_the_order_is_the_same_for_few_cards_and_for_many(
    session: Session, cards: list[Client], monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], found: str, most: int
) -> None:
    monkeypatch.setattr(listing, "MOST", most)
    monkeypatch.setattr(listing, "ON_A_PAGE", most)
    assert names(session, **asked) == found[:most]


def test_what_fits(session: Session, cards: list[Client], office: dict[str, User], clock: Clock) -> None:
    anna = office["anna"].id
    assert names(session, equal={"category": "A"}) == "CF"
    assert names(session, equal={"category": "A", "owner_id": anna}) == "F"
    assert names(session, equal={"status_id": 0}) == "F"
    assert names(session, text="firm b") == "B"
    assert names(session, text="firm", equal={"owner_id": anna}, sort="name") == "DEF"
    assert names(session, created_from=cards[2].created_at, created_until=cards[4].created_at) == "CD"
    session.add(Task(kind="next_touch", client_id=cards[0].id, due_at=clock() + timedelta(days=1), created_at=clock()))
    cards[1].merged_into_id = cards[0].id
    session.commit()
    assert names(session, without_next=True) == "ABCD"
    assert names(session) == "ABCDF", "a merged card is no card of its own"


def test_extra_fields_by_value_and_by_span(session: Session, cards: list[Client], sign_in: SignIn) -> None:
    sizes = ExtraField(key="size", names={"en": "Size"}, kind="number")
    days = ExtraField(key="day", names={"en": "Day"}, kind="date")
    session.add_all([sizes, days])
    session.flush()
    for number, card in enumerate(cards):
        extra.put(session, card, sizes, str(number * 5), None)
        extra.put(session, card, days, f"2026-03-{number + 1:02}", None)
    session.commit()
    assert names(session, extra=[ExtraWanted(sizes.id, "number", low="5", high="10")]) == "DE"
    assert names(session, extra=[ExtraWanted(sizes.id, "number", low="20")]) == "AB"
    assert names(session, extra=[ExtraWanted(days.id, "date", high="2026-03-02")]) == "EF"
    anna = sign_in("anna")
    page = anna.get("/clients?x_size_from=9,5&x_size_to=11").get_data(as_text=True)
    assert "Firm D" in page and "Firm E" not in page
    answer = anna.get("/clients?x_size_from=many")
    assert answer.status_code == 422 and 'value="many"' in answer.get_data(as_text=True)


def test_many_are_counted_no_further(
    session: Session, cards: list[Client], monkeypatch: pytest.MonkeyPatch, sign_in: SignIn
) -> None:
    monkeypatch.setattr(listing, "MOST", 4)
    monkeypatch.setattr(listing, "ON_A_PAGE", 3)
    found = listing.page(session, Asked(), 99, "RU")
    assert (found.count, found.more, found.pages, found.number, len(found.clients)) == (4, True, 2, 2, 3)
    page = sign_in("anna").get("/clients?page=2").get_data(as_text=True)
    assert "more than 4 cards" in page and "The list ends here" in page


@pytest.mark.parametrize(
    "query", ["status=x", "status=999", "category=Z", "owner=-1", "sort=shoe", "created_from=31.31.2026",
              "created_from=2026-03-02&created_until=2026-03-01"],
)  # fmt: skip
def test_filters_that_can_not_be_read(sign_in: SignIn, cards: list[Client], query: str) -> None:
    anna = sign_in("anna")
    assert anna.get(f"/clients?{query}").status_code == 422
    part = anna.get(f"/clients?{query}", headers={"HX-Request": "true"})
    assert part.status_code == 422 and "Mend what is marked" in part.get_data(as_text=True)


def test_the_filters_stand_in_the_address(sign_in: SignIn, cards: list[Client], office: dict[str, User]) -> None:
    query = f"category=A&owner={office['anna'].id}&status=&q=&sort=name"
    part = sign_in("anna").get(f"/clients?{query}", headers={"HX-Request": "true"})
    assert part.headers["HX-Replace-Url"] == f"/clients?owner={office['anna'].id}&category=A&sort=name"
    assert "Firm F" in part.get_data(as_text=True) and "1 card" in part.get_data(as_text=True)
