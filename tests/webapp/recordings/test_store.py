"""Recordings brought to rest: whatever dies when, each is there, once, and plays to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.recordings.conftest import RATE, MakeRecording, dialogue, heard, speech
from webapp.recordings import store
from webapp.recordings.models import Recording

SECONDS = len(dialogue()) / 4 / RATE


def all_of(session: Session, folder: Path, clock: Clock) -> int:
    return store.store_all(session, folder, clock(), lambda: True)


def on_disk(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_finished_recording_is_stored_and_its_original_goes(
    session: Session, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    recording = make_recording("c1")
    was = (folder / recording.path).stat().st_size
    assert all_of(session, folder, clock) == 1
    session.refresh(recording)
    assert (recording.path, recording.original, recording.stored_at) == ("2026/03/c1.webm", "", clock())
    assert on_disk(folder) == ["2026/03/c1.webm"]
    assert recording.size == (folder / recording.path).stat().st_size < was / 6
    assert abs(recording.seconds - SECONDS) < 0.01 and len(recording.peaks) == len(recording.levels) == 2
    assert recording.levels[0]["rms"] < -12
    assert all_of(session, folder, clock) == 0, "once"


def test_a_voice_message_is_stored_too(
    session: Session, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    recording = make_recording("c1", speech("speech.en.wav"), kind="message", channels=1)
    assert all_of(session, folder, clock) == 1
    session.refresh(recording)
    assert recording.path.endswith(".webm") and len(recording.peaks) == 1


def test_one_that_is_still_being_recorded_is_left_alone(
    session: Session, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    recording = make_recording("c1")
    recording.ready_at = None
    session.commit()
    assert all_of(session, folder, clock) == 0 and on_disk(folder) == ["2026/03/c1.wav"]


@pytest.mark.databases("sqlite")
@pytest.mark.parametrize(
    "point",
    ["before compress", "after compress", "before replace", "after replace", "after move", "after remove"],
)
def test_a_worker_killed_at_any_point_loses_nothing(
    app: Flask, session: Session, folder: Path, clock: Clock, make_recording: MakeRecording, point: str
) -> None:
    killed_at(point, app, session, folder, clock, make_recording)


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize("point", ["after compress", "after move"])
def test_nor_beside_postgresql(
    app: Flask, session: Session, folder: Path, clock: Clock, make_recording: MakeRecording, point: str
) -> None:
    killed_at(point, app, session, folder, clock, make_recording)


def killed_at(
    point: str, app: Flask, session: Session, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    recording = make_recording("c1")
    session.commit()
    module = [sys.executable, "-m", "tests.webapp.recordings.killed"]
    settings = app.config["SETTINGS"]
    command = [*module, str(settings.data), settings.database_url, point, clock().isoformat()]
    killed = subprocess.run(command, cwd=Path(__file__).parents[3], env=os.environ | {"NICE": "0"}, timeout=60)
    assert killed.returncode == -signal.SIGKILL

    session.refresh(recording)
    for channel in heard(folder / recording.path):
        assert abs(len(channel) / 2 / RATE - SECONDS) < 0.1, "what the desk plays now is whole"

    clock.at += store.LEASE + timedelta(seconds=1)
    all_of(session, folder, clock)
    session.refresh(recording)
    assert (recording.path, recording.original) == ("2026/03/c1.webm", "")
    assert on_disk(folder) == ["2026/03/c1.webm"]
    assert abs(len(heard(folder / recording.path)[0]) / 2 / RATE - SECONDS) < 0.1


def test_two_workers_never_take_the_same(session: Session, clock: Clock, make_recording: MakeRecording) -> None:
    first, second = make_recording("c1"), make_recording("c2")
    taken = [store.claim(session, clock()) for _ in range(3)]
    assert [one and one[0] for one in taken] == [first.id, second.id, None]
    clock.at += store.LEASE + timedelta(seconds=1)
    assert store.claim(session, clock()) == (first.id, "2026/03/c1.wav"), "the worker that had it must have died"


def test_what_cannot_be_read_stays_and_is_not_tried_for_ever(
    session: Session, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    recording = make_recording("c1")
    (folder / recording.path).write_bytes(b"RIFF, but no sound")
    good = make_recording("c2")
    assert all_of(session, folder, clock) == 1, "the next one is stored all the same"
    session.refresh(recording)
    assert recording.path == "2026/03/c1.wav" and recording.stored_at == clock()
    assert on_disk(folder) == ["2026/03/c1.wav", "2026/03/c2.webm"]
    session.refresh(good)
    assert good.size


def test_a_missing_file_and_a_full_disk_are_tried_again_later(
    session: Session, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    gone, full = make_recording("c1"), make_recording("c2")
    there = (folder / gone.path).rename(folder / "elsewhere")
    part = folder / "2026/03/c2.webm.part"
    part.symlink_to("/dev/full")
    assert all_of(session, folder, clock) == 0
    assert (folder / full.path).exists() and not part.is_symlink(), "the original stays, the rest is cleaned away"
    there.rename(folder / gone.path)
    assert all_of(session, folder, clock) == 0, "not at once"
    clock.at += store.LEASE + timedelta(seconds=1)
    assert all_of(session, folder, clock) == 2


def test_one_that_was_forbidden_meanwhile_is_not_stored(
    session: Session, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    recording = make_recording("c1")
    claimed = store.claim(session, clock())
    assert claimed
    session.execute(update(Recording).values(stopped="forbidden"))
    session.commit()
    assert not store.store(session, folder, *claimed, clock())
    assert session.scalar(select(Recording.path)) == "2026/03/c1.wav"
    assert on_disk(folder) == ["2026/03/c1.wav"], "the worker deletes it in its turn"
    assert recording.id == claimed[0]


@pytest.mark.parametrize("path", ["../outside.wav", "/etc/outside.wav", "2026/03/link.wav"])
def test_nothing_outside_the_folder_is_touched(
    session: Session, folder: Path, clock: Clock, make_recording: MakeRecording, path: str
) -> None:
    recording = make_recording("c1")
    outside = folder.parent / "outside.wav"
    (folder / recording.path).rename(outside)
    (folder / "2026/03/link.wav").symlink_to(outside)
    recording.path = path
    session.commit()
    assert all_of(session, folder, clock) == 0
    assert outside.exists() and not outside.with_suffix(".webm").exists()
