"""Uploads as people and attackers make them."""

from __future__ import annotations

import array
import io
import math
import os
import struct
import wave
from pathlib import Path

import av
import pytest

from webapp.sounds.convert import Converted, NotAudio, TooBig, TooLong, to_telephone

FORMATS = {
    "mp3": ("mp3", "libmp3lame", 44100, "stereo"),
    "ogg": ("ogg", "vorbis", 44100, "stereo"),
    "opus": ("ogg", "libopus", 48000, "mono"),
    "flac": ("flac", "flac", 96000, "stereo"),
    "m4a": ("mp4", "aac", 48000, "stereo"),
    "aac": ("adts", "aac", 22050, "mono"),
    "webm": ("webm", "libopus", 48000, "stereo"),
    "wav": ("wav", "pcm_s24le", 44100, "stereo"),
    "old wav": ("wav", "pcm_u8", 11025, "mono"),
}


def samples_of(seconds: float, rate: int, volume: float = 0.1, hz: float = 700) -> bytes:
    step = 2 * math.pi * hz / rate
    loud = 32767 * volume
    return array.array("h", (round(loud * math.sin(step * i)) for i in range(round(seconds * rate)))).tobytes()


def encoded(kind: str, seconds: float = 2.0, volume: float = 0.1) -> bytes:
    container_format, codec, rate, layout = FORMATS[kind]
    file = io.BytesIO()
    with av.open(file, "w", format=container_format) as container:
        # FFmpeg calls its own Vorbis encoder experimental; the others pay no heed to the option.
        stream = container.add_stream(codec, rate=rate, options={"strict": "experimental"})
        assert isinstance(stream, av.AudioStream)
        stream.layout = layout
        frame = av.AudioFrame(format="s16", layout="mono", samples=round(seconds * rate))
        frame.planes[0].update(samples_of(seconds, rate, volume).ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate = rate
        resampler = av.AudioResampler(stream.format.name, layout, rate, frame_size=stream.frame_size or None)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return file.getvalue()


def plain_wav(seconds: float, rate: int = 8000, volume: float = 0.1) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples_of(seconds, rate, volume))
    return file.getvalue()


def read(path: Path) -> array.array[int]:
    with wave.open(str(path), "rb") as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        return array.array("h", sound.readframes(sound.getnframes()))


def crossings_a_second(samples: array.array[int]) -> float:
    middle = samples[4000:12000]
    return sum(1 for i in range(1, len(middle)) if middle[i - 1] < 0 <= middle[i])


@pytest.mark.parametrize("kind", FORMATS)
def test_the_usual_formats_become_a_telephone_sound(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "sounds" / "greeting.wav"
    converted = to_telephone(encoded(kind), target)
    samples = read(target)
    assert converted.seconds == pytest.approx(2.0, abs=0.15)
    assert len(samples) == round(converted.seconds * 8000)
    assert not converted.long
    assert crossings_a_second(samples) == pytest.approx(700, abs=3)
    assert [path.name for path in target.parent.iterdir()] == ["greeting.wav"]


@pytest.mark.parametrize("volume", [0.02, 0.1, 0.99])
def test_quiet_and_loud_uploads_come_out_alike(tmp_path: Path, volume: float) -> None:
    to_telephone(plain_wav(2.0, volume=volume), tmp_path / "out.wav")
    samples = read(tmp_path / "out.wav")
    rms = math.sqrt(sum(sample * sample for sample in samples) / len(samples))
    assert rms == pytest.approx(3300, rel=0.05)
    assert max(map(abs, samples)) < 30_000


def test_silence_stays_silence(tmp_path: Path) -> None:
    converted = to_telephone(plain_wav(1.0, volume=0), tmp_path / "out.wav")
    assert converted.seconds == 1.0
    assert not any(read(tmp_path / "out.wav"))


@pytest.mark.parametrize(("seconds", "long"), [(8.0, False), (8.1, True), (60.0, True)])
def test_over_eight_seconds_is_flagged(tmp_path: Path, seconds: float, long: bool) -> None:
    assert to_telephone(plain_wav(seconds), tmp_path / "out.wav") == Converted(seconds, long)


def test_over_a_minute_is_refused_and_what_was_there_stays(tmp_path: Path) -> None:
    target = tmp_path / "greeting.wav"
    target.write_bytes(b"the one before")
    with pytest.raises(TooLong):
        to_telephone(plain_wav(61.0), target)
    with pytest.raises(NotAudio):
        to_telephone(b"no sound", target)
    assert target.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [target]


def test_hours_in_a_small_file_are_refused_without_decoding_them(tmp_path: Path) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=8000)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        frame = av.AudioFrame(format="s16", layout="mono", samples=4096)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate = 8000
        for _ in range(2000 * 10):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(TooLong):
        to_telephone(file.getvalue(), tmp_path / "out.wav")


