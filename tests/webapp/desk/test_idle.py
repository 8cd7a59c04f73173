"""The idle page: what is owed, the latest first; missed calls closed with a reason; test calls."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sipbridge.events import EndReason
from tests.webapp.conftest import Clock
from tests.webapp.desk.conftest import NUMBER, Phone
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client, ContactPoint
from webapp.desk import owed, testcall
from webapp.roster.models import Shift
from webapp.tasks.models import Task
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
MakeClient = Callable[..., Client]


def idle(client: FlaskClient) -> str:
    answer = client.get("/desk")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def owe(session: Session, user: User | None, kind: str, text: str, clock: Clock, **late: float) -> Task:
    task = Task(
        kind=kind,
        text=text,
        user_id=user.id if user else None,
        number=NUMBER,
        due_at=clock() - timedelta(**late),
        created_at=clock(),
    )
    session.add(task)
    session.commit()
    return task


def test_an_empty_desk_says_what_will_appear_here(sign_in: SignIn, on_duty: User) -> None:
    page = idle(sign_in("anna"))
    assert "Nothing is owed to anybody." in page
    assert "<b>Anna Petrova</b>" in page and "until 16:00" in page


def test_what_is_overdue_stands_under_due(sign_in: SignIn, session: Session, on_duty: User, clock: Clock) -> None:
    owe(session, on_duty, "next_touch", "send the samples", clock, days=2)
    page = idle(sign_in("anna"))
    assert ">Due <" in page and "Due today" not in page and "send the samples" in page


def test_nobody_on_duty_is_said(sign_in: SignIn, office: dict[str, User]) -> None:
    assert "Nobody is on duty" in idle(sign_in("anna"))


def test_the_head_sees_the_hours_that_nobody_covers(
    sign_in: SignIn, on_duty: User, session: Session, clock: Clock
) -> None:
    page = idle(sign_in("head"))
    assert "Nobody on duty" in page
    assert "Tue 10 Mar 16:00–18:00" in page and "Wed 11 Mar 09:00–18:00" in page
    assert "Nobody on duty" not in idle(sign_in("anna"))
    covered = Shift(user_id=on_duty.id, starts_at=clock(), ends_at=clock() + timedelta(days=9), rank=0)
    session.add(covered)
    session.commit()
    assert "Nobody on duty" not in idle(sign_in("head"))


def test_what_is_owed_stands_by_lateness(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, clock: Clock
) -> None:
    owe(session, on_duty, "next_touch", "owed soon", clock, hours=-3)
    owe(session, on_duty, "next_touch", "owed long", clock, hours=30)
    owe(session, on_duty, "promise", "promised late", clock, minutes=5)
    owe(session, on_duty, "promise", "promised later", clock, minutes=50)
    owe(session, on_duty, "next_touch", "owed another day", clock, hours=-40)
    phone.end(phone.ring("+74957777777"), EndReason.ABANDONED)
    clock.move(minutes=5)
    mine = phone.ring("+74958888888")
    phone.answer(mine, on_duty)
    phone.end(mine)
    page = idle(sign_in("anna"))
    assert "owed another day" not in page
    places = [
        page.index(words)
        for words in (
            "promised later",
            "promised late<",
            "777-77-77",
            "888-88-88",
            "owed long",
            "owed soon",
        )
    ]
    assert places == sorted(places)
    assert "55 min" in page  # 50 and five more


def test_the_inbox_is_the_heads_and_a_task_is_its_owners(
    sign_in: SignIn, session: Session, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    owe(session, None, "inbox", "no words for this", clock)
    owe(session, office["boris"], "next_touch", "only boris", clock)
    assert "no words for this" in idle(sign_in("head")) and "only boris" not in idle(sign_in("head"))
    assert "no words for this" not in idle(sign_in("anna")) and "only boris" not in idle(sign_in("anna"))
    assert "only boris" in idle(sign_in("boris"))


def test_the_number_of_questions_does_not_grow_with_the_lists(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, clock: Clock, count_queries: Callable[[], int]
) -> None:
    def grow(n: int) -> None:
        for i in range(n):
            owe(session, on_duty, "next_touch", f"task {n} {i}", clock, minutes=i)
            phone.end(phone.ring(f"+7495700{n:02}{i:02}"), EndReason.ABANDONED)

    anna = sign_in("anna")
    grow(2)
    idle(anna)
    session.rollback()
    before = count_queries()
    idle(anna)
    few = count_queries() - before
    grow(12)
    session.rollback()
    before = count_queries()
    idle(anna)
    assert count_queries() - before == few


def test_a_missed_call_is_closed_with_a_reason_only(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User
) -> None:
    for _ in range(2):
        phone.end(phone.ring(), EndReason.ABANDONED)
    anna = sign_in("anna")
    call_id = session.scalars(select(func.max(Call.id))).one()
    blank = anna.post(f"/desk/missed/{call_id}/close", data={"reason": "   "})
    assert blank.status_code == 422 and 'role="alert"' in blank.get_data(as_text=True)
    done = anna.post(f"/desk/missed/{call_id}/close", data={"reason": "spoke by mail"})
    assert (done.status_code, done.get_data(as_text=True)) == (200, "")
    session.expire_all()
    assert {call.missed_reason for call in session.scalars(select(Call))} == {"spoke by mail"}  # both of the number
    assert "Missed, not rung back" not in idle(anna)
    assert anna.post(f"/desk/missed/{call_id}/close", data={"reason": "again"}).status_code == 200  # a double click
    session.expire_all()
    assert {call.missed_reason for call in session.scalars(select(Call))} == {"spoke by mail"}
    assert anna.post("/desk/missed/999/close", data={"reason": "x"}).status_code == 404
    assert sign_in("admin").post(f"/desk/missed/{call_id}/close", data={"reason": "x"}).status_code == 403


def test_everybody_who_was_missed_is_counted_though_not_all_are_listed(
    sign_in: SignIn, phone: Phone, on_duty: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owed, "MOST_MISSED", 2)
    anna = sign_in("anna")
    for number in ("+74951234501", "+74951234502"):
        phone.end(phone.ring(number), EndReason.ABANDONED)
    assert ">Missed calls</a>" not in idle(anna)
    phone.end(phone.ring("+74951234503"), EndReason.ABANDONED)
    page = idle(anna)
    assert page.count('id="missed-') == 2
    assert 'Missed, not rung back</a> <span class="count">3</span>' in page and ">Missed calls</a>" in page


def test_the_callers_of_test_calls_come_from_the_cards(
    session: Session, client_with: MakeClient, office: dict[str, User]
) -> None:
    anna = office["anna"]
    assert testcall.caller_of(session, "known", anna) is None
    assert testcall.caller_of(session, "shared", anna) is None
    assert testcall.caller_of(session, "hidden", anna) == ("", "")
    client_with("+74950000001", "Rassvet", anna)
    for number in range(2, 7):
        client_with(f"+7495000000{number}", "Somebody else's", office["boris"])
    client_with(NUMBER, "Zakat")
    client_with(NUMBER, "Polden")
    assert testcall.caller_of(session, "known", anna) == ("+74950000001", "Rassvet")
    shared = testcall.caller_of(session, "shared", anna)
    assert shared and shared[0] == NUMBER
    unknown = testcall.caller_of(session, "unknown", anna)
    assert unknown
    assert session.scalar(select(ContactPoint.id).where(ContactPoint.normal == unknown[0])) is None


@pytest.fixture
def started(app: Flask) -> Iterator[None]:
    """Test calls of one test end with it, and not before: they call somebody who never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        app.config["SETTINGS"] = replace(app.config["SETTINGS"], sip=silent.getsockname())
        yield
        for process in testcall._running:
            process.terminate()
            process.wait(10)
        testcall._running.clear()


