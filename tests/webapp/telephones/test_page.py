"""The telephones page: lines, softphones, live calls and the bridges, as they last said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts import softphones
from webapp.accounts.models import User
from webapp.calls.models import BridgeStatus, Call, LineState
from webapp.office.models import Line
from webapp.telephones import queries, status

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def bridge(session: Session, office: dict[str, User], clock: Clock) -> Callable[..., BridgeStatus]:
    """`bridge(lines=...)`: a bridge's last word, said now."""

    def say(name: str = "", **said: Any) -> BridgeStatus:
        row = BridgeStatus(name=name, at=clock(), status=said, started_at=clock() - timedelta(hours=2), ended_why="")
        session.add(row)
        session.commit()
        return row

    return say


def page_of(client: FlaskClient) -> str:
    answer = client.get("/telephones")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_every_line_says_whether_it_is_registered_and_why_not(
    sign_in: SignIn, session: Session, bridge: Callable[..., BridgeStatus], clock: Clock
) -> None:
    session.add_all([Line(name="Second", title="Second line", mode="watch"), Line(name="trunk", title="Trunk")])
    refused = {"registered": False, "detail": "403 Forbidden", "last_error": "403 Forbidden", "last_error_at": clock()}
    session.add(LineState(line="second", since=clock(), at=clock(), **refused))
    session.add(LineState(line="desk", registered=True, detail="registered", since=clock(), at=clock()))
    bridge(lines={"desk": True, "second": False, "elsewhere": True})
    page = page_of(sign_in("head"))
    assert page.count('state-good">registered') == 2 and "not registered" in page and "needs no registration" in page
    assert "the PBX refuses the name or the password" in page and "403 Forbidden" in page
    assert "rings along, never answers" in page and "not among the office" in page


def test_live_calls_say_who_speaks_with_whom_and_since_when(
    sign_in: SignIn, session: Session, office: dict[str, User], bridge: Callable[..., BridgeStatus], clock: Clock
) -> None:
    base = {"offered_at": clock() - timedelta(seconds=90), "number": "+74951234567"}
    talk = {"state": "talking", "answered_by_id": office["anna"].id, "answered_at": clock() - timedelta(seconds=65)}
    session.add(Call(call_id="a", **talk, **base))
    session.add(Call(call_id="b", state="dialing", direction="out", placed_by_id=office["boris"].id, **base))
    session.add(Call(call_id="c", state="ended", **base))
    bridge(live=[{"call_id": "a"}, {"call_id": 7}, "nonsense"])
    page = page_of(sign_in("head"))
    assert "Anna Petrova" in page and "1:05" in page and "our telephone rings" in page and "Boris Ivanov" in page
    assert page.count("the bridge does not speak of it") == 1


def test_softphones_and_the_bridge_are_shown_in_words(
    sign_in: SignIn, session: Session, office: dict[str, User], bridge: Callable[..., BridgeStatus], clock: Clock
) -> None:
    softphones.make_secret(session, office["anna"], clock())
    softphones.make_secret(session, office["boris"], clock())
    row = bridge(
        phones=[{"user": "anna", "device": "Linphone", "address": "10.0.0.9:5070", "since": clock().isoformat()}],
        threads={"sip": {"state": "well", "replaced": 0}, "weblink": {"state": "stuck for 12 s", "replaced": 2}},
        counters={"received": 12, "wrong_proofs": 3, "errors": 0, "sent": "many"},
        waiting=4,
        refused=1,
    )
    row.ended_why = "killed"
    session.commit()
    page = page_of(sign_in("head"))
    assert "Linphone" in page and "no telephone registered" in page
    assert "weblink hangs" in page and "weblink was replaced 2 times" in page and "it was killed" in page
    assert "messages received <b>12</b>" in page and "softphones <b>3</b>" in page and "errors of our own" not in page
    assert "1 was refused" in page


def test_a_silent_bridge_is_told_first(
    sign_in: SignIn, bridge: Callable[..., BridgeStatus], clock: Clock, session: Session
) -> None:
    head = sign_in("head")
    assert "No bridge has ever spoken" in page_of(head)
    bridge(lines={"desk": True})
    assert "The telephones are silent" not in page_of(head)
    clock.move(minutes=1)
    page = page_of(head)
    assert "The telephones are silent" in page and 'state-good">registered' not in page
    bridge("east", lines={"desk": True})
    assert "The telephones are silent" not in page_of(head)  # the other one works


def test_two_bridges_are_read_together(session: Session, bridge: Callable[..., BridgeStatus]) -> None:
    bridge("west", phones=[{"user": "anna", "device": "a"}], lines={"desk": False})
    bridge("east", phones=[{"user": "anna", "device": "b"}], lines={"desk": True})
    told = status.read(session)
    assert [phone.device for phone in told.phones_of("anna")] == ["b", "a"]
    assert [row.registered for row in queries.lines(session, told)] == [True]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"lines": 1, "phones": "x", "threads": [], "counters": None, "live": {}, "calls": "many", "waiting": -1},
        {
            "lines": {"x" * 500: "up"},
            "threads": {"t": 5},
            "phones": [{"user": "a", "since": 9}],
            "live": [{"call_id": {}}],
        },
    ],
)
def test_a_bridge_that_says_nonsense_breaks_nothing(
    sign_in: SignIn, bridge: Callable[..., BridgeStatus], said: dict[str, Any]
) -> None:
    bridge(**said)
    assert "Telephones" in page_of(sign_in("head"))


def test_a_page_that_shows_what_is_so_is_left_alone(
    sign_in: SignIn, session: Session, bridge: Callable[..., BridgeStatus]
) -> None:
    row = bridge(lines={"desk": True})
    head = sign_in("head")
    found = re.search(r'hx-get="(/telephones\?have=[0-9a-f]+)"', page_of(head))
    assert found
    htmx = {"HX-Request": "true"}
    assert head.get(found[1], headers=htmx).status_code == 204
    row.status = {"lines": {"desk": False}}
    session.commit()
    changed = head.get(found[1], headers=htmx)
    assert changed.status_code == 200 and changed.get_data(as_text=True).lstrip().startswith("{#") is False
    assert "not registered" in changed.get_data(as_text=True) and "<html" not in changed.get_data(as_text=True)


def test_head_and_administrator_see_it_and_nobody_else(
    app: Flask, sign_in: SignIn, session: Session, office: dict[str, User], bridge: Callable[..., BridgeStatus]
) -> None:
    bridge()
    assert "/login" in app.test_client().get("/telephones").headers["Location"]
    assert sign_in("anna").get("/telephones").status_code == 403
    assert sign_in("admin").get("/telephones").status_code == 200


def test_it_costs_the_same_however_much_goes_on(
    sign_in: SignIn,
    session: Session,
    bridge: Callable[..., BridgeStatus],
    clock: Clock,
    count_queries: Callable[[], int],
) -> None:
    bridge()
    head = sign_in("head")

    def cost() -> int:
        session.expire_all()
        before = count_queries()
        page_of(head)
        return count_queries() - before

    def add(number: int) -> None:
        session.add(Line(name=f"line{number}"))
        session.add(LineState(line=f"line{number}", registered=True, at=clock()))
        session.add(Call(call_id=f"c{number}", state="ringing", offered_at=clock(), line_id=line.id))
        session.commit()

    line = session.scalars(select(Line)).one()
    add(0)
    few = cost()
    for number in range(1, 30):
        add(number)
    assert cost() == few <= 9
