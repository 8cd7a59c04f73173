"""G.711: what a sound is on a telephone line, one byte a sample, 8000 a second (ITU-T G.711)."""

from __future__ import annotations

import audioop
import wave
from pathlib import Path

from sipbridge.media.rtp import SAMPLE_RATE

CODECS = ("PCMU", "PCMA")
# Five minutes: more than any announcement, and enough for music.
_LONGEST_SAMPLES = 300 * SAMPLE_RATE


class BadSound(ValueError):
    """A sound file that can't be played; the text says why."""


def encode(pcm: bytes, codec: str) -> bytes:
    """Signed 16-bit samples as bytes of `codec`."""
    return audioop.lin2ulaw(pcm, 2) if codec == "PCMU" else audioop.lin2alaw(pcm, 2)


def decode(payload: bytes, payload_type: int) -> bytes:
    """Bytes of a received packet as signed 16-bit samples."""
    return audioop.ulaw2lin(payload, 2) if payload_type == 0 else audioop.alaw2lin(payload, 2)


def read_wav(path: Path) -> bytes:
    """The samples of a WAV file of 8000 Hz, one channel, 16 bits. Raises BadSound, OSError."""
    try:
        with wave.open(str(path), "rb") as sound:
            shape = (sound.getframerate(), sound.getnchannels(), sound.getsampwidth())
            if shape != (SAMPLE_RATE, 1, 2):
                rate, channels, width = shape
                raise BadSound(f"is {rate} Hz, {channels} channels, {8 * width} bits; not 8000 Hz, 1, 16")
            pcm = sound.readframes(_LONGEST_SAMPLES)
    except (wave.Error, EOFError) as error:
        raise BadSound(f"is no WAV file ({error or 'cut off'})") from error
    if len(pcm) < 2:
        raise BadSound("is empty")
    return pcm[: len(pcm) & ~1]
