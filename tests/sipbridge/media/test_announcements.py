from __future__ import annotations

import array
import itertools
import logging
import os
import wave
from pathlib import Path

import pytest

from sipbridge.media.announcements import SHIPPED, Announcements
from sipbridge.media.g711 import decode, encode
from sipbridge.media.tones import ringback, tone, tone_pcm
from tests.sipbridge.media.listening import loudness


def write_wav(path: Path, pcm: bytes, rate: int = 8000, channels: int = 1) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(pcm)


def test_the_offices_own_sound_comes_first(tmp_path: Path) -> None:
    sounds = Announcements(tmp_path)
    shipped = sounds.payload("greeting.en.wav", "PCMU")
    assert shipped is not None
    own = tone_pcm(440, 0.5)
    write_wav(tmp_path / "greeting.en.wav", own)
    assert sounds.payload("greeting.en.wav", "PCMU") == encode(own, "PCMU")
    assert sounds.payload("greeting.en.wav", "PCMA") == encode(own, "PCMA")
    assert sounds.seconds("greeting.en.wav") == 0.5
    (tmp_path / "greeting.en.wav").unlink()
    assert sounds.payload("greeting.en.wav", "PCMU") == shipped


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    sounds = Announcements(tmp_path)
    path = tmp_path / "own.wav"
    write_wav(path, tone_pcm(440, 0.5))
    first = sounds.payload("own.wav", "PCMU")
    assert sounds.payload("own.wav", "PCMU") is first
    write_wav(path, tone_pcm(600, 0.5))
    os.utime(path, ns=(1, 1))
    second = sounds.payload("own.wav", "PCMU")
    assert second is not None and second != first


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../sounds/hold.wav", "/etc/passwd", "a\\b.wav", "a\0b", ".hidden.wav", "x" * 5000, "missing.wav"],
)
def test_no_path_leads_out_of_the_folders(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    for sound in (tmp_path / "hold.wav", folder / ".hidden.wav"):
        write_wav(sound, tone_pcm(440, 0.1))
    sounds = Announcements(folder)
    assert sounds.payload(name, "PCMU") is None
    assert sounds.seconds(name) == 0


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no WAV"),
        (b"RIFF\0\0\0\0WAVE", "no WAV"),
        (os.urandom(500), "no WAV"),
        ("stereo", "2 channels"),
        ("fast", "44100 Hz"),
        ("none", "empty"),
    ],
)
def test_a_broken_file_is_told_once_and_the_shipped_one_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | str, reason: str
) -> None:
    path = tmp_path / "apology.ru.wav"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pcm = b"" if content == "none" else bytes(800)
        write_wav(path, pcm, 44100 if content == "fast" else 8000, 2 if content == "stereo" else 1)
    sounds = Announcements(tmp_path)
    with caplog.at_level(logging.WARNING):
        first = sounds.payload("apology.ru.wav", "PCMU")
        second = sounds.payload("apology.ru.wav", "PCMU")
    assert first is second and first is not None and len(first) > 8000
    assert [reason in record.getMessage() for record in caplog.records] == [True]


def test_a_missing_sound_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    sounds = Announcements()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert sounds.payload("nowhere.wav", "PCMA") is None
    assert len(caplog.records) == 1


def test_a_folder_by_that_name_is_no_sound(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    assert Announcements(tmp_path).payload("folder.wav", "PCMU") is None


@pytest.mark.parametrize(
    ("name", "shortest", "longest"),
    [
        ("greeting.en.wav", 2, 6),
        ("greeting.ru.wav", 2, 6),
        ("apology.en.wav", 5, 12),
        ("apology.ru.wav", 5, 12),
        ("speech.en.wav", 8, 13),
        ("speech.ru.wav", 8, 13),
        ("notice.en.wav", 1, 5),
        ("notice.ru.wav", 1, 5),
        ("message.en.wav", 6, 15),
        ("message.ru.wav", 6, 15),
        ("hold.wav", 30, 60),
    ],
)
def test_the_shipped_sounds_are_of_even_level_and_do_not_clip(name: str, shortest: float, longest: float) -> None:
    sounds = Announcements()
    assert shortest < sounds.seconds(name) < longest
    with wave.open(str(SHIPPED / name), "rb") as sound:
        samples = array.array("h", sound.readframes(sound.getnframes()))
    peak = max(map(abs, samples))
    rms = (sum(sample * sample for sample in samples) / len(samples)) ** 0.5
    assert 15_000 < peak < 30_000
    assert 2_000 < rms < 4_000
    assert abs(sum(samples) / len(samples)) < 50  # no direct current


def test_hold_music_has_no_seam() -> None:
    with wave.open(str(SHIPPED / "hold.wav"), "rb") as sound:
        samples = array.array("h", sound.readframes(sound.getnframes()))
    steps = sorted(abs(b - a) for a, b in itertools.pairwise(samples))
    assert abs(samples[0] - samples[-1]) <= steps[-1]


@pytest.mark.parametrize(("codec", "payload_type"), [("PCMU", 0), ("PCMA", 8)])
def test_tones_have_their_pitch(codec: str, payload_type: int) -> None:
    samples = array.array("h", decode(tone(codec, 1000, 0.5), payload_type))
    assert len(samples) == 4000
    assert loudness(samples, 1000) > 0.95
    assert loudness(samples, 425) < 0.01


@pytest.mark.parametrize(("codec", "payload_type"), [("PCMU", 0), ("PCMA", 8)])
def test_ringback_is_a_second_on_and_four_off(codec: str, payload_type: int) -> None:
    samples = array.array("h", decode(ringback(codec), payload_type))
    assert len(samples) == 5 * 8000
    assert loudness(samples[:8000], 425) > 0.95
    assert max(map(abs, samples[8000:])) <= 8
