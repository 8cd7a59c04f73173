"""What a whole backup says of itself, in `manifest.json`: written last, so that what has none is not whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from webapp.safekeeping import Refused
from webapp.safekeeping.bases import Sum

NAME = "manifest.json"
DATABASES = {"sqlite": "secondring.sqlite", "postgresql": "database.pgdump"}
"""Kind of database -> the file that has it."""


@dataclass(frozen=True)
class File:
    """One file of the backup: bytes, and their SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """`tables`: what the database held; `files`: by path, the database's among them; `absent`: recordings that the
    database names and that were nowhere."""

    made_at: str
    database: str
    revision: str
    tables: dict[str, Sum]
    files: dict[str, File]
    absent: list[str]

    def write(self, folder: Path) -> None:
        """Put it into the backup."""
        (folder / NAME).write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), encoding="utf-8")


def read(folder: Path) -> Manifest:
    """The manifest of a backup. Raises Refused when it is not whole, or not one."""
    try:
        values = json.loads((folder / NAME).read_text(encoding="utf-8"))
        values["tables"] = {name: Sum(**one) for name, one in values["tables"].items()}
        values["files"] = {name: File(**one) for name, one in values["files"].items()}
        manifest = Manifest(**values)
        if DATABASES[manifest.database] not in manifest.files:
            raise KeyError
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise Refused(f"{folder} is not a whole backup") from None
    return manifest


def find(folder: Path) -> Path:
    """The backup itself: the newest whole one in a folder of backups, or the folder. Raises Refused."""
    whole = folder if (folder / NAME).is_file() else max(all_in(folder), default=None)
    if whole is None:
        raise Refused(f"there is no whole backup in {folder}")
    return whole


def all_in(folder: Path) -> list[Path]:
    """The whole backups of a folder, oldest first."""
    return sorted(path.parent for path in folder.glob(f"secondring-*/{NAME}"))


def file_of(path: Path) -> File:
    """Size and checksum of a file as it is now."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(path.stat().st_size, digest)
