"""How long recordings are kept: a line's days, a legal hold, and clients who are never recorded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import (
    CallAnswered,
    CallEnded,
    EndReason,
    PlanChosen,
    RecordingReady,
    RecordingStopped,
    encode,
)
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from tests.webapp.recordings.conftest import MakeRecording
from webapp.accounts.models import User
from webapp.calls import trace
from webapp.calls.models import BridgeCommand, Call
from webapp.clients import callers
from webapp.clients.models import Client
from webapp.office.models import Line
from webapp.recordings import keeping, store
from webapp.recordings.models import Recording


@pytest.fixture
def line(session: Session, office: dict[str, User]) -> Line:
    line = session.scalars(select(Line)).one()
    line.keep_recordings_days = 30
    session.commit()
    return line


def delete(session: Session, folder: Path, clock: Clock) -> int:
    return keeping.delete_due(session, folder, clock(), lambda: True)


def asked(session: Session) -> list[str]:
    return list(session.scalars(select(BridgeCommand.kind).order_by(BridgeCommand.id)))


def test_what_is_past_its_days_goes_and_leaves_a_record(
    session: Session, folder: Path, clock: Clock, line: Line, make_recording: MakeRecording
) -> None:
    old = make_recording("old", line_id=line.id, ready_at=clock() - timedelta(days=30, seconds=1))
    fresh = make_recording("fresh", line_id=line.id, ready_at=clock() - timedelta(days=30) + timedelta(seconds=1))
    other = make_recording("other", ready_at=clock() - timedelta(days=400))
    store.store_all(session, folder, clock(), lambda: True)
    assert keeping.due_of_lines(session, clock()) == {line.id: 1}
    assert delete(session, folder, clock) == 1
    assert delete(session, folder, clock) == 0, "once"
    for row in (old, fresh, other):
        session.refresh(row, ["path", "peaks", "levels", "deleted_at", "deleted_why", "size"])
    assert (old.path, old.peaks, old.levels, old.size) == ("", [], [], 0)
    assert (old.deleted_at, old.deleted_why) == (clock(), "retention")
    assert fresh.path and other.path and not fresh.deleted_at
    assert [path.name for path in sorted(folder.rglob("*.*"))] == ["fresh.webm", "other.webm"]
    texts = [text for _, text in trace.sentences(session, old.call)]
    assert texts[-1] == "The recording was deleted after 30 days."
    assert keeping.due_of_lines(session, clock()) == {}


def test_a_voice_message_and_one_not_stored_yet_go_too(
    session: Session, folder: Path, clock: Clock, line: Line, make_recording: MakeRecording
) -> None:
    make_recording("c1", line_id=line.id, kind="message", ready_at=clock() - timedelta(days=31))
    assert delete(session, folder, clock) == 1 and not list(folder.rglob("*.*"))


def test_a_file_that_is_gone_already_does_no_harm(
    session: Session, folder: Path, clock: Clock, line: Line, make_recording: MakeRecording
) -> None:
    """As after a worker that died between the file and the row."""
    recording = make_recording("c1", line_id=line.id, ready_at=clock() - timedelta(days=31))
    (folder / recording.path).unlink()
    assert delete(session, folder, clock) == 1


def test_a_hold_keeps_it_until_it_is_released(
    session: Session, folder: Path, clock: Clock, line: Line, office: dict[str, User], make_recording: MakeRecording
) -> None:
    recording = make_recording("c1", line_id=line.id, ready_at=clock() - timedelta(days=31))
    assert keeping.hold(session, recording.call, "  ", office["head"], clock()) == "Write why it has to be kept."
    assert keeping.hold(session, recording.call, "x" * 201, office["head"], clock())
    assert keeping.hold(session, recording.call, "claim  of March", office["head"], clock()) is None
    session.commit()
    assert delete(session, folder, clock) == 0 and keeping.due_of_lines(session, clock()) == {}
    keeping.release(session, recording.call, office["head"], clock())
    session.commit()
    assert delete(session, folder, clock) == 1
    texts = [text for _, text in trace.sentences(session, recording.call)]
    assert "Helen Markova keeps the recording: claim of March" in texts
    assert "Helen Markova no longer keeps the recording for: claim of March" in texts
    assert keeping.hold(session, recording.call, "too late", office["head"], clock())


# Clients who are never recorded


@pytest.fixture
def silent(make_client: Callable[..., Client]) -> Client:
    return make_client("Rassvet", "+7 495 123-45-67", never_record=True)


def test_a_known_client_is_not_recorded(
    session: Session,
    on_duty: dict[str, User],
    bridge: Bridge,
    silent: Client,
) -> None:
    plan = bridge.offer("c1")
    assert not plan["record"] and plan["notice"] == "" and plan["pause_keys"] == ""
    assert bridge.offer("c2", number="+74959998877")["record"]


def test_a_card_chosen_during_the_talk_stops_the_recording(
    session: Session,
    on_duty: dict[str, User],
    bridge: Bridge,
    silent: Client,
    folder: Path,
    clock: Clock,
) -> None:
    bridge.offer("c1", number="")
    bridge.send(CallAnswered("c1", on_duty["anna"].extension, 2, 7.0, clock()))
    call = session.scalars(select(Call)).one()
    callers.choose(session, call, silent, on_duty["anna"], clock(), "RU")
    session.commit()
    assert asked(session) == ["ForbidRecording"]
    bridge.send(RecordingStopped("c1", "forbidden", clock.move(seconds=3)))
    recording = session.scalars(select(Recording)).one()
    assert (recording.stopped, recording.deleted_why, recording.audible) == ("forbidden", "forbidden", False)


def test_a_file_that_came_all_the_same_is_deleted_and_never_heard(
    session: Session,
    on_duty: dict[str, User],
    bridge: Bridge,
    silent: Client,
    folder: Path,
    clock: Clock,
) -> None:
    """The bridge followed its standing plan, which knows no client, and was away from the desk all the time."""
    bridge.offer("c1")
    bridge.send(PlanChosen("c1", True, (on_duty["anna"].extension,), clock()))
    assert asked(session) == ["ForbidRecording"]
    (folder / "c1.wav").write_bytes(b"RIFF")
    bridge.send(
        CallAnswered("c1", on_duty["anna"].extension, 2, 7.0, clock()),
        CallEnded("c1", EndReason.COMPLETED, 2, 7.0, 42.0, clock()),
        RecordingReady("c1", "c1.wav", 42.0, clock()),
    )
    recording = session.scalars(select(Recording)).one()
    assert not recording.audible
    assert store.store_all(session, folder, clock(), lambda: True) == 0
    assert delete(session, folder, clock) == 1
    session.refresh(recording)
    assert recording.deleted_why == "forbidden" and not (folder / "c1.wav").exists()


def test_nothing_that_a_killed_worker_made_of_it_stays(
    session: Session, line: Line, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    """Killed while it compressed, or between the new file and the row that names it."""
    gone, old = make_recording("c1"), make_recording("c2", ready_at=clock() - timedelta(days=31), line_id=line.id)
    kept = make_recording("c3")
    gone.stopped = "forbidden"
    session.commit()
    for recording in (gone, old, kept):
        for made in (".webm", ".webm.part"):
            (folder / recording.path).with_suffix(made).write_bytes(b"speech")
    assert delete(session, folder, clock) == 2
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    assert left == {"c3.wav", "c3.webm", "c3.webm.part"}


def test_the_flag_stops_a_talk_that_goes_on(
    session: Session,
    on_duty: dict[str, User],
    bridge: Bridge,
    make_client: Callable[..., Client],
    clock: Clock,
) -> None:
    client = make_client("Rassvet", "+7 495 123-45-67")
    assert bridge.offer("c1")["record"]
    keeping.never_record(session, client, True, on_duty["head"], clock())
    session.commit()
    assert asked(session) == ["ForbidRecording"] and client.never_record
    keeping.never_record(session, client, False, on_duty["head"], clock())
    assert asked(session) == ["ForbidRecording"] and not client.never_record


def test_an_event_of_a_recording_takes_effect_once(
    session: Session,
    on_duty: dict[str, User],
    bridge: Bridge,
    clock: Clock,
) -> None:
    bridge.offer("c1")
    envelope = encode("r1", RecordingReady("c1", "c1.wav", 4.0, clock()))
    for _ in range(2):
        assert bridge.post({"events": [envelope]}).status_code == 200
    assert len(session.scalars(select(Recording)).all()) == 1
