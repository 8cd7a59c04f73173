"""Both databases read alike: the tables there are, and their rows as plain numbers and texts, whatever keeps them.

Nothing here knows the desk's models: a backup of an older release is read by its own schema.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from webapp.db import libpq
from webapp.safekeeping import Refused

OURS = "alembic_version"
"""Which revision the schema has; the one table that holds nothing of the office."""
AT_ONCE = 5_000


class Base(Protocol):
    """A database that can be read."""

    def tables(self) -> list[str]:
        """The tables of the office, sorted."""
        ...

    def columns(self, table: str) -> dict[str, str]:
        """A table's columns with their types as declared there."""
        ...

    def rows(self, table: str, columns: Collection[str]) -> Iterator[tuple[Any, ...]]:
        """Every row, in any order; days and times as text (in UTC), booleans as 0 and 1, JSON as it is written."""
        ...

    def revision(self) -> str:
        """The schema's revision; '' when it has none."""
        ...


@dataclass
class Sqlite:
    """An SQLite base. `cleaned` names (table, column) whose texts hold NULs, which are left out of what is read."""

    connection: sqlite3.Connection
    cleaned: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connection.create_function("without_nul", 1, _without_nul, deterministic=True)

    def tables(self) -> list[str]:
        query = "select name from sqlite_master where type = 'table' and name not like 'sqlite!_%' escape '!'"
        return sorted(name for (name,) in self.connection.execute(query) if name != OURS)

    def columns(self, table: str) -> dict[str, str]:
        return {row[1]: row[2].upper() for row in self.connection.execute(f'pragma table_info("{table}")')}

    def expression(self, table: str, column: str, type_: str) -> str:
        """How `column` is read."""
        if type_.startswith(("DATETIME", "TIMESTAMP")):  # written by the desk with microseconds, by hand often without
            return f"""case when length("{column}") = 26 then "{column}"
                else strftime('%Y-%m-%d %H:%M:%f', "{column}") || '000' end"""
        return f'without_nul("{column}")' if (table, column) in self.cleaned else f'"{column}"'

    def rows(self, table: str, columns: Collection[str]) -> Iterator[tuple[Any, ...]]:
        types = self.columns(table)
        read = ", ".join(self.expression(table, column, types[column]) for column in columns)
        yield from self.connection.execute(f'select {read} from "{table}"')  # noqa: S608

    def revision(self) -> str:
        try:
            row = self.connection.execute(f"select version_num from {OURS}").fetchone()  # noqa: S608
        except sqlite3.OperationalError:
            return ""
        return str(row[0]) if row else ""


@dataclass
class Postgres:
    """A PostgreSQL base, read in the transaction that its connection is in: all tables of one moment when that is
    REPEATABLE READ."""

    connection: psycopg.Connection[Any]

    def tables(self) -> list[str]:
        query = "select tablename from pg_tables where schemaname = 'public'"
        return sorted(name for (name,) in self.connection.execute(query) if name != OURS)

    def columns(self, table: str) -> dict[str, str]:
        query = "select column_name, data_type from information_schema.columns where table_schema = 'public'"
        return dict(self.connection.execute(f"{query} and table_name = %s order by ordinal_position", [table]))

    def rows(self, table: str, columns: Collection[str]) -> Iterator[tuple[Any, ...]]:
        types = self.columns(table)
        read = sql.SQL(", ").join(_expression(column, types[column]) for column in columns)
        with self.connection.cursor(name="rows") as cursor:
            cursor.itersize = AT_ONCE
            cursor.execute(sql.SQL("select {} from public.{}").format(read, sql.Identifier(table)))
            yield from cursor

    def revision(self) -> str:
        if not self.connection.execute("select to_regclass('public.alembic_version')").fetchone()[0]:  # type: ignore[index]
            return ""
        row = self.connection.execute("select version_num from public.alembic_version").fetchone()
        return str(row[0]) if row else ""


def _expression(column: str, type_: str) -> sql.Composable:
    how = {
        "boolean": "{}::int",
        "date": "to_char({}, 'YYYY-MM-DD')",
        "json": "{}::text",
        "jsonb": "{}::text",
        "timestamp with time zone": "to_char({} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
    }
    return sql.SQL(how.get(type_, "{}")).format(sql.Identifier(column))


def _without_nul(value: Any) -> Any:
    return value.replace("\0", "") if isinstance(value, str) else value


@dataclass(frozen=True)
class Sum:
    """A table's contents: how many rows, and a checksum that does not depend on their order."""

    rows: int
    sum: str


def sum_of(base: Base, table: str, beat: Callable[[int], object] = lambda rows: None) -> Sum:
    """Read a table from end to end. `beat` hears now and then how many rows are through.

    Two bases that hold the same have the same sums, whichever databases they are: each row's values, by the columns'
    names, are hashed, and the hashes added up.
    """
    rows = total = 0
    blake, whole = hashlib.blake2b, int.from_bytes
    for row in base.rows(table, sorted(base.columns(table))):
        rows += 1
        total += whole(blake(repr(row).encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")
        if not rows % 50_000:
            beat(rows)
    return Sum(rows, f"{total % (1 << 128):032x}")


def sums(base: Base) -> dict[str, Sum]:
    """Of every table."""
    return {table: sum_of(base, table) for table in base.tables()}


def sqlite_file(database_url: str) -> Path | None:
    """The file of an SQLite base, None for another database."""
    url = make_url(database_url)
    return Path(url.database).absolute() if url.get_backend_name() == "sqlite" and url.database else None


@contextmanager
def sqlite_alone(path: Path) -> Iterator[sqlite3.Connection]:
    """An SQLite base that nobody else has open, and that nobody can open meanwhile.

    Raises Refused while a process of the desk runs: each keeps a connection open, and in WAL mode that is a lock.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=1)
    try:
        connection.execute("pragma locking_mode = exclusive")
        try:
            connection.execute("begin exclusive")
        except sqlite3.OperationalError:
            raise Refused("the desk is running, or something else has its database open; stop it first") from None
        yield connection
    finally:
        connection.close()


def postgres_connection(database_url: str, **options: Any) -> psycopg.Connection[Any]:
    """A connection past SQLAlchemy. Raises Refused with what the server said."""
    try:
        return psycopg.connect(**libpq(database_url), **options)
    except psycopg.OperationalError as error:
        said = str(error).strip().splitlines()[-1]
        raise Refused(f"PostgreSQL does not let us in: {said}") from None
