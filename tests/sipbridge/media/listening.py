"""Hearing a tone in samples, and reading recordings."""

from __future__ import annotations

import array
import math
import wave
from pathlib import Path


def loudness(samples: array.array[int], hz: float, rate: int = 8000) -> float:
    """The share of the samples' energy at `hz`, 0 to 1 (Goertzel)."""
    if not any(samples):
        return 0.0
    coefficient = 2 * math.cos(2 * math.pi * hz / rate)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + coefficient * last - before
    power = last * last + before * before - coefficient * last * before
    return 2 * power / (len(samples) * sum(sample * sample for sample in samples))


def channels(path: Path) -> tuple[array.array[int], array.array[int]]:
    """Left and right of a recording."""
    with wave.open(str(path), "rb") as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 2, 2)
        samples = array.array("h", sound.readframes(sound.getnframes()))
        assert len(samples) == 2 * sound.getnframes()
    return samples[0::2], samples[1::2]
