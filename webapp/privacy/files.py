"""What lies beside the database: recordings, ladders of calls, lists that were taken in, and the bridge's own notes."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from webapp.calls.models import Call
from webapp.recordings import files as recordings
from webapp.recordings.models import Recording

ROWS = ".rows"
MOST_READ = 256 << 20


def erase(data: Path, call_names: Iterable[str], names: Iterable[tuple[str, str]], texts: set[str]) -> dict[str, int]:
    """Delete the recordings (`names`: path and original), the ladders of these calls, and files that name them.

    The bridge may be at work: of its notes only the letters are replaced, in place. Raises OSError.
    """
    counts = {"recordings": 0, "ladders": 0, "lists": 0}
    for pair in names:
        recordings.remove_all(data / "recordings", *pair)
        counts["recordings"] += 1
    for name in call_names:
        for path in (data / "ladders").glob(f"*/{_safe(name)}.json"):
            path.unlink(missing_ok=True)
            counts["ladders"] += 1
    for name in lists_holding(data, texts):
        for path in _lists(data):
            if path.name.removesuffix(ROWS) == name:
                path.unlink(missing_ok=True)
        counts["lists"] += 1
    for path in data.glob("bridge*/offered.jsonl"):
        _mask(path, texts)
    for path in data.glob("bridge*/outbox.sqlite"):
        _forget_refused(path, texts)
    return {name: count for name, count in counts.items() if count}


def _safe(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "._-" else "?" for sign in name)


def _lists(data: Path) -> Iterator[Path]:
    yield from (path for path in (data / "imports").glob("**/*") if path.is_file())


def lists_holding(data: Path, texts: set[str]) -> list[str]:
    """The names of uploaded lists that hold one of these texts, themselves or in the rows read out of them."""
    return sorted({path.name.removesuffix(ROWS) for path in _lists(data) if _holds(path, texts)})


def _holds(path: Path, texts: set[str]) -> bool:
    """Whether a file holds one of these texts, in any encoding lists come in; an xlsx is looked into."""
    wanted = [one for text in texts for one in _encoded(text)]
    with contextlib.suppress(OSError, zipfile.BadZipFile):
        if not zipfile.is_zipfile(path):
            return _in(path.open("rb"), wanted)
        with zipfile.ZipFile(path) as pack:
            return any(_part_holds(pack, part, wanted) for part in pack.infolist())
    return False


def _part_holds(pack: zipfile.ZipFile, part: zipfile.ZipInfo, wanted: list[bytes]) -> bool:
    """A part that can't be unpacked holds nothing that anybody reads; the others are looked into all the same."""
    with contextlib.suppress(OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError):
        return _in(pack.open(part), wanted)
    return False


def _encoded(text: str) -> set[bytes]:
    found = {text.encode(), json.dumps(text)[1:-1].encode()}
    for name in ("cp1251", "utf-16-le", "iso8859-7"):
        with contextlib.suppress(UnicodeEncodeError):
            found.add(text.encode(name))
    return found


def _in(stream: IO[bytes], wanted: list[bytes]) -> bool:
    """Read in pieces that overlap; more than MOST_READ is no list of ours."""
    with contextlib.closing(stream):
        tail, read = b"", 0
        while (piece := stream.read(1 << 20)) and read < MOST_READ:
            read += len(piece)
            if any(one in tail + piece for one in wanted):
                return True
            tail = piece[-400:]
    return False


def _mask(path: Path, texts: set[str]) -> None:
    """Overwrite these texts where they stand with as many dots: whoever appends to the file is not disturbed."""
    with contextlib.suppress(FileNotFoundError), path.open("r+b") as file:
        whole = file.read()
        for wanted in sorted({one.encode() for one in texts}, key=len, reverse=True):
            at = whole.find(wanted)
            while at >= 0:
                file.seek(at)
                file.write(b"." * len(wanted))
                at = whole.find(wanted, at + len(wanted))


def _forget_refused(path: Path, texts: set[str]) -> None:
    """Events that the desk once refused are put aside there; those that name them go, and leave no trace."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path, timeout=5)) as outbox:
        outbox.execute("pragma secure_delete=on")
        for wanted in texts:
            outbox.execute("delete from refused where instr(envelope, ?) > 0", (wanted,))
        outbox.commit()
        outbox.execute("vacuum")
        outbox.execute("pragma wal_checkpoint(truncate)")


def of_calls(session: Session, call_ids: list[int]) -> tuple[list[str], list[tuple[str, str]]]:
    """The names under which the bridge keeps these calls, and the files of their recordings."""
    names = session.scalars(select(Call.call_id).where(Call.id.in_(call_ids))).all()
    paths = select(Recording.path, Recording.original).where(Recording.call_id.in_(call_ids), Recording.path != "")
    return list(names), list(session.execute(paths).tuples())


def compact(session: Session, whole: bool) -> None:
    """After the commit: what was deleted is overwritten on the disk too. `whole`: the file is written anew.

    SQLite keeps deleted rows in free pages and in its log; PostgreSQL keeps them until VACUUM. An export of the file
    by another way (backups) keeps them as long as it is kept itself.
    """
    engine = session.get_bind().engine
    session.close()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            raw = connection.connection.driver_connection
            assert raw is not None  # noqa: S101
            if raw.in_transaction:
                raw.execute("commit")
            if whole:
                raw.execute("vacuum")
            raw.execute("pragma wal_checkpoint(truncate)")
        elif whole:
            connection.execute(text("vacuum full"))
