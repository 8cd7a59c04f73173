"""Calls that the desk places, with a clock made of numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipbridge.events import (
    CallAnswered,
    CallPlaced,
    ClientRinging,
    EndReason,
    HangUp,
    Hold,
    LegEnd,
    LegEnded,
    Transfer,
)
from sipbridge.moves import (
    CALLER,
    CallBroken,
    CallerAnswered,
    CallerLeft,
    CallerRang,
    CallerRefused,
    CancelLeg,
    DialCaller,
    HangUpCaller,
    HangUpLeg,
    Input,
    PhoneAnswered,
    PhoneEnded,
    RingPhone,
    Sound,
    StopRecording,
)
from sipbridge.placed import BUSY_SECONDS, Placed
from tests.sipbridge.walking import ANNA, BORIS, DIAL, OFFERED_AT, Walk, placed_talk


def placed() -> Walk:
    return Walk(Placed(DIAL, OFFERED_AT))


def dialling() -> Walk:
    """The manager picked up after two seconds."""
    walk = placed()
    walk.until(2.0)
    walk.feed(PhoneAnswered(0))
    return walk


def test_the_managers_phone_rings_first_and_nobody_else() -> None:
    walk = placed()
    assert walk.kinds() == ["CallPlaced", "LegRinging"]
    assert walk.last(CallPlaced) == CallPlaced("c2", ANNA, DIAL.target, "desk", OFFERED_AT)
    assert [action for _, action in walk.done if isinstance(action, RingPhone | DialCaller)] == [RingPhone(0, ANNA)]
    assert walk.call.shown == ("+74951110000", "")


def test_then_the_client_and_the_manager_hears_it_ring() -> None:
    walk = placed()
    walk.until(2.0)
    assert walk.feed(PhoneAnswered(0)) == [DialCaller(DIAL.target, "desk")]
    walk.until(4.0)
    walk.feed(CallerRang(False))
    assert walk.hears[0] is Sound.RINGBACK and walk.last(ClientRinging).early_media is False
    walk.feed(CallerRang(True))
    assert walk.hears[0] == CALLER, "the network's own words instead of ours"
    assert len(walk.of(ClientRinging)) == 1
    walk.until(9.0)
    walk.feed(CallerAnswered())
    assert walk.hears[0] == CALLER and walk.hears[CALLER] == 0
    answered = walk.last(CallAnswered)
    assert (answered.extension, answered.rings, answered.seconds) == (ANNA, 2, 7.0), "the client's ringing alone"
    walk.after(20)
    walk.feed(CallerLeft())
    assert walk.ended.end_reason is EndReason.COMPLETED and walk.ended.talk_seconds == 20.0
    assert walk.of(LegEnded) == []


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        (LegEnd.BUSY, EndReason.ABANDONED),
        (LegEnd.REJECTED, EndReason.ABANDONED),
        (LegEnd.NO_ANSWER, EndReason.ABANDONED),
        (LegEnd.UNREACHABLE, EndReason.FAILED),
    ],
)
def test_a_manager_who_does_not_pick_up(reason: LegEnd, end: EndReason) -> None:
    walk = placed()
    if reason is LegEnd.NO_ANSWER:
        walk.until(30.0)
        assert (30.0, CancelLeg(0)) in walk.done
    else:
        walk.feed(PhoneEnded(0, reason))
    assert walk.ended.end_reason is end and walk.last(LegEnded).reason is reason
    assert not any(isinstance(action, HangUpCaller | DialCaller) for _, action in walk.done)
    assert walk.ended.rings == 0


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        (LegEnd.BUSY, EndReason.REJECTED),
        (LegEnd.REJECTED, EndReason.REJECTED),
        (LegEnd.NO_ANSWER, EndReason.NO_ANSWER),
        (LegEnd.UNREACHABLE, EndReason.FAILED),
    ],
)
def test_a_client_who_can_not_be_had_is_heard_as_busy(reason: LegEnd, end: EndReason) -> None:
    walk = dialling()
    walk.feed(CallerRang(False))
    walk.until(5.0)
    walk.feed(CallerRefused(reason))
    assert walk.hears[0] is Sound.BUSY and not walk.call.over
    walk.after(BUSY_SECONDS)
    assert walk.ended.end_reason is end and walk.ended.ring_seconds == 3.0
    assert (walk.now, HangUpLeg(0)) in walk.done
    assert not any(isinstance(action, HangUpCaller) for _, action in walk.done)


def test_a_client_who_does_not_pick_up_is_rung_no_longer() -> None:
    walk = dialling()
    walk.feed(CallerRang(False))
    walk.until(32.0)
    assert (32.0, HangUpCaller()) in walk.done
    walk.feed(CallerRefused(LegEnd.CANCELLED))
    walk.until(40.0)
    assert walk.ended.end_reason is EndReason.NO_ANSWER and walk.ended.ring_seconds == 30.0


@pytest.mark.parametrize("who", [PhoneEnded(0, LegEnd.CANCELLED), "hang up"])
def test_a_manager_who_gives_up_while_it_rings(who: Input | str) -> None:
    walk = dialling()
    walk.feed(CallerRang(False))
    actions = walk.order(HangUp("c2")) if isinstance(who, str) else walk.feed(who)
    assert HangUpCaller() in actions and walk.ended.end_reason is EndReason.ABANDONED
    assert walk.last(LegEnded).reason is LegEnd.CANCELLED


def test_a_manager_who_hangs_up_at_the_busy_tone() -> None:
    walk = dialling()
    walk.feed(CallerRefused(LegEnd.BUSY))
    walk.feed(PhoneEnded(0, LegEnd.CANCELLED))
    assert walk.ended.end_reason is EndReason.REJECTED
    walk.check_whole()


def test_a_call_that_breaks_at_the_busy_tone_hangs_up_on_the_client_no_second_time() -> None:
    walk = dialling()
    walk.feed(CallerRang(False))
    walk.until(32.0)
    walk.feed(CallBroken(False))
    assert [action for _, action in walk.done].count(HangUpCaller()) == 1
    walk.check_whole()


def test_both_are_told_before_it_is_recorded() -> None:
    walk = placed_talk(replace(DIAL, notice="notice.wav"))
    assert walk.hears == {CALLER: Sound.NOTICE, 0: Sound.NOTICE}
    walk.sound_ends(0)
    walk.sound_ends()
    assert walk.taped == 0 and walk.kinds()[-2:] == ["NoticePlayed", "CallAnswered"]
    assert walk.last(CallAnswered).seconds == 7.0


def test_a_client_who_hangs_up_while_being_told() -> None:
    walk = placed_talk(replace(DIAL, notice="notice.wav"))
    walk.feed(CallerLeft())
    assert walk.ended.end_reason is EndReason.REJECTED and walk.ended.talk_seconds == 0.0


def test_held_and_passed_on_like_any_other() -> None:
    walk = placed_talk()
    walk.order(Hold("c2"))
    assert walk.hears[CALLER] is Sound.MUSIC and walk.taped is None
    walk.order(Transfer("c2", BORIS, "", False, 20.0))
    walk.after(20)
    walk.after(20)
    assert walk.ended.end_reason is EndReason.COMPLETED, "there is no plan to fall back on"
    walk.check_whole()


@pytest.mark.parametrize("stage", range(4))
def test_a_bridge_that_stops(stage: int) -> None:
    walk = (placed, dialling, placed_talk, placed_talk)[stage]()
    if stage == 3:
        walk.order(Transfer("c2", BORIS, "", True, 20.0))
    actions = walk.feed(CallBroken())
    assert walk.ended.end_reason is EndReason.FAILED
    assert (HangUpCaller() in actions) is (stage > 0)
    assert (StopRecording() in actions) is (stage > 1)
    walk.check()
