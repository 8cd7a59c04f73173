"""Held, passed on, dialled: what the bridge tells of a talk, applied in the order it really comes, and in any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sipbridge.events import (
    CallAnswered,
    CallEnded,
    CallerReturning,
    CallHeld,
    CallPlaced,
    CallResumed,
    CallTransferred,
    ClientRinging,
    CommandRefused,
    ConsultationStarted,
    EndReason,
    GreetingStarted,
    HangUp,
    HeldBy,
    LegEnd,
    LegEnded,
    LegRinging,
    MenuChosen,
    TransferAsked,
    TransferFailed,
    TransferStarted,
)
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls import control, lifecycle, queries, trace, transfers
from webapp.calls.models import PASSING, BridgeCommand, BridgeStatus, Call, CallAudience, CallTrace, Transfer
from webapp.feed import Feed
from webapp.office.models import DialRule
from webapp.presence import whereabouts
from webapp.touches.models import Touch


def the_call(session: Session, call_id: str = "c1") -> Call:
    session.expire_all()
    return session.scalars(select(Call).where(Call.call_id == call_id)).one()


def audience(session: Session, call: Call) -> dict[str, str]:
    rows = session.scalars(select(CallAudience).where(CallAudience.call_id == call.id))
    return {row.user.login: row.state for row in rows}


def told(session: Session, after: int) -> set[int | None]:
    return set(session.scalars(select(Feed.user_id).where(Feed.id > after, Feed.kind == "call")))


def sentences(session: Session, call: Call) -> list[str]:
    return [text for _, text in trace.sentences(session, call)]


@pytest.fixture
def talk(session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock) -> Call:
    """Anna speaks with the caller of c1."""
    bridge.offer("c1")
    bridge.send(CallAnswered("c1", on_duty["anna"].extension, 2, 7.0, clock.move(seconds=7)))
    return the_call(session)


@pytest.mark.parametrize("by", HeldBy)
def test_held_and_taken_back(session: Session, talk: Call, bridge: Bridge, clock: Clock, by: HeldBy) -> None:
    bridge.send(CallHeld("c1", by, clock.move(seconds=5)))
    call = the_call(session)
    assert (call.held_at, call.held_by, call.state) == (clock(), by, "talking")
    bridge.send(CallResumed("c1", clock.move(seconds=30)))
    call = the_call(session)
    assert (call.held_at, call.held_by) == (None, "")
    assert sentences(session, call)[-1] == "The talk went on."


def test_the_point_where_the_talk_stopped_outlives_the_hold(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    control.hold(session, talk, on_duty["anna"], "the delivery term", clock())
    session.commit()
    bridge.send(CallHeld("c1", HeldBy.PAGE, clock()), CallResumed("c1", clock()))
    assert the_call(session).held_words == "the delivery term"
    bridge.send(CallHeld("c1", HeldBy.PHONE, clock()))
    assert the_call(session).held_words == ""  # where the script stands now is what counts


def test_a_blind_transfer_moves_row_and_pop_to_the_colleague(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    anna, vera = on_duty["anna"], on_duty["vera"]
    target = transfers.colleague(vera)
    assert target
    transfers.start(session, talk, anna, target, False, "Pavel, asks for the price", clock())
    session.commit()
    before = session.scalar(select(func.max(Feed.id))) or 0
    bridge.send(TransferStarted("c1", vera.extension, False, clock()))
    call = the_call(session)
    assert audience(session, call)["vera"] == "rung"
    assert {anna.id, vera.id} <= told(session, before)
    assert session.scalars(select(Transfer)).one().state == "ringing"
    bridge.send(CallTransferred("c1", vera.extension, clock.move(seconds=6)))
    call = the_call(session)
    assert {"anna": "gave", "vera": "taken"}.items() <= audience(session, call).items()
    assert (call.redirects, call.state, call.answered_by_id) == (1, "talking", anna.id)
    assert session.scalars(select(Touch)).one().user_id == vera.id
    assert session.scalars(select(Transfer)).one().state == "done"
    assert control.has_it(session, call, vera)
    assert not control.has_it(session, call, anna)
    assert list(whereabouts.talks(session)) == [vera.id]
    assert sentences(session, call)[-2:] == [
        "Anna Petrova passes the caller on to Vera Sokolova.",
        "The caller speaks with Vera Sokolova now.",
    ]


def test_an_attended_transfer_consults_first(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    target = transfers.colleague(on_duty["vera"])
    assert target
    transfers.start(session, talk, on_duty["anna"], target, True, "", clock())
    session.commit()
    vera = on_duty["vera"].extension
    bridge.send(CallHeld("c1", HeldBy.PAGE, clock()), TransferStarted("c1", vera, True, clock()))
    assert the_call(session).held_at is None  # the caller waits for the colleague now
    bridge.send(ConsultationStarted("c1", vera, clock.move(seconds=3)))
    call = the_call(session)
    assert session.scalars(select(Transfer)).one().state == "consulting"
    assert audience(session, call)["vera"] == "rung"
    assert control.has_it(session, call, on_duty["anna"])
    bridge.send(CallTransferred("c1", vera, clock.move(seconds=9)))
    assert audience(session, the_call(session))["vera"] == "taken"


@pytest.mark.parametrize(("reason", "state"), [(r, "cancelled" if r is LegEnd.CANCELLED else "failed") for r in LegEnd])
def test_a_transfer_that_fails_gives_the_caller_back(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock, reason: LegEnd, state: str
) -> None:
    target = transfers.colleague(on_duty["vera"])
    assert target
    transfers.start(session, talk, on_duty["anna"], target, False, "", clock())
    session.commit()
    vera = on_duty["vera"].extension
    bridge.send(TransferStarted("c1", vera, False, clock()), TransferFailed("c1", vera, reason, clock.move(seconds=20)))
    call = the_call(session)
    row = session.scalars(select(Transfer)).one()
    assert (row.state, row.why, row.ended_at) == (state, reason, clock())
    assert {"anna": "taken", "vera": "gone"}.items() <= audience(session, call).items()
    assert call.redirects == 0
    assert session.scalars(select(Touch)).one().user_id == on_duty["anna"].id
    assert "Vera Sokolova" in sentences(session, call)[-1] or reason is LegEnd.CANCELLED


def test_a_caller_passed_on_outside_leaves_the_row_with_the_giver(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    anna = on_duty["anna"]
    session.add(DialRule(role=anna.role, pattern="+7495xxxxxxx"))
    session.commit()
    target = transfers.outside(session, anna, "8 495 765-43-21")
    assert target is not None and target.address == "tel:+74957654321"
    transfers.start(session, talk, anna, target, False, "", clock())
    session.commit()
    bridge.send(TransferStarted("c1", target.address, False, clock()), CallTransferred("c1", target.address, clock()))
    call = the_call(session)
    assert audience(session, call)["anna"] == "gave"
    assert session.scalars(select(Touch)).one().user_id == anna.id
    assert call.redirects == 1


def test_nobody_passes_on_to_a_number_that_no_rule_allows(session: Session, on_duty: dict[str, User]) -> None:
    assert transfers.outside(session, on_duty["anna"], "+74957654321") is None
    assert transfers.outside(session, on_duty["anna"], "sip:evil@example.org") is None


def asked(session: Session) -> list[tuple[str, dict[str, Any]]]:
    session.expire_all()
    return [(row.kind, row.data) for row in session.scalars(select(BridgeCommand).order_by(BridgeCommand.id))]


@pytest.mark.parametrize(
    "written",
    ["sip:vera@127.0.0.1:5999", "sip:vera@192.168.7.7", "<sip:vera@pbx.example;transport=udp>", "SIP:VERA@host"],
)
def test_a_softphones_transfer_to_a_colleague_is_carried_out(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock, written: str
) -> None:
    written = written.strip("<>")
    bridge.send(TransferAsked("c1", on_duty["anna"].extension, written, "", clock()))
    ((kind, data),) = asked(session)
    assert (kind, data["target"], data["attended"]) == ("Transfer", on_duty["vera"].extension, False)
    assert session.scalars(select(Transfer)).one().to_user_id == on_duty["vera"].id


@pytest.mark.parametrize("written", ["sip:nobody@127.0.0.1", "tel:+74957654321", "", "\r\nrubbish", "sip:anna@x"])
def test_a_softphones_transfer_to_a_stranger_is_refused(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock, written: str
) -> None:
    bridge.send(TransferAsked("c1", on_duty["anna"].extension, written, "", clock()))
    assert [kind for kind, _ in asked(session)] == ["CancelTransfer"]
    assert session.scalars(select(Transfer)).first() is None


def test_a_softphones_transfer_to_an_allowed_number(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    session.add(DialRule(role=on_duty["anna"].role, pattern="+7495xxxxxxx"))
    session.commit()
    bridge.send(TransferAsked("c1", on_duty["anna"].extension, "sip:84957654321@127.0.0.1", "", clock()))
    ((kind, data),) = asked(session)
    assert (kind, data["target"]) == ("Transfer", "tel:+74957654321")


def test_a_softphone_joins_two_calls_of_its_own_and_no_others(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    anna, vera = on_duty["anna"].extension, on_duty["vera"].extension
    bridge.offer("c2", number="+74950000002")
    bridge.send(CallAnswered("c2", anna, 2, 7.0, clock()))
    bridge.offer("c3", number="+74950000003")
    bridge.send(CallAnswered("c3", vera, 2, 7.0, clock()))
    bridge.send(TransferAsked("c1", anna, "sip:x@y", "c2", clock()))
    assert asked(session)[-1] == ("JoinCalls", {"call_id": "c1", "other_call_id": "c2"})
    for other in ("c3", "c1", "unknown"):
        bridge.send(TransferAsked("c1", anna, "sip:x@y", other, clock()))
        assert asked(session)[-1][0] == "CancelTransfer"


def test_a_telephone_that_has_no_part_in_the_talk_asks_in_vain(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.send(TransferAsked("c1", on_duty["vera"].extension, on_duty["boris"].extension, "", clock()))
    bridge.send(TransferAsked("c1", "sip:stranger@x", on_duty["boris"].extension, "", clock()))
    assert [kind for kind, _ in asked(session)] == ["CancelTransfer", "CancelTransfer"]


def test_a_question_that_comes_late_is_not_answered(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    event = TransferAsked("c1", on_duty["anna"].extension, on_duty["vera"].extension, "", clock())
    clock.move(seconds=30)
    bridge.send(event)
    assert asked(session) == []


def test_a_menu_digit_is_kept_with_what_it_means(session: Session, talk: Call, bridge: Bridge, clock: Clock) -> None:
    assert talk.line
    talk.line.menu = {"choices": [{"digit": "2", "title": "Service", "user_ids": []}]}
    session.commit()
    bridge.send(MenuChosen("c1", "2", clock()))
    call = the_call(session)
    assert call.menu_digit == "2"
    assert sentences(session, call)[-1] == "The caller pressed 2 in the menu: Service."


def test_a_refused_command_is_told_to_who_asked(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    control.hold(session, talk, on_duty["anna"], "here", clock())
    session.commit()
    row = session.scalars(select(BridgeCommand)).one()
    before = session.scalar(select(func.max(Feed.id))) or 0
    bridge.send(CommandRefused("c1", str(row.id), "not_now", clock()))
    session.expire_all()
    assert row.refused == "not_now"
    assert on_duty["anna"].id in told(session, before)
    assert the_call(session).held_words == ""
    assert sentences(session, the_call(session))[-1] == (
        "Putting the caller on hold was not possible: not at this moment of the talk."
    )


@pytest.mark.parametrize("command_id", ["", "x", "99999999999999999999", "٣", "-1", "4"])
def test_a_refusal_of_an_unknown_command_changes_nothing(
    session: Session, talk: Call, bridge: Bridge, clock: Clock, command_id: str
) -> None:
    bridge.send(CommandRefused("c1", command_id, "failed", clock()))
    assert session.scalars(select(CallTrace).where(CallTrace.kind == "refused")).first() is None


def test_one_of_two_bridges_that_does_not_have_the_call_means_nothing(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    control.ask(session, HangUp("c1"), on_duty["anna"], clock())
    session.add_all([BridgeStatus(name=name, at=clock(), status={}) for name in ("east", "west")])
    session.commit()
    row = session.scalars(select(BridgeCommand)).one()
    bridge.send(CommandRefused("c1", str(row.id), "no_call", clock()))
    session.expire_all()
    assert row.refused == ""


def test_a_refused_transfer_is_over(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    target = transfers.colleague(on_duty["vera"])
    assert target
    transfers.start(session, talk, on_duty["anna"], target, False, "", clock())
    session.commit()
    row = session.scalars(select(BridgeCommand)).one()
    bridge.send(CommandRefused("c1", str(row.id), "no_phone", clock()))
    session.expire_all()
    passing = session.scalars(select(Transfer)).one()
    assert (passing.state, passing.why) == ("failed", "no_phone")


def test_the_end_of_a_call_ends_what_was_under_way(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    target = transfers.colleague(on_duty["vera"])
    assert target
    transfers.start(session, talk, on_duty["anna"], target, True, "", clock())
    session.commit()
    bridge.send(
        TransferStarted("c1", on_duty["vera"].extension, True, clock()),
        CallEnded("c1", EndReason.COMPLETED, 2, 7.0, 30.0, clock.move(seconds=30)),
    )
    call = the_call(session)
    assert (call.state, call.held_at) == ("ended", None)
    assert session.scalars(select(Transfer)).one().state == "failed"
    assert audience(session, call)["vera"] == "gone"


@pytest.fixture
def outbound(session: Session, on_duty: dict[str, User], clock: Clock) -> Call:
    """Anna has clicked to call a number."""
    call = Call(
        call_id="out-1",
        direction="out",
        state="dialing",
        number="+74951234567",
        placed_by_id=on_duty["anna"].id,
        offered_at=clock(),
    )
    session.add(call)
    session.flush()
    session.add(CallAudience(call_id=call.id, user_id=on_duty["anna"].id, state="taken"))
    session.add(Touch(direction="out", started_at=clock(), user_id=on_duty["anna"].id, call_id=call.id))
    session.commit()
    return call


def test_an_outbound_call_from_click_to_talk_makes_good_what_was_missed(
    session: Session, outbound: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.offer("c1")
    bridge.send(CallEnded("c1", EndReason.ABANDONED, 1, 3.0, 0.0, clock()))
    anna = on_duty["anna"].extension
    bridge.send(CallPlaced("out-1", anna, "tel:+74951234567", "desk", clock()), LegRinging("out-1", anna, 0, clock()))
    assert the_call(session, "out-1").state == "dialing"
    bridge.send(ClientRinging("out-1", False, clock()))
    assert the_call(session, "out-1").state == "calling"
    assert the_call(session, "c1").missed_closed_at is None
    bridge.send(CallAnswered("out-1", anna, 2, 8.0, clock.move(seconds=8)))
    call = the_call(session, "out-1")
    assert (call.state, call.answered_by_id) == ("talking", on_duty["anna"].id)
    assert the_call(session, "c1").missed_closed_by_id == on_duty["anna"].id
    bridge.send(CallEnded("out-1", EndReason.COMPLETED, 2, 8.0, 60.0, clock()))
    assert queries.state_of(the_call(session, "out-1")) == "talked"


@pytest.mark.parametrize("reason", [EndReason.NO_ANSWER, EndReason.REJECTED, EndReason.ABANDONED, EndReason.FAILED])
def test_a_call_of_ours_that_nobody_answered_is_not_missed(
    session: Session, outbound: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock, reason: EndReason
) -> None:
    anna = on_duty["anna"].extension
    bridge.send(
        CallPlaced("out-1", anna, "tel:+74951234567", "desk", clock()),
        LegRinging("out-1", anna, 0, clock()),
        LegEnded("out-1", anna, LegEnd.CANCELLED, clock()),
        CallEnded("out-1", reason, 0, 0.0, 0.0, clock()),
    )
    call = the_call(session, "out-1")
    assert (call.is_missed, queries.state_of(call), queries.count_missed(session)) == (False, "not_reached", 0)
    assert all(not text.startswith("ended_") for text in sentences(session, call))


def test_taking_one_caller_back_holds_the_other(
    session: Session, talk: Call, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    anna = on_duty["anna"]
    bridge.send(CallHeld("c1", HeldBy.PAGE, clock()))
    bridge.offer("c2", number="+74950000002")
    bridge.send(CallAnswered("c2", anna.extension, 2, 7.0, clock()))
    control.take_back(session, the_call(session), anna, clock())
    session.commit()
    assert [(kind, data["call_id"]) for kind, data in asked(session)] == [("Hold", "c2"), ("Resume", "c1")]


ANNA, VERA = "sip:anna@127.0.0.1:5999", "sip:vera@127.0.0.1:5999"
EVENTS: list[Callable[[Any], Any]] = [
    lambda at: LegRinging("c1", ANNA, 0, at),
    lambda at: LegEnded("c1", ANNA, LegEnd.NO_ANSWER, at),
    lambda at: GreetingStarted("c1", 2, 10.0, at),
    lambda at: CallAnswered("c1", ANNA, 2, 7.0, at),
    lambda at: CallHeld("c1", HeldBy.PHONE, at),
    lambda at: CallResumed("c1", at),
    lambda at: TransferAsked("c1", ANNA, VERA, "", at),
    lambda at: TransferStarted("c1", VERA, True, at),
    lambda at: TransferStarted("c1", "tel:+74957654321", False, at),
    lambda at: ConsultationStarted("c1", VERA, at),
    lambda at: CallTransferred("c1", VERA, at),
    lambda at: TransferFailed("c1", VERA, LegEnd.BUSY, at),
    lambda at: CallerReturning("c1", ANNA, at),
    lambda at: MenuChosen("c1", "1", at),
    lambda at: CommandRefused("c1", "1", "not_now", at),
    lambda at: CallPlaced("c1", ANNA, "tel:+74957654321", "desk", at),
    lambda at: ClientRinging("c1", True, at),
    lambda at: CallEnded("c1", EndReason.COMPLETED, 2, 7.0, 20.0, at),
]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(order=st.lists(st.sampled_from(range(len(EVENTS))), max_size=12))
def test_events_in_any_order_neither_raise_nor_double(
    session: Session, on_duty: dict[str, User], clock: Clock, order: list[int]
) -> None:
    with session.begin_nested() as trial:
        call = Call(call_id="c1", number="+74951234567", offered_at=clock())
        session.add(call)
        session.flush()
        session.add(Touch(started_at=clock(), call_id=call.id))
        ended = False
        for number in order:
            event = EVENTS[number](clock())
            lifecycle.apply(event, session, clock())
            session.flush()
            ended = ended or isinstance(event, CallEnded)
            assert (call.state == "ended") == ended
        rows = session.scalars(select(CallAudience.user_id).where(CallAudience.call_id == call.id)).all()
        assert len(rows) == len(set(rows))
        taken = select(func.count()).where(CallAudience.call_id == call.id, CallAudience.state == "taken")
        assert (session.scalar(taken) or 0) <= 1
        active = select(func.count()).where(Transfer.call_id == call.id, Transfer.state.in_(PASSING))
        assert (session.scalar(active) or 0) <= (0 if ended else 1)
        if ended:
            assert call.held_at is None
        assert len(sentences_of(session, call)) == session.scalar(
            select(func.count()).where(CallTrace.call_id == call.id)
        )
        trial.rollback()


def test_who_asks_a_second_time_takes_the_first_back(session: Session, on_duty: dict[str, User], clock: Clock) -> None:
    call = Call(call_id="c1", number="+74951234567", offered_at=clock())
    session.add(call)
    session.flush()
    session.add(Touch(started_at=clock(), call_id=call.id))
    for event in (CallAnswered("c1", ANNA, 2, 7.0, clock()), *[TransferAsked("c1", ANNA, VERA, "", clock())] * 2):
        lifecycle.apply(event, session, clock())
    assert session.scalars(select(Transfer.state).order_by(Transfer.id)).all() == ["failed", "asked"]


def sentences_of(session: Session, call: Call) -> list[str]:
    texts = sentences(session, call)
    assert all(" " in text for text in texts), texts  # a sentence, not the bare name of its kind
    return texts
