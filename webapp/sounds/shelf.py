"""The announcements callers hear, per kind and language: the head's own upload, else the shipped one.

The bridge looks for the same file names in the same two folders.
"""

from __future__ import annotations

import shutil
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sipbridge import events
from webapp.languages import LANGUAGES
from webapp.sounds.convert import LONG_SECONDS, MOST_BYTES, Converted, to_telephone

KINDS = ("greeting", "apology")
SHIPPED = Path(events.__file__).parent / "media" / "sounds"
KEEP_FREE = 100 * 1024 * 1024
"""Bytes of the disk that recordings and the database need more than a new greeting."""


class DiskFull(OSError):
    """An upload would leave too little room on the disk."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One announcement. `own`: the head's upload; `long`: such a one that will try a caller's patience (D20)."""

    kind: str
    language: str
    path: Path
    own: bool
    seconds: float
    version: int

    @property
    def long(self) -> bool:
        return self.own and self.seconds > LONG_SECONDS


def sounds(folder: Path) -> list[Sound]:
    """What callers hear now, in every language; `folder` holds the uploads. Missing ones are left out."""
    found = (find(folder, kind, language) for kind in KINDS for language in LANGUAGES)
    return [sound for sound in found if sound is not None]


def find(folder: Path, kind: str, language: str) -> Sound | None:
    """The announcement callers hear now; None when there is none of this kind and language."""
    if kind not in KINDS or language not in LANGUAGES:
        return None
    for place in (folder, SHIPPED):
        path = place / f"{kind}.{language}.wav"
        try:
            return Sound(kind, language, path, place is folder, _seconds(path), path.stat().st_mtime_ns)
        except (OSError, wave.Error, EOFError):
            continue
    return None


def replace(folder: Path, kind: str, language: str, upload: IO[bytes]) -> Converted:
    """Use `upload` from the next call on. Raises convert.SoundRefused, DiskFull, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < KEEP_FREE + 2 * MOST_BYTES:
        raise DiskFull
    return to_telephone(upload.read(MOST_BYTES + 1), folder / f"{kind}.{language}.wav")


def back_to_shipped(folder: Path, kind: str, language: str) -> None:
    """Use the shipped one again; the upload is gone. OSError when it can't be removed."""
    (folder / f"{kind}.{language}.wav").unlink(missing_ok=True)


def _seconds(path: Path) -> float:
    with wave.open(str(path), "rb") as sound:
        return sound.getnframes() / sound.getframerate()
