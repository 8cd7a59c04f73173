"""The whole bridge: a real process, real SIP from SIPp and desk phones, a real HTTP server for the desk."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import time
import wave
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sipbridge import bridge, config, pyvoip, silence
from sipbridge.__main__ import listen
from sipbridge.events import (
    ApologyStarted,
    CallAnswered,
    CallEnded,
    CallOffered,
    EndReason,
    GreetingStarted,
    LegEnd,
    LegEnded,
    Plan,
    PlanChosen,
    RecordingReady,
    StandingPlans,
    Step,
    TimedPlan,
    decode,
    to_wire,
)
from sipbridge.ladder import Ladder
from sipbridge.media.announcements import Announcements
from sipbridge.media.hub import Hub
from sipbridge.outbox import Outbox
from tests.ports import free_port
from tests.sipbridge.office import (
    CANCELS,
    HANGS_UP,
    INVITE,
    IS_HUNG_UP_ON,
    REFUSED,
    TAKEN,
    Office,
    needs_sipp,
    scenario,
)
from tests.sipbridge.standin import Desk, wait_for

pytestmark = [pytest.mark.e2e, needs_sipp]

RING = 0.4
BEEP = "beep.wav"


def plan(*steps: Step, record: bool = False, greeting: str = BEEP) -> Plan:
    return Plan(steps, 2, RING, greeting, BEEP, record)


def write_beep(path: Path, seconds: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((b"\x00\x20" * 8 + b"\x00\xe0" * 8) * round(seconds * 500))


@pytest.fixture
def office(tmp_path: Path, office: Office) -> Office:
    write_beep(tmp_path / "sounds" / BEEP, 0.3)
    return office


def ends(desk: Desk, count: int = 1, seconds: float = 8.0) -> list[CallEnded]:
    wait_for(lambda: len(desk.of(CallEnded)) >= count, seconds, f"{count} ended calls, got {desk.kinds()}")
    found: list[CallEnded] = desk.of(CallEnded)
    assert len(found) == count
    return found


def more_ends(desk: Desk, count: int) -> None:
    enough = len(desk.of(CallEnded)) + count
    wait_for(lambda: len(desk.of(CallEnded)) >= enough, 10, f"{count} more ended calls")


def test_a_call_is_answered_by_a_desk_phone_and_recorded(office: Office, desk: Desk) -> None:
    phone = office.phone(talk=1.2)
    desk.plan = lambda call: plan(Step((phone,), 5.0), record=True)
    office.bridge()
    desk.token = (office.data / "bridge_token").read_text()
    caller = office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON))
    assert caller.ended(10) == 0, caller.text

    (end,) = ends(desk)
    wait_for(lambda: desk.of(RecordingReady), 3, "the recording")
    assert desk.kinds() == ["CallOffered", "PlanChosen", "LegRinging", "CallAnswered", "CallEnded", "RecordingReady"]
    (offered,), (chosen,), (answered,) = desk.of(CallOffered), desk.of(PlanChosen), desk.of(CallAnswered)
    assert (offered.caller_number, offered.caller_name, offered.line) == ("+74950001", "Caller 1", "desk")
    assert chosen.standing is False
    assert answered.extension == phone and answered.rings == 2 and answered.seconds >= RING
    assert end.end_reason is EndReason.COMPLETED and 0.9 < end.talk_seconds < 2.5
    (ready,) = desk.of(RecordingReady)
    with wave.open(str(office.data / "recordings" / ready.path)) as recording:
        assert recording.getnchannels() == 2
        frames = recording.readframes(recording.getnframes())
        assert abs(recording.getnframes() / 8000 - end.talk_seconds) < 0.3
    assert any(frames[2::4]), "the manager's voice is in the right channel"


def test_the_caller_hangs_up_and_the_phone_is_freed(office: Office, desk: Desk) -> None:
    phone = office.phone(talk=30)
    desk.plan = lambda call: plan(Step((phone,), 5.0))
    office.bridge()
    assert office.sipp(scenario(INVITE, TAKEN, HANGS_UP), pause=0.5).ended(10) == 0
    assert ends(desk)[0].end_reason is EndReason.COMPLETED
    assert office.sipp(scenario(INVITE, TAKEN, HANGS_UP), pause=0.2).ended(10) == 0
    assert [end.end_reason for end in ends(desk, 2)] == [EndReason.COMPLETED] * 2


def test_busy_then_declined_then_the_backup_answers(office: Office, desk: Desk) -> None:
    busy, declines, backup = office.phone("busy"), office.phone("reject"), office.phone(talk=0.3)
    nobody = f"sip:nobody@127.0.0.1:{free_port()}"
    desk.plan = lambda call: plan(*(Step((who,), 5.0) for who in (busy, declines, nobody, backup)))
    office.bridge()
    caller = office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON))
    assert caller.ended(10) == 0, caller.text
    ends(desk)
    assert [(leg.extension, leg.reason) for leg in desk.of(LegEnded)] == [
        (busy, LegEnd.BUSY),
        (declines, LegEnd.REJECTED),
        (nobody, LegEnd.UNREACHABLE),
    ]
    assert [answered.extension for answered in desk.of(CallAnswered)] == [backup]


def test_two_ring_together_and_the_first_takes_it(office: Office, desk: Desk) -> None:
    quick, slow = office.phone(pick_up_after=1.0, talk=0.3), office.phone(pick_up_after=20)
    desk.plan = lambda call: plan(Step((slow, quick), 5.0))
    office.bridge()
    assert office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON)).ended(10) == 0
    ends(desk)
    assert [(leg.extension, leg.reason) for leg in desk.of(LegEnded)] == [(slow, LegEnd.CANCELLED)]
    assert [answered.extension for answered in desk.of(CallAnswered)] == [quick]


def test_a_manager_who_lifts_early_hears_ringing_until_the_configured_ring(office: Office, desk: Desk) -> None:
    taken: list[pyvoip.Leg] = []

    def take(leg: pyvoip.Leg) -> None:
        leg.answer()
        taken.append(leg)

    hub = Hub()
    phone = pyvoip.Endpoint(
        host="127.0.0.1",
        port=0,
        rtp_ports=range(36000, 36100),
        peers=config.LOOPBACK,
        accounts=(),
        max_calls=1,
        instance_id="00000000-0000-4000-8000-000000000001",
        hub=hub,
        on_call=take,
        on_leg=lambda leg, event: None,
        on_line=lambda line, registered, detail: None,
    )
    hub.start()
    phone.start()
    try:
        eager = f"sip:eager@127.0.0.1:{phone.port}"
        desk.plan = lambda call: Plan((Step((eager,), 10.0),), 2, 2.0, BEEP, BEEP, False)
        office.bridge()
        caller = office.sipp(scenario(INVITE, TAKEN, HANGS_UP), pause=0.2)
        wait_for(lambda: taken and taken[0].media.counters.received > 10, 5, "the comforting tone")
        assert desk.of(CallAnswered) == []
        assert caller.ended(10) == 0, caller.text
        (end,) = ends(desk)
        (answered,) = desk.of(CallAnswered)
        assert (answered.extension, answered.rings) == (eager, 2) and 2.0 <= answered.seconds < 2.5
        assert end.end_reason is EndReason.COMPLETED
    finally:
        phone.stop()
        hub.stop()


def test_nobody_on_duty_greeting_apology_and_a_promise(office: Office, desk: Desk) -> None:
    desk.plan = lambda call: plan()
    office.bridge()
    caller = office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON))
    assert caller.ended(10) == 0, caller.text
    (end,) = ends(desk)
    assert desk.kinds() == ["CallOffered", "PlanChosen", "GreetingStarted", "ApologyStarted", "CallEnded"]
    assert end.end_reason is EndReason.NO_ANSWER and end.talk_seconds == 0
    (greeting,), (apology,) = desk.of(GreetingStarted), desk.of(ApologyStarted)
    assert greeting.rings == 2 and 2 * RING <= greeting.seconds < 2 * RING + 0.5
    assert 0.25 < (apology.at - greeting.at).total_seconds() < 2.0, "the greeting was really played"
    assert 0.25 < (end.at - apology.at).total_seconds() < 2.0, "and the apology"


def test_a_phone_that_nobody_lifts_greeting_ringing_apology(office: Office, desk: Desk) -> None:
    phone = office.phone("ignore")
    desk.plan = lambda call: plan(Step((phone,), 1.5))
    office.bridge()
    assert office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON)).ended(10) == 0
    assert ends(desk)[0].end_reason is EndReason.NO_ANSWER
    assert desk.kinds() == [
        "CallOffered",
        "PlanChosen",
        "LegRinging",
        "GreetingStarted",
        "LegEnded",
        "ApologyStarted",
        "CallEnded",
    ]
    assert [leg.reason for leg in desk.of(LegEnded)] == [LegEnd.NO_ANSWER]


def test_a_caller_who_cancels_is_missed_and_the_phone_stops(office: Office, desk: Desk) -> None:
    phone = office.phone("ignore")
    desk.plan = lambda call: Plan((Step((phone,), 20.0),), 2, 3.0, BEEP, BEEP, False)
    office.bridge()
    caller = office.sipp(scenario(INVITE, CANCELS), pause=0.5)
    assert caller.ended(10) == 0, caller.text
    (end,) = ends(desk)
    assert end.end_reason is EndReason.ABANDONED and end.rings == 1
    assert [leg.reason for leg in desk.of(LegEnded)] == [LegEnd.CANCELLED]
    # The phone has one line: had it not been cancelled, it would now be busy.
    desk.plan = lambda call: plan(Step((phone,), 0.3))
    assert office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON)).ended(10) == 0
    ends(desk, 2)
    assert [leg.reason for leg in desk.of(LegEnded)] == [LegEnd.CANCELLED, LegEnd.NO_ANSWER]


def test_the_standing_plan_is_followed_when_the_desk_is_slow(office: Office, desk: Desk) -> None:
    phone, other = office.phone(talk=0.3), office.phone(talk=0.3)
    long_ago = TimedPlan(datetime(2020, 1, 1, tzinfo=UTC), plan(Step((phone,), 5.0)))
    desk.standing = StandingPlans("v1", {"*": (long_ago,)})
    desk.plan = lambda call: plan(Step((other,), 5.0))
    office.bridge()
    kept = office.data / "bridge" / "standing.json"
    wait_for(kept.exists, 5, "the standing plans on disk")
    assert json.loads(kept.read_text()) == to_wire(desk.standing)
    desk.delay = 1.0
    assert office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON)).ended(10) == 0
    desk.delay = 0.0
    ends(desk)
    (chosen,) = desk.of(PlanChosen)
    assert chosen.standing and chosen.extensions == (phone,)
    assert [answered.extension for answered in desk.of(CallAnswered)] == [phone]


def test_a_bridge_killed_after_the_offer_tells_the_end_when_it_is_back(office: Office, desk: Desk) -> None:
    phone = office.phone("ignore")
    desk.plan = lambda call: plan(Step((phone,), 20.0))
    process = office.bridge()
    office.sipp(scenario(INVITE, CANCELS), pause=20, calls=3)
    wait_for(lambda: desk.kinds().count("LegRinging") == 3, 5, "three ringing calls")
    desk.stop()  # what happens from now on reaches nobody before the restart
    process.kill()
    desk.start()
    office.bridge()
    found = ends(desk, 3)
    assert {end.end_reason for end in found} == {EndReason.FAILED}
    offered = [call.call_id for call in desk.of(CallOffered)]
    assert [end.call_id for end in found] == offered and len(set(offered)) == 3
    for call_id in offered:
        kinds = desk.kinds(call_id)
        assert kinds[0] == "CallOffered" and kinds[-1] == "CallEnded" and kinds.count("CallOffered") == 1


def test_bridge_and_desk_die_again_and_again_and_every_call_is_told_once(office: Office, desk: Desk) -> None:
    desk.plan = lambda call: plan()
    process = office.bridge()
    callers = office.sipp(scenario(INVITE, CANCELS), calls=1000, rate=15, pause=0.3)
    for _ in range(3):
        more_ends(desk, 5)
        desk.stop()
        process.kill()
        process = office.bridge()
        desk.start()
    callers.end()
    process.send(signal.SIGTERM)
    assert process.ended() == 0
    office.bridge()
    outbox = sqlite3.connect(office.data / "bridge" / "outbox.sqlite")
    count = "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM open_calls)"
    wait_for(lambda: outbox.execute(count).fetchone() == (0,), 5, "an empty outbox")

    offered = [call.call_id for call in desk.of(CallOffered)]
    assert len(offered) == len(set(offered)) > 15
    for call_id in offered:
        kinds = desk.kinds(call_id)
        assert kinds[0] == "CallOffered" and kinds[-1] == "CallEnded", kinds
        assert len(kinds) == len(set(kinds)), kinds
    assert len(desk.of(CallEnded)) == len(offered)
    assert EndReason.FAILED in {end.end_reason for end in desk.of(CallEnded)}


def test_a_talk_cut_off_by_kill_9_keeps_its_recording(office: Office, desk: Desk, soaking: bool) -> None:
    """It can be played up to a second before; a busy machine may be late with the writing."""
    phone = office.phone(pick_up_after=0.1, talk=30)
    desk.plan = lambda call: plan(Step((phone,), 20.0), record=True)
    process = office.bridge()
    office.sipp(scenario(INVITE, TAKEN, HANGS_UP), pause=20)
    wait_for(lambda: desk.of(CallAnswered), 15, "the talk")
    folder = office.data / "recordings"
    wait_for(lambda: any(path.stat().st_size > 80_000 for path in folder.rglob("*.wav")), 15, "some recording")
    (answered,) = desk.of(CallAnswered)
    process.kill()
    talked = (datetime.now(UTC) - answered.at).total_seconds()
    office.bridge()
    (end,) = ends(desk)
    assert end.end_reason is EndReason.FAILED and end.ring_seconds > 0
    wait_for(lambda: desk.of(RecordingReady), 3, "the recording")
    (ready,) = desk.of(RecordingReady)
    assert talked - (1.0 if soaking else 3.0) < ready.seconds <= talked + 0.1
    with wave.open(str(folder / ready.path)) as recording:
        frames = recording.readframes(recording.getnframes())
        assert len(frames) == 4 * recording.getnframes() == pytest.approx(32_000 * ready.seconds, abs=32)
    assert any(frames[2::4]), "the manager's voice is in it"


def test_a_call_that_comes_while_the_bridge_starts_is_no_call_of_its_former_life(office: Office, desk: Desk) -> None:
    desk.plan = lambda call: plan(Step((), 20.0))
    caller = office.sipp(scenario(INVITE, CANCELS), pause=0.3)
    office.bridge(module="tests.sipbridge.called_early")
    assert caller.ended(15) == 0, caller.text
    (end,) = ends(desk)
    assert end.end_reason is EndReason.ABANDONED
    assert desk.kinds() == ["CallOffered", "PlanChosen", "CallEnded"]


def test_the_desk_is_down_during_twenty_calls(office: Office, desk: Desk) -> None:
    office.bridge()
    desk.stop()
    # No standing plans were ever received: the shipped words are said, nobody waits for a database.
    caller = office.sipp(scenario(INVITE, CANCELS), calls=20, rate=20, pause=0.5)
    assert caller.ended(15) == 0, caller.text
    desk.start()
    ends(desk, 20)
    offered = [call.call_id for call in desk.of(CallOffered)]
    assert len(set(offered)) == len(offered) == 20
    for call_id in offered:
        assert desk.kinds(call_id) == ["CallOffered", "PlanChosen", "CallEnded"]
    assert len(set(desk.ids)) == len(desk.events)
    numbers = [call.caller_number for call in desk.of(CallOffered)]
    assert numbers == [f"+7495000{n}" for n in range(1, 21)], "in the order of their coming"
    outbox = sqlite3.connect(office.data / "bridge" / "outbox.sqlite")
    count = "SELECT count(*) FROM events"
    wait_for(lambda: outbox.execute(count).fetchone() == (0,), 3, "an empty outbox")


def test_a_disk_that_refuses_ends_no_call_and_loses_no_event(office: Office, desk: Desk) -> None:
    phone = office.phone(talk=0.3)
    long_ago = TimedPlan(datetime(2020, 1, 1, tzinfo=UTC), plan(Step((phone,), 5.0)))
    desk.standing = StandingPlans("v1", {"desk": (long_ago,)})
    process = office.bridge()
    wait_for((office.data / "bridge" / "standing.json").exists, 5, "the standing plans")
    other = sqlite3.connect(office.data / "bridge" / "outbox.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    caller = office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON))
    assert caller.ended(10) == 0, caller.text
    process.says("events can't be brought to disk")
    assert desk.kinds() == []
    other.execute("ROLLBACK")
    ends(desk)
    assert desk.kinds() == ["CallOffered", "PlanChosen", "LegRinging", "CallAnswered", "CallEnded"]


def test_a_desk_in_trouble_gets_everything_later(office: Office, desk: Desk) -> None:
    desk.status_code = 500
    office.bridge()
    assert office.sipp(scenario(INVITE, CANCELS), calls=2, pause=0.4).ended(10) == 0
    assert desk.events == []
    desk.status_code = 200
    assert {end.end_reason for end in ends(desk, 2)} == {EndReason.ABANDONED}


def test_a_call_over_the_cap_is_refused_and_told(office: Office, desk: Desk) -> None:
    phone = office.phone("ignore")
    desk.plan = lambda call: Plan((Step((phone,), 20.0),), 20, RING, BEEP, BEEP, False)
    office.bridge(MAX_CALLS=1)
    first = office.sipp(scenario(INVITE, CANCELS), pause=2.0)
    wait_for(lambda: desk.of(CallOffered), 5, "the first call")
    refused = scenario(INVITE.replace('<recv response="180"/>', ""), REFUSED.format(code=503))
    second = office.sipp(refused)
    assert second.ended(10) == 0, second.text
    assert first.ended(10) == 0
    assert sorted(end.end_reason for end in ends(desk, 2)) == [EndReason.ABANDONED, EndReason.REJECTED]


def test_sigterm_ends_live_calls_with_bye_within_three_seconds(office: Office, desk: Desk) -> None:
    phone = office.phone(pick_up_after=0.1, talk=30)
    desk.plan = lambda call: plan(Step((phone,), 20.0))
    process = office.bridge()
    caller = office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON))
    wait_for(lambda: desk.of(CallAnswered), 5, "the talk")
    asked = time.monotonic()
    process.send(signal.SIGTERM)
    assert process.ended() == 0
    assert time.monotonic() - asked < 3.5
    assert caller.ended() == 0, caller.text
    (end,) = ends(desk)
    assert end.end_reason is EndReason.FAILED and end.talk_seconds > 0
    assert "Traceback" not in process.text


def test_nothing_personal_is_logged(office: Office, desk: Desk) -> None:
    phone = office.phone(talk=0.2)
    desk.plan = lambda call: plan(Step((phone,), 5.0))
    process = office.bridge()
    assert office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON)).ended(10) == 0
    ends(desk)
    process.send(signal.SIGTERM)
    process.ended()
    assert "call offered" in process.text
    assert "7495" not in process.text and "Caller 1" not in process.text


def test_a_busy_port_is_one_clear_line(office: Office) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        process = office.bridge(ready=False, SIP=f"127.0.0.1:{taken.getsockname()[1]}")
        assert process.ended() == 2
    assert process.text.count("\n") == 1 and "SECONDRING_SIP" in process.text


def test_nonsense_in_the_settings_is_one_clear_line(office: Office) -> None:
    process = office.bridge(ready=False, RTP="everything")
    assert process.ended() == 2
    assert process.text.count("\n") == 1 and "SECONDRING_RTP" in process.text


def test_two_bridges_do_not_share_a_folder(office: Office) -> None:
    office.bridge()
    second = office.bridge(ready=False, SIP=f"127.0.0.1:{free_port()}")
    assert second.ended() == 2
    assert second.text.count("\n") == 1 and "another bridge" in second.text


def test_a_folder_that_cannot_be_written_is_one_clear_line(office: Office) -> None:
    (office.data / "file").write_text("")
    process = office.bridge(ready=False, DATA=office.data / "file" / "data")
    assert process.ended() == 2
    assert process.text.count("\n") == 1 and "SECONDRING_DATA" in process.text


def test_a_talk_in_which_nobody_sends_a_sound_is_ended(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, so that a minute of silence can be a moment."""
    monkeypatch.setattr(silence, "SILENCE_LIMIT", 0.6)
    monkeypatch.setattr(bridge, "TICK", 0.1)
    settings = config.load({"SECONDRING_DATA": str(tmp_path), "SECONDRING_SIP": f"127.0.0.1:{office.sip_port}"})
    silent = free_port()
    office.run(*f"sipp -sn uas -i 127.0.0.1 -p {silent} -mp {free_port()} -nostdin".split())
    now = Step((f"sip:silent@127.0.0.1:{silent}",), 5.0)
    long_ago = TimedPlan(datetime(2020, 1, 1, tzinfo=UTC), Plan((now,), 1, RING, "", "", False))
    outbox, hub = Outbox(settings.bridge_folder / "outbox.sqlite"), Hub()
    one = bridge.Bridge(settings, outbox, Announcements(), lambda: datetime(2026, 3, 2, tzinfo=UTC))
    one.on_standing(StandingPlans("v1", {"*": (long_ago,)}))
    endpoint = listen(settings, hub, one, Ladder(tmp_path / "ladders"))
    one.start(endpoint, lambda hurry: None)
    try:
        as_the_manager = INVITE.replace("AVP 8", "AVP 0").replace("8 PCMA", "0 PCMU")
        caller = office.sipp(scenario(as_the_manager, TAKEN, IS_HUNG_UP_ON))
        assert caller.ended(10) == 0, caller.text
    finally:
        one.stop(1.0)
        endpoint.stop()
        hub.stop()
    events = [decode(json.loads(kept.envelope))[1] for kept in outbox.oldest(100)]
    outbox.close()
    end = events[-1]
    assert isinstance(end, CallEnded) and end.end_reason is EndReason.FAILED
    assert 0.6 <= end.talk_seconds < 3.0
