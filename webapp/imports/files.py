"""Lists on the disk: kept under a name nobody can guess, readable by the desk alone, gone when they are done with."""

from __future__ import annotations

import contextlib
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

from flask_babel import lazy_gettext as _l

MOST_BYTES = 60 * 1024 * 1024
"""200,000 rows of a dozen columns are 30 to 40 MB."""
MOST_ROWS = 500_000
KEEP_FOR = timedelta(days=7)
_PIECE = 1 << 20


class BadFile(ValueError):
    """A file that can't be taken in; the message says why and what to do, in the reader's language."""

    def __init__(self, message: Any) -> None:
        super().__init__(message)
        self.message = message


def folder(data: Path) -> Path:
    """Where lists lie; made on first use."""
    path = data / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def keep(data: Path, stream: IO[bytes]) -> str:
    """Copy an uploaded list to the data folder, piece by piece; its name there. Raises BadFile and leaves nothing."""
    name = secrets.token_hex(16)
    path = folder(data) / name
    size = 0
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            while piece := stream.read(_PIECE):
                size += len(piece)
                if size > MOST_BYTES:
                    raise BadFile(too_big())
                file.write(piece)
    except OSError:
        path.unlink(missing_ok=True)
        raise BadFile(_l("It could not be written to the disk. Ask the administrator.")) from None
    except BadFile:
        path.unlink(missing_ok=True)
        raise
    if not size:
        path.unlink(missing_ok=True)
        raise BadFile(_l("The file is empty."))
    return name


def too_big() -> Any:
    """What is said of a file over MOST_BYTES."""
    return _l("It is bigger than %(size)d MB. Divide the list into several files.", size=MOST_BYTES >> 20)


def too_many_rows() -> Any:
    """What is said of a list over MOST_ROWS."""
    return _l("More than %(most)d rows. Divide the list into several files.", most=MOST_ROWS)


def path_of(data: Path, name: str) -> Path:
    """The file of that name. Raises BadFile when it is gone."""
    path = folder(data) / name
    if not name or not path.is_file():
        raise BadFile(_l("The file of this list is no longer there. Upload it again."))
    return path


def rows_path(data: Path, name: str) -> Path:
    """Where the list's rows lie once they were read, one a line (`reading.py`)."""
    return folder(data) / f"{name}.rows"


def delete(data: Path, name: str) -> None:
    """Delete a list and what was made of it."""
    if name:
        for path in (folder(data) / name, rows_path(data, name)):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def old(data: Path, now: datetime) -> list[Path]:
    """Files nobody has touched for KEEP_FOR."""
    border = (now - KEEP_FOR).timestamp()
    found = []
    with contextlib.suppress(OSError):
        for path in folder(data).iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < border:
                    found.append(path)
    return found
