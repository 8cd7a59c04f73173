"""A finished recording made small: Opus in WebM, two channels kept apart, with its picture and its levels.

Opus at 16 kbit/s a channel takes a seventh of the WAV; FLAC takes a third (both measured on telephone speech: 34, 85
and 256 kbit/s). Above this rate the speech hardly gains: its distance from the original shrinks by less than 1 dB up
to 24 kbit/s a channel. In WebM it plays in Chromium, Firefox and Safari from 17 on; in Ogg Safari needs 18.4.
"""

from __future__ import annotations

import audioop
import math
import os
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

BITS_A_CHANNEL = 16_000
RATES = (8000, 12_000, 16_000, 24_000, 48_000)
LONGEST_SECONDS = 24 * 3600
SLICES = 600
SPEECH_RMS = 150
"""Of 20 ms, on a scale to 32768 (-47 dBFS): quieter is breath and line noise."""
MOST_DRIFT = 0.1
"""Seconds by which the stored file may differ from its original."""


class Unreadable(ValueError):
    """The file is no recording of ours, or was damaged; the text says how."""


@dataclass(frozen=True, slots=True)
class Level:
    """One channel: `rms` of its speech alone and `peak`, in dBFS, None for silence; `speech`: its share of the time."""

    rms: float | None
    peak: float | None
    speech: float


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of it. `peaks`: per channel the loudest sample of each slice, 0 to 100."""

    seconds: float
    size: int
    peaks: list[list[int]]
    levels: list[Level]


class Meter:
    """Looks at 20 ms of every channel at a time."""

    def __init__(self, channels: int, samples: int, step: int) -> None:
        self._samples, self._step, self._at = samples, step, 0
        self._slices = max(1, min(SLICES, math.ceil(samples / step)))
        self.peaks = [[0] * self._slices for _ in range(channels)]
        self._loudest = [0] * channels
        self._energy = [0.0] * channels
        self._speech = [0] * channels

    def take(self, channels: list[bytes]) -> None:
        """The next second or so of samples, 16 bits each."""
        for begin in range(0, len(channels[0]) // 2, self._step):
            slice_ = min(self._slices - 1, (self._at + begin) * self._slices // self._samples)
            for number, pcm in enumerate(channels):
                piece = pcm[2 * begin : 2 * (begin + self._step)]
                peak, rms = audioop.max(piece, 2), audioop.rms(piece, 2)
                percent = round(100 * min(peak, 32767) / 32767)
                self.peaks[number][slice_] = max(self.peaks[number][slice_], percent)
                self._loudest[number] = max(self._loudest[number], peak)
                if rms >= SPEECH_RMS:
                    self._energy[number] += rms * rms
                    self._speech[number] += 1
        self._at += len(channels[0]) // 2

    def levels(self) -> list[Level]:
        """Of all that was taken."""
        steps = max(1, math.ceil(self._at / self._step))
        return [
            Level(
                rms=_decibels(math.sqrt(self._energy[number] / count)) if count else None,
                peak=_decibels(self._loudest[number]),
                speech=round(count / steps, 3),
            )
            for number, count in enumerate(self._speech)
        ]


def compress(source: Path, target: Path) -> Stored:
    """Write `source`, a WAV of ours, to `target` and read it back. Raises Unreadable, OSError.

    When it returns, `target` is on the disk, plays to its end and is as long as `source`.
    """
    try:
        with wave.open(str(source), "rb") as sound, av.open(str(target), "w", format="webm") as container:
            rate, channels, samples = sound.getframerate(), sound.getnchannels(), sound.getnframes()
            if channels not in (1, 2) or sound.getsampwidth() != 2 or rate not in RATES or not samples:
                raise Unreadable(f"{rate} Hz, {channels} channels, {samples} samples")
            if samples > LONGEST_SECONDS * rate:
                raise Unreadable("longer than a day")
            meter = Meter(channels, samples, rate // 50)
            read = _encode(sound, container, meter)
        _to_disk(target)
        played = _play(target, channels)
    except OSError:  # FFmpeg's among them, for a full disk
        raise
    except (av.FFmpegError, wave.Error, EOFError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error
    if abs(played - read / rate) > MOST_DRIFT:
        raise Unreadable(f"{played} s stored of {read / rate} s")
    return Stored(read / rate, target.stat().st_size, meter.peaks, meter.levels())


def _encode(sound: wave.Wave_read, container: av.container.OutputContainer, meter: Meter) -> int:
    """Encode all of it; returns how many samples there were."""
    rate, channels = sound.getframerate(), sound.getnchannels()
    layout = "stereo" if channels == 2 else "mono"
    stream = container.add_stream("libopus", rate=rate, options={"application": "voip"})
    stream.layout = layout
    stream.bit_rate = BITS_A_CHANNEL * channels
    resampler = av.AudioResampler(format=stream.format, layout=layout, rate=rate)
    at = 0
    while data := sound.readframes(rate):
        frame = av.AudioFrame(format="s16", layout=layout, samples=len(data) // (2 * channels))
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), at
        frame.planes[0].update(data)
        meter.take(_apart(data) if channels == 2 else [data])
        for piece in resampler.resample(frame):
            container.mux(stream.encode(piece))
        at += frame.samples
    for piece in resampler.resample(None):
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))
    return at


def _apart(stereo: bytes) -> list[bytes]:
    return [audioop.tomono(stereo, 2, 1, 0), audioop.tomono(stereo, 2, 0, 1)]


def _play(path: Path, channels: int) -> float:
    """Decode to the end; returns the seconds heard."""
    seconds = 0.0
    for frame in _frames(path):
        if frame.layout.nb_channels != channels:
            raise Unreadable(f"{frame.layout.nb_channels} channels stored of {channels}")
        seconds += frame.samples / frame.sample_rate
    return seconds


def _frames(path: Path) -> Iterator[av.AudioFrame]:
    with av.open(str(path), "r") as container:
        yield from container.decode(audio=0)


def _to_disk(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _decibels(value: float) -> float | None:
    return round(20 * math.log10(min(value, 32767) / 32767), 1) if value >= 1 else None
