"""Tones made on the spot: what a telephone says without words."""

from __future__ import annotations

import array
import functools
import math

from sipbridge.media.g711 import encode
from sipbridge.media.rtp import SAMPLE_RATE

RINGBACK_HZ = 425
_AMPLITUDE = 8000  # about -15 dBm0: plainly heard, not loud
_FADE = 40  # samples; a tone that starts at once clicks


def tone_pcm(hz: float, seconds: float) -> bytes:
    """A sine as signed 16-bit samples at 8000 Hz, its ends faded over 5 ms."""
    count = round(seconds * SAMPLE_RATE)
    step = 2 * math.pi * hz / SAMPLE_RATE
    samples = array.array("h", bytes(2 * count))
    for i in range(count):
        fade = min(1.0, i / _FADE, (count - 1 - i) / _FADE)
        samples[i] = round(_AMPLITUDE * fade * math.sin(step * i))
    return samples.tobytes()


@functools.lru_cache(maxsize=32)
def tone(codec: str, hz: float, seconds: float) -> bytes:
    """A sine in `codec`, for `Stream.play`."""
    return encode(tone_pcm(hz, seconds), codec)


@functools.lru_cache(maxsize=2)
def ringback(codec: str) -> bytes:
    """The ringing tone of most of Europe, to be looped: 1 s of 425 Hz, 4 s of silence."""
    return encode(tone_pcm(RINGBACK_HZ, 1.0) + bytes(2 * 4 * SAMPLE_RATE), codec)


@functools.lru_cache(maxsize=2)
def busy(codec: str) -> bytes:
    """The busy tone of most of Europe, to be looped: 0.35 s of 425 Hz, 0.35 s of silence."""
    return encode(tone_pcm(RINGBACK_HZ, 0.35) + bytes(2 * round(0.35 * SAMPLE_RATE)), codec)


@functools.lru_cache(maxsize=2)
def silence(codec: str) -> bytes:
    """A second of nothing, to be looped."""
    return encode(bytes(2 * SAMPLE_RATE), codec)
