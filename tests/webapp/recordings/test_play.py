"""Recordings: heard by those who may, in ranges, and never from outside the folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.access import SALES
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.recordings.models import Recording

SignIn = Callable[[str], FlaskClient]
SOUND = b"RIFF" + bytes(range(256)) * 8


@pytest.fixture
def folder(app: Flask) -> Path:
    path: Path = app.config["SETTINGS"].recordings
    (path / "2026-03").mkdir(parents=True)
    (path / "2026-03" / "one.wav").write_bytes(SOUND)
    return path


@pytest.fixture
def call(session: Session, folder: Path, clock: Clock) -> Call:
    call = Call(call_id="one", offered_at=clock(), state="ended")
    session.add(Recording(call=call, path="2026-03/one.wav", seconds=1, ready_at=clock()))
    session.commit()
    return call


def test_a_recording_is_played(sign_in: SignIn, call: Call) -> None:
    answer = sign_in("anna").get(f"/recordings/{call.id}", buffered=True)
    assert answer.status_code == 200 and answer.data == SOUND
    assert answer.mimetype == "audio/wav"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert "private" in answer.headers["Cache-Control"] and "public" not in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-3", 0, 4), ("bytes=100-", 100, None), ("bytes=-10", len(SOUND) - 10, None)]
)
def test_a_range_of_it(sign_in: SignIn, call: Call, asked: str, start: int, end: int | None) -> None:
    answer = sign_in("anna").get(f"/recordings/{call.id}", headers={"Range": asked}, buffered=True)
    assert answer.status_code == 206
    assert answer.data == SOUND[start:end]
    assert answer.headers["Content-Range"].endswith(f"/{len(SOUND)}")


def test_a_range_past_its_end(sign_in: SignIn, call: Call) -> None:
    answer = sign_in("anna").get(f"/recordings/{call.id}", headers={"Range": "bytes=999999-"}, buffered=True)
    assert answer.status_code == 416


@pytest.mark.parametrize(
    "path",
    [
        "",
        "gone.wav",
        "../secret_key",
        "../outside.wav",
        "2026-03/../../outside.wav",
        "/etc/passwd",
        "{outside}",
        "link.wav",
        "2026-03",
        "notes.txt",
        "nul\0.wav",
        ".",
    ],
)
def test_nothing_but_recordings(
    sign_in: SignIn, session: Session, call: Call, folder: Path, app: Flask, path: str
) -> None:
    outside = folder.parent / "outside.wav"
    outside.write_bytes(SOUND)
    (folder / "link.wav").symlink_to(outside)
    (folder / "notes.txt").write_text("private")
    recording = call.recording()
    assert recording
    recording.path = path.format(outside=outside)
    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql") and "\0" in path:
        pytest.skip("PostgreSQL keeps no such text")
    session.commit()
    answer = sign_in("anna").get(f"/recordings/{call.id}", buffered=True)
    assert answer.status_code == 404
    assert "There is no recording of this call" in answer.get_data(as_text=True)


def test_who_may_listen(app: Flask, sign_in: SignIn, office: dict[str, User], call: Call) -> None:
    address = f"/recordings/{call.id}"
    assert "/login" in app.test_client().get(address).headers["Location"]
    assert sign_in("admin").get(address).status_code == 403
    for login, user in office.items():
        if user.role in SALES:
            assert sign_in(login).get(address, buffered=True).status_code == 200, login


def test_a_call_that_is_not_there(sign_in: SignIn, folder: Path) -> None:
    assert sign_in("anna").get("/recordings/999").status_code == 404
