"""Uploaded sounds brought to telephone shape: 8000 Hz, one channel, 16 bits, an even level.

Files from outside are hostile, and decoders are large: decoding happens in a process of its own, with bounded
memory, CPU and time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 20 * 1024 * 1024
LONGEST_SECONDS = 60.0
# A greeting longer than this loses callers (D20).
LONG_SECONDS = 8.0
_DECODING_SECONDS = 20.0


class SoundRefused(Exception):
    """An upload that can't become an announcement; the subclass says why."""


class NotAudio(SoundRefused):
    """No sound could be found in the file."""


class TooLong(SoundRefused):
    """It plays longer than allowed."""


class TooBig(SoundRefused):
    """It is bigger than MOST_BYTES."""


@dataclass(frozen=True, slots=True)
class Converted:
    """`long` says that it will try a caller's patience (D20)."""

    seconds: float
    long: bool


def to_telephone(upload: BinaryIO | bytes, target: Path, longest: float = LONGEST_SECONDS) -> Converted:
    """Convert wav, mp3, ogg, opus, flac, m4a, aac or webm to a WAV at `target`, replaced only on success.

    Raises NotAudio, TooLong, TooBig, and OSError when `target` can't be written.
    """
    data = upload if isinstance(upload, bytes) else upload.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise TooBig
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".upload-", dir=target.parent) as scratch:
        source, result = Path(scratch, "source"), Path(scratch, "result.wav")
        source.write_bytes(data)
        seconds = _decode(source, result, longest)
        os.replace(result, target)
    return Converted(seconds, seconds > LONG_SECONDS)


def _decode(source: Path, result: Path, longest: float) -> float:
    script = str(Path(__file__).with_name("decoder.py"))
    command = [sys.executable, "-I", "-W", "ignore", script, str(source), str(result), str(longest)]
    try:
        # An empty environment: whoever takes the decoder over learns no secret from it.
        done = subprocess.run(command, env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=_DECODING_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise NotAudio("decoding took too long") from error
    verdict, _, detail = done.stdout.decode(errors="replace").strip().partition(" ")
    if done.returncode == 0 and verdict == "converted":
        return float(detail)
    if verdict == "too_long":
        raise TooLong
    raise NotAudio(detail[:200] or f"the decoder died of it ({done.returncode})")
