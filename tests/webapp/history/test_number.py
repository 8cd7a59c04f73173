"""Everything about a number: in any written form, from any place that shows it, and never in an address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import g
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients import people
from webapp.clients.changes import Author
from webapp.clients.models import Client, NotSame
from webapp.imports.models import Import, ImportRow
from webapp.recordings.models import Recording
from webapp.tasks.models import Task
from webapp.touches.models import Touch
from webapp.worklists.models import Worklist, WorklistItem

SignIn = Callable[[str], FlaskClient]
NUMBER = "+74951234567"


@pytest.fixture
def rassvet(make_card: Maker) -> Client:
    return make_card("Rassvet", surname="Orlov", given_name="Pavel")


@pytest.fixture
def call(rassvet: Client, make_card: Maker, office: dict[str, User], session: Session, clock: Clock) -> Call:
    """A number with something in every place; returns its newest call."""
    anna, now = office["anna"], clock()
    people.add_contact_point(session, rassvet, "phone", "8 (495) 123-45-67", "RU", Author(anna, now), rassvet.people[0])
    other, lists = make_card("Granit"), Worklist(name="Fair-list", made_at=now)
    gone = {"rings": 7, "end_reason": "abandoned", "client_id": rassvet.id}
    calls = [
        Call(call_id="c1", number=NUMBER, offered_at=now, state="ended", **gone),
        Call(call_id="c2", number="84951234567", offered_at=now, state="ended", answered_at=now, talk_seconds=61),
        Call(call_id="c3", number="+74951234568", offered_at=now, state="ended", rings=9),
    ]
    upload = Import(name="fair.xlsx", made_at=now)
    session.add_all([*calls, lists, upload])
    session.flush()
    session.add_all(
        [
            Touch(
                call_id=calls[0].id, client_id=rassvet.id, user_id=anna.id, started_at=now, note="asked-for-windows."
            ),
            Recording(call_id=calls[0].id, kind="message", path="m.wav", seconds=4, ready_at=now),
            Task(kind="message", number=NUMBER, text="call-them.", due_at=now, created_at=now),
            NotSame(number=NUMBER, client_id=other.id),
            WorklistItem(worklist_id=lists.id, number=NUMBER, company="Rassvet-on-a-list"),
            ImportRow(import_id=upload.id, number=17, state="matched", client_id=rassvet.id),
        ]
    )
    session.commit()
    return calls[0]


def test_all_of_it_from_a_call_and_from_a_card(
    sign_in: SignIn, call: Call, rassvet: Client, count_queries: Callable[[], int]
) -> None:
    browser = sign_in("anna")
    for address in (f"/numbers/call/{call.id}", f"/numbers/point/{rassvet.contact_points[0].id}"):
        before = count_queries()
        page = browser.get(address).get_data(as_text=True)
        assert count_queries() - before <= 20
        for words in (
            "+7 495 123-45-67", "Rassvet", "Orlov Pavel", "8 (495) 123-45-67", "7 rings", "1:01", "asked-for-windows.",
            "call-them.", "Granit", "not theirs", "Fair-list", "Rassvet-on-a-list", "row 17", "/message",
        ):  # fmt: skip
            assert words in page, (address, words)
        assert "9 rings" not in page


@pytest.mark.parametrize("typed", ["8 495 123 45 67", "+7 (495) 123-45-67", "4951234567", "tel:+74951234567"])
def test_typed_in_any_form(sign_in: SignIn, call: Call, typed: str) -> None:
    answer = sign_in("anna").post("/numbers", data={"text": typed})
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/numbers/call/")
    assert "495" not in answer.headers["Location"]


@pytest.mark.parametrize("typed", ["", "Orlov", "+7 812 999 99 99", "\0", "9" * 500, "<b>"])
def test_nothing_is_known(sign_in: SignIn, call: Call, typed: str) -> None:
    answer = sign_in("anna").post("/numbers", data={"text": typed})
    page = answer.get_data(as_text=True)
    assert (
        answer.status_code == 404 and "Nothing is known of this number" in page and "<b>" not in page.split("main")[1]
    )


def test_it_is_linked_wherever_a_number_stands(sign_in: SignIn, call: Call, rassvet: Client) -> None:
    browser, link = sign_in("anna"), f"/numbers/call/{call.id}"
    for address in ("/calls", "/missed", f"/calls/{call.id}", "/ledger", "/desk"):
        page = browser.get(address).get_data(as_text=True)
        assert 'href="/numbers/call/' in page, address
    assert link in browser.get(f"/calls/{call.id}").get_data(as_text=True)
    page = browser.get(f"/clients/{rassvet.id}").get_data(as_text=True)
    assert f"/numbers/point/{rassvet.contact_points[0].id}" in page


def test_older_ones_follow(sign_in: SignIn, call: Call, session: Session, clock: Clock) -> None:
    for n in range(70):
        at = clock() - timedelta(hours=1 + n // 3)
        session.add(
            Call(call_id=f"old{n}", number=NUMBER, offered_at=at, state="ended", rings=100 + n, end_reason="abandoned")
        )
    session.commit()
    browser = sign_in("anna")
    page = browser.get(f"/numbers/call/{call.id}").get_data(as_text=True)
    seen = page
    while "before=" in page:
        address = page.split("before=")[0].split('hx-get="')[-1] + "before=" + page.split("before=")[1].split('"')[0]
        page = browser.get(address, headers={"HX-Request": "true"}).get_data(as_text=True)
        assert "<html" not in page
        seen += page
    assert all(seen.count(f"{100 + n} rings") == 1 for n in range(70))


def test_who_may_see_it(sign_in: SignIn, call: Call, rassvet: Client, session: Session, clock: Clock) -> None:
    browser = sign_in("anna")
    hidden = Call(call_id="hidden", offered_at=clock(), state="ended")
    session.add(hidden)
    session.commit()
    for address in ("/numbers/call/999", "/numbers/point/999", "/numbers/card/1", f"/numbers/call/{hidden.id}"):
        assert browser.get(address).status_code == 404, address
    g.pop("_login_user", None)
    admin = sign_in("admin")
    assert admin.get(f"/numbers/call/{call.id}").status_code == admin.post("/numbers").status_code == 403
