"""`./desk move-to-postgres`: an SQLite base carried over to an empty PostgreSQL database, every row compared.

How far it is stands in the target, in a table of its own that is written with each batch: a move that was killed is
carried on by starting it again. As long as that table is there no desk starts on the target.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import flask_migrate
import psycopg
from flask import Flask
from psycopg import sql
from sqlalchemy import Boolean, Integer, Table, make_url

from webapp import create_app
from webapp.config import Config
from webapp.db import UtcDateTime, db
from webapp.safekeeping import Refused, bases, unfit
from webapp.safekeeping.bases import Postgres, Sqlite

BATCH = 20_000
PROGRESS = "secondring_move"


def move(settings: Config, target_url: str, say: Callable[[str], object] = print) -> None:
    """Carry everything over. Raises Refused; what was carried over by then is kept and not done again."""
    began = time.monotonic()
    path = bases.sqlite_file(settings.database_url)
    if path is None:
        raise Refused("the office is on PostgreSQL already (DATABASE_URL)")
    if bases.sqlite_file(target_url):
        raise Refused(
            f"{target_url} names no PostgreSQL database; for example postgresql+psycopg://user@localhost/name"
        )
    if not path.exists():
        raise Refused(f"there is no office in {path}")
    _bring_up_to_date(path, settings)
    with bases.sqlite_alone(path) as connection:
        source = Sqlite(connection)
        unfit.refuse(source)
        target_app = create_app(replace(settings, database_url=target_url))
        with bases.postgres_connection(target_url) as target:
            _make_ready(target, target_app, _fingerprint(path), say)
            for table in db.metadata.sorted_tables:
                _carry(source, target, table, say)
            _set_sequences(source, target)
            target.execute("analyze")
            target.commit()
            _compare(source, target, say)
            target.execute(sql.SQL("drop table {}").format(sql.Identifier(PROGRESS)))
            target.commit()
    for note in unfit.notes(source):
        say(note)
    url = make_url(target_url).render_as_string(hide_password=True)
    say(f"Everything is there and was compared, after {time.monotonic() - began:.0f} s.")
    say("Write this into secondring.toml, and start the desk again:")
    say(f'    DATABASE_URL = "{url}"')
    say(f"{path} stays as it was; delete it when all is well.")


def is_unfinished(connection: Any) -> bool:
    """Whether a database is only half filled by a move. `connection` is any that has `exec_driver_sql`."""
    return bool(connection.exec_driver_sql(f"select to_regclass('public.{PROGRESS}')").scalar())


def _bring_up_to_date(path: Path, settings: Config) -> None:
    """The source's schema by migrations; nobody else may be at it."""
    with bases.sqlite_alone(path):
        pass
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
        db.session.remove()
        db.engine.dispose()


def _fingerprint(path: Path) -> str:
    """Changes with the source: nobody can write to it while it is read, but between two attempts anybody."""
    return " ".join(
        f"{stat.st_size}:{stat.st_mtime_ns}"
        for file in (path, Path(f"{path}-wal"))
        if file.exists() and (stat := file.stat()).st_size
    )


def _make_ready(target: psycopg.Connection[Any], app: Flask, fingerprint: str, say: Callable[[str], object]) -> None:
    """An empty target gets its tables and the table of our progress; one we began goes on; any other is refused."""
    name = sql.Identifier(PROGRESS)
    begun = target.execute("select to_regclass(%s)", [f"public.{PROGRESS}"]).fetchone()
    if not begun or not begun[0]:
        if there := [*Postgres(target).tables(), *[bases.OURS] * bool(Postgres(target).revision())]:
            raise Refused(
                f"the database is not empty: it has the table {there[0]}. Make a new one, for example with"
                " `createdb`, and name that; nothing was changed"
            )
        target.execute(
            sql.SQL("create table {} (name text primary key, place text, done bigint, ended bool)").format(name)
        )
        target.commit()
    app.config["MOVING"] = True
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()
    known = target.execute(sql.SQL("select place from {} where name = ''").format(name)).fetchone()
    if known and known[0] == fingerprint:
        say("Carrying on where it was left.")
        target.commit()
        return
    if known:
        say("The office has changed since the last attempt: from the beginning.")
    tables = sql.SQL(", ").join(sql.Identifier(table.name) for table in db.metadata.sorted_tables)
    target.execute(sql.SQL("truncate {}, {}").format(tables, name))  # migrations, too, have put rows there
    target.execute(sql.SQL("insert into {} values ('', %s, 0, false)").format(name), [fingerprint])
    target.commit()


