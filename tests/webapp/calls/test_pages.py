"""The list of calls and the page of one: works, not signed in, wrong role, bad id."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.access import SALES
from webapp.accounts.models import User
from webapp.calls import queries, trace
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.recordings.models import Recording

SignIn = Callable[[str], FlaskClient]
MakeCall = Callable[..., Call]


@pytest.fixture
def make_call(session: Session, office: dict[str, User], clock: Clock) -> MakeCall:
    """`make_call(talk=60)` was answered by anna; without talk it was missed."""

    def make(number: str = "+74950001234", talk: float = 0.0, at: datetime | None = None, **values: Any) -> Call:
        at = at or clock()
        call = Call(
            call_id=f"call-{number}-{at.isoformat()}-{talk}-{len(values)}",
            number=number,
            offered_at=at,
            state="ended",
            end_reason="completed" if talk else "abandoned",
            rings=2,
            ring_seconds=9.0,
            talk_seconds=talk,
            answered_at=at if talk else None,
            answered_by_id=office["anna"].id if talk else None,
            ended_at=at + timedelta(seconds=talk + 9),
        )
        for name, value in values.items():
            setattr(call, name, value)
        session.add(call)
        session.commit()
        return call

    return make


def test_the_list_is_newest_first(sign_in: SignIn, make_call: MakeCall, clock: Clock) -> None:
    make_call("+74950001111", talk=61, at=clock() - timedelta(hours=2))
    make_call("+74950002222", at=clock() - timedelta(hours=1))
    make_call("", at=clock())
    page = sign_in("anna").get("/calls").get_data(as_text=True)
    shown = [page.index(text) for text in ("hidden number", "+7 495 000-22-22", "+7 495 000-11-11")]
    assert shown == sorted(shown)
    assert "1:01" in page and "Anna Petrova" in page


def test_filters(sign_in: SignIn, make_call: MakeCall, clock: Clock, office: dict[str, User]) -> None:
    make_call("+74950001111", talk=61)
    make_call("+74950002222", at=clock() - timedelta(minutes=40))
    make_call("+74950002222", at=clock() - timedelta(minutes=5))
    make_call("+74950003333", missed_closed_at=clock(), missed_reason="a robot")
    anna = sign_in("anna")
    missed = anna.get("/missed").get_data(as_text=True)
    assert "+7 495 000-22-22" in missed and "2 calls" in missed and "40 min" in missed
    assert "000-11-11" not in missed and "000-33-33" not in missed
    answered = anna.get("/calls?show=answered").get_data(as_text=True)
    assert "000-11-11" in answered and "000-22-22" not in answered
    everything = anna.get("/calls?show=nonsense&page=-3").get_data(as_text=True)
    assert all(number in everything for number in ("000-11-11", "000-22-22", "000-33-33"))
    assert "missed, closed" in everything


@pytest.mark.parametrize("typed", ["000-12-34", "+7 495 000", "8 (495) 000-12-34", "0001234", "rassvet", "Рассвет"])
def test_search_by_number_or_name(
    sign_in: SignIn, make_call: MakeCall, make_client: Callable[..., Client], session: Session, typed: str
) -> None:
    client = make_client("Рассвет", "+7 495 000-12-34")
    make_call("+74950001234", talk=30, client_id=client.id, caller_name="Rassvet LLC")
    make_call("+78120009876", talk=30)
    page = sign_in("anna").get("/calls", query_string={"q": typed}).get_data(as_text=True)
    assert "+7 495 000-12-34" in page and "+7 812 000-98-76" not in page


@pytest.mark.parametrize("typed", ["%", "_", "100%", "'; drop table call", "\0", "=" * 500, "77777"])
def test_a_search_for_nonsense_finds_nothing(sign_in: SignIn, make_call: MakeCall, typed: str) -> None:
    make_call("+74950001234", talk=30)
    answer = sign_in("anna").get("/calls", query_string={"q": typed})
    assert answer.status_code == 200
    if typed != "\0":
        assert "No call fits" in answer.get_data(as_text=True)


def test_long_lists_have_pages(sign_in: SignIn, make_call: MakeCall, clock: Clock) -> None:
    for minute in range(queries.PAGE_SIZE + 1):
        make_call(f"+7495000{minute:04}", talk=30, at=clock() - timedelta(minutes=minute))
    anna = sign_in("anna")
    first, second = (anna.get(f"/calls?page={page}").get_data(as_text=True) for page in (1, 2))
    assert "000-00-00" in first and "000-00-50" not in first
    assert "000-00-50" in second and "000-00-00" not in second
    assert 'rel="next"' in first and 'rel="next"' not in second


def test_the_number_of_queries_does_not_grow(
    sign_in: SignIn, make_call: MakeCall, make_client: Callable[..., Client], count_queries: Callable[[], int]
) -> None:
    head = sign_in("head")
    asked = []
    for how_many in (1, 12):
        for number in range(how_many):
            client = make_client(f"Firm {how_many} {number}")
            make_call(f"+7495{how_many:03}{number:04}", talk=30, client_id=client.id)
            make_call(f"+7495{how_many:03}{number:04}", client_id=client.id)
        before = count_queries()
        head.get("/calls")
        asked.append(count_queries() - before)
    assert asked[0] >= asked[1] - 2 and asked[1] <= 8


def test_a_call_tells_everything(
    sign_in: SignIn, make_call: MakeCall, make_client: Callable[..., Client], session: Session, clock: Clock
) -> None:
    client = make_client("Rassvet LLC", "+7 495 000-12-34")
    earlier = make_call(at=clock() - timedelta(days=3), talk=45)
    call = make_call(talk=75, rings=4, client_id=client.id)
    session.add(Recording(call=call, path="a.wav", seconds=75, ready_at=clock()))
    trace.add(session, call, clock(), "offered", line="desk")
    trace.add(session, call, clock() + timedelta(seconds=9), "answered", name="Anna Petrova", seconds=9, rings=4)
    session.commit()
    page = sign_in("secretary").get(f"/calls/{call.id}").get_data(as_text=True)
    for text in ("Rassvet LLC", "+7 495 000-12-34", "Anna Petrova", "1:15", "late", "The call reached line desk."):
        assert text in page, text
    assert f'src="/recordings/{call.id}"' in page
    assert f'href="/calls/{earlier.id}"' in page, "earlier calls of this number"
    assert "Reason" not in page, "an answered call has nothing to close"


@pytest.mark.parametrize(("rings", "word"), [(1, "early"), (2, "in time"), (3, "in time"), (4, "late"), (9, "late")])
def test_how_prompt_the_answer_was(sign_in: SignIn, make_call: MakeCall, rings: int, word: str) -> None:
    call = make_call(talk=10, rings=rings)
    page = sign_in("anna").get(f"/calls/{call.id}").get_data(as_text=True)
    assert re.search(rf"<dt>Rings</dt>.*{word}", page)


@pytest.mark.parametrize("state", ["ringing", "greeted", "talking"])
def test_a_live_call_keeps_itself_fresh(sign_in: SignIn, make_call: MakeCall, state: str) -> None:
    call = make_call(state=state, end_reason="", ended_at=None)
    page = sign_in("anna").get(f"/calls/{call.id}").get_data(as_text=True)
    assert str(queries.STATES[state][1]) in page
    assert 'hx-trigger="sse:call' in page


def test_what_the_network_sends_is_text(sign_in: SignIn, make_call: MakeCall) -> None:
    evil = "<script>alert(1)</script>"
    call = make_call(evil, caller_name=evil, line_name=evil)
    anna = sign_in("anna")
    for address in ("/calls", "/missed", f"/calls/{call.id}"):
        assert "<script>alert" not in anna.get(address).get_data(as_text=True)


def test_who_may_read_calls(app: Flask, sign_in: SignIn, office: dict[str, User], make_call: MakeCall) -> None:
    call = make_call()
    for address in ("/calls", f"/calls/{call.id}"):
        assert "/login" in app.test_client().get(address).headers["Location"]
        assert sign_in("admin").get(address).status_code == 403
        for login, user in office.items():
            if user.role in SALES:
                assert sign_in(login).get(address).status_code == 200, login


@pytest.mark.parametrize("call_id", ["0", "999", "99999999999999999999", "x"])
def test_a_call_that_is_not_there(sign_in: SignIn, call_id: str) -> None:
    assert sign_in("anna").get(f"/calls/{call_id}").status_code == 404
