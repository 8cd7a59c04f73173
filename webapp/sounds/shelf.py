"""The sounds callers hear, by file name: the head's own upload, else the shipped one.

The bridge looks for the same file names in the same two folders. What a sound says is kept beside an upload, so that
a call can tell what its parties were told.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sipbridge import events
from webapp.languages import LANGUAGES
from webapp.sounds.convert import LONG_SECONDS, LONGEST_SECONDS, MOST_BYTES, Converted, to_telephone

KINDS = ("greeting", "notice", "message", "apology")
"""Spoken by the office in every language: message is the apology that invites to leave a voice message."""
HOLD = "hold"
OF_LINES = ("greeting", "menu")
"""What a line may have of its own; a menu is always the line's own."""
NAME = re.compile(
    rf"(?P<kind>{'|'.join(KINDS)})\.(?P<language>{'|'.join(LANGUAGES)})"
    rf"|(?P<hold>{HOLD})"
    rf"|(?P<own>{'|'.join(OF_LINES)})\.line(?P<line>[1-9][0-9]{{0,8}})",
    re.ASCII,
)
SHIPPED = Path(events.__file__).parent / "media" / "sounds"
WORDS: dict[str, str] = {
    name: speech["text"] for name, speech in json.loads((SHIPPED / "words.json").read_text(encoding="utf-8")).items()
}
LONGEST_HOLD = 300.0
LONGEST_TEXT = 600
KEEP_FREE = 100 * 1024 * 1024
"""Bytes of the disk that recordings and the database need more than a new greeting."""


class DiskFull(OSError):
    """An upload would leave too little room on the disk."""


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound. `own`: the head's upload; `text`: what it says, as far as known; `line_id`: whose own it is, or None.

    `long`: a greeting that will try a caller's patience (D20).
    """

    name: str
    kind: str
    language: str
    line_id: int | None
    path: Path
    own: bool
    seconds: float
    version: int
    text: str

    @property
    def long(self) -> bool:
        return self.own and self.kind == "greeting" and self.seconds > LONG_SECONDS


def sounds(folder: Path) -> list[Sound]:
    """What callers of every line hear now; `folder` holds the uploads. Missing ones are left out."""
    names = [f"{kind}.{language}" for kind in KINDS for language in LANGUAGES] + [HOLD]
    return [sound for sound in (find(folder, name) for name in names) if sound is not None]


def is_name(name: str) -> bool:
    """Some sound may have this name; others can neither be read nor written."""
    return NAME.fullmatch(name) is not None


def of_line(kind: str, line_id: int) -> str:
    """The name of a line's own greeting or menu."""
    return f"{kind}.line{line_id}"


def longest(name: str) -> float:
    """How many seconds a sound of this name may last."""
    return LONGEST_HOLD if name == HOLD else LONGEST_SECONDS


def find(folder: Path, name: str) -> Sound | None:
    """The sound callers hear now; None when there is none of this name."""
    match = NAME.fullmatch(name)
    if match is None:
        return None
    for place in (folder, SHIPPED):
        path = place / f"{name}.wav"
        try:
            seconds, version = _seconds(path), path.stat().st_mtime_ns
        except (OSError, wave.Error, EOFError):
            continue
        own = place is folder
        return Sound(
            name,
            match["kind"] or match["hold"] or match["own"],
            match["language"] or "",
            int(match["line"]) if match["line"] else None,
            path,
            own,
            seconds,
            version,
            _own_text(path) if own else WORDS.get(name, ""),
        )
    return None


def words_of(folder: Path, file_name: str) -> tuple[str, str]:
    """What the sound of this file says and its version, a short hash of the file; ('', '') when there is none."""
    sound = find(folder, file_name.removesuffix(".wav"))
    if sound is None:
        return "", ""
    return sound.text, _hash(sound.path)


def replace(folder: Path, name: str, upload: IO[bytes], text: str = "") -> Converted:
    """Use `upload`, which says `text`, from the next call on. Raises convert.SoundRefused, DiskFull, OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < KEEP_FREE + 2 * MOST_BYTES:
        raise DiskFull
    path = folder / f"{name}.wav"
    converted = to_telephone(upload.read(MOST_BYTES + 1), path, longest(name))
    write_text(folder, name, text)
    return converted


def write_text(folder: Path, name: str, text: str) -> None:
    """What the head's own sound says. It holds for this very file: another upload has words of its own."""
    path = folder / f"{name}.wav"
    beside, fresh = path.with_suffix(".json"), path.with_suffix(".json.new")
    fresh.write_text(json.dumps({"version": _hash(path), "text": text}, ensure_ascii=False), encoding="utf-8")
    os.replace(fresh, beside)


def back_to_shipped(folder: Path, name: str) -> None:
    """Use the shipped one again, or none; the upload is gone. OSError when it can't be removed."""
    path = folder / f"{name}.wav"
    path.unlink(missing_ok=True)
    path.with_suffix(".json").unlink(missing_ok=True)


def _own_text(path: Path) -> str:
    try:
        kept = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return str(kept["text"]) if kept["version"] == _hash(path) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _seconds(path: Path) -> float:
    with wave.open(str(path), "rb") as sound:
        return sound.getnframes() / sound.getframerate()
