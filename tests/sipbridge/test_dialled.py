"""Calls that a manager's own softphone has dialled, and colleagues who take a caller over from them; no real clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipbridge.asking import DESK_DECIDES
from sipbridge.events import (
    CallAnswered,
    CallHeld,
    CallPlaced,
    CallTransferred,
    EndReason,
    HangUp,
    HeldBy,
    Hold,
    LegEnd,
    TransferAsked,
    TransferStarted,
)
from sipbridge.moves import (
    CALLER,
    AnswerPhone,
    CallBroken,
    CallerAnswered,
    CallerGone,
    CallerLeft,
    CallerRang,
    CallerRefused,
    DialCaller,
    Emit,
    HangUpCaller,
    HangUpLeg,
    Input,
    PhoneAnswered,
    PhoneEnded,
    ReportTransfer,
    SideHeld,
    Sound,
    TakenOver,
    TransferWanted,
)
from sipbridge.placed import BUSY_SECONDS, Placed
from tests.sipbridge.walking import ANNA, BORIS, DIAL, OFFERED_AT, Walk, talk

WAITS = replace(DIAL, waits=True)
INTERNAL = replace(WAITS, call_id="i1", target=BORIS, line="", internal=True)


def dialled(dial: object = WAITS) -> Walk:
    walk = Walk(Placed(dial, OFFERED_AT))  # type: ignore[arg-type]
    walk.until(0.1)
    walk.feed(PhoneAnswered(0))  # its ACK
    return walk


def consultation() -> Walk:
    walk = dialled(INTERNAL)
    walk.after(3)
    walk.feed(CallerAnswered())
    assert walk.hears == {CALLER: 0, 0: CALLER}
    return walk


def test_who_has_dialled_is_answered_and_not_rung() -> None:
    walk = dialled()
    assert [a for _, a in walk.done if not isinstance(a, Emit)] == [AnswerPhone(0), DialCaller(DIAL.target, "desk")]
    assert walk.kinds() == ["CallPlaced"] and walk.last(CallPlaced).extension == ANNA
    walk.feed(CallerRang(False))
    assert walk.hears[0] is Sound.RINGBACK
    walk.until(9.0)
    walk.feed(CallerAnswered())
    assert walk.hears == {CALLER: 0, 0: CALLER} and walk.taped == 0
    assert (walk.last(CallAnswered).rings, walk.last(CallAnswered).seconds) == (2, 9.0)
    walk.after(5)
    walk.feed(CallerLeft())
    assert walk.ended.end_reason is EndReason.COMPLETED
    walk.check()


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        (PhoneEnded(0, LegEnd.CANCELLED), EndReason.ABANDONED),
        (PhoneEnded(0, LegEnd.UNREACHABLE), EndReason.ABANDONED),  # its ACK never came
        (CallBroken(), EndReason.FAILED),
    ],
)
def test_one_that_gives_up_while_it_rings(happened: Input, reason: EndReason) -> None:
    walk = Walk(Placed(WAITS, OFFERED_AT))
    walk.until(2.0)
    assert HangUpCaller() in walk.feed(happened)
    assert walk.ended.end_reason is reason
    walk.check()


def test_the_desk_hangs_up_before_the_telephone_has_acknowledged() -> None:
    walk = Walk(Placed(WAITS, OFFERED_AT))
    assert walk.order(HangUp("c2")) == [HangUpLeg(0), HangUpCaller()], "a telephone that was answered is not cancelled"
    walk.check()


def test_a_client_who_can_not_be_had() -> None:
    walk = dialled()
    walk.feed(CallerRefused(LegEnd.BUSY))
    assert walk.hears[0] is Sound.BUSY
    walk.after(BUSY_SECONDS)
    assert walk.ended.end_reason is EndReason.REJECTED
    walk.check()


@pytest.mark.parametrize("end", [CallerLeft(), PhoneEnded(0, LegEnd.CANCELLED), CallBroken(), CallerGone()])
def test_nothing_of_an_internal_call_is_told_or_recorded(end: Input) -> None:
    walk = consultation()
    walk.feed(SideHeld(0))
    assert walk.hears[CALLER] is Sound.MUSIC
    walk.feed(end)
    assert walk.call.over and walk.events == [] and walk.taped is None


def test_a_caller_is_taken_over_by_the_colleague_who_was_called() -> None:
    walk = talk(record=True)
    walk.feed(SideHeld(0))
    assert walk.hears[CALLER] is Sound.MUSIC
    walk.feed(TransferWanted(0, "sip:boris@desk", "i1"))
    assert walk.last(TransferAsked).other_call_id == "i1"
    actions = walk.feed(TakenOver(1, BORIS))
    assert actions.index(ReportTransfer(0, 200, "OK")) < actions.index(HangUpLeg(0))
    assert walk.hears == {CALLER: 1, 1: CALLER} and walk.taped == 1, "the recording goes on"
    assert walk.last(TransferStarted).attended and walk.last(CallTransferred).target == BORIS
    assert walk.call.extension == BORIS
    walk.order(Hold("c1"))
    assert walk.hears[CALLER] is Sound.MUSIC and walk.last(CallHeld).by is HeldBy.PAGE
    walk.feed(PhoneEnded(1, LegEnd.CANCELLED))
    assert walk.ended.end_reason is EndReason.COMPLETED
    walk.check()


def test_one_held_from_the_page_is_taken_over_too() -> None:
    walk = talk()
    walk.order(Hold("c1"))
    walk.feed(TakenOver(1, BORIS))
    assert walk.hears == {CALLER: 1, 1: CALLER} and walk.call.state == "talking"


def test_a_colleague_who_holds_goes_on_holding() -> None:
    walk = talk()
    walk.feed(TakenOver(1, BORIS))
    walk.feed(SideHeld(1))
    assert walk.hears[CALLER] is Sound.MUSIC and walk.last(CallHeld).by is HeldBy.PHONE


def test_the_colleague_goes_and_the_manager_is_free() -> None:
    walk = consultation()
    assert walk.feed(CallerGone()) == [HangUpLeg(0)], "the colleague is not hung up on"
    assert walk.call.over


def test_asked_for_on_the_call_with_the_colleague_it_is_the_clients_that_is_passed_on() -> None:
    walk = consultation()
    walk.feed(TransferWanted(0, "sip:desk@desk", "c1"))
    asked = walk.last(TransferAsked)
    assert (asked.call_id, asked.extension, asked.target, asked.other_call_id) == ("c1", ANNA, BORIS, "i1")
    assert walk.feed(CallerGone()) == [ReportTransfer(0, 200, "OK"), HangUpLeg(0)]


def test_so_asked_for_and_not_answered_it_is_refused() -> None:
    walk = consultation()
    walk.feed(TransferWanted(0, "sip:desk@desk", "c1"))
    walk.after(DESK_DECIDES)
    assert (walk.now, ReportTransfer(0, 503, "Service Unavailable")) in walk.done
    assert walk.hears == {CALLER: 0, 0: CALLER}


def test_a_colleague_is_not_passed_on_blindly() -> None:
    walk = consultation()
    assert walk.feed(TransferWanted(0, "sip:vera@desk", "")) == [ReportTransfer(0, 603, "Decline")]
    assert walk.feed(TransferWanted(CALLER, "sip:vera@desk", "c1")) == [ReportTransfer(CALLER, 603, "Decline")]
    assert walk.events == []
