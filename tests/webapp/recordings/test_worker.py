"""The worker's round: what is due is deleted, what is finished is stored, and a busy database waits a minute."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.webapp.recordings.conftest import MakeRecording
from webapp import clock, worker
from webapp.recordings import store


def test_a_round_deletes_and_stores(session: Session, folder: Path, make_recording: MakeRecording) -> None:
    forbidden = make_recording("forbidden", ready_at=clock.now())
    forbidden.stopped = "forbidden"
    finished = make_recording("finished", ready_at=clock.now())
    session.commit()
    worker.keep_recordings(folder)
    session.expire_all()
    assert (forbidden.path, forbidden.deleted_why) == ("", "forbidden")
    assert finished.path.endswith(".webm") and finished.stored_at
    assert [path.name for path in folder.rglob("*.*")] == ["finished.webm"]


def test_a_busy_database_is_for_the_next_minute(
    session: Session, folder: Path, make_recording: MakeRecording, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = make_recording("c1", ready_at=clock.now() - timedelta(seconds=1))

    def busy(*_: object) -> None:
        raise OperationalError("select", {}, Exception("database is locked"))

    with monkeypatch.context() as patched:
        patched.setattr(store, "claim", busy)
        worker.keep_recordings(folder)
    worker.keep_recordings(folder)
    session.refresh(recording)
    assert recording.path.endswith(".webm")
