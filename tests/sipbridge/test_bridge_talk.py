"""Held, passed on, recorded, dialled: a real bridge process, real telephones, ears that know their tones."""

from __future__ import annotations

import hashlib
import json
import signal
from array import array
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sipbridge import bridge, config, pyvoip, silence
from sipbridge.__main__ import listen
from sipbridge.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallOffered,
    CallPlaced,
    CallResumed,
    CallTransferred,
    CancelTransfer,
    Choice,
    ClientRinging,
    CommandRefused,
    CompleteTransfer,
    ConsultationStarted,
    Dial,
    Directory,
    EndReason,
    Event,
    ForbidRecording,
    HangUp,
    HeldBy,
    Hold,
    JoinCalls,
    LegEnd,
    LegEnded,
    LegRinging,
    Menu,
    MenuChosen,
    MessageLeft,
    Mode,
    NoticePlayed,
    PauseRecording,
    PhoneSecret,
    Plan,
    RecordingPaused,
    RecordingReady,
    RecordingResumed,
    RecordingStopped,
    Resume,
    ResumeRecording,
    StandingPlans,
    Step,
    TimedPlan,
    Transfer,
    TransferFailed,
    TransferStarted,
    decode,
)
from sipbridge.ladder import Ladder
from sipbridge.media.announcements import Announcements
from sipbridge.media.hub import Hub
from sipbridge.outbox import Outbox
from tests.e2e import hearing
from tests.ports import free_port
from tests.sipbridge.office import Office
from tests.sipbridge.standin import Desk, wait_for
from tests.sipbridge.telephone import Telephone, telephones

pytestmark = pytest.mark.e2e

CALLER, ANNA, BORIS = 440.0, 1000.0, 1300.0
MUSIC, GREETING, APOLOGY, NOTICE, MENU = 700.0, 620.0, 1480.0, 2000.0, 1750.0
RINGBACK = 425.0
SOUNDS = {"hold.wav": MUSIC, "hello.wav": GREETING, "sorry.wav": APOLOGY, "notice.wav": NOTICE, "menu.wav": MENU}


@pytest.fixture
def office(tmp_path: Path, office: Office) -> Office:
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    for name, hz in SOUNDS.items():
        hearing.write_tone(sounds / name, hz, 1.0)
    return office


def soon(condition: Callable[[], object], what: str, seconds: float = 6.0) -> None:
    wait_for(condition, seconds, what)


def told(desk: Desk, kind: type[Event], count: int = 1) -> Event:
    """The last of `count` events of a kind."""
    soon(lambda: len(desk.of(kind)) >= count, f"{count} {kind.__name__}, got {desk.kinds()}", 8)
    found: Event = desk.of(kind)[count - 1]
    return found


def ready(office: Office, desk: Desk, **settings: object) -> None:
    office.bridge(**settings)
    soon(lambda: desk.listening, "a bridge that hears commands")


def plan(*phones: Telephone | str, **more: object) -> Plan:
    """They ring together, and whoever lifts is joined at once."""
    who = tuple(phone if isinstance(phone, str) else phone.uri for phone in phones)
    values: dict[str, object] = {"record": False, "ring_seconds": 30.0} | more
    return Plan(
        (Step(who, 60.0),) if who else (), 1, greeting="hello.wav", apology="sorry.wav", hold_music="hold.wav", **values
    )  # type: ignore[arg-type]


def talk(office: Office, desk: Desk, caller: Telephone, anna: Telephone) -> tuple[str, pyvoip.Leg, pyvoip.Leg]:
    """The call's id, the caller's leg and Anna's; they hear each other."""
    before = len(desk.of(CallAnswered))
    theirs = caller.call(office.address)
    hers = anna.take()
    answered = told(desk, CallAnswered, before + 1)
    soon(lambda: caller.hears(anna.hz) and anna.hears(caller.hz), "caller and manager hear each other")
    assert isinstance(answered, CallAnswered)
    return answered.call_id, theirs, hers


def end_of(desk: Desk, call_id: str) -> CallEnded:
    def look() -> CallEnded | None:
        return next((end for end in desk.of(CallEnded) if end.call_id == call_id), None)

    found = wait_for(look, 8, f"the end of the call, got {desk.kinds(call_id)}")
    assert isinstance(found, CallEnded)
    assert desk.kinds(call_id).count("CallEnded") == 1
    return found


