"""The list of deals: its stages and sums, whose they are, and the file of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker, make_card  # noqa: F401
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.deals.models import Deal
from webapp.jobs.models import Job
from webapp.office import money
from webapp.office.queries import the_office

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def deals(make_card: Maker, session: Session, office: dict[str, User], clock: Clock) -> None:  # noqa: F811
    client = make_card("Granit")
    for title, stage, amount, login in (
        ("Forty windows", "found", 100_050, "anna"), ("Ten doors", "contract", 200_000, "boris"),
        ("A gate", "contract", None, "anna"), ("Old fence", "won", 500_000, "anna"),
    ):  # fmt: skip
        session.add(
            Deal(
                client_id=client.id, title=title, stage=stage, amount=amount, owner_id=office[login].id,
                opened_at=clock(),
            )
        )  # fmt: skip
    session.commit()


def test_open_deals_with_their_sums(sign_in: SignIn, deals: None, office: dict[str, User]) -> None:
    anna = sign_in("anna")
    page = anna.get("/deals").get_data(as_text=True)
    assert "Old fence" not in page and page.index("A gate") < page.index("Ten doors") < page.index("Forty windows")
    for words in ("1,000.50", "2,000", "3,000.50"):
        assert words in page, words
    boris = anna.get(f"/deals?owner={office['boris'].id}").get_data(as_text=True)
    assert "Ten doors" in boris and "A gate" not in boris
    won = anna.get("/deals?stage=won").get_data(as_text=True)
    assert "Old fence" in won and "A gate" not in won
    assert "No deal fits" in anna.get("/deals?owner=0").get_data(as_text=True)
    for silly in ("stage=shoe", "owner=x", "page=-1", "page=99999999999", "owner=99999999999999999999"):
        assert anna.get(f"/deals?{silly}").status_code == 200, silly
    assert sign_in("admin").get("/deals").status_code == sign_in("admin").get("/deals.csv").status_code == 403


def test_a_page_of_deals_asks_few_questions(
    sign_in: SignIn, deals: None, make_card: Maker, session: Session, clock: Clock, count_queries: Callable[[], int]  # noqa: F811
) -> None:  # fmt: skip
    anna = sign_in("anna")

    def cost() -> int:
        before = count_queries()
        assert anna.get("/deals").status_code == 200
        return count_queries() - before

    few = cost()
    for number in range(60):
        session.add(Deal(client_id=make_card(f"Firm {number}").id, title="x", stage="found", opened_at=clock()))
    session.commit()
    session.expunge_all()
    assert max(few, cost()) <= 9
    assert "page=2" in anna.get("/deals").get_data(as_text=True)


def test_deals_as_a_file(sign_in: SignIn, deals: None, office: dict[str, User]) -> None:
    def titles(login: str, query: str = "") -> list[str]:
        data = sign_in(login).get(f"/deals.csv{query}", buffered=True).get_data(as_text=True).removeprefix("\ufeff")
        return [row["Title"] for row in csv.DictReader(io.StringIO(data, newline=""))]

    assert titles("head") == ["Forty windows", "Ten doors", "A gate"]
    assert titles("head", f"?owner={office['boris'].id}") == ["Ten doors"]
    assert titles("anna", f"?owner={office['boris'].id}") == ["Forty windows", "A gate"], "her own alone"
    assert sign_in("anna").get("/deals.xlsx", buffered=True).data.startswith(b"PK")


def test_amounts_are_in_the_offices_currency(sign_in: SignIn, deals: None, session: Session) -> None:
    head = sign_in("head")
    page = head.get("/deals").get_data(as_text=True)
    assert "RUB\xa01,000.50" in page and "RUB\xa03,000.50" in page and "RUB\xa02,000<" in page, "that of the country"
    the_office(session).currency = "EUR"
    session.commit()
    assert "€1,000.50" in head.get("/deals").get_data(as_text=True)
    card = head.get("/clients/1").get_data(as_text=True)
    assert "€1,000.50" in card and 'value="1,000.50"' in card, "typed as before"
    assert "Amount, EUR" in head.get("/deals.csv", buffered=True).get_data(as_text=True)


@pytest.mark.parametrize(
    ("hundredths", "currency", "en", "ru"),
    [
        (None, "RUB", "", ""),
        (1_250_050, "RUB", "RUB 12,500.50", "12 500,50 ₽"),
        (1_250_000, "EUR", "€12,500", "12 500 €"),
        (1_250_050, "", "12,500.50", "12 500,50"),
        (0, "USD", "$0", "0 $"),
    ],
)
def test_an_amount_as_it_is_read(app: Flask, hundredths: int | None, currency: str, en: str, ru: str) -> None:
    for language, told in (("en", en), ("ru", ru)):
        with force_locale(language):
            assert money.shown(hundredths, currency).replace("\xa0", " ") == told


def test_a_file_of_deals_is_written_down(
    sign_in: SignIn, deals: None, session: Session, office: dict[str, User]
) -> None:
    assert sign_in("anna").get("/deals.csv?stage=won", buffered=True).status_code == 200
    assert sign_in("head").get("/deals.xlsx", buffered=True).status_code == 200
    jobs = session.scalars(select(Job).order_by(Job.id)).all()
    assert [(job.kind, job.state, job.done, job.made_by_id) for job in jobs] == [
        ("export", "done", 1, office["anna"].id),
        ("export", "done", 3, office["head"].id),
    ]
    page = sign_in("head").get("/exports").get_data(as_text=True)
    assert "Deals: Won · CSV" in page and "Deals · Excel" in page
