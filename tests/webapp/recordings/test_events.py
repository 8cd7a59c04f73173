"""What the bridge says of recordings, and what the call's page makes of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import (
    ApologyStarted,
    CallAnswered,
    CallEnded,
    EndReason,
    MessageLeft,
    NoticePlayed,
    RecordingPaused,
    RecordingReady,
    RecordingResumed,
    RecordingStopped,
)
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from tests.webapp.recordings.conftest import MakeRecording, dialogue, speech, write_wav
from webapp.accounts.models import User
from webapp.calls.models import BridgeCommand, Call
from webapp.recordings import picture, store
from webapp.recordings.models import Recording
from webapp.sounds import shelf
from webapp.tasks.models import Task

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def talk(session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock) -> Call:
    """Anna speaks."""
    bridge.offer("c1")
    bridge.send(CallAnswered("c1", on_duty["anna"].extension, 2, 7.0, clock()))
    return session.scalars(select(Call)).one()


def the_recording(session: Session) -> Recording:
    recording = session.scalars(select(Recording)).one()
    session.refresh(recording)
    return recording


def page_of(client: FlaskClient, call: Call) -> str:
    return client.get(f"/calls/{call.id}").get_data(as_text=True)


def test_the_words_of_the_notice_stay_with_the_call(
    app: Flask, session: Session, talk: Call, bridge: Bridge, clock: Clock, sign_in: SignIn
) -> None:
    bridge.send(NoticePlayed("c1", "notice.ru.wav", clock()))
    session.refresh(talk)
    shipped = talk.notice_version
    assert talk.notice_text == "Обратите внимание: разговор записывается." and len(shipped) == 12
    folder = app.config["SETTINGS"].sounds
    write_wav(folder / "notice.ru.wav", speech("speech.ru.wav"), channels=1)
    shelf.write_text(folder, "notice.ru", "Мы пишем этот разговор.")
    assert "разговор записывается" in page_of(sign_in("anna"), talk), "what was said stays what was said"
    bridge.send(NoticePlayed("c1", "notice.ru.wav", clock()))
    session.refresh(talk)
    assert talk.notice_text == "Мы пишем этот разговор." and talk.notice_version != shipped
    write_wav(folder / "notice.ru.wav", speech("speech.en.wav"), channels=1)
    assert shelf.words_of(folder, "notice.ru.wav")[0] == "", "another file has words of its own"
    assert shelf.words_of(folder, "../secret_key") == ("", "")


def test_pauses_become_gaps(
    session: Session, talk: Call, bridge: Bridge, clock: Clock, folder: Path, sign_in: SignIn
) -> None:
    bridge.send(RecordingPaused("c1", 4.0, clock()))
    assert the_recording(session).paused
    page = page_of(sign_in("anna"), talk)
    assert "Paused now." in page and "Record on" in page
    bridge.send(
        RecordingPaused("c1", 4.5, clock()),
        RecordingResumed("c1", 6.0, clock()),
        RecordingResumed("c1", 6.5, clock()),
        RecordingPaused("c1", 12.0, clock()),
        CallEnded("c1", EndReason.COMPLETED, 2, 7.0, 16.0, clock()),
        RecordingReady("c1", "c1.wav", 16.0, clock()),
    )
    recording = the_recording(session)
    assert recording.gaps == [[4.0, 6.0], [12.0, 16.0]] and recording.seconds == 16.0
    write_wav(folder / "c1.wav", dialogue())
    store.store_all(session, folder, clock(), lambda: True)
    page = page_of(sign_in("anna"), talk)
    assert "Paused from 0:04 to 0:06" in page and page.count('class="wave-gap"') == 2
    assert 'class="wave-caller"' in page and 'class="wave-manager"' in page and "style=" not in page


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("disk_full", "The disk is full: the recording stopped at 2:13."),
        ("unwritable", "The recording could not be written: it stopped at 2:13."),
    ],
)
def test_a_recording_that_stopped_says_why(
    session: Session, talk: Call, bridge: Bridge, clock: Clock, sign_in: SignIn, why: str, words: str
) -> None:
    bridge.send(RecordingStopped("c1", why, clock.move(seconds=133)))
    anna = sign_in("anna")
    assert words in page_of(anna, talk)
    assert words in anna.get("/desk").get_data(as_text=True), "on the desk during the talk"
    bridge.send(RecordingReady("c1", "c1.wav", 131.0, clock()))
    assert words.replace("2:13", "2:11") in page_of(anna, talk), "the file knows best"


def test_a_voice_message_lies_beside_its_promise(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock, folder: Path, sign_in: SignIn
) -> None:
    bridge.offer("c1")
    bridge.send(ApologyStarted("c1", clock()))
    anna = sign_in("anna")
    assert "voice message" not in anna.get("/desk").get_data(as_text=True)
    bridge.send(
        CallEnded("c1", EndReason.NO_ANSWER, 4, 20.0, 0.0, clock.move(seconds=30)),
        MessageLeft("c1", "message.wav", 11.2, clock()),
    )
    write_wav(folder / "message.wav", speech("speech.en.wav"), channels=1)
    call, task = session.scalars(select(Call)).one(), session.scalars(select(Task)).one()
    assert task.call_id == call.id
    page = anna.get("/desk").get_data(as_text=True)
    assert page.count(f'src="/recordings/{call.id}/message"') == 2, "in the promise and among the missed"
    assert anna.get(f"/recordings/{call.id}/message", buffered=True).mimetype == "audio/wav"
    assert anna.get(f"/recordings/{call.id}").status_code == 404, "there was no talk"
    assert "Voice message" in page_of(anna, call)


def test_who_talks_and_the_head_may_pause(
    app: Flask, session: Session, talk: Call, bridge: Bridge, clock: Clock, sign_in: SignIn
) -> None:
    for login, word, code in (
        ("anna", "pause", 303),
        ("head", "resume", 303),
        ("boris", "pause", 404),
        ("admin", "pause", 403),
    ):
        assert sign_in(login).post(f"/recordings/{talk.id}/{word}").status_code == code, login
    assert list(session.scalars(select(BridgeCommand.kind).order_by(BridgeCommand.id))) == [
        "PauseRecording",
        "ResumeRecording",
    ]
    assert "/login" in app.test_client().post(f"/recordings/{talk.id}/pause").headers["Location"]
    assert sign_in("anna").post("/recordings/999/pause").status_code == 404
    bridge.send(CallEnded("c1", EndReason.COMPLETED, 2, 7.0, 16.0, clock()))
    assert sign_in("anna").post(f"/recordings/{talk.id}/pause").status_code == 404, "it is over"


def test_the_head_holds_and_releases(
    sign_in: SignIn, session: Session, make_recording: MakeRecording, office: dict[str, User]
) -> None:
    recording = make_recording("c1")
    address = f"/recordings/{recording.call_id}"
    assert sign_in("anna").post(f"{address}/hold", data={"why": "claim"}).status_code == 403
    head = sign_in("head")
    answer = head.post(f"{address}/hold", data={"why": " "}, headers={"HX-Request": "true"})
    assert answer.status_code == 422 and "Write why it has to be kept." in answer.get_data(as_text=True)
    answer = head.post(f"{address}/hold", data={"why": "a <claim>"}, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "a &lt;claim&gt;" in answer.get_data(as_text=True)
    assert the_recording(session).held_by_id == office["head"].id
    assert head.post(f"{address}/release").status_code == 303
    assert the_recording(session).held_at is None
    assert head.post("/recordings/999/hold", data={"why": "x"}).status_code == 404


def test_the_head_and_the_clients_manager_say_never(
    app: Flask, sign_in: SignIn, session: Session, on_duty: dict[str, User], make_client: Callable[..., object]
) -> None:
    client = make_client("Rassvet", owner_id=on_duty["anna"].id)
    address = f"/clients/{client.id}/never-record"  # type: ignore[attr-defined]
    for login, code in (("boris", 403), ("secretary", 403), ("admin", 403), ("anna", 303), ("head", 303)):
        assert sign_in(login).post(address, data={"never": "y"}).status_code == code, login
    session.refresh(client)
    assert client.never_record  # type: ignore[attr-defined]
    answer = sign_in("anna").post(address, headers={"HX-Request": "true"})
    assert "saved" in answer.get_data(as_text=True)
    session.refresh(client)
    assert not client.never_record  # type: ignore[attr-defined]
    assert sign_in("anna").post("/clients/999/never-record").status_code == 404
    assert "/login" in app.test_client().post(address).headers["Location"]


@pytest.mark.parametrize(
    ("caller", "manager", "words"),
    [
        (-20.0, -20.0, "Both are heard well."),
        (-20.0, -27.0, "The manager is quieter than the caller."),
        (-20.0, -33.0, "The manager is much quieter than the caller."),
        (-34.0, -20.0, "The caller is much quieter than the manager."),
        (None, -20.0, "The caller is not heard."),
        (-20.0, None, "The manager is not heard."),
        (None, None, "Nobody is heard."),
        (-42.0, -41.0, "Both are very quiet."),
        (-7.0, -6.0, "Both are too loud and distorted."),
    ],
)
def test_levels_in_words(app: Flask, caller: float | None, manager: float | None, words: str) -> None:
    levels = [{"rms": rms, "peak": -3.0, "speech": 0.4} for rms in (caller, manager)]
    assert picture.loudness(Recording(kind="talk", levels=levels)) == words


def test_holds_are_marked_where_they_were(session: Session, make_recording: MakeRecording, clock: Clock) -> None:
    from webapp.calls import trace

    recording = make_recording("c1", bytes(4 * 8000 * 20), ready_at=clock())
    trace.add(session, recording.call, clock() - timedelta(seconds=15), "held_page")
    trace.add(session, recording.call, clock() - timedelta(seconds=10), "resumed")
    session.commit()
    (span,) = picture.held(session, recording)
    assert (span.begin, span.end, span.left, span.width) == (5, 10, 25, 25)


def test_a_stored_recording_plays_as_webm_in_ranges(
    sign_in: SignIn, session: Session, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    recording = make_recording("c1")
    store.store_all(session, folder, clock(), lambda: True)
    answer = sign_in("anna").get(f"/recordings/{recording.call_id}", headers={"Range": "bytes=0-3"}, buffered=True)
    assert (answer.status_code, answer.mimetype, answer.data) == (206, "audio/webm", b"\x1aE\xdf\xa3")
