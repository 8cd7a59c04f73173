"""`./desk backup`: a whole copy of the office, made while it works, in a folder of its own beside the earlier ones.

The database is copied as it was at one moment, and nobody waits for that: SQLite by its online backup, PostgreSQL by
`pg_dump`. Recordings that an earlier copy has are linked, not copied again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from webapp.config import Config
from webapp.safekeeping import Refused, bases, manifest, programs
from webapp.safekeeping.bases import Base, Postgres, Sqlite, Sum
from webapp.safekeeping.manifest import File, Manifest

KEPT = 7
"""Backups in one folder; the oldest go."""
WORTH_KEEPING = ("recordings", "sounds", "imports", "scripts", "secret_key", "bridge_token")
"""What of the data folder is copied beside the database."""
UNFINISHED = ".unfinished"
TRIES = 5


def backup(settings: Config, folder: Path, now: datetime, say: Callable[[str], object] = print) -> Path:
    """Add a backup to `folder`; its own folder. Raises Refused, and leaves the earlier ones as they were."""
    os.nice(10)  # a copy can wait, a call can't
    os.umask(0o077)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = settings.data
    if data == folder or data / "recordings" in (folder, *folder.parents):
        raise Refused(f"{folder} is where the desk itself works; name another folder")
    earlier = manifest.all_in(folder)
    name = f"secondring-{now.astimezone(UTC):%Y%m%d-%H%M%SZ}"
    if (folder / name).exists():
        raise Refused(f"{folder / name} is there already")
    unfinished = folder / UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)  # of a backup that was killed
    unfinished.mkdir(mode=0o700)
    last = _Last(earlier[-1], manifest.read(earlier[-1])) if earlier else None
    files: dict[str, File] = {}
    for _ in range(TRIES):
        # Recordings come and go meanwhile: those that the database of one moment names must all be there. Most are
        # copied before it; the few that came since, after it; and one that went between the two is asked for again.
        _copy_files(data, unfinished, last, files)
        kind, revision, tables, named = _copy_database(settings, unfinished)
        _copy_files(data, unfinished, last, files)
        absent = [path for path in named if not (unfinished / "recordings" / path).is_file()]
        if not any((data / "recordings" / path).exists() for path in absent) and absent == _still_named(
            settings, absent
        ):
            break
    database = unfinished / manifest.DATABASES[kind]
    files[database.name] = manifest.file_of(database)
    for path in list(files):
        if not (unfinished / path).is_file() or (unfinished / path).stat().st_size != files[path].size:
            raise Refused(f"{path} was not written as it should be; is the disk full?")
    Manifest(now.astimezone(UTC).isoformat(), kind, revision, tables, files, absent).write(unfinished)
    _to_disk(unfinished)
    unfinished.rename(folder / name)
    for old in manifest.all_in(folder)[:-KEPT]:
        shutil.rmtree(old)
    rows = sum(one.rows for one in tables.values())
    say(f"{folder / name}: {rows:,} rows, {len(files) - 1:,} files, {_megabytes(files)} MB")
    if absent:
        say(f"{len(absent)} recordings that the database names were not there to be copied")
    return folder / name


def named_recordings(base: Base) -> list[str]:
    """The files that the database's recordings are said to be in."""
    if "recording" not in base.tables():
        return []
    columns = [name for name in ("original", "path") if name in base.columns("recording")]
    return sorted({path for row in base.rows("recording", columns) for path in row if path})


class _Last:
    """The backup before this one, whose files need not be copied again."""

    def __init__(self, folder: Path, made: Manifest) -> None:
        self.folder, self.files = folder, made.files


def _copy_files(data: Path, to: Path, last: _Last | None, files: dict[str, File]) -> None:
    """Bring what is in `to` up to date; `files` are what was copied. What went meanwhile stays in the copy: the
    database of the copy may name it."""
    for path in _worth_keeping(data):
        name = path.relative_to(data).as_posix()
        try:
            stat = path.stat()
            copy = to / name
            if name in files and _like(copy, stat):
                continue
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            if last and name in last.files and _like(last.folder / name, stat):
                _link(last.folder / name, copy)
                files[name] = last.files[name]
            else:
                shutil.copy2(path, copy)
                files[name] = manifest.file_of(copy)
        except FileNotFoundError:  # it went while we looked
            continue


def _link(path: Path, copy: Path) -> None:
    try:
        os.link(path, copy)
    except OSError:  # not on every file system
        shutil.copy2(path, copy)


def _worth_keeping(data: Path) -> Iterator[Path]:
    for name in WORTH_KEEPING:
        path = data / name
        if path.is_dir():
            yield from (Path(at) / file for at, _, found in os.walk(path) for file in found)
        elif path.is_file():
            yield path


def _like(path: Path, stat: os.stat_result) -> bool:
    """Whether there is such a file, of the same size and time."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return (there.st_size, there.st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)


def _copy_database(settings: Config, to: Path) -> tuple[str, str, dict[str, Sum], list[str]]:
    """Its kind, its revision, what every table holds, and the recordings it names: all of the copy's moment."""
    path = bases.sqlite_file(settings.database_url)
    if path is None:
        return _dump(settings.database_url, to / manifest.DATABASES["postgresql"])
    if not path.exists():
        raise Refused(f"there is no office in {path}")
    target = to / manifest.DATABASES["sqlite"]
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, timeout=10)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)  # in one go: in steps it would begin anew with whatever anybody writes
        copy.execute("pragma journal_mode = delete")
        if copy.execute("pragma integrity_check").fetchall() != [("ok",)]:
            raise Refused(f"{path} is damaged: `pragma integrity_check` tells where")
        base = Sqlite(copy)
        return "sqlite", base.revision(), bases.sums(base), named_recordings(base)


def _dump(database_url: str, target: Path) -> tuple[str, str, dict[str, Sum], list[str]]:
    with bases.postgres_connection(database_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        [snapshot] = connection.execute("select pg_export_snapshot()").fetchone()  # type: ignore[misc]
        words = ["--format=custom", "--compress=1", "--no-owner", "--no-acl", "--schema=public"]
        programs.run("pg_dump", database_url, *words, f"--snapshot={snapshot}", f"--file={target}")
        programs.run("pg_restore", database_url, "--list", str(target))
        base = Postgres(connection)
        if not base.revision():
            raise Refused("there is no office in this database")
        return "postgresql", base.revision(), bases.sums(base), named_recordings(base)


def _still_named(settings: Config, absent: list[str]) -> list[str]:
    """Those of the recordings that the desk's database names now."""
    if not absent:
        return []
    path = bases.sqlite_file(settings.database_url)
    if path:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            now = named_recordings(Sqlite(connection))
    else:
        with bases.postgres_connection(settings.database_url) as there:
            now = named_recordings(Postgres(there))
    return [name for name in absent if name in set(now)]


def _to_disk(folder: Path) -> None:
    """Everything is on the disk before the folder gets its name."""
    for at, _, found in os.walk(folder):
        for path in (*(Path(at) / name for name in found), Path(at)):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _megabytes(files: dict[str, File]) -> str:
    return f"{sum(file.size for file in files.values()) / 1e6:,.1f}"
