"""Missed calls: grouped by number with their age, closed with a written reason by those who may."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls import missed
from webapp.calls.models import Call, CallTrace
from webapp.feed import Feed

SignIn = Callable[[str], FlaskClient]


def miss(session: Session, clock: Clock, number: str, minutes: int, **values: object) -> Call:
    at = clock() - timedelta(minutes=minutes)
    call = Call(
        call_id=f"{number}-{minutes}", number=number, offered_at=at, state="ended", end_reason="abandoned", ended_at=at
    )
    for name, value in values.items():
        setattr(call, name, value)
    session.add(call)
    session.commit()
    return call


def test_who_waits_longest_comes_first(session: Session, office: dict[str, User], clock: Clock) -> None:
    miss(session, clock, "+74950001111", 5)
    miss(session, clock, "+74950002222", 3)
    miss(session, clock, "+74950002222", 90)
    miss(session, clock, "", 1)
    miss(session, clock, "", 2)
    miss(session, clock, "+74950003333", 60, missed_closed_at=clock())
    miss(session, clock, "+74950004444", 60, answered_at=clock())
    miss(session, clock, "+74950005555", 60, state="ringing")
    miss(session, clock, "+74950006666", 60, end_reason="answered_elsewhere")
    found = missed.longest_waiting(session, 50)[0]
    assert [(waiting.number, len(waiting.calls)) for waiting in found] == [
        ("+74950002222", 2),
        ("+74950001111", 1),
        ("", 1),
        ("", 1),
    ]
    assert clock() - found[0].since == timedelta(minutes=90)
    assert [waiting.urgency(clock()) for waiting in found] == ["bad", "warn", "warn", "warn"]


@pytest.mark.parametrize("login", ["head", "anna", "secretary"])
def test_closing_with_a_reason(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock, login: str
) -> None:
    call = miss(session, clock, "+74950001111", 30)
    answer = sign_in(login).post(f"/calls/{call.id}/close", data={"reason": "  A robot,\n not a person. "})
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"/calls/{call.id}")
    session.refresh(call)
    assert (call.missed_reason, call.missed_closed_by_id) == ("A robot, not a person.", office[login].id)
    assert call.missed_closed_at == clock()
    assert missed.longest_waiting(session, 50)[0] == []
    kinds = session.scalars(select(CallTrace.kind).where(CallTrace.call_id == call.id)).all()
    assert kinds == ["closed_with_reason"]
    assert session.scalars(select(Feed.kind).where(Feed.user_id == office["boris"].id)).all() == ["tasks"]
    page = sign_in("anna").get(f"/calls/{call.id}").get_data(as_text=True)
    assert "A robot, not a person." in page and office[login].name in page


@pytest.mark.parametrize("reason", ["", "   ", "\n\t", "x" * 1001])
def test_a_reason_is_needed_and_what_was_typed_stays(
    sign_in: SignIn, session: Session, clock: Clock, office: dict[str, User], reason: str
) -> None:
    call = miss(session, clock, "+74950001111", 30)
    answer = sign_in("anna").post(f"/calls/{call.id}/close", data={"reason": reason})
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert 'role="alert"' in page and (reason.strip() in page)
    session.refresh(call)
    assert call.missed_closed_at is None


def test_the_first_reason_stands(sign_in: SignIn, session: Session, clock: Clock, office: dict[str, User]) -> None:
    call = miss(session, clock, "+74950001111", 30)
    sign_in("anna").post(f"/calls/{call.id}/close", data={"reason": "first"})
    answer = sign_in("boris").post(f"/calls/{call.id}/close", data={"reason": "second"})
    assert answer.status_code == 422
    assert "closed already" in answer.get_data(as_text=True) and "second" in answer.get_data(as_text=True)
    session.refresh(call)
    assert (call.missed_reason, call.missed_closed_by_id) == ("first", office["anna"].id)


def test_an_answered_call_can_not_be_closed(
    sign_in: SignIn, session: Session, clock: Clock, office: dict[str, User]
) -> None:
    call = miss(session, clock, "+74950001111", 30, answered_at=clock())
    answer = sign_in("head").post(f"/calls/{call.id}/close", data={"reason": "why not"})
    assert answer.status_code == 422
    assert "was not missed" in answer.get_data(as_text=True)
    session.refresh(call)
    assert call.missed_reason == ""


def test_who_may_not_close(
    app: Flask, sign_in: SignIn, session: Session, clock: Clock, office: dict[str, User]
) -> None:
    call = miss(session, clock, "+74950001111", 30)
    address = f"/calls/{call.id}/close"
    assert "/login" in app.test_client().post(address, data={"reason": "x"}).headers["Location"]
    for login in ("agent", "expert", "admin"):
        assert sign_in(login).post(address, data={"reason": "x"}).status_code == 403
    assert sign_in("head").post("/calls/999/close", data={"reason": "x"}).status_code == 404
    assert sign_in("head").get(address).status_code == 405
    assert "Close with this reason" not in sign_in("expert").get(f"/calls/{call.id}").get_data(as_text=True)
    session.refresh(call)
    assert call.missed_closed_at is None
