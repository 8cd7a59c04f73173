"""Greetings: played, replaced by an upload with its length told, put back; nothing else can be read or written."""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from webapp.sounds import shelf

SignIn = Callable[[str], FlaskClient]


def tone(seconds: float, rate: int = 8000) -> bytes:
    """A WAV of 8 bits."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(rate)
        sound.writeframes(bytes(128 + int(60 * math.sin(i / 5)) for i in range(int(rate * seconds))))
    return file.getvalue()


def send(client: FlaskClient, content: bytes, path: str = "greeting.en", name: str = "hello.wav"):  # type: ignore[no-untyped-def]
    data = {"file": (io.BytesIO(content), name)}
    return client.post(f"/settings/sounds/{path}", data=data, content_type="multipart/form-data")


def test_every_shipped_announcement_plays(sign_in: SignIn) -> None:
    head = sign_in("head")
    page = head.get("/settings/sounds").get_data(as_text=True)
    for kind in shelf.KINDS:
        for language in ("en", "ru"):
            assert f"/settings/sounds/{kind}.{language}.wav" in page
            sound = head.get(f"/settings/sounds/{kind}.{language}.wav")
            assert sound.status_code == 200 and sound.data.startswith(b"RIFF") and sound.mimetype == "audio/wav"
            sound.close()
    part = head.get("/settings/sounds/greeting.en.wav", headers={"Range": "bytes=0-3"})
    assert part.status_code == 206 and part.data == b"RIFF"
    part.close()


def test_sounds_are_the_heads(app: Flask, sign_in: SignIn) -> None:
    assert sign_in("anna").get("/settings/sounds/greeting.en.wav").status_code == 403
    assert send(sign_in("anna"), tone(1)).status_code == 403
    assert sign_in("anna").post("/settings/sounds/greeting.en/shipped").status_code == 403
    assert "/login" in app.test_client().get("/settings/sounds/greeting.en.wav").headers["Location"]


@pytest.mark.parametrize(
    "name", ["speech.en", "greeting.xx", "hold.en", "..%2fgreeting.en", "greeting.en.wav", "words", "greeting.line1"]
)
def test_nothing_else_can_be_read(sign_in: SignIn, name: str) -> None:
    assert sign_in("head").get(f"/settings/sounds/{name}.wav").status_code in (404, 405)


@pytest.mark.parametrize(
    "path",
    ["speech.en", "greeting.xx", "greeting/..", "../x.en", "menu.en", "greeting.line0", "greeting.line7", "hold.line1"],
)
def test_nothing_else_can_be_written(sign_in: SignIn, path: str) -> None:
    assert send(sign_in("head"), tone(1), path).status_code in (404, 405)


def test_an_upload_is_used_and_put_back(app: Flask, sign_in: SignIn) -> None:
    head = sign_in("head")
    assert send(head, tone(2, rate=44100)).status_code == 303
    page = head.get("/settings/sounds").get_data(as_text=True)
    assert "It lasts 2 s." in page and "your own" in page
    own = Path(app.config["SETTINGS"].sounds, "greeting.en.wav")
    with wave.open(str(own)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
    played = head.get("/settings/sounds/greeting.en.wav")
    assert played.data == own.read_bytes()
    played.close()
    assert head.post("/settings/sounds/greeting.en/shipped").status_code == 303
    assert not own.exists() and "your own" not in head.get("/settings/sounds").get_data(as_text=True)
    assert head.post("/settings/sounds/greeting.en/shipped").status_code == 303, "twice does no harm"


def test_a_long_greeting_warns(sign_in: SignIn) -> None:
    head = sign_in("head")
    send(head, tone(9))
    page = head.get("/settings/sounds").get_data(as_text=True)
    assert "long greetings lose callers" in page and "9 s, long" in page


@pytest.mark.parametrize(
    "content, words",
    [(b"", "No sound was found"), (b"MZ\x00\x00" * 500, "No sound was found"), (None, "Choose a file first.")],
)
def test_what_is_no_sound_is_refused(app: Flask, sign_in: SignIn, content: bytes | None, words: str) -> None:
    head = sign_in("head")
    answer = head.post("/settings/sounds/greeting.en") if content is None else send(head, content)
    assert answer.status_code == 422 and words in answer.get_data(as_text=True)
    assert not Path(app.config["SETTINGS"].sounds, "greeting.en.wav").exists()


def test_a_minute_is_the_most(sign_in: SignIn) -> None:
    answer = send(sign_in("head"), tone(61))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "longer than 60 s" in text
    assert 'href="/settings/sounds" aria-current="page"' in text, "a refused upload stays on its tab"
    assert text.count('aria-current="page"') == 2, "Settings, and Sounds below it"


def test_a_full_disk_is_said(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "KEEP_FREE", 1 << 60)
    answer = send(sign_in("head"), tone(1))
    assert answer.status_code == 422 and "The disk is nearly full" in answer.get_data(as_text=True)


def test_a_broken_upload_on_disk_falls_back_to_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "greeting.en.wav").write_bytes(b"rubbish")
    sound = shelf.find(tmp_path, "greeting.en")
    assert sound and not sound.own and sound.seconds > 1