def _carry(source: Sqlite, target: psycopg.Connection[Any], table: Table, say: Callable[[str], object]) -> None:
    """One table, a batch a transaction, by COPY, in the order of its primary key."""
    progress = sql.Identifier(PROGRESS)
    row = target.execute(
        sql.SQL("select place, done, ended from {} where name = %s").format(progress), [table.name]
    ).fetchone()
    place, done, ended = row or (None, 0, False)
    if ended:
        target.commit()
        return
    total = source.connection.execute(f'select count(*) from "{table.name}"').fetchone()[0]  # noqa: S608
    later = {fk.parent.name for fk in table.foreign_keys if fk.column.table is table}
    columns = [column.name for column in table.columns]
    copy = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    keys = [columns.index(column.name) for column in table.primary_key]
    rows = _rows(source, table, json.loads(place) if place else None, later)
    bar = _Bar(table.name, total, say)
    while batch := list(islice(rows, BATCH)):
        with target.cursor() as cursor, cursor.copy(copy) as into:
            for values in batch:
                into.write_row(values)
        done += len(batch)
        _note(target, table.name, json.dumps([batch[-1][key] for key in keys]), done, False)
        target.commit()
        bar.show(done)
    for column in later:
        _refer_to_itself(source, target, table, column)
    _note(target, table.name, "", done, True)
    target.commit()
    bar.show(done, last=True)


def _note(target: psycopg.Connection[Any], name: str, place: str, done: int, ended: bool) -> None:
    target.execute(
        sql.SQL(
            "insert into {} values (%s, %s, %s, %s) on conflict (name) do update"
            " set place = excluded.place, done = excluded.done, ended = excluded.ended"
        ).format(sql.Identifier(PROGRESS)),
        [name, place, done, ended],
    )


def _rows(source: Sqlite, table: Table, after: list[Any] | None, later: set[str]) -> Iterator[tuple[Any, ...]]:
    """Rows past the key `after`, as COPY takes them; references to rows of the same table come later."""
    types = source.columns(table.name)
    read = ", ".join(
        "null" if column.name in later else _as_copied(source, table.name, column.name, types[column.name], column.type)
        for column in table.columns
    )
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    past = f"where ({keys}) > ({', '.join('?' * len(after))})" if after else ""
    yield from source.connection.execute(
        f'select {read} from "{table.name}" {past} order by {keys}',  # noqa: S608
        after or [],
    )


def _as_copied(source: Sqlite, table: str, column: str, declared: str, type_: object) -> str:
    expression = source.expression(table, column, declared)
    if isinstance(type_, UtcDateTime):
        return f"({expression}) || '+00'"
    if isinstance(type_, Boolean):
        return f"case {expression} when 1 then 't' when 0 then 'f' end"
    return expression


def _refer_to_itself(source: Sqlite, target: psycopg.Connection[Any], table: Table, column: str) -> None:
    [key] = table.primary_key
    name, id_ = sql.Identifier(table.name), sql.Identifier(key.name)
    query = f'select "{column}", "{key.name}" from "{table.name}" where "{column}" is not null'  # noqa: S608
    with target.cursor() as cursor:
        cursor.executemany(
            sql.SQL("update {} set {} = %s where {} = %s").format(name, sql.Identifier(column), id_),
            source.connection.execute(query),
        )


def _set_sequences(source: Sqlite, target: psycopg.Connection[Any]) -> None:
    """The next row's number is past every one that was ever given out, as far as SQLite remembers."""
    for table in db.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None or not isinstance(column.type, Integer):
            continue
        query = f'select max("{column.name}") from "{table.name}"'  # noqa: S608
        highest = source.connection.execute(query).fetchone()[0] or 0
        try:
            given = source.connection.execute("select seq from sqlite_sequence where name = ?", [table.name]).fetchone()
        except sqlite3.OperationalError:
            given = None
        target.execute(
            "select setval(pg_get_serial_sequence(%s, %s), %s, false)",
            [f'"{table.name}"', column.name, max(highest, given[0] if given else 0) + 1],
        )


def _compare(source: Sqlite, target: psycopg.Connection[Any], say: Callable[[str], object]) -> None:
    """Both sides read from end to end. Raises Refused naming the first table that is not the same."""
    other = Postgres(target)
    for table in db.metadata.sorted_tables:
        bar = _Bar(f"comparing {table.name}", 0, say)
        here, there = bases.sum_of(source, table.name, bar.show), bases.sum_of(other, table.name)
        if here != there:
            raise Refused(
                f"the table {table.name} is not the same on both sides ({here.rows:,} rows here, {there.rows:,} there)."
                " Drop the new database and begin again with an empty one"
            )
        if here.rows:
            say(f"{table.name}: {here.rows:,} rows, {here.sum[:12]} on both sides")


class _Bar:
    """How far a table is, every few seconds."""

    def __init__(self, name: str, total: int, say: Callable[[str], object]) -> None:
        self._name, self._total, self._say = name, total, say
        self._began = self._said = time.monotonic()
        self._first: int | None = None

    def show(self, done: int, last: bool = False) -> None:
        now = time.monotonic()
        self._first = done if self._first is None else self._first
        if now - self._said < 2 and not (last and self._total > BATCH):
            return
        self._said = now
        of = f" of {self._total:,}" if self._total else ""
        speed = (done - self._first) / max(now - self._began, 0.001)
        self._say(f"{self._name}: {done:,}{of} ({speed:,.0f} rows/s)")