def test_a_name_that_begins_like_an_option_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **more: started.append(command))
    monkeypatch.setattr(testcall, "_running", [])
    testcall.start("desk", ("127.0.0.1", 5060), "en", "+74951234567", "--to=sip:+19005551234@trunk.example")
    assert "--name=--to=sip:+19005551234@trunk.example" in started[0] and started[0].count("--to") == 1


def test_at_most_three_test_calls_live_at_once(
    sign_in: SignIn, on_duty: User, client_with: MakeClient, started: None
) -> None:
    anna = sign_in("anna")
    nobody = anna.post("/desk/test-call/known")
    assert nobody.status_code == 422 and "no such number" in nobody.get_data(as_text=True)
    for _ in range(3):
        assert anna.post("/desk/test-call/hidden").status_code == 200
    fourth = anna.post("/desk/test-call/unknown")
    assert fourth.status_code == 422 and "Three test calls are under way" in fourth.get_data(as_text=True)
    assert anna.post("/desk/test-call/rude").status_code == 404
    assert sign_in("expert").post("/desk/test-call/hidden").status_code == 403
    assert "Test call" not in idle(sign_in("expert"))


def test_who_was_rung_back_is_made_good_and_has_a_row(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, clock: Clock
) -> None:
    """D22: closed by a talk with that number, ours too; all its calls and promises with it."""
    touches = [phone.ring(), phone.ring()]
    for touch in touches:
        phone.end(touch, EndReason.ABANDONED)
    first, second = (touch.call for touch in touches)
    assert first and second
    owe(session, on_duty, "promise", "", clock, minutes=5)
    client = sign_in("anna")
    answer = client.post(f"/desk/missed/{second.id}/rang-back", headers={"HX-Request": "true"})
    session.expire_all()
    opened = session.scalars(select(Touch).where(Touch.direction == "out")).one()
    assert answer.headers["HX-Redirect"] == f"/desk?touch={opened.id}"
    assert first.missed_closed_by_id == second.missed_closed_by_id == on_duty.id
    assert session.scalars(select(Task)).one().done_at == clock()
    page = client.get(answer.headers["HX-Redirect"]).get_data(as_text=True)
    assert 'name="purpose_id"' in page and opened.draft["phone"] in page
    assert client.post(f"/desk/missed/{second.id}/rang-back").status_code == 303  # once more does no harm


def test_a_hidden_number_cannot_be_rung_back(sign_in: SignIn, phone: Phone, on_duty: User) -> None:
    touch = phone.ring(number="")
    phone.end(touch, EndReason.ABANDONED)
    client = sign_in("anna")
    assert "rang-back" not in idle(client)
    assert client.post(f"/desk/missed/{touch.call_id}/rang-back").status_code == 404