def test_too_big_is_refused_before_it_is_read_to_the_end(tmp_path: Path) -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            assert size > 0
            self.asked += size
            return bytes(size)

    endless = Endless()
    with pytest.raises(TooBig):
        to_telephone(endless, tmp_path / "out.wav")  # type: ignore[arg-type]
    assert endless.asked <= 21 * 1024 * 1024
    with pytest.raises(TooBig):
        to_telephone(bytes(20 * 1024 * 1024 + 1), tmp_path / "out.wav")


def test_a_file_object_is_accepted(tmp_path: Path) -> None:
    assert to_telephone(io.BytesIO(plain_wav(1.0)), tmp_path / "out.wav").seconds == 1.0


def png() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + os.urandom(500)


HOSTILE = {
    "empty": b"",
    "text": b"This is a letter, not a sound.",
    "picture": png(),
    "program": b"\x7fELF" + os.urandom(2000),
    "entropy": os.urandom(100_000),
    "entropy after RIFF": b"RIFF\xff\xff\xff\xffWAVE" + os.urandom(50_000),
    "entropy after OggS": b"OggS" + os.urandom(50_000),
    "entropy after fLaC": b"fLaC" + os.urandom(50_000),
    "entropy after ID3": b"ID3\x03\0\0\x7f\x7f\x7f\x7f" + os.urandom(50_000),
    "entropy after ftyp": b"\0\0\0\x20ftypM4A " + os.urandom(50_000),
    "entropy after matroska": b"\x1aE\xdf\xa3" + os.urandom(50_000),
    "playlist": b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "list of files": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "WAV of nothing": plain_wav(0.0),
    "WAV with no channels": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"
    + struct.pack("<HHIIHH", 1, 0, 8000, 0, 0, 16)
    + b"data\0\0\0\0",
    "WAV at a mad rate": b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"
    + struct.pack("<HHIIHH", 1, 65535, 0xFFFFFFFF, 1, 65535, 65535)
    + b"data\xff\0\0\0"
    + bytes(255),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_sound_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NotAudio):
        to_telephone(HOSTILE[name], tmp_path / "out.wav")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["mp3", "ogg", "flac", "m4a", "wav"])
def test_damaged_sounds_are_converted_or_refused_never_worse(tmp_path: Path, kind: str) -> None:
    whole = encoded(kind, 1.0)
    damaged = bytearray(whole)
    for position in range(len(whole) // 3, len(whole), 97):
        damaged[position] ^= 0x5A
    for content in (bytes(damaged), whole[: len(whole) // 2], whole[:40]):
        target = tmp_path / "out.wav"
        target.unlink(missing_ok=True)
        try:
            converted = to_telephone(content, target)
        except (NotAudio, TooLong):
            assert not target.exists()
        else:
            assert len(read(target)) == round(converted.seconds * 8000)


def test_a_decoder_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webapp.sounds.convert._DECODING_SECONDS", 0.001)
    with pytest.raises(NotAudio, match="too long"):
        to_telephone(plain_wav(60.0), tmp_path / "out.wav")
    assert list(tmp_path.iterdir()) == []
