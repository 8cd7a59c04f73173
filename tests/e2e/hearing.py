"""Hearing: tones made, and found again in what somebody recorded."""

from __future__ import annotations

import math
import wave
from array import array
from collections.abc import Sequence
from pathlib import Path

RATE = 8000
TONE = 0.5
"""Everything but a clean tone falls below this share: speech, ringback (two tones' beat aside), noise, silence."""


def samples_of(hz: float, seconds: float, loudness: int = 8000) -> array[int]:
    """A tone, 16 bit, 8000 a second."""
    step = 2 * math.pi * hz / RATE
    return array("h", (round(loudness * math.sin(step * n)) for n in range(round(RATE * seconds))))


def write_tone(path: Path, hz: float, seconds: float) -> Path:
    """A mono WAV of a tone."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples_of(hz, seconds).tobytes())
    return path


def channels(path: Path) -> list[array[int]]:
    """The channels of a 16-bit WAV of 8000 samples a second."""
    with wave.open(str(path), "rb") as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, RATE), path
        all_samples = array("h", file.readframes(file.getnframes()))
        return [all_samples[n :: file.getnchannels()] for n in range(file.getnchannels())]


def share(samples: Sequence[int], hz: float) -> float:
    """How much of the sound's power is a tone of `hz`: 1 a clean tone, 0 none, and 0 for silence (Goertzel)."""
    turn = 2 * math.cos(2 * math.pi * hz / RATE)
    before = last = 0.0
    power = 0
    for sample in samples:
        before, last = last, sample + turn * last - before
        power += sample * sample
    if power < 100 * 100 * len(samples) or not samples:
        return 0.0
    return (before**2 + last**2 - turn * before * last) / (power * len(samples) / 2)


def seconds_of(samples: Sequence[int], hz: float) -> float:
    """For how long the tone is heard, looking at a tenth of a second at a time."""
    piece = RATE // 10
    pieces = [samples[at : at + piece] for at in range(0, len(samples) - piece + 1, piece)]
    return sum(share(one, hz) > TONE for one in pieces) / 10
