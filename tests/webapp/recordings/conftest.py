"""Calls with recordings as the bridge leaves them: two channels of real speech."""

from __future__ import annotations

import audioop
import wave
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import av
import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.webapp.calls.conftest import bridge, make_client, on_duty
from tests.webapp.conftest import Clock
from webapp.calls.models import Call
from webapp.recordings.models import Recording
from webapp.sounds.shelf import SHIPPED

__all__ = ["bridge", "make_client", "on_duty"]
MakeRecording = Callable[..., Recording]
RATE = 8000


def speech(name: str) -> bytes:
    """What a shipped sound says, as samples of 16 bits."""
    with wave.open(str(SHIPPED / name)) as sound:
        return sound.readframes(sound.getnframes())


def dialogue(louder: float = 1.0) -> bytes:
    """A caller speaks, then a manager, who is `louder` times as loud; both as a telephone line carries them."""
    caller, manager = speech("speech.en.wav"), audioop.mul(speech("greeting.en.wav"), 2, louder)
    left, right = caller + bytes(len(manager)), bytes(len(caller)) + manager
    left, right = (audioop.alaw2lin(audioop.lin2alaw(side, 2), 2) for side in (left, right))
    return audioop.add(audioop.tostereo(left, 2, 1, 0), audioop.tostereo(right, 2, 0, 1), 2)


def write_wav(path: Path, pcm: bytes, channels: int = 2) -> None:
    """As the bridge's recorder writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(pcm)


def heard(path: Path) -> list[bytes]:
    """The channels of any recording, decoded, as samples of 16 bits at RATE."""
    pcm = bytearray()
    with av.open(str(path)) as container:
        channels = container.streams.audio[0].layout.nb_channels
        resampler = av.AudioResampler(format="s16", layout="stereo" if channels == 2 else "mono", rate=RATE)
        for frame in [*container.decode(audio=0), None]:
            if frame is not None:
                frame.pts = None
            for piece in resampler.resample(frame):
                pcm += bytes(piece.planes[0])[: 2 * channels * piece.samples]
    data = bytes(pcm)
    return [data] if channels == 1 else [audioop.tomono(data, 2, 1, 0), audioop.tomono(data, 2, 0, 1)]


@pytest.fixture
def folder(app: Flask) -> Path:
    path: Path = app.config["SETTINGS"].recordings
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
def make_recording(session: Session, folder: Path, clock: Clock) -> MakeRecording:
    """`make_recording("c1", pcm, kind="message", line_id=1)` gives a recording that is ready, with its file."""

    def make(
        name: str, pcm: bytes | None = None, *, kind: str = "talk", channels: int = 2,
        ready_at: datetime | None = None, **of_call: object,
    ) -> Recording:  # fmt: skip
        pcm = dialogue() if pcm is None else pcm
        path = f"2026/03/{name}.wav"
        write_wav(folder / path, pcm, channels)
        at = ready_at or clock()
        values: dict[str, object] = {"state": "ended", "answered_at": at, "end_reason": "completed", **of_call}
        call = Call(call_id=name, offered_at=at, **values)
        seconds = len(pcm) / 2 / channels / RATE
        recording = Recording(call=call, kind=kind, path=path, seconds=seconds, ready_at=at)
        session.add(recording)
        session.commit()
        return recording

    return make
