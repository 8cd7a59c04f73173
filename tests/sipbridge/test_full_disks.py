"""A disk that is full, one at a time: the outbox's, the recordings'. It rings, they talk, and the desk is told."""

from __future__ import annotations

import sys
import wave
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sipbridge.events import (
    BridgeStarted,
    CallAnswered,
    CallEnded,
    EndReason,
    Plan,
    RecordingReady,
    RecordingStopped,
    StandingPlans,
    Step,
    TimedPlan,
)
from tests.sipbridge.disks import SmallDisk, needed, on_small_disk
from tests.sipbridge.office import INVITE, IS_HUNG_UP_ON, TAKEN, Office, Process, needs_sipp, scenario
from tests.sipbridge.standin import Desk, wait_for

pytestmark = [pytest.mark.e2e, needs_sipp]


@pytest.fixture
def desk(desk: Desk) -> Desk:
    needed()
    return desk


def bridge(office: Office, folder: Path, kilobytes: int) -> tuple[Process, SmallDisk]:
    """The bridge, with a small disk of its own at `folder`."""
    folder.mkdir(parents=True)
    command = on_small_disk(folder, kilobytes, sys.executable, "-m", "sipbridge")
    process = office.run(*command, environ=office.environ())
    process.says("event=ready")
    return process, SmallDisk(process.pid, folder)


def test_the_outbox_s_disk_is_full(office: Office, desk: Desk) -> None:
    phone = office.phone(talk=0.3)
    long_ago = TimedPlan(datetime(2020, 1, 1, tzinfo=UTC), Plan((Step((phone,), 5.0),), 1, 2.0, "", "", False))
    desk.standing = StandingPlans("v1", {"*": (long_ago,)})
    process, disk = bridge(office, office.data / "bridge", 600)
    wait_for((disk.folder / "standing.json").exists, 5, "the standing plans")
    wait_for(lambda: desk.of(BridgeStarted), 5, "the bridge's first word")
    disk.fill()
    for _ in range(2):
        caller = office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON))
        assert caller.ended(10) == 0, caller.text
    process.says("events can't be brought to disk")
    assert desk.kinds() == []
    disk.make_room()
    wait_for(lambda: len(desk.of(CallEnded)) == 2, 15, "what had happened")
    kinds = ["CallOffered", "PlanChosen", "LegRinging", "CallAnswered", "CallEnded"]
    assert desk.kinds() == kinds * 2, process.text
    assert {end.end_reason for end in desk.of(CallEnded)} == {EndReason.COMPLETED}


def test_the_recordings_disk_is_full(office: Office, desk: Desk) -> None:
    """The talk goes on, the recording stops with a word, and what was recorded can be heard."""
    phone = office.phone(pick_up_after=0.1, talk=4.5)
    desk.plan = lambda call: Plan((Step((phone,), 5.0),), 1, 0.3, "", "", True)
    _, disk = bridge(office, office.data / "recordings", 64)
    caller = office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON))
    wait_for(lambda: desk.of(RecordingStopped), 10, "a word that the recording stopped")
    assert not desk.of(CallEnded), "while they still talk"
    assert caller.ended(10) == 0, caller.text
    wait_for(lambda: desk.of(RecordingReady) and desk.of(CallEnded), 5, "what there is of it")
    (stopped,), (ready,), (end,) = desk.of(RecordingStopped), desk.of(RecordingReady), desk.of(CallEnded)
    assert stopped.why == "disk_full" and stopped.call_id == ready.call_id == end.call_id
    assert end.end_reason is EndReason.COMPLETED and end.talk_seconds > 4
    with wave.open(str(disk.folder / ready.path)) as recording:
        assert 0.4 < recording.getnframes() / 8000 <= 2.1 and recording.getnframes() / 8000 == pytest.approx(
            ready.seconds, abs=0.01
        )
    assert len(desk.of(CallAnswered)) == 1


def test_the_recordings_folder_cannot_be_written(office: Office, desk: Desk) -> None:
    phone = office.phone(pick_up_after=0.1, talk=1.0)
    desk.plan = lambda call: Plan((Step((phone,), 5.0),), 1, 0.3, "", "", True)
    (office.data / "recordings").write_text("a file where the folder should be")
    office.bridge()
    caller = office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON))
    assert caller.ended(10) == 0, caller.text
    wait_for(lambda: desk.of(CallEnded) and desk.of(RecordingStopped), 10, "the end")
    (stopped,) = desk.of(RecordingStopped)
    assert stopped.why == "unwritable" and not desk.of(RecordingReady)
