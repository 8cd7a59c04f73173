"""What a user's own softphone dials: colleagues, numbers by the rules of calls of ours, and why not on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sipbridge.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallPlaced,
    CallTransferred,
    ClientRinging,
    CommandRefused,
    EndReason,
    HeldBy,
    PhoneDialled,
    TransferAsked,
    TransferStarted,
)
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from webapp.accounts.models import Role, User
from webapp.calls.models import BridgeCommand, BridgeStatus, Call, CallAudience, RefusedDial, Transfer, is_open_missed
from webapp.clients.models import Client
from webapp.feed import Feed
from webapp.office import dialling
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
NUMBER = "+74951234567"
ANNA = "registered:anna"


@pytest.fixture
def people(session: Session, on_duty: dict[str, User]) -> dict[str, User]:
    """Anna's softphone is registered here, Vera's is, Boris has a telephone of his own with a short number."""
    for login in ("anna", "vera"):
        on_duty[login].extension = f"registered:{login}"
    on_duty["boris"].extension = "sip:204@127.0.0.1:5999"
    session.commit()
    return on_duty


@pytest.fixture
def allowed(session: Session, clock: Clock) -> None:
    dialling.add(session, Role.MANAGER, "+7495*")
    session.add(BridgeStatus(at=clock(), status={"lines": {"desk": True}}))
    session.commit()


def asked(session: Session) -> list[dict[str, Any]]:
    session.expire_all()
    return [row.data | {"kind": row.kind} for row in session.scalars(select(BridgeCommand).order_by(BridgeCommand.id))]


def bar(client: FlaskClient) -> str:
    return client.get("/desk/bar?shown=", headers={"HX-Request": "true"}).get_data(as_text=True)


@pytest.mark.parametrize(
    ("number", "target"), [("vera", "registered:vera"), ("VERA", "registered:vera"), ("204", "sip:204@127.0.0.1:5999")]
)
def test_a_colleague_is_rung_and_nothing_is_written_down(
    session: Session, people: dict[str, User], bridge: Bridge, clock: Clock, number: str, target: str
) -> None:
    bridge.send(PhoneDialled("p1", ANNA, number, clock()))
    (command,) = asked(session)
    assert command == {
        "kind": "Dial",
        "call_id": "p1",
        "extension": ANNA,
        "target": target,
        "line": "",
        "shown_number": "anna",
        "record": False,
        "notice": "",
        "hold_music": "hold.wav",
        "ring_seconds": 45.0,
        "waits": True,
        "internal": True,
    }
    for table in (Call, Touch, CallAudience, Transfer, RefusedDial):
        assert session.scalar(select(func.count()).select_from(table)) == 0


def test_a_number_is_called_as_by_a_click(
    session: Session, people: dict[str, User], allowed: None, bridge: Bridge, clock: Clock, make_client: Any
) -> None:
    card: Client = make_client("Rassvet", "+7 495 123-45-67")
    bridge.offer("c1")
    bridge.send(CallEnded("c1", EndReason.ABANDONED, 2, 9.0, 0.0, clock()))
    clock.move(seconds=10)
    bridge.send(PhoneDialled("p1", ANNA, "8-495-123-45-67", clock()))
    command = asked(session)[-1]
    assert (command["kind"], command["call_id"], command["extension"]) == ("Dial", "p1", ANNA)
    assert (command["target"], command["line"]) == (f"tel:{NUMBER}", "desk")
    assert (command["waits"], command["internal"], command["record"]) == (True, False, True)
    call = session.scalars(select(Call).where(Call.call_id == "p1")).one()
    assert (call.direction, call.state, call.client_id, call.placed_by_id) == (
        "out",
        "calling",
        card.id,
        people["anna"].id,
    )
    touch = session.scalars(select(Touch).where(Touch.call_id == call.id)).one()
    assert (touch.direction, touch.user_id, touch.client_id) == ("out", people["anna"].id, card.id)
    assert session.scalars(select(Call.id).where(is_open_missed())).all() != []
    bridge.send(
        CallPlaced("p1", ANNA, f"tel:{NUMBER}", "desk", clock()),
        ClientRinging("p1", False, clock()),
        CallAnswered("p1", ANNA, 1, 3.0, clock.move(seconds=3)),
    )
    session.expire_all()
    assert call.state == "talking" and call.answered_by_id == people["anna"].id
    assert session.scalars(select(Call.id).where(is_open_missed())).all() == [], "the missed call is closed"


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+79031234567", "Your role may not call this number"),
        ("112", "Only full numbers"),
        ("anna", "Only full numbers"),
        ("nobody", "Only full numbers"),
        ("", "Only full numbers"),
        ("\r\n<b>", "Only full numbers"),
    ],
)
def test_what_is_not_allowed_is_refused_and_the_page_tells_why(
    session: Session,
    people: dict[str, User],
    allowed: None,
    bridge: Bridge,
    clock: Clock,
    sign_in: SignIn,
    number: str,
    why: str,
) -> None:
    bridge.send(PhoneDialled("p1", ANNA, number, clock()))
    assert asked(session) == [{"kind": "HangUp", "call_id": "p1"}]
    assert session.scalar(select(func.count(Call.id))) == session.scalar(select(func.count(Touch.id))) == 0
    assert (people["anna"].id, "call") in session.execute(select(Feed.user_id, Feed.kind)).all()
    anna = sign_in("anna")
    assert why in bar(anna) and "<b>" not in bar(anna)
    assert why not in bar(sign_in("vera"))
    clock.move(seconds=61)
    assert why not in bar(anna)


def test_what_was_refused_is_no_news_once_another_is_dialled(
    session: Session, people: dict[str, User], bridge: Bridge, clock: Clock, sign_in: SignIn
) -> None:
    bridge.send(PhoneDialled("p1", ANNA, NUMBER, clock()))
    assert "Your softphone dialled" in bar(sign_in("anna"))
    bridge.send(PhoneDialled("p2", ANNA, NUMBER, clock()))
    assert session.scalar(select(func.count()).select_from(RefusedDial)) == 1
    bridge.send(PhoneDialled("p3", ANNA, "vera", clock()))
    assert "Your softphone dialled" not in bar(sign_in("anna"))


def test_without_a_rule_no_number_is_called(
    session: Session, people: dict[str, User], bridge: Bridge, clock: Clock, sign_in: SignIn
) -> None:
    people["anna"].language = "ru"
    session.commit()
    bridge.send(PhoneDialled("p1", ANNA, NUMBER, clock()))
    assert [command["kind"] for command in asked(session)] == ["HangUp"]
    said = session.get(RefusedDial, people["anna"].id)
    assert said and said.why.isprintable() and not said.why.isascii(), "in the language of her page"


def test_a_stranger_and_a_question_that_comes_late(
    session: Session, people: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.send(PhoneDialled("p1", "registered:nobody", "vera", clock()))
    assert asked(session) == [{"kind": "HangUp", "call_id": "p1"}]
    late = PhoneDialled("p2", ANNA, "vera", clock())
    clock.move(seconds=6)
    bridge.send(late)
    assert len(asked(session)) == 1


def test_beside_a_talk_only_while_that_is_on_hold(
    session: Session, people: dict[str, User], allowed: None, bridge: Bridge, clock: Clock
) -> None:
    bridge.offer("c1", number="+74950000001")
    bridge.send(CallAnswered("c1", ANNA, 2, 7.0, clock()), PhoneDialled("p1", ANNA, NUMBER, clock()))
    assert asked(session)[-1] == {"kind": "HangUp", "call_id": "p1"}
    bridge.send(CallHeld("c1", HeldBy.PHONE, clock()), PhoneDialled("p2", ANNA, NUMBER, clock()))
    assert (asked(session)[-1]["kind"], asked(session)[-1]["call_id"]) == ("Dial", "p2")
    bridge.send(CallAnswered("p2", ANNA, 1, 3.0, clock()), TransferAsked("c1", ANNA, f"sip:{NUMBER}@x", "p2", clock()))
    assert asked(session)[-1] == {"kind": "JoinCalls", "call_id": "c1", "other_call_id": "p2"}


def test_a_colleague_who_can_not_be_reached(
    session: Session, people: dict[str, User], bridge: Bridge, clock: Clock, sign_in: SignIn
) -> None:
    bridge.send(PhoneDialled("p1", ANNA, "vera", clock()))
    row = session.scalars(select(BridgeCommand)).one()
    bridge.send(CommandRefused("p1", str(row.id), "no_phone", clock()))
    assert "Your softphone dialled Vera Sokolova: The telephone could not be reached." in bar(sign_in("anna"))


def test_attended_by_refer_the_row_goes_along_to_the_colleague(
    session: Session, people: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.offer("c1")
    bridge.send(CallAnswered("c1", ANNA, 2, 7.0, clock()), CallHeld("c1", HeldBy.PHONE, clock()))
    bridge.send(PhoneDialled("p1", ANNA, "vera", clock()), TransferAsked("c1", ANNA, "sip:vera@x", "p1", clock()))
    assert asked(session)[-1] == {"kind": "JoinCalls", "call_id": "c1", "other_call_id": "p1"}
    vera = people["vera"]
    bridge.send(
        TransferStarted("c1", vera.extension, True, clock()),
        CallTransferred("c1", vera.extension, clock.move(seconds=1)),
    )
    session.expire_all()
    call = session.scalars(select(Call).where(Call.call_id == "c1")).one()
    seats = {seat.user.login: seat.state for seat in session.scalars(select(CallAudience))}
    assert {"anna": "gave", "vera": "taken"}.items() <= seats.items()
    assert session.scalars(select(Touch).where(Touch.call_id == call.id)).one().user_id == vera.id
    passed = session.scalars(select(Transfer)).one()
    assert (passed.from_user_id, passed.to_user_id, passed.state) == (people["anna"].id, vera.id, "done")
    assert call.held_at is None and call.redirects == 1


@pytest.mark.parametrize("target", ["sip:stranger@x", "sip:anna@x", f"sip:{NUMBER}@x"])
def test_an_unknown_other_call_is_believed_for_a_colleague_only(
    session: Session, people: dict[str, User], allowed: None, bridge: Bridge, clock: Clock, target: str
) -> None:
    bridge.offer("c1")
    bridge.send(CallAnswered("c1", ANNA, 2, 7.0, clock()), TransferAsked("c1", ANNA, target, "p1", clock()))
    assert asked(session)[-1]["kind"] == "CancelTransfer"
