"""Where recordings lie, and what a browser is told they are."""

from __future__ import annotations

from pathlib import Path

TYPES = {
    ".wav": "audio/wav",
    ".webm": "audio/webm",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
}


def find(folder: Path, name: str) -> Path | None:
    """The file `name` in the recordings folder; None when there is none, or when its name leads elsewhere."""
    if not name or "\0" in name:
        return None
    folder = folder.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or path.suffix.lower() not in TYPES or not path.is_file():
        return None
    return path


def remove(folder: Path, *names: str) -> None:
    """Delete these files where they are there. Raises OSError."""
    for name in names:
        path = find(folder, name)
        if path is not None:
            path.unlink(missing_ok=True)
