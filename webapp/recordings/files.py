"""Where recordings lie, and what a browser is told they are."""

from __future__ import annotations

from pathlib import Path

STORED = ".webm"
"""What a recording at rest is."""
PART = f"{STORED}.part"
"""One that is still being made."""
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


def remove_all(folder: Path, *names: str) -> None:
    """Delete these files and what a worker that died had begun to make of them. Raises OSError."""
    remove(folder, *names)
    folder = folder.resolve()
    for path in ((folder / name).resolve() for name in names if name and "\0" not in name):
        if path.is_relative_to(folder) and path.suffix.lower() in TYPES:
            path.with_suffix(STORED).unlink(missing_ok=True)
            path.with_suffix(PART).unlink(missing_ok=True)