def recorded(office: Office, desk: Desk) -> tuple[RecordingReady, list[array[int]]]:
    ready = told(desk, RecordingReady)
    assert isinstance(ready, RecordingReady)
    return ready, hearing.channels(office.data / "recordings" / ready.path)


def test_held_from_the_page_and_taken_back(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA) as (caller, anna):
        desk.plan = lambda call: plan(anna, record=True)
        ready(office, desk)
        call_id, theirs, hers = talk(office, desk, caller, anna)
        desk.ask(Hold(call_id))
        soon(lambda: caller.hears(MUSIC), "music")
        soon(lambda: anna.hears_nothing and hers.held, "a manager whose telephone shows the hold")
        held = told(desk, CallHeld)
        assert isinstance(held, CallHeld) and held.by is HeldBy.PAGE
        desk.ask(Resume(call_id))
        soon(lambda: caller.hears(ANNA) and anna.hears(CALLER) and not hers.held, "both again")
        told(desk, CallResumed)
        theirs.hangup()
        end = end_of(desk, call_id)
        assert end.end_reason is EndReason.COMPLETED
        _, (left, right) = recorded(office, desk)
        assert hearing.seconds_of(left, CALLER) > 0 and hearing.seconds_of(right, ANNA) > 0
        assert hearing.seconds_of(left, MUSIC) == hearing.seconds_of(right, MUSIC) == 0
        assert desk.of(CommandRefused) == []


def test_held_by_the_softphone_the_page_cannot_take_it_back(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA) as (caller, anna):
        desk.plan = lambda call: plan(anna)
        ready(office, desk)
        call_id, theirs, hers = talk(office, desk, caller, anna)
        hers.hold()
        soon(lambda: caller.hears(MUSIC), "music")
        held = told(desk, CallHeld)
        assert isinstance(held, CallHeld) and held.by is HeldBy.PHONE
        desk.ask(Resume(call_id))
        refused = told(desk, CommandRefused)
        assert isinstance(refused, CommandRefused) and refused.why == "not_now"
        assert caller.hears(MUSIC)
        hers.resume()
        soon(lambda: caller.hears(ANNA) and anna.hears(CALLER), "both again")
        told(desk, CallResumed)
        theirs.hold()
        soon(lambda: len(desk.of(CallHeld)) == 2, "a caller who holds")
        assert desk.of(CallHeld)[1].by is HeldBy.CALLER
        soon(lambda: anna.hears_nothing, "silence for the manager")
        theirs.resume()
        soon(lambda: anna.hears(CALLER), "both again")
        hers.hangup()
        assert end_of(desk, call_id).end_reason is EndReason.COMPLETED


def test_passed_on_blindly(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA, BORIS) as (caller, anna, boris):
        desk.plan = lambda call: plan(anna, record=True)
        ready(office, desk)
        call_id, _theirs, hers = talk(office, desk, caller, anna)
        desk.ask(Transfer(call_id, boris.uri, "", False, 20.0))
        soon(lambda: anna.ended(hers), "Anna to be free at once")
        soon(lambda: caller.hears(MUSIC) or caller.hears(RINGBACK), "music or ringing")
        soon(lambda: caller.hears(RINGBACK), "the ringing of Boris' telephone")
        his = boris.take()
        soon(lambda: caller.hears(BORIS) and boris.hears(CALLER), "caller and Boris")
        moved = told(desk, CallTransferred)
        assert isinstance(moved, CallTransferred) and moved.target == boris.uri
        his.hangup()
        assert end_of(desk, call_id).end_reason is EndReason.COMPLETED
        _, (left, right) = recorded(office, desk)
        assert hearing.seconds_of(right, ANNA) > 0 and hearing.seconds_of(right, BORIS) > 0
        assert hearing.seconds_of(left, RINGBACK) == 0


