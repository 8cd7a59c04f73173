"""Held, passed on, recorded: the talk, with a clock made of numbers and ears for everybody."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sipbridge.asking import DESK_DECIDES
from sipbridge.call import Call
from sipbridge.events import (
    ApologyStarted,
    CallAnswered,
    CallerReturning,
    CallHeld,
    CallResumed,
    CallTransferred,
    CancelTransfer,
    Choice,
    CommandRefused,
    CompleteTransfer,
    ConsultationStarted,
    EndReason,
    ForbidRecording,
    HangUp,
    HeldBy,
    Hold,
    LegEnd,
    Menu,
    MessageLeft,
    Mode,
    NoticePlayed,
    PauseRecording,
    Plan,
    RecordingPaused,
    RecordingResumed,
    RecordingStopped,
    Resume,
    ResumeRecording,
    Step,
    Transfer,
    TransferAsked,
    TransferFailed,
    TransferStarted,
)
from sipbridge.farewell import SAVING_LIMIT
from sipbridge.moves import (
    CALLER,
    CallBroken,
    CallerAnswered,
    CallerLeft,
    CallerRang,
    CallerRefused,
    CallerSilent,
    DiscardRecording,
    HangUpCaller,
    HangUpLeg,
    HearEarly,
    HoldLeg,
    Input,
    Join,
    JoinedTo,
    KeyPressed,
    MessageSaved,
    PartnerLeft,
    PhoneAnswered,
    PhoneEnded,
    PhoneRang,
    PlanArrived,
    RecordingBroke,
    Redirected,
    ReportTransfer,
    ResumeLeg,
    RingPhone,
    SideHeld,
    SideResumed,
    Sound,
    SoundPlayed,
    StopRecording,
    TransferWanted,
)
from sipbridge.phone import PhoneState
from sipbridge.placed import Placed
from tests.sipbridge.walking import ANNA, BORIS, DIAL, OFFERED, OFFERED_AT, VERA, Walk, talk

HOLD, RESUME = Hold("c1"), Resume("c1")
BLIND = Transfer("c1", BORIS, "", False, 20.0)
ATTENDED = Transfer("c1", BORIS, "", True, 20.0)
TO_A_NUMBER = Transfer("c1", "tel:+74959990000", "trunk", False, 20.0)


def together(walk: Walk, key: int) -> bool:
    return walk.hears.get(CALLER) == key and walk.hears.get(key) == CALLER


def refusals(walk: Walk) -> list[str]:
    return [event.why for event in walk.of(CommandRefused)]


# Held


def test_the_caller_hears_music_and_the_telephone_shows_the_hold() -> None:
    walk = talk()
    assert HoldLeg(0) in walk.order(HOLD)
    assert walk.hears == {CALLER: Sound.MUSIC, 0: None} and walk.call.state == "held"
    assert walk.last(CallHeld).by is HeldBy.PAGE
    walk.after(30)
    assert ResumeLeg(0) in walk.order(RESUME)
    assert together(walk, 0) and walk.of(CallResumed)
    walk.after(10)
    walk.feed(CallerLeft())
    assert walk.ended.talk_seconds == 10.0, "music is no talk"
    assert refusals(walk) == []


def test_a_softphone_holds_and_resumes() -> None:
    walk = talk()
    walk.feed(SideHeld(0))
    assert walk.hears[CALLER] is Sound.MUSIC and walk.last(CallHeld).by is HeldBy.PHONE
    walk.feed(SideResumed(0))
    assert together(walk, 0) and len(walk.of(CallResumed)) == 1


def test_a_caller_who_holds_leaves_the_manager_in_silence() -> None:
    walk = talk()
    walk.feed(SideHeld(CALLER))
    assert walk.hears == {CALLER: None, 0: None} and walk.last(CallHeld).by is HeldBy.CALLER
    walk.feed(SideResumed(CALLER))
    assert together(walk, 0)


def test_the_page_cannot_resume_what_the_softphone_holds() -> None:
    walk = talk()
    walk.order(HOLD)
    walk.feed(SideHeld(0))
    assert [event.by for event in walk.of(CallHeld)] == [HeldBy.PAGE, HeldBy.PHONE]
    walk.order(RESUME)
    assert refusals(walk) == ["not_now"] and walk.of(CallResumed) == []
    assert walk.hears[CALLER] is Sound.MUSIC
    walk.feed(SideResumed(0))
    assert together(walk, 0) and len(walk.of(CallResumed)) == 1


def test_who_holds_now_is_told_when_one_of_two_lets_go() -> None:
    walk = talk()
    walk.feed(SideHeld(0))
    walk.order(HOLD)
    walk.order(RESUME)
    assert [event.by for event in walk.of(CallHeld)] == [HeldBy.PHONE, HeldBy.PAGE, HeldBy.PHONE]
    assert refusals(walk) == ["not_now"]


def test_a_second_click_changes_nothing() -> None:
    walk = talk()
    walk.order(HOLD)
    assert walk.order(HOLD) == [] and len(walk.of(CallHeld)) == 1
    walk.order(RESUME)
    assert walk.order(RESUME) == [] and len(walk.of(CallResumed)) == 1
    assert refusals(walk) == []


@pytest.mark.parametrize("who", [CallerLeft(), PhoneEnded(0, LegEnd.CANCELLED), CallBroken()])
def test_a_held_call_ends_like_any_other(who: Input) -> None:
    walk = talk()
    walk.after(4)
    walk.order(HOLD)
    walk.after(60)
    walk.feed(who)
    assert walk.ended.talk_seconds == 4.0
    walk.check()


# Passed on


def test_blind_the_manager_is_free_at_once_and_the_caller_hears_music_then_ringing() -> None:
    walk = talk()
    walk.after(5)
    actions = walk.order(BLIND)
    assert HangUpLeg(0) in actions and RingPhone(1, BORIS) in actions
    assert walk.hears[CALLER] is Sound.MUSIC
    assert walk.last(TransferStarted) == TransferStarted("c1", BORIS, False, walk.last(TransferStarted).at)
    walk.feed(PhoneRang(1))
    assert walk.hears[CALLER] is Sound.RINGBACK
    walk.after(7)
    walk.feed(PhoneAnswered(1))
    assert together(walk, 1) and walk.last(CallTransferred).target == BORIS
    walk.after(6)
    walk.feed(PhoneEnded(1, LegEnd.CANCELLED))
    assert walk.ended.end_reason is EndReason.COMPLETED
    assert walk.ended.talk_seconds == 11.0, "with either manager, not the ringing between"
    assert len(walk.of(CallAnswered)) == 1


def test_blind_the_caller_hears_the_networks_own_sound_and_is_not_heard_there() -> None:
    walk = talk(record=True)
    walk.order(TO_A_NUMBER)
    walk.feed(PhoneRang(1, False))
    assert walk.hears == {CALLER: Sound.RINGBACK}
    assert walk.feed(PhoneRang(1, True)) == [HearEarly(1, CALLER)], "an announcement instead of our ringing"
    assert walk.hears == {CALLER: 1} and walk.taped is None
    assert walk.feed(PhoneRang(1, True)) == []
    assert Join(1, CALLER) in walk.feed(PhoneAnswered(1))
    assert together(walk, 1) and walk.taped == 1


def test_blind_the_networks_sound_ends_with_a_refusal() -> None:
    walk = talk()
    walk.order(TO_A_NUMBER)
    walk.feed(PhoneRang(1, True))
    walk.gone(1)
    walk.feed(PhoneEnded(1, LegEnd.BUSY))
    assert walk.hears[CALLER] is Sound.RINGBACK, "of the manager, who is rung again"
    walk.feed(PhoneRang(2, True))
    assert walk.hears == {CALLER: Sound.RINGBACK}, "whose network's words are not for the caller"


def test_attended_the_manager_hears_the_networks_own_sound() -> None:
    walk = talk()
    walk.order(ATTENDED)
    walk.feed(PhoneRang(1, True))
    assert walk.hears == {CALLER: Sound.MUSIC, 0: 1}
    walk.gone(0)
    walk.feed(PhoneEnded(0, LegEnd.CANCELLED))
    assert walk.hears == {CALLER: 1}, "who leaves leaves it to the caller"
    walk.feed(PhoneAnswered(1))
    assert together(walk, 1)


def test_a_number_is_dialled_through_its_line() -> None:
    walk = talk()
    assert RingPhone(1, "tel:+74959990000", "trunk") in walk.order(TO_A_NUMBER)


@pytest.mark.parametrize("reason", [LegEnd.BUSY, LegEnd.REJECTED, LegEnd.NO_ANSWER, LegEnd.UNREACHABLE])
def test_blind_to_nobody_the_managers_phone_rings_again(reason: LegEnd) -> None:
    walk = talk()
    walk.order(BLIND)
    if reason is LegEnd.NO_ANSWER:
        walk.after(20)
    else:
        walk.feed(PhoneEnded(1, reason))
    assert walk.last(TransferFailed).reason is reason
    assert (walk.now, RingPhone(2, ANNA)) in walk.done and walk.hears[CALLER] is Sound.RINGBACK
    walk.after(5)
    walk.feed(PhoneAnswered(2))
    assert together(walk, 2) and walk.kinds()[-3:] == ["TransferFailed", "CallerReturning", "CallResumed"]
    assert walk.last(CallerReturning).extension == walk.call.extension == ANNA


def test_when_nobody_at_all_takes_the_caller_he_hears_the_apology() -> None:
    walk = talk(message_seconds=60.0)
    walk.after(3)
    walk.order(BLIND)
    walk.after(20)
    walk.after(20)
    assert walk.of(ApologyStarted) and walk.hears[CALLER] is Sound.APOLOGY
    walk.sound_ends()
    walk.sound_ends()
    assert walk.call.state == "message"
    walk.feed(CallerLeft())
    walk.feed(MessageSaved(4.0))
    assert walk.ended.end_reason is EndReason.COMPLETED, "a manager had spoken"
    assert walk.ended.talk_seconds == 3.0
    assert walk.kinds()[-3:] == ["ApologyStarted", "MessageLeft", "CallEnded"]


def test_attended_they_speak_alone_and_nothing_of_it_is_recorded() -> None:
    walk = talk(record=True)
    walk.after(5)
    assert walk.taped == 0
    walk.order(ATTENDED)
    assert walk.hears == {CALLER: Sound.MUSIC, 0: None} and walk.taped is None
    walk.feed(PhoneRang(1))
    assert walk.hears[0] is Sound.RINGBACK
    walk.feed(PhoneAnswered(1))
    assert (walk.hears[CALLER], walk.hears[0], walk.hears[1]) == (Sound.MUSIC, 1, 0)
    assert walk.taped is None and walk.last(ConsultationStarted).target == BORIS
    walk.after(8)
    assert HangUpLeg(0) in walk.order(CompleteTransfer("c1"))
    assert together(walk, 1) and walk.taped == 1, "the recording goes on with the colleague"
    walk.after(2)
    walk.feed(CallerLeft())
    assert walk.ended.talk_seconds == 7.0


@pytest.mark.parametrize(
    ("how", "reason"),
    [("cancel", LegEnd.CANCELLED), ("target hangs up", LegEnd.REJECTED)],
)
def test_attended_the_caller_comes_back(how: str, reason: LegEnd) -> None:
    walk = talk(record=True)
    walk.order(ATTENDED)
    walk.feed(PhoneAnswered(1))
    if how == "cancel":
        assert HangUpLeg(1) in walk.order(CancelTransfer("c1"))
    else:
        walk.gone(1)
        walk.feed(PhoneEnded(1, LegEnd.CANCELLED))
    assert together(walk, 0) and walk.taped == 0
    assert walk.last(TransferFailed).reason is reason
    walk.order(ATTENDED)
    assert len(walk.of(TransferStarted)) == 2, "and may be passed on again"


def test_attended_to_one_who_is_busy_the_caller_is_there_again() -> None:
    walk = talk()
    walk.order(HOLD)
    walk.order(ATTENDED)
    walk.feed(PhoneEnded(1, LegEnd.BUSY))
    assert together(walk, 0)
    assert walk.kinds()[-2:] == ["TransferFailed", "CallResumed"], "it had been told as held"


def test_hanging_up_in_the_consultation_completes_it() -> None:
    walk = talk()
    walk.order(ATTENDED)
    walk.feed(PhoneAnswered(1))
    walk.gone(0)
    walk.feed(PhoneEnded(0, LegEnd.CANCELLED))
    assert together(walk, 1) and walk.of(CallTransferred)


@pytest.mark.parametrize("how", ["hangs up", "completes"])
def test_leaving_while_it_rings_makes_it_a_blind_one(how: str) -> None:
    walk = talk()
    walk.order(ATTENDED)
    walk.feed(PhoneRang(1))
    if how == "hangs up":
        walk.gone(0)
        walk.feed(PhoneEnded(0, LegEnd.CANCELLED))
    else:
        walk.order(CompleteTransfer("c1"))
    assert walk.hears == {CALLER: Sound.RINGBACK}
    walk.feed(PhoneAnswered(1))
    assert together(walk, 1)


def test_cancelling_a_blind_one_rings_the_manager() -> None:
    walk = talk()
    walk.order(BLIND)
    assert RingPhone(2, ANNA) in walk.order(CancelTransfer("c1"))
    assert walk.last(TransferFailed).reason is LegEnd.CANCELLED
    walk.order(CancelTransfer("c1"))
    assert refusals(walk) == ["not_now"]


def test_who_got_the_caller_may_pass_him_on() -> None:
    walk = talk()
    walk.order(BLIND)
    walk.feed(PhoneAnswered(1))
    walk.order(Transfer("c1", VERA, "", False, 20.0))
    walk.feed(PhoneEnded(2, LegEnd.BUSY))
    assert (walk.now, RingPhone(3, BORIS)) in walk.done, "back to who passed him on last"


def test_a_caller_who_hangs_up_ends_it_all() -> None:
    for stage in range(4):
        walk = talk()
        walk.order(ATTENDED if stage < 2 else BLIND)
        if stage == 1:
            walk.feed(PhoneAnswered(1))
        if stage == 3:
            walk.after(20)
        walk.feed(CallerLeft())
        assert walk.ended.end_reason is EndReason.COMPLETED
        walk.check()


def test_an_answer_that_crossed_the_cancel_is_hung_up_on() -> None:
    walk = talk()
    walk.order(ATTENDED)
    walk.order(CancelTransfer("c1"))
    assert walk.feed(PhoneAnswered(1)) == [HangUpLeg(1)]
    assert together(walk, 0)


def test_no_second_transfer_and_no_hold_meanwhile() -> None:
    walk = talk()
    walk.order(ATTENDED)
    for command in (BLIND, HOLD, RESUME):
        walk.order(command)
    assert refusals(walk) == ["not_now"] * 3


def test_before_the_talk_and_after_the_end_commands_are_refused() -> None:
    walk = Walk(Call(OFFERED, Plan((Step((ANNA,), 60.0),), 1, 60.0, "", "", False)))
    walk.until(1.0)
    walk.order(HOLD)
    walk.order(HangUp("c1"))
    walk.order(HOLD)
    assert refusals(walk) == ["not_now", "no_call"] and walk.ended.end_reason is EndReason.REJECTED


# Asked for by the softphone


def test_a_refer_is_asked_of_the_desk_and_the_softphone_hears_how_it_goes() -> None:
    walk = talk()
    walk.feed(SideHeld(0))
    walk.feed(TransferWanted(0, "sip:204@pbx", ""))
    assert walk.last(TransferAsked).target == "sip:204@pbx" and walk.last(TransferAsked).extension == ANNA
    assert walk.order(BLIND)[:2] == [RingPhone(1, BORIS), ReportTransfer(0, 100, "Trying")]
    assert ReportTransfer(0, 180, "Ringing") in walk.feed(PhoneRang(1))
    actions = walk.feed(PhoneAnswered(1))
    assert actions[:2] == [ReportTransfer(0, 200, "OK"), HangUpLeg(0)]
    assert together(walk, 1)


def test_a_refer_that_fails_leaves_the_caller_with_the_manager() -> None:
    walk = talk()
    walk.feed(SideHeld(0))
    walk.feed(TransferWanted(0, "sip:204@pbx", ""))
    walk.order(BLIND)
    assert ReportTransfer(0, 486, "Busy Here") in walk.feed(PhoneEnded(1, LegEnd.BUSY))
    assert walk.hears[CALLER] is Sound.MUSIC, "his telephone holds still"
    walk.feed(SideResumed(0))
    assert together(walk, 0)


def test_the_desk_forbids_or_is_silent() -> None:
    walk = talk()
    walk.feed(TransferWanted(0, "sip:204@pbx", ""))
    assert walk.order(CancelTransfer("c1")) == [ReportTransfer(0, 603, "Decline")]
    walk.feed(TransferWanted(0, "sip:204@pbx", ""))
    walk.after(DESK_DECIDES)
    assert walk.done[-1] == (walk.now, ReportTransfer(0, 503, "Service Unavailable"))
    assert together(walk, 0) and refusals(walk) == []


@pytest.mark.parametrize("why", ["forbidden", "busy"])
def test_a_softphone_that_hangs_up_when_refused_is_rung_again(why: str) -> None:
    walk = talk()
    walk.feed(TransferWanted(0, "sip:204@pbx", ""))
    if why == "forbidden":
        walk.order(CancelTransfer("c1"))
    else:
        walk.order(BLIND)
        walk.feed(PhoneEnded(1, LegEnd.BUSY))
    walk.after(0.1)
    walk.gone(0)
    walk.feed(PhoneEnded(0, LegEnd.CANCELLED))
    key = max(walk.call.phones)
    assert walk.call.phones[key].extension == ANNA and walk.hears[CALLER] is Sound.RINGBACK
    walk.feed(PhoneAnswered(key))
    assert together(walk, key) and walk.kinds()[-1] == "CallResumed"
    walk.after(10)
    walk.gone(key)
    walk.feed(PhoneEnded(key, LegEnd.CANCELLED))
    assert walk.ended.end_reason is EndReason.COMPLETED


def test_a_caller_may_not_pass_himself_on() -> None:
    walk = talk()
    assert walk.feed(TransferWanted(CALLER, "sip:premium@x", "")) == [ReportTransfer(CALLER, 603, "Decline")]
    assert walk.of(TransferAsked) == []
    walk.feed(PhoneEnded(0, LegEnd.CANCELLED))
    assert walk.ended.end_reason is EndReason.COMPLETED, "and the manager who hangs up then has hung up"


def test_a_refer_while_another_goes_on_is_declined() -> None:
    walk = talk()
    walk.order(ATTENDED)
    assert walk.feed(TransferWanted(0, "sip:204@pbx", "")) == [ReportTransfer(0, 603, "Decline")]


def test_two_calls_of_one_manager_become_one() -> None:
    one = talk(record=True)
    one.feed(TransferWanted(0, "sip:x@y", "c2"))
    assert one.last(TransferAsked).other_call_id == "c2"
    one.after(3)
    actions = one.feed(JoinedTo("+74957654321"))
    assert actions == [ReportTransfer(0, 200, "OK"), StopRecording(), HangUpLeg(0)]
    assert one.last(CallTransferred).target == "+74957654321" and one.call.state == "joined"
    one.after(100)
    one.feed(PartnerLeft())
    assert (one.ended.end_reason, one.ended.talk_seconds) == (EndReason.COMPLETED, 3.0)


# Recorded


def told(walk: Walk, manager: int = 0) -> None:
    """Both notices are over."""
    walk.sound_ends(manager)
    walk.sound_ends(CALLER)


def test_both_are_told_before_the_first_recorded_byte() -> None:
    walk = talk(record=True, notice="notice.wav")
    assert walk.hears == {CALLER: Sound.NOTICE, 0: Sound.NOTICE} and not walk.tape_runs
    assert walk.of(CallAnswered) == []
    walk.after(3)
    told(walk)
    assert together(walk, 0) and walk.taped == 0
    assert walk.kinds()[-2:] == ["NoticePlayed", "CallAnswered"]
    assert walk.last(NoticePlayed).sound == "notice.wav" and walk.last(CallAnswered).seconds == 0.5
    walk.after(10)
    walk.feed(CallerLeft())
    assert walk.ended.talk_seconds == 10.0


@pytest.mark.parametrize("how", ["can't be played", "never ends"])
def test_who_was_not_told_is_not_recorded(how: str) -> None:
    walk = talk(record=True, notice="notice.wav")
    if how == "never ends":
        walk.after(31)
    else:
        walk.sound_ends(0, heard=False)
    assert together(walk, 0) and not walk.tape_runs and walk.of(NoticePlayed) == []
    assert walk.last(RecordingStopped).why == "forbidden"


def test_no_recording_no_notice() -> None:
    walk = talk(record=False, notice="notice.wav")
    assert together(walk, 0)


def test_who_leaves_while_being_told_did_not_speak() -> None:
    walk = talk(record=True, notice="notice.wav")
    walk.feed(CallerLeft())
    assert walk.ended.end_reason is EndReason.ABANDONED and walk.ended.talk_seconds == 0
    walk = talk(record=True, notice="notice.wav")
    walk.gone(0)
    walk.feed(PhoneEnded(0, LegEnd.CANCELLED))
    assert not walk.call.over and walk.hears[CALLER] is Sound.APOLOGY


def test_the_next_one_rings_when_he_who_was_being_told_leaves() -> None:
    plan = Plan((Step((ANNA,), 60.0), Step((BORIS,), 60.0)), 1, 60.0, "", "", True, notice="notice.wav")
    walk = Walk(Call(OFFERED, plan))
    walk.until(0.5)
    walk.feed(PhoneAnswered(0))
    walk.gone(0)
    walk.feed(PhoneEnded(0, LegEnd.CANCELLED))
    assert walk.hears[CALLER] is Sound.RINGBACK and (walk.now, RingPhone(1, BORIS)) in walk.done
    walk.after(3)
    walk.feed(PhoneAnswered(1))
    assert walk.hears == {CALLER: Sound.NOTICE, 1: Sound.NOTICE}, "told anew, since the other has not heard it"
    told(walk, 1)
    assert together(walk, 1) and walk.last(CallAnswered).seconds == 3.5


def test_pause_and_resume_are_marked_by_their_second() -> None:
    walk = talk(record=True)
    walk.after(5)
    walk.order(PauseRecording("c1"))
    assert walk.taped is None and walk.tape_runs and walk.last(RecordingPaused).second == 5.0
    assert together(walk, 0)
    walk.after(4)
    walk.order(ResumeRecording("c1"))
    assert walk.taped == 0 and walk.last(RecordingResumed).second == 9.0
    assert refusals(walk) == []


def test_nothing_to_pause_is_refused() -> None:
    walk = talk(record=False)
    walk.order(PauseRecording("c1"))
    walk.order(ResumeRecording("c1"))
    assert refusals(walk) == ["not_now", "not_now"]


def test_a_pause_lasts_through_a_hold() -> None:
    walk = talk(record=True)
    walk.order(PauseRecording("c1"))
    walk.order(HOLD)
    walk.order(RESUME)
    assert walk.taped is None
    walk.order(HOLD)
    walk.order(ResumeRecording("c1"))
    assert walk.taped is None, "music is not recorded"
    walk.order(RESUME)
    assert walk.taped == 0


def press(walk: Walk, party: int, keys: str, pause: float = 0.3) -> None:
    for key in keys:
        walk.after(pause)
        walk.feed(KeyPressed(party, key))


def test_the_managers_keys_pause_and_the_callers_never() -> None:
    walk = talk(record=True, pause_keys="*5")
    press(walk, CALLER, "*5")
    press(walk, 0, "5*", pause=1.0)
    assert walk.taped == 0
    press(walk, 0, "*5")
    assert walk.taped is None and walk.of(RecordingPaused)
    press(walk, 0, "1*5")
    assert walk.taped == 0 and walk.of(RecordingResumed)
    press(walk, 0, "*5", pause=4.0)
    assert walk.taped == 0, "too slow to be one combination"


def test_one_who_is_never_recorded() -> None:
    walk = talk(record=True)
    walk.after(3)
    assert walk.order(ForbidRecording("c1")) == [DiscardRecording()]
    assert walk.last(RecordingStopped).why == "forbidden"
    walk.order(HOLD)
    walk.order(RESUME)
    walk.order(ResumeRecording("c1"))
    assert not walk.tape_runs and together(walk, 0)


def test_forbidden_while_it_rings() -> None:
    plan = Plan((Step((ANNA,), 60.0),), 1, 60.0, "", "", True)
    walk = Walk(Call(OFFERED, plan))
    walk.order(ForbidRecording("c1"))
    walk.feed(PlanArrived(plan))
    walk.feed(PhoneAnswered(0))
    assert together(walk, 0) and not walk.tape_runs and refusals(walk) == []


@pytest.mark.parametrize("why", ["disk_full", "unwritable"])
def test_a_disk_that_fails_ends_the_recording_and_not_the_talk(why: str) -> None:
    walk = talk(record=True)
    assert walk.feed(RecordingBroke(why)) == [StopRecording()]
    assert walk.last(RecordingStopped).why == why and together(walk, 0)
    walk.feed(CallerLeft())
    walk.check()


# Messages, menus, modes


def message(seconds: float = 60.0) -> Walk:
    """A caller at the tone."""
    walk = Walk(Call(OFFERED, Plan((), 1, 1.0, "", "sorry.wav", False, message_seconds=seconds)))
    walk.until(1.5)
    walk.sound_ends()
    assert walk.hears[CALLER] is Sound.TONE
    walk.sound_ends()
    return walk


@pytest.mark.parametrize("how", [KeyPressed(CALLER, "#"), CallerSilent(), CallerLeft(), None])
def test_a_message_ends_and_is_told_before_the_end(how: Input | None) -> None:
    walk = message()
    walk.after(12)
    if how is None:
        walk.after(48)
    else:
        walk.feed(how)
    assert not walk.call.over, "the disk has not said yet"
    hung_up = any(isinstance(action, HangUpCaller) for _, action in walk.done)
    assert hung_up is not isinstance(how, CallerLeft)
    walk.feed(MessageSaved(12.0))
    assert walk.kinds()[-3:] == ["ApologyStarted", "MessageLeft", "CallEnded"]
    assert walk.last(MessageLeft).path == "2026/03/c1.message.wav" and walk.last(MessageLeft).seconds == 12.0
    assert walk.ended.end_reason is EndReason.NO_ANSWER


def test_hardly_a_message_and_a_disk_that_is_silent() -> None:
    walk = message()
    walk.feed(CallerLeft())
    walk.feed(MessageSaved(0.4))
    assert walk.of(MessageLeft) == [] and walk.ended.end_reason is EndReason.NO_ANSWER
    walk = message()
    walk.feed(CallerLeft())
    walk.after(SAVING_LIMIT)
    assert walk.of(MessageLeft) == [] and walk.call.over


def test_other_keys_do_not_end_a_message() -> None:
    walk = message()
    walk.feed(KeyPressed(CALLER, "5"))
    assert walk.call.state == "message"


MENU = Menu(
    "menu.wav", (Choice("1", (Step((BORIS,), 20.0),)), Choice("2", (Step((ANNA, VERA), 20.0),)), Choice("0", ()))
)


def menu(*steps: Step) -> Walk:
    walk = Walk(
        Call(OFFERED, Plan(steps or (Step((ANNA,), 60.0),), 1, 2.0, "hello.wav", "sorry.wav", False, menu=MENU))
    )
    walk.until(2.0)
    return walk


def test_the_menu_follows_the_greeting_and_a_digit_rings_somebody_else() -> None:
    walk = menu()
    walk.sound_ends()
    assert walk.hears[CALLER] is Sound.MENU
    walk.feed(KeyPressed(CALLER, "9"))
    assert walk.hears[CALLER] is Sound.MENU
    walk.feed(KeyPressed(CALLER, "1"))
    assert walk.kinds()[-3:] == ["MenuChosen", "LegEnded", "LegRinging"] and walk.hears[CALLER] is Sound.RINGBACK
    walk.feed(KeyPressed(CALLER, "2"))
    assert walk.kinds().count("MenuChosen") == 1
    walk.feed(PhoneAnswered(1))
    assert together(walk, 1)


def test_who_is_in_both_goes_on_ringing() -> None:
    walk = menu()
    walk.feed(KeyPressed(CALLER, "2"))  # while the greeting plays
    assert walk.call.phones[0].state is PhoneState.RINGING
    assert [p.extension for p in walk.call.phones.values()] == [ANNA, VERA]


def test_an_empty_choice_leads_to_the_apology() -> None:
    walk = menu()
    walk.feed(KeyPressed(CALLER, "0"))
    assert walk.hears[CALLER] is Sound.APOLOGY and walk.call.phones[0].state is PhoneState.DROPPED


def test_without_a_digit_it_rings_on_and_with_nobody_left_a_moment_remains() -> None:
    walk = menu()
    walk.sound_ends()
    walk.sound_ends()
    assert walk.hears[CALLER] is Sound.RINGBACK
    walk.feed(PhoneEnded(0, LegEnd.BUSY))
    walk.after(3)
    assert walk.of(ApologyStarted) == []
    walk.after(2)
    assert walk.of(ApologyStarted)


def test_a_manager_who_lifts_during_the_menu_is_joined_at_once() -> None:
    walk = menu()
    walk.sound_ends()
    walk.feed(PhoneAnswered(0))
    assert together(walk, 0)


def mode(which: Mode) -> Walk:
    return Walk(Call(OFFERED, Plan((Step((ANNA,), 20.0),), 2, 5.0, "hello.wav", "sorry.wav", False, which)))


def test_a_watched_call_rings_nobody_and_is_never_answered() -> None:
    walk = mode(Mode.WATCH)
    walk.until(60)
    assert walk.call.phones == {} and not walk.call.answered
    walk.feed(CallerLeft(elsewhere=True))
    assert walk.ended.end_reason is EndReason.ANSWERED_ELSEWHERE
    walk = mode(Mode.WATCH)
    walk.until(200)
    assert walk.ended.end_reason is EndReason.NO_ANSWER


def test_a_caller_is_sent_on_at_the_configured_ring() -> None:
    walk = mode(Mode.REDIRECT)
    walk.until(4.9)
    assert walk.call.next_deadline == 5.0
    walk.until(5.0)
    walk.feed(Redirected(True))
    assert walk.ended.end_reason is EndReason.REDIRECTED and walk.ended.ring_seconds == 5.0
    assert not any(isinstance(action, HangUpCaller) for _, action in walk.done)


def test_nowhere_to_send_a_caller_means_to_bridge() -> None:
    walk = mode(Mode.REDIRECT)
    walk.until(5.0)
    walk.feed(Redirected(False))
    walk.feed(PhoneAnswered(0))
    assert together(walk, 0)


# Any order of anything.

COMMANDS = st.sampled_from(
    [
        HOLD,
        RESUME,
        BLIND,
        ATTENDED,
        TO_A_NUMBER,
        CompleteTransfer("c1"),
        CancelTransfer("c1"),
        PauseRecording("c1"),
        ResumeRecording("c1"),
        ForbidRecording("c1"),
    ]
)
PARTY = st.sampled_from([CALLER, 0, 1, 2, 3])
HAPPENINGS = st.one_of(
    COMMANDS,
    COMMANDS,
    st.builds(PhoneRang, st.integers(0, 4), st.booleans()),
    st.builds(PhoneAnswered, st.integers(0, 4)),
    st.builds(PhoneAnswered, st.integers(1, 4)),
    st.builds(PhoneEnded, st.integers(0, 4), st.sampled_from(LegEnd)),
    st.builds(SideHeld, PARTY),
    st.builds(SideResumed, PARTY),
    st.builds(KeyPressed, PARTY, st.sampled_from("*5#1")),
    st.builds(TransferWanted, st.integers(0, 3), st.just(BORIS), st.sampled_from(["", "c2"])),
    st.sampled_from([JoinedTo("+7"), RecordingBroke("disk_full"), CallerSilent(), MessageSaved(3.0), "sound", "sound"]),
    st.sampled_from([CallerRang(False), CallerRang(True), CallerAnswered(), CallerAnswered()]),
    st.builds(CallerRefused, st.sampled_from(LegEnd)),
    st.sampled_from([HangUp("c1"), CallerLeft(), CallBroken(), CallBroken(True), PartnerLeft(), Redirected(False)]),
)
PLANS = st.builds(
    Plan,
    st.lists(st.builds(Step, st.sampled_from([(ANNA,), (BORIS, VERA)]), st.sampled_from([1.0, 8.0])), max_size=2).map(
        tuple
    ),
    st.integers(1, 2),
    st.sampled_from([1.0, 5.0]),
    st.sampled_from(["hello.wav", ""]),
    st.sampled_from(["sorry.wav", ""]),
    st.booleans(),
    st.sampled_from([Mode.BRIDGE, Mode.BRIDGE, Mode.BRIDGE, Mode.REDIRECT, Mode.WATCH]),
    st.sampled_from(["notice.wav", ""]),
    st.just("hold.wav"),
    st.sampled_from([MENU, None]),
    st.sampled_from([0.0, 30.0]),
    st.just("*5"),
)


@settings(max_examples=800, deadline=None)
@given(
    started=st.one_of(PLANS.map(lambda plan: Call(OFFERED, plan)), st.just(None)),
    quick=st.booleans(),
    story=st.lists(st.tuples(st.sampled_from([0.0, 0.2, 3.0, 25.0]), HAPPENINGS), max_size=30),
)
def test_whatever_happens_nobody_is_stranded(
    started: Call | None, quick: bool, story: list[tuple[float, object]]
) -> None:
    walk = Walk(started or Placed(DIAL, OFFERED_AT))
    reported: set[int] = set()
    picked_up: set[int] = set()
    if quick:
        walk.until(1.0)
        story = [(0.0, PhoneAnswered(0)), *story]
    for pause, happened in story:
        walk.after(pause)
        walk.check()
        match happened:
            case PhoneAnswered(key) | PhoneEnded(key, _) | PhoneRang(key, _) if key not in walk.call.phones:
                continue
            case PhoneAnswered(key):
                if key in picked_up or key in reported or walk.call.phones[key].state is PhoneState.ENDED:
                    continue
                picked_up.add(key)
                walk.feed(happened)
            case PhoneEnded(key, _):
                if key not in reported:
                    reported.add(key)
                    walk.gone(key)
                    walk.feed(happened)
            case "sound":
                for party, sound in list(walk.hears.items()):
                    if isinstance(sound, Sound) and sound in (
                        Sound.NOTICE,
                        Sound.GREETING,
                        Sound.MENU,
                        Sound.APOLOGY,
                        Sound.TONE,
                    ):
                        walk.feed(SoundPlayed(walk.playing[party]))
            case JoinedTo():
                if walk.call.can_be_joined:
                    walk.feed(happened)
            case PartnerLeft():
                if walk.call.state == "joined":
                    walk.feed(happened)
            case (
                PhoneRang()
                | SideHeld()
                | SideResumed()
                | KeyPressed()
                | TransferWanted()
                | RecordingBroke()
                | CallerSilent()
                | MessageSaved()
                | CallerLeft()
                | CallBroken()
                | Redirected()
                | CallerRang()
                | CallerAnswered()
                | CallerRefused()
            ):
                walk.feed(happened)
            case command:
                walk.order(command)  # type: ignore[arg-type]
        walk.check()
    walk.until(walk.now + 5000)
    walk.check()
    if not walk.call.over:
        assert walk.call.state in ("talking", "held", "consulting", "joined"), walk.call.state
        walk.feed(CallerLeft())
    walk.check()
    walk.check_whole()
