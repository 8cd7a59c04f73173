"""The ledger's page: works, not signed in, wrong role, somebody else's, and filters that can't be."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.reports.conftest import Book
from webapp.access import SALES
from webapp.accounts.models import User

SignIn = Callable[[str], FlaskClient]


def test_the_day_of_a_manager(sign_in: SignIn, session: Session, book: Book, clock: Clock) -> None:
    client = book.client()
    touch = book.add("anna", clock(), "meeting", 150, 0, client, next_at=clock() + timedelta(days=1))
    book.add("anna", clock(), None, talk=0, number="+74950005555")
    book.add("boris", clock(), "refused", client=book.client("Somebody else's"))
    session.commit()
    page = sign_in("anna").get("/ledger").get_data(as_text=True)
    assert "<h1>Anna Petrova</h1>" in page
    for text in ("Orlov Pavel Ilyich", "Rassvet LLC", "+7 495 000-12-34", "orlov@rassvet.example", "Meeting set"):
        assert text in page, text
    assert f'href="/clients/{client.id}"' in page
    assert touch.call is not None
    assert f'href="/calls/{touch.call.id}"' in page
    assert "missed" in page and "+7 495 000-55-55" in page
    assert "Somebody else" not in page
    assert re.search(r"Total contacts</dt><dd>1<", page)
    assert re.search(r"100 %.*small sample", page)


def test_the_head_sees_everybody_and_anybody(sign_in: SignIn, session: Session, book: Book, clock: Clock) -> None:
    book.add("anna", clock(), client=book.client("Of Anna"))
    book.add("boris", clock(), client=book.client("Of Boris"), channel=1)
    session.commit()
    head = sign_in("head")
    everything = head.get("/ledger").get_data(as_text=True)
    assert "Of Anna" in everything and "Of Boris" in everything
    of_boris = head.get(f"/ledger?manager={book.people['boris'].id}").get_data(as_text=True)
    assert "Of Anna" not in of_boris and "Of Boris" in of_boris
    by_channel = head.get(f"/ledger?channel={book.channels[1].id}").get_data(as_text=True)
    assert "Of Anna" not in by_channel and "Of Boris" in by_channel


def test_a_managers_ledger_is_his_own(sign_in: SignIn, book: Book, session: Session, clock: Clock) -> None:
    book.add("boris", clock(), client=book.client("Of Boris"))
    session.commit()
    anna = sign_in("anna")
    boris = book.people["boris"].id
    for address in ("/ledger", "/ledger.csv", "/ledger.xlsx"):
        assert anna.get(f"{address}?manager={boris}").status_code == 404
        assert anna.get(f"{address}?manager=x").status_code == 404
        for own in ("manager=", f"manager={book.people['anna'].id}", "manager=None", f"manager=&manager={boris}"):
            assert b"Of Boris" not in anna.get(f"{address}?{own}", buffered=True).data, own


def test_other_days_and_periods(sign_in: SignIn, session: Session, book: Book, clock: Clock) -> None:
    book.add("anna", clock() - timedelta(days=1), client=book.client("Of yesterday"))
    session.commit()
    anna = sign_in("anna")
    assert "No contacts in this period" in anna.get("/ledger").get_data(as_text=True)
    for query in (
        "day=2026-03-09",
        "period=week",
        "period=month",
        "period=range&day=2026-03-01&until=2026-03-09",
        "period=range&day=2026-03-09",
    ):
        assert "Of yesterday" in anna.get(f"/ledger?{query}").get_data(as_text=True), query
    page = anna.get("/ledger?period=week").get_data(as_text=True)
    earlier = re.search(r'href="([^"]+)" rel="prev"', page)
    assert earlier and "day=2026-03-08" in earlier[1]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("day=yesterday", "Not a valid date"),
        ("day=", "Choose a day."),
        ("day=0001-01-01&period=week", "Choose a day of this century."),
        ("day=9999-12-31&period=month", "Choose a day of this century."),
        ("period=range&day=2026-03-10&until=2026-03-09", "The last day is before the first."),
        ("period=range&day=2020-03-10&until=2026-03-09", "At most three months at a time."),
        ("period=century", "Not a valid choice"),
        ("channel=99999", "Not a valid choice"),
        ("channel=x", "Invalid Choice"),
    ],
)
def test_filters_that_can_not_be(sign_in: SignIn, query: str, words: str) -> None:
    anna = sign_in("anna")
    answer = anna.get(f"/ledger?{query}")
    assert answer.status_code == 422
    assert words in answer.get_data(as_text=True)
    assert anna.get(f"/ledger.csv?{query}").status_code == 404


def test_only_those_who_work_with_clients(app: Flask, office: dict[str, User], sign_in: SignIn) -> None:
    for address in ("/ledger", "/ledger.csv", "/ledger.xlsx"):
        assert "/login" in app.test_client().get(address).headers["Location"]
        assert sign_in("admin").get(address).status_code == 403
        for login, user in office.items():
            if user.role in SALES:
                assert sign_in(login).get(address, buffered=True).status_code == 200, login


def test_what_clients_call_themselves_is_text(sign_in: SignIn, session: Session, book: Book, clock: Clock) -> None:
    book.add("anna", clock(), client=book.client("<script>alert(1)</script>"))
    book.add("anna", clock(), None, talk=0, caller_name='"><img src=x onerror=alert(1)>')
    session.commit()
    page = sign_in("anna").get("/ledger").get_data(as_text=True)
    assert "<script>alert" not in page and "<img src=x" not in page


def test_one_page_is_few_queries(
    sign_in: SignIn, session: Session, book: Book, clock: Clock, count_queries: Callable[[], int]
) -> None:
    for number in range(30):
        book.add("anna", clock(), client=book.client(f"Firm {number}"), channel=0)
    session.commit()
    head = sign_in("head")
    before = count_queries()
    assert head.get("/ledger").status_code == 200
    assert count_queries() - before <= 14


def test_the_style_sheet_prints_a4_across(app: Flask) -> None:
    sheet = Path(app.static_folder or "", "reports.css").read_text()
    assert re.search(r"@media print \{\s*@page \{ size: A4 landscape", sheet)