def test_passed_on_to_nobody_it_comes_back(office: Office, desk: Desk) -> None:
    busy = office.phone("busy")
    with telephones(CALLER, ANNA) as (caller, anna):
        desk.plan = lambda call: plan(anna)
        ready(office, desk)
        call_id, theirs, _hers = talk(office, desk, caller, anna)
        desk.ask(Transfer(call_id, busy, "", False, 20.0))
        anna.take()
        soon(lambda: caller.hears(ANNA) and anna.hears(CALLER), "both again")
        failed = told(desk, TransferFailed)
        assert isinstance(failed, TransferFailed) and failed.reason is LegEnd.BUSY
        told(desk, CallResumed)
        theirs.hangup()
        assert end_of(desk, call_id).end_reason is EndReason.COMPLETED


def test_attended_they_speak_alone_then_the_caller_is_passed_on(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA, BORIS) as (caller, anna, boris):
        desk.plan = lambda call: plan(anna, record=True)
        ready(office, desk)
        call_id, theirs, hers = talk(office, desk, caller, anna)
        desk.ask(Transfer(call_id, boris.uri, "", True, 20.0))
        soon(lambda: caller.hears(MUSIC), "music")
        soon(lambda: anna.hears(RINGBACK), "the ringing of Boris' telephone")
        boris.take()
        soon(lambda: anna.hears(BORIS) and boris.hears(ANNA), "a consultation")
        assert caller.hears(MUSIC)
        told(desk, ConsultationStarted)
        desk.ask(CancelTransfer(call_id))
        soon(lambda: caller.hears(ANNA) and anna.hears(CALLER), "the caller with Anna again")
        desk.ask(Transfer(call_id, boris.uri, "", True, 20.0))
        boris.take()
        soon(lambda: boris.hears(ANNA), "another consultation")
        desk.ask(CompleteTransfer(call_id))
        soon(lambda: caller.hears(BORIS) and boris.hears(CALLER) and anna.ended(hers), "the caller with Boris")
        theirs.hangup()
        end_of(desk, call_id)
        ready_one, (left, right) = recorded(office, desk)
        assert hearing.seconds_of(left, BORIS) == hearing.seconds_of(left, ANNA) == 0
        first_of_boris = next(
            at for at in range(0, len(right), 800) if hearing.share(right[at : at + 800], BORIS) > hearing.TONE
        )
        last_of_anna = max(
            at for at in range(0, len(right), 800) if hearing.share(right[at : at + 800], ANNA) > hearing.TONE
        )
        assert last_of_anna < first_of_boris, "nothing of the consultations is in the recording"
        assert ready_one.seconds > 1.0
        kinds = [kind for kind in desk.kinds(call_id) if "ransfer" in kind or kind == "ConsultationStarted"]
        once = ["TransferStarted", "ConsultationStarted"]
        assert kinds == [*once, "TransferFailed", *once, "CallTransferred"]


def test_two_callers_of_one_manager_are_joined(office: Office, desk: Desk) -> None:
    with telephones(CALLER, BORIS, ANNA) as (first, second, anna):
        desk.plan = lambda call: plan(anna)
        ready(office, desk)
        one, first_leg, hers = talk(office, desk, first, anna)
        desk.ask(Hold(one))
        soon(lambda: first.hears(MUSIC), "the first caller on hold")
        other, second_leg, hers_too = talk(office, desk, second, anna)
        desk.ask(JoinCalls(one, other))
        soon(lambda: first.hears(BORIS) and second.hears(CALLER), "the two callers together")
        soon(lambda: anna.ended(hers) and anna.ended(hers_too), "Anna to be free")
        told(desk, CallTransferred, 2)
        first_leg.hangup()
        assert {end_of(desk, one).end_reason, end_of(desk, other).end_reason} == {EndReason.COMPLETED}
        soon(lambda: second.ended(second_leg), "the second caller to be hung up on")


