"""Calls of ours: who may place them, what stands at once, what becomes of those that reach nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sipbridge.events import CallAnswered, CallEnded, CallPlaced, ClientRinging, CommandRefused, EndReason
from tests.webapp.conftest import Clock
from webapp.accounts.models import Role, User
from webapp.calls import lifecycle, missed, outbound, talking, tries
from webapp.calls.models import BridgeCommand, BridgeStatus, Call, CallAudience, CallTrace
from webapp.clients import cards
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.feed import Feed
from webapp.office import dialling
from webapp.office.models import Line
from webapp.reports import ledger
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
NUMBER = "+74951234567"
assert talking  # its verbs take part in `lifecycle.apply`


@pytest.fixture
def rassvet(session: Session, office: dict[str, User], clock: Clock) -> Client:
    values = {"name": "Rassvet", "surname": "Orlov", "given_name": "Pavel", "phone": NUMBER}
    client = cards.create(session, values, Author(office["anna"], clock()), "RU")
    session.commit()
    return client


@pytest.fixture
def allowed(session: Session, office: dict[str, User], clock: Clock) -> None:
    """Managers may call Moscow, and a bridge is heard of."""
    dialling.add(session, Role.MANAGER, "+7495*")
    session.add(BridgeStatus(at=clock(), status={"lines": {"desk": True}}))
    session.commit()


@pytest.fixture
def dial(session: Session, office: dict[str, User], clock: Clock) -> Callable[..., Touch]:
    """`dial("anna")` places a call and commits."""

    def place(login: str, number: str = NUMBER, client: Client | None = None, **more: Any) -> Touch:
        touch = outbound.dial(session, office[login], outbound.Wanted(number, client, **more), clock(), "RU")
        session.commit()
        return touch

    return place


@pytest.fixture
def apply(session: Session, clock: Clock) -> Iterator[Callable[..., None]]:
    """`apply(event)`: what the bridge tells takes effect."""

    def tell(*events: Any) -> None:
        for event in events:
            lifecycle.apply(event, session, clock())
        session.commit()
        session.expire_all()

    yield tell


def commands(session: Session) -> list[dict[str, Any]]:
    return [row.data | {"kind": row.kind} for row in session.scalars(select(BridgeCommand).order_by(BridgeCommand.id))]


def call_of(touch: Touch) -> Call:
    assert touch.call
    return touch.call


def test_one_click_makes_the_call_its_row_and_the_command(
    session: Session, office: dict[str, User], allowed: None, rassvet: Client, dial: Callable[..., Touch]
) -> None:
    touch = dial("anna", "8 (495) 123-45-67", rassvet)
    call = call_of(touch)
    assert (call.direction, call.state, call.number, call.placed_by_id) == ("out", "dialing", NUMBER, office["anna"].id)
    assert (call.client_id, call.line_name, call.answered_by_id) == (rassvet.id, "desk", None)
    assert (touch.direction, touch.user_id, touch.client_id) == ("out", office["anna"].id, rassvet.id)
    assert touch.person_id == rassvet.people[0].id and touch.name_known
    (asked,) = commands(session)
    assert asked == {
        "kind": "Dial",
        "call_id": call.call_id,
        "extension": "sip:anna@127.0.0.1:5999",
        "target": f"tel:{NUMBER}",
        "line": "desk",
        "shown_number": NUMBER,
        "record": True,
        "notice": "",
        "hold_music": "hold.wav",
        "ring_seconds": outbound.RING_SECONDS,
        "waits": False,
        "internal": False,
    }
    seat = session.scalars(select(CallAudience)).one()
    assert (seat.user_id, seat.state) == (office["anna"].id, "taken")
    told = session.execute(select(Feed.user_id, Feed.kind).where(Feed.kind.in_(("call", "command")))).all()
    assert (office["anna"].id, "call") in told and (None, "command") in told


def test_a_number_without_a_card_leaves_it_in_the_draft(
    session: Session, allowed: None, dial: Callable[..., Touch]
) -> None:
    touch = dial("anna")
    assert touch.client_id is None and touch.draft == {"phone": "+7 495 123-45-67"} and not touch.name_known


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("+442071838750", "may not call this number"),
        ("112", "Only full numbers"),
        ("", "Only full numbers"),
        ("sip:anna@evil", "Only full numbers"),
        ("+74951234567\r\nX: y", ""),
    ],
)
def test_a_number_that_is_not_allowed_is_not_called(
    session: Session, allowed: None, dial: Callable[..., Touch], number: str, said: str
) -> None:
    if not said:  # what follows a line's end is no part of the number
        assert call_of(dial("anna", number)).number == NUMBER
        return
    with pytest.raises(outbound.Refused, match=said):
        dial("anna", number)
    assert commands(session) == [] and session.scalar(select(func.count(Call.id))) == 0


def test_without_a_rule_a_telephone_or_a_bridge_nothing_is_dialled(
    session: Session, office: dict[str, User], allowed: None, dial: Callable[..., Touch], clock: Clock
) -> None:
    with pytest.raises(outbound.Refused, match="not allowed for your role"):
        dial("head")
    office["boris"].extension = ""
    with pytest.raises(outbound.Refused, match="no telephone"):
        dial("boris")
    clock.move(minutes=5)
    with pytest.raises(outbound.Refused, match="do not answer now"):
        dial("anna")
    assert commands(session) == []


def test_a_double_click_dials_once_and_a_second_call_is_refused(
    session: Session, allowed: None, dial: Callable[..., Touch]
) -> None:
    first = dial("anna")
    assert dial("anna") is first
    with pytest.raises(outbound.Refused, match="You are in a call"):
        dial("anna", "+74957654321")
    with pytest.raises(outbound.Refused, match="Anna Petrova is in a call with this number"):
        dial("boris")
    assert len(commands(session)) == 1


def test_the_line_is_the_one_asked_for_else_the_clients_last_that_can_dial(
    session: Session,
    allowed: None,
    rassvet: Client,
    dial: Callable[..., Touch],
    clock: Clock,
    apply: Callable[..., None],
) -> None:
    lines = {name: Line(name=name) for name in ("second", "third")}
    session.add_all(lines.values())
    session.flush()
    session.add(Call(call_id="in", number=NUMBER, line_id=lines["third"].id, offered_at=clock(), state="ended"))
    bridge = session.scalars(select(BridgeStatus)).one()

    def line_with(**up: bool) -> str:
        bridge.status = {"lines": up}
        session.flush()
        touch = dial("anna", client=rassvet, line_id=wanted)
        apply(CallEnded(call_of(touch).call_id, EndReason.FAILED, 0, 0.0, 0.0, clock()))
        return call_of(touch).line_name

    wanted: int | None = None
    assert line_with(desk=True, second=True, third=True) == "third"
    assert line_with(desk=False, SECOND=True, third=False) == "second"  # the only one that can dial
    with pytest.raises(outbound.Refused, match="an account at a PBX"):
        line_with()
    wanted = lines["second"].id
    assert line_with(desk=True, second=False) == "second"
    assert line_with(desk=True) == "desk"  # the one asked for has no account
    lines["second"].active = False
    assert line_with(desk=True, second=True) == "desk"


def test_recording_follows_the_line_and_the_client(
    session: Session, allowed: None, rassvet: Client, dial: Callable[..., Touch]
) -> None:
    rassvet.never_record = True
    line = session.scalars(select(Line)).one()
    line.record_notice = True
    dial("anna", client=rassvet)
    (asked,) = commands(session)
    assert (asked["record"], asked["notice"]) == (False, "notice.en.wav")


def test_a_talk_closes_what_was_missed_and_counts_as_a_contact(
    session: Session, office: dict[str, User], allowed: None, rassvet: Client, dial: Callable[..., Touch],
    clock: Clock, apply: Callable[..., None],
) -> None:  # fmt: skip
    gone = Call(call_id="in", number=NUMBER, offered_at=clock(), state="ended", end_reason="abandoned")
    session.add(gone)
    session.commit()
    assert len(missed.longest_waiting(session, 50)[0]) == 1
    clock.move(seconds=20)
    call = call_of(dial("anna", client=rassvet))
    anna = office["anna"].extension
    apply(CallPlaced(call.call_id, anna, f"tel:{NUMBER}", "desk", clock()), ClientRinging(call.call_id, False, clock()))
    assert call.state == "calling"
    apply(CallAnswered(call.call_id, anna, 1, 4.0, clock()))
    assert (call.state, call.answered_by_id) == ("talking", office["anna"].id)
    assert missed.longest_waiting(session, 50)[0] == [] and gone.missed_closed_by_id == office["anna"].id
    apply(CallEnded(call.call_id, EndReason.COMPLETED, 1, 4.0, 60.0, clock.move(seconds=60)))
    rows = ledger.rows(session, clock().replace(hour=0), clock.move(minutes=1))
    sums = ledger.totals(rows)
    assert (sums.contacts, sums.incoming_calls, sums.missed, sums.talk_seconds) == (1, 0, 0, 60.0)


@pytest.mark.parametrize("reason", [EndReason.NO_ANSWER, EndReason.REJECTED, EndReason.ABANDONED])
def test_an_attempt_proposes_its_outcome_and_is_counted(
    session: Session, office: dict[str, User], allowed: None, rassvet: Client, dial: Callable[..., Touch],
    clock: Clock, apply: Callable[..., None], reason: EndReason,
) -> None:  # fmt: skip
    session.add(Call(call_id="in", number=NUMBER, offered_at=clock(), state="ended", end_reason="abandoned"))
    for attempt in (1, 2):
        clock.move(seconds=20)
        session.scalars(select(BridgeStatus)).one().at = clock()
        touch = dial("anna", client=rassvet)
        apply(CallEnded(call_of(touch).call_id, reason, 2, 9.0, 0.0, clock()))
        assert touch.outcome and touch.outcome.key == "not_reached" and touch.next_kind == "call_back"
        assert touch.user_id == office["anna"].id and touch.closed_at is None
        (waiting,) = missed.longest_waiting(session, 50)[0]
        assert waiting.tries == attempt
    counts = session.scalars(select(CallTrace.facts).where(CallTrace.kind == "attempt").order_by(CallTrace.id)).all()
    assert [facts["count"] for facts in counts] == [1, 2]
    assert not any(row.is_contact for row in ledger.rows(session, clock().replace(hour=0), clock.move(minutes=1)))


@pytest.mark.parametrize("written", [False, True])
def test_when_the_clients_telephone_was_never_called_nothing_is_owed(
    session: Session, office: dict[str, User], allowed: None, dial: Callable[..., Touch], clock: Clock,
    apply: Callable[..., None], written: bool,
) -> None:  # fmt: skip
    touch = dial("anna")
    touch.saved_at = clock() if written else None
    session.commit()
    apply(CallEnded(call_of(touch).call_id, EndReason.ABANDONED, 0, 0.0, 0.0, clock()))
    assert touch.outcome_id is None
    assert touch.user_id == (office["anna"].id if written else None)
    assert tries.attempts(session, [NUMBER]) == {NUMBER: 0}


def test_attempts_are_counted_since_the_last_talk(session: Session, office: dict[str, User], clock: Clock) -> None:
    def add(name: str, **more: Any) -> None:
        base = {"number": NUMBER, "offered_at": clock.move(minutes=1), "state": "ended", "direction": "out"}
        session.add(Call(call_id=name, **(base | {"rings": 2, "end_reason": "no_answer"} | more)))
        session.flush()

    assert tries.attempts(session, []) == {}
    add("a")
    add("b", end_reason="failed")
    assert tries.attempts(session, [NUMBER, "+1"]) == {NUMBER: 1, "+1": 0}
    add("c", direction="in", answered_at=clock())
    assert tries.attempts(session, [NUMBER]) == {NUMBER: 0}
    add("d")
    add("e", rings=0, end_reason="abandoned")
    assert tries.attempts(session, [NUMBER]) == {NUMBER: 1}


def test_a_bridge_that_has_no_line_ends_the_call_and_says_why(
    session: Session, office: dict[str, User], allowed: None, dial: Callable[..., Touch], clock: Clock,
    apply: Callable[..., None], sign_in: Callable[[str], FlaskClient],
) -> None:  # fmt: skip
    touch = dial("anna")
    command = session.scalars(select(BridgeCommand)).one()
    apply(CommandRefused(call_of(touch).call_id, str(command.id), "no_line", clock()))
    call = call_of(touch)
    assert (call.state, call.end_reason, command.refused) == ("ended", "failed", "no_line")
    assert touch.user_id is None
    text = sign_in("anna").get(f"/desk?touch={touch.id}").get_data(as_text=True)
    assert "Calling a number was not possible: no line is there to dial through." in text
    dial("anna")  # free again


@pytest.mark.parametrize(
    ("reason", "rings", "words"),
    [
        (EndReason.NO_ANSWER, 4, "The client did not pick up."),
        (EndReason.REJECTED, 1, "The client declined or was busy."),
        (EndReason.ABANDONED, 0, "The call was given up on our side before the client answered."),
    ],
)
def test_the_page_says_why_a_call_of_ours_was_no_talk(
    session: Session, office: dict[str, User], allowed: None, dial: Callable[..., Touch], clock: Clock,
    apply: Callable[..., None], sign_in: Callable[[str], FlaskClient], reason: EndReason, rings: int, words: str,
) -> None:  # fmt: skip
    touch = dial("anna")
    touch.saved_at = clock()
    session.commit()
    apply(CallEnded(call_of(touch).call_id, reason, rings, 6.0 * rings, 0.0, clock()))
    assert words in sign_in("anna").get(f"/desk?touch={touch.id}").get_data(as_text=True)


def test_a_call_that_no_bridge_carries_on_is_ended(
    session: Session, office: dict[str, User], allowed: None, dial: Callable[..., Touch], clock: Clock
) -> None:
    touch = dial("anna")
    assert outbound.end_lost(session, clock.move(minutes=4)) == 0
    assert outbound.end_lost(session, clock.move(minutes=2)) == 1
    session.commit()
    assert (call_of(touch).state, call_of(touch).end_reason) == ("ended", "failed")
    assert outbound.end_lost(session, clock()) == 0


# The button and its address


def test_the_button_goes_to_the_row_of_the_call(
    sign_in: SignIn, session: Session, allowed: None, rassvet: Client
) -> None:
    anna = sign_in("anna")
    card = anna.get(f"/clients/{rassvet.id}").get_data(as_text=True)
    assert 'hx-post="/calls/dial"' in card and "Calling out is not allowed" not in card
    form = {"number": NUMBER, "client": str(rassvet.id), "person": str(rassvet.people[0].id)}
    answer = anna.post("/calls/dial", data=form, headers={"HX-Request": "true"})
    touch = session.scalars(select(Touch).where(Touch.direction == "out")).one()
    assert answer.status_code == 204 and answer.headers["HX-Redirect"] == f"/desk?touch={touch.id}"
    desk = anna.get(f"/desk?touch={touch.id}").get_data(as_text=True)
    assert "Rassvet" in desk
    again = anna.post("/calls/dial", data=form, headers={"HX-Request": "true"})
    assert again.headers["HX-Redirect"] == f"/desk?touch={touch.id}" and len(commands(session)) == 1


def test_a_refused_call_says_why_beside_the_button(sign_in: SignIn, session: Session, allowed: None) -> None:
    answer = sign_in("anna").post("/calls/dial", data={"number": "+442071838750"})
    assert answer.status_code == 422 and "may not call this number" in answer.get_data(as_text=True)
    assert commands(session) == []


@pytest.mark.parametrize(
    "form",
    [
        {"number": NUMBER, "client": "9999"},
        {"number": NUMBER, "client": str(10**30)},
        {"number": NUMBER, "person": "1"},
    ],
)
def test_a_bad_id_is_not_found(
    sign_in: SignIn, session: Session, allowed: None, rassvet: Client, form: dict[str, str]
) -> None:
    assert sign_in("anna").post("/calls/dial", data=form).status_code == 404
    assert commands(session) == []


def test_others_are_kept_out(app: Flask, sign_in: SignIn, session: Session, allowed: None) -> None:
    assert "/login" in app.test_client().post("/calls/dial", data={"number": NUMBER}).headers["Location"]
    assert sign_in("admin").post("/calls/dial", data={"number": NUMBER}).status_code == 403
    assert commands(session) == []


def test_where_a_number_stands_the_button_is_shown_only_to_who_may_call_it(
    sign_in: SignIn, session: Session, office: dict[str, User], allowed: None, rassvet: Client, clock: Clock
) -> None:
    for name, number in (("in", NUMBER), ("abroad", "+442071838750")):
        call = Call(call_id=name, number=number, offered_at=clock(), state="ended", end_reason="abandoned")
        session.add(call)
        session.flush()
        session.add(Touch(started_at=clock(), call_id=call.id, user_id=office["anna"].id))
    session.commit()
    anna, secretary = sign_in("anna"), sign_in("secretary")
    for path in ("/desk", "/missed", f"/clients/{rassvet.id}", "/ledger"):
        page = anna.get(path).get_data(as_text=True)
        assert page.count('hx-post="/calls/dial"') == 1, path
        assert ("may not call this number" in page) == (path != f"/clients/{rassvet.id}"), path
        assert 'hx-post="/calls/dial"' not in secretary.get(path).get_data(as_text=True)
    assert "Calling out is not allowed" in secretary.get(f"/clients/{rassvet.id}").get_data(as_text=True)


def test_the_list_of_our_calls_tells_them_from_callers(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    base = {"offered_at": clock(), "state": "ended", "number": NUMBER}
    session.add(Call(call_id="i", end_reason="abandoned", caller_name="Incoming One", **base))
    session.add(
        Call(call_id="o", direction="out", placed_by_id=office["boris"].id, end_reason="rejected", rings=1, **base)
    )
    session.commit()
    page = sign_in("anna").get("/calls?show=ours").get_data(as_text=True)
    assert "not reached" in page and "Boris Ivanov" in page and "Incoming One" not in page
    one = session.scalars(select(Call).where(Call.call_id == "o")).one()
    page = sign_in("anna").get(f"/calls/{one.id}").get_data(as_text=True)
    assert "the client was busy or declined" in page and "Called by" in page
