"""`./desk restore`: the office as a backup has it, every row and file compared with what the backup says of itself.

What was there before is put aside, not deleted.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import flask_migrate
from psycopg import sql

from webapp import create_app
from webapp.config import Config
from webapp.db import db
from webapp.safekeeping import Refused, bases, manifest, programs
from webapp.safekeeping.backup import WORTH_KEEPING
from webapp.safekeeping.bases import Base, Postgres, Sqlite
from webapp.safekeeping.manifest import Manifest


def restore(settings: Config, folder: Path, replace: bool, now: datetime, say: Callable[[str], object] = print) -> None:
    """Bring the office back. Raises Refused, and has then changed nothing that matters: the office is as it was."""
    folder = manifest.find(folder)
    made = manifest.read(folder)
    kind = "postgresql" if bases.sqlite_file(settings.database_url) is None else "sqlite"
    if kind != made.database:
        raise Refused(
            f"this is a backup of {made.database}, and DATABASE_URL names {kind}. An SQLite backup is restored into"
            " SQLite and moved by `move-to-postgres` then; there is no way back from PostgreSQL"
        )
    _nobody_works(settings)
    _check_files(folder, made, say)
    aside = f"replaced-{now.astimezone(UTC):%Y%m%d-%H%M%SZ}"
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.umask(0o077)
    if kind == "sqlite":
        replaced = _sqlite(settings, folder, made, replace, aside)
    else:
        replaced = _postgres(settings, folder, made, replace, aside)
    replaced |= _files(settings.data, folder, made, aside)
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
        db.session.remove()
        db.engine.dispose()
    rows = sum(one.rows for one in made.tables.values())
    say(f"The office of {made.made_at[:19].replace('T', ' ')} UTC is back: {rows:,} rows, compared.")
    if replaced:
        place = f"{settings.data / aside}" + (f" and the schema {aside} of the database" if kind != "sqlite" else "")
        say(f"What was there before is in {place}; delete it when all is well.")


def _nobody_works(settings: Config) -> None:
    with suppress(OSError), socket.create_connection(settings.web, 0.5):
        raise Refused("the desk is running; stop it first")


def _check_files(folder: Path, made: Manifest, say: Callable[[str], object]) -> None:
    """Raises Refused when a file is not the one that was written."""
    say(f"Checking {len(made.files):,} files of {folder} ...")
    for name, file in made.files.items():
        path = folder / name
        ours = name == manifest.DATABASES[made.database] or name.partition("/")[0] in WORTH_KEEPING
        if (
            not ours
            or ".." in path.parts
            or not path.resolve().is_relative_to(folder.resolve())
            or not path.is_file()
            or manifest.file_of(path) != file
        ):
            raise Refused(f"the backup is damaged: {path} is not what was written. Nothing was changed")


def _compare(base: Base, made: Manifest) -> None:
    if (base.revision(), bases.sums(base)) != (made.revision, made.tables):
        raise Refused("what came back is not what the backup says it holds; the office is as it was")


def _sqlite(settings: Config, folder: Path, made: Manifest, replace: bool, aside: str) -> bool:
    """Put the file in place; True when there was one."""
    path = bases.sqlite_file(settings.database_url)
    assert path  # noqa: S101
    there = path.exists() and path.stat().st_size > 0
    if there and _has_tables(path) and not replace:
        raise Refused(f"there is an office in {path}; --replace puts it aside and takes the backup's")
    fresh = path.with_name(path.name + ".restoring")
    shutil.copyfile(folder / manifest.DATABASES["sqlite"], fresh)
    with closing(sqlite3.connect(fresh)) as connection:
        _compare(Sqlite(connection), made)
        if connection.execute("pragma foreign_key_check").fetchall():
            raise Refused("rows of the backup refer to others that are not there; the office is as it was")
    if there:
        (settings.data / aside).mkdir(mode=0o700, exist_ok=True)
        for ending in ("-wal", "-shm", ""):
            old = path.with_name(path.name + ending)
            if old.exists():
                old.rename(settings.data / aside / old.name)
    fresh.rename(path)
    return there


def _has_tables(path: Path) -> bool:
    """Raises Refused while the desk has it open."""
    try:
        with bases.sqlite_alone(path) as connection:
            return bool(Sqlite(connection).tables())
    except sqlite3.DatabaseError:  # damaged: what a backup is for
        return True


def _postgres(settings: Config, folder: Path, made: Manifest, replace: bool, aside: str) -> bool:
    """Fill the schema `public`; True when there was an office in it, which has a schema of its own then."""
    with bases.postgres_connection(settings.database_url, autocommit=True) as connection:
        others = connection.execute(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and backend_type = 'client backend'"
        ).fetchone()
        if others and others[0]:
            raise Refused("the desk is running, or somebody else uses its database; stop that first")
        there = bool(Postgres(connection).tables())
        if there and not replace:
            raise Refused("there is an office in this database; --replace puts it aside and takes the backup's")
        old = sql.Identifier(aside)
        with connection.transaction():
            if there:
                connection.execute(sql.SQL("alter schema public rename to {}").format(old))
                connection.execute("create schema public")
        try:
            words = ["--no-owner", "--no-acl", "--single-transaction", "--exit-on-error", "--schema=public"]
            database = str(folder / manifest.DATABASES["postgresql"])
            programs.run("pg_restore", settings.database_url, *words, "--dbname=", database)
            with connection.transaction():
                connection.execute("set transaction isolation level repeatable read")
                _compare(Postgres(connection), made)
        except Refused:
            with connection.transaction():
                connection.execute("drop schema public cascade")
                if there:
                    connection.execute(sql.SQL("alter schema {} rename to public").format(old))
                else:
                    connection.execute("create schema public")
            raise
        connection.execute("analyze")
    return there


def _files(data: Path, folder: Path, made: Manifest, aside: str) -> bool:
    """Recordings, sounds, secrets and settings as in the backup; True when there were others."""
    replaced = False
    for name in WORTH_KEEPING:
        if (data / name).exists():
            (data / aside).mkdir(mode=0o700, exist_ok=True)
            (data / name).rename(data / aside / name)
            replaced = True
    for name in set(made.files) - {manifest.DATABASES[made.database]}:
        (data / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(folder / name, data / name)
    return replaced