def test_both_are_told_then_recorded_with_a_gap(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA) as (caller, anna):
        desk.plan = lambda call: plan(anna, record=True, notice="notice.wav", pause_keys="*5")
        ready(office, desk)
        theirs = caller.call(office.address)
        hers = anna.take()
        soon(lambda: caller.hears(NOTICE) and anna.hears(NOTICE), "the notice for both")
        assert list(office.data.rglob("*/20*/*/*.wav")) == [] and desk.of(CallAnswered) == []
        answered = told(desk, CallAnswered)
        assert isinstance(answered, CallAnswered)
        call_id = answered.call_id
        assert desk.kinds(call_id)[-2:] == ["NoticePlayed", "CallAnswered"] and desk.of(NoticePlayed)
        soon(lambda: caller.hears(ANNA), "the talk")
        anna.press(hers, "*")
        anna.press(hers, "5")
        paused = told(desk, RecordingPaused)
        assert caller.hears(ANNA)
        desk.ask(ResumeRecording(call_id))
        resumed = told(desk, RecordingResumed)
        desk.ask(PauseRecording(call_id))
        told(desk, RecordingPaused, 2)
        assert isinstance(paused, RecordingPaused) and isinstance(resumed, RecordingResumed)
        assert 0 < paused.second < resumed.second
        theirs.hangup()
        end_of(desk, call_id)
        _, (left, right) = recorded(office, desk)
        gap = slice(int((paused.second + 0.1) * 8000), int((resumed.second - 0.05) * 8000))
        assert not any(left[gap]) and not any(right[gap])
        assert hearing.seconds_of(left, NOTICE) == 0


def test_one_who_is_never_recorded_leaves_no_file(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA) as (caller, anna):
        desk.plan = lambda call: plan(anna, record=True)
        ready(office, desk)
        call_id, theirs, _hers = talk(office, desk, caller, anna)
        folder = office.data / "recordings"
        soon(lambda: list(folder.rglob("*.wav")), "a recording")
        desk.ask(ForbidRecording(call_id))
        stopped = told(desk, RecordingStopped)
        assert isinstance(stopped, RecordingStopped) and stopped.why == "forbidden"
        soon(lambda: not list(folder.rglob("*.wav")), "no recording")
        theirs.hangup()
        end_of(desk, call_id)
        assert list(folder.rglob("*.wav")) == [] and desk.of(RecordingReady) == []


def test_a_caller_leaves_a_message(office: Office, desk: Desk) -> None:
    with telephones(CALLER) as (caller,):
        desk.plan = lambda call: plan(ring_seconds=0.3, message_seconds=60.0)
        ready(office, desk)
        theirs = caller.call(office.address)
        soon(lambda: caller.hears(APOLOGY), "the apology")
        soon(lambda: caller.hears(1000.0), "the tone")
        folder = office.data / "recordings"
        soon(lambda: any(path.stat().st_size > 60_000 for path in folder.rglob("*.message.wav")), "two seconds of it")
        caller.press(theirs, "#")
        left = told(desk, MessageLeft)
        assert isinstance(left, MessageLeft) and left.seconds >= 1.5
        assert end_of(desk, left.call_id).end_reason is EndReason.NO_ANSWER
        assert desk.kinds(left.call_id)[-3:] == ["ApologyStarted", "MessageLeft", "CallEnded"]
        assert hearing.seconds_of(hearing.channels(folder / left.path)[0], CALLER) > 1.0
        soon(lambda: caller.ended(theirs), "the caller to be hung up on")


def test_a_message_cut_off_by_kill_9_is_kept(office: Office, desk: Desk) -> None:
    with telephones(CALLER) as (caller,):
        desk.plan = lambda call: plan(
            ring_seconds=0.3,
            message_seconds=60.0,
        )
        process = office.bridge()
        caller.call(office.address)
        folder = office.data / "recordings"
        soon(lambda: any(path.stat().st_size > 60_000 for path in folder.rglob("*.message.wav")), "some message", 10)
        process.kill()
        office.bridge()
        left = told(desk, MessageLeft)
        assert isinstance(left, MessageLeft) and left.seconds > 1.5
        assert end_of(desk, left.call_id).end_reason is EndReason.FAILED


def test_a_digit_of_the_menu_rings_somebody_else(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA, BORIS) as (caller, anna, boris):
        choices = Menu("menu.wav", (Choice("2", (Step((boris.uri,), 20.0),)),))
        desk.plan = lambda call: plan(anna, ring_seconds=0.3, menu=choices)
        ready(office, desk)
        theirs = caller.call(office.address)
        soon(lambda: caller.hears(MENU), "the menu")
        caller.press(theirs, "2")
        boris.take()
        soon(lambda: caller.hears(BORIS) and boris.hears(CALLER), "caller and Boris")
        chosen = told(desk, MenuChosen)
        assert isinstance(chosen, MenuChosen) and chosen.digit == "2"
        assert anna.ringing == [] and desk.of(LegEnded)[0].extension == anna.uri
        theirs.hangup()
        end_of(desk, chosen.call_id)


def test_a_watched_call_is_never_answered_and_a_redirected_one_sent_on(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA) as (caller, anna):
        desk.plan = lambda call: plan(anna, ring_seconds=0.2, mode=Mode.WATCH)
        ready(office, desk)
        theirs = caller.call(office.address)
        offered = told(desk, CallOffered)
        assert isinstance(offered, CallOffered)
        soon(lambda: any(isinstance(event, pyvoip.Ringing) for _, event in caller.events), "ringing")
        theirs.cancel(elsewhere=True)
        assert end_of(desk, offered.call_id).end_reason is EndReason.ANSWERED_ELSEWHERE
        assert anna.shown == [] and desk.of(LegRinging) == []

        desk.plan = lambda call: plan(anna, ring_seconds=0.2, mode=Mode.REDIRECT)
        theirs = caller.call(office.address)
        anna.take()  # the caller's telephone follows the 302 by itself
        soon(lambda: caller.hears(ANNA), "caller and manager, without us")
        ends = [told(desk, CallEnded, 2)]
        assert [end.end_reason for end in ends if isinstance(end, CallEnded)] == [EndReason.REDIRECTED]
        theirs.hangup()


def secret(user: str, password: str) -> PhoneSecret:
    text = f"{user}:office:{password}".encode()
    return PhoneSecret(hashlib.md5(text, usedforsecurity=False).hexdigest(), hashlib.sha256(text).hexdigest())


def test_registered_softphones_ring_together_and_the_first_takes_it(office: Office, desk: Desk) -> None:
    desk.directory = Directory("v1", "office", {"anna": secret("anna", "pw")})
    ready(office, desk)
    account = pyvoip.Account("line", "anna", "pw", "127.0.0.1", office.sip_port)
    caller, mobile, table = Telephone(CALLER), Telephone(ANNA, account), Telephone(BORIS, account)
    try:
        desk.plan = lambda call: plan("registered:anna", "registered:nobody")
        soon(lambda: mobile.registered and table.registered, "two registered telephones", 10)
        soon(lambda: desk.heartbeats and len(desk.heartbeats[-1]["phones"]) == 2, "phones in the heartbeat")
        theirs = caller.call(office.address)
        soon(lambda: mobile.ringing and table.ringing, "both ringing")
        mobile.take()
        soon(lambda: caller.hears(ANNA) and mobile.hears(CALLER), "a talk")
        soon(lambda: not table.ringing, "the other to stop")
        answered = told(desk, CallAnswered)
        assert isinstance(answered, CallAnswered) and answered.extension == "registered:anna"
        assert [(leg.extension, leg.reason) for leg in desk.of(LegEnded)] == [("registered:nobody", LegEnd.UNREACHABLE)]
        soon(lambda: [live["state"] for live in desk.heartbeats[-1]["live"]] == ["talking"], "it in the heartbeat")
        (live,) = desk.heartbeats[-1]["live"]
        assert live["extension"] == "registered:anna" and live["direction"] == "in" and live["line"] == "desk"
        theirs.hangup()
        end_of(desk, answered.call_id)
    finally:
        for phone in (caller, mobile, table):
            phone.close()


def dial(target: str, anna: Telephone, line: str = "", **more: object) -> Dial:
    values: dict[str, object] = {"record": False, "notice": ""} | more
    return Dial("out1", anna.uri, target, line, "+74957654321", hold_music="hold.wav", ring_seconds=20.0, **values)  # type: ignore[arg-type]


def test_a_call_to_a_client_by_number_and_back_in_the_ledger(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA) as (client, anna):
        ready(office, desk, ACCOUNTS=f"trunk=user:pw@127.0.0.1:{client.port}")
        desk.ask(dial("tel:+74951234567", anna, "trunk", record=True, notice="notice.wav"))
        anna.take()
        assert anna.shown == ["+74957654321"]
        soon(lambda: anna.hears(RINGBACK), "the client's telephone ringing")
        assert desk.of(ClientRinging) and desk.of(CallPlaced) and desk.of(CallAnswered) == []
        theirs = client.take()
        soon(lambda: client.hears(NOTICE) and anna.hears(NOTICE), "the notice")
        soon(lambda: client.hears(ANNA) and anna.hears(CALLER), "the talk")
        desk.ask(Hold("out1"))
        soon(lambda: client.hears(MUSIC), "music")
        desk.ask(Resume("out1"))
        soon(lambda: client.hears(ANNA), "both again")
        theirs.hangup()
        assert end_of(desk, "out1").end_reason is EndReason.COMPLETED
        _, (left, right) = recorded(office, desk)
        assert hearing.seconds_of(left, CALLER) > 0 and hearing.seconds_of(right, ANNA) > 0
        wanted = ["CallPlaced", "LegRinging", "ClientRinging", "NoticePlayed", "CallAnswered"]
        assert desk.kinds("out1")[:5] == wanted


@pytest.mark.parametrize(("behaviour", "reason"), [("busy", EndReason.REJECTED), ("reject", EndReason.REJECTED)])
def test_a_client_who_declines(office: Office, desk: Desk, behaviour: str, reason: EndReason) -> None:
    client = office.phone(behaviour)
    with telephones(ANNA) as (anna,):
        ready(office, desk)
        desk.ask(dial(client, anna))
        hers = anna.take()
        soon(lambda: anna.hears(RINGBACK), "the busy tone")
        assert end_of(desk, "out1").end_reason is reason
        soon(lambda: anna.ended(hers), "Anna to be free")


def test_a_placed_call_cut_off_by_kill_9_is_told_and_not_placed_again(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA) as (client, anna):
        process = office.bridge()
        soon(lambda: desk.listening, "a bridge that hears commands")
        desk.ask(dial(client.uri, anna))
        anna.take()
        client.take()
        soon(lambda: client.hears(ANNA), "the talk")
        told(desk, CallAnswered)
        process.kill()
        office.bridge()
        assert end_of(desk, "out1").end_reason is EndReason.FAILED
        soon(lambda: len(desk.streams_opened) == 2, "the commands' stream again")
        assert desk.streams_opened == ["", "1"]
        desk.ask(HangUp("out1"))
        soon(lambda: (office.data / "bridge" / "last_command").read_text() == "2", "the next command to be heard")
        assert desk.of(CallPlaced) == desk.of(CallPlaced)[:1] and anna.ringing == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (lambda anna: dial("registered:nobody", anna), "no_phone"),
        (lambda anna: dial("tel:+7495", anna, "nowhere"), "no_line"),
        (lambda anna: dial("http://example.org", anna), "bad_target"),
    ],
)
def test_what_can_not_be_dialled(office: Office, desk: Desk, command: Callable[[Telephone], Dial], why: str) -> None:
    with telephones(ANNA) as (anna,):
        ready(office, desk)
        asked = desk.ask(command(anna))
        refused = told(desk, CommandRefused)
        assert isinstance(refused, CommandRefused)
        assert (refused.call_id, refused.command_id, refused.why) == ("out1", asked, why)
        assert anna.shown == [] and desk.of(CallPlaced) == []


def test_a_command_for_a_call_that_is_over(office: Office, desk: Desk) -> None:
    ready(office, desk)
    asked = desk.ask(HangUp("gone"))
    refused = told(desk, CommandRefused)
    assert isinstance(refused, CommandRefused)
    assert (refused.call_id, refused.command_id, refused.why) == ("gone", asked, "no_call")


def test_commands_are_heard_again_when_the_desk_is_back(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA) as (caller, anna):
        desk.plan = lambda call: plan(anna)
        ready(office, desk)
        call_id, theirs, _hers = talk(office, desk, caller, anna)
        desk.ask(Hold(call_id))
        told(desk, CallHeld)
        desk.stop()
        soon(lambda: not desk.listening, "the stream to end")
        desk.ask(Resume(call_id))
        desk.start()
        soon(lambda: caller.hears(ANNA), "the command of before")
        assert len(desk.of(CallHeld)) == 1, "and none twice"
        theirs.hangup()
        assert end_of(desk, call_id).end_reason is EndReason.COMPLETED


def test_a_bridge_that_is_stopped_in_a_consultation_ends_everybody(office: Office, desk: Desk) -> None:
    with telephones(CALLER, ANNA, BORIS) as (caller, anna, boris):
        desk.plan = lambda call: plan(anna)
        process = office.bridge()
        soon(lambda: desk.listening, "a bridge that hears commands")
        call_id, theirs, hers = talk(office, desk, caller, anna)
        desk.ask(Transfer(call_id, boris.uri, "", True, 20.0))
        told(desk, TransferStarted)
        his = boris.take()
        told(desk, ConsultationStarted)
        process.send(signal.SIGTERM)
        assert process.ended() == 0
        assert end_of(desk, call_id).end_reason is EndReason.FAILED
        soon(lambda: caller.ended(theirs) and anna.ended(hers) and boris.ended(his), "everybody hung up on")
        assert "Traceback" not in process.text


def test_a_disk_that_takes_no_recording_does_not_end_the_talk(office: Office, desk: Desk) -> None:
    (office.data / "recordings").write_text("no folder")
    with telephones(CALLER, ANNA) as (caller, anna):
        desk.plan = lambda call: plan(anna, record=True)
        ready(office, desk)
        call_id, theirs, _hers = talk(office, desk, caller, anna)
        stopped = told(desk, RecordingStopped)
        assert isinstance(stopped, RecordingStopped) and stopped.why == "unwritable"
        assert caller.hears(ANNA)
        theirs.hangup()
        assert end_of(desk, call_id).end_reason is EndReason.COMPLETED
        assert desk.of(RecordingReady) == []


def test_a_caller_who_falls_silent_has_said_his_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, so that ten seconds of silence can be a moment."""
    monkeypatch.setattr(silence, "MESSAGE_SILENCE", 0.6)
    monkeypatch.setattr(bridge, "TICK", 0.1)
    port = free_port()
    settings = config.load({"SECONDRING_DATA": str(tmp_path), "SECONDRING_SIP": f"127.0.0.1:{port}"})
    long_ago = TimedPlan(datetime(2020, 1, 1, tzinfo=UTC), plan(ring_seconds=0.3, message_seconds=60.0))
    outbox, hub, ladder = Outbox(settings.bridge_folder / "outbox.sqlite"), Hub(), Ladder(tmp_path / "ladders")
    one = bridge.Bridge(settings, outbox, Announcements(), lambda: datetime(2026, 3, 2, tzinfo=UTC))
    one.on_standing(StandingPlans("v1", {"*": (long_ago,)}))
    endpoint = listen(settings, hub, one, ladder)
    one.start(endpoint, lambda hurry: None)
    try:
        with telephones(CALLER) as (caller,):
            theirs = caller.call(f"sip:desk@127.0.0.1:{port}")
            folder = tmp_path / "recordings"
            soon(lambda: any(path.stat().st_size > 60_000 for path in folder.rglob("*.message.wav")), "two seconds", 12)
            theirs.media.stop_playing()
            soon(lambda: caller.ended(theirs), "the end of it")
    finally:
        one.stop(1.0)
        endpoint.stop()
        hub.stop()
        ladder.close()
    events = [decode(json.loads(kept.envelope))[1] for kept in outbox.oldest(100)]
    outbox.close()
    assert [type(event).__name__ for event in events][-3:] == ["ApologyStarted", "MessageLeft", "CallEnded"]


def test_waves_of_silence_are_no_message(office: Office, desk: Desk) -> None:
    """Somebody who says nothing and hangs up leaves nothing."""
    with telephones(CALLER) as (caller,):
        desk.plan = lambda call: plan(ring_seconds=0.3, message_seconds=60.0)
        ready(office, desk)
        theirs = caller.call(office.address)
        theirs.media.stop_playing()
        folder = office.data / "recordings"
        soon(
            lambda: any(path.stat().st_size > 30_000 for path in folder.rglob("*.message.wav")), "a silent message", 10
        )
        theirs.hangup()
        ended = told(desk, CallEnded)
        assert isinstance(ended, CallEnded) and ended.end_reason is EndReason.NO_ANSWER
        assert desk.of(MessageLeft) == [] and list(folder.rglob("*.wav")) == []
