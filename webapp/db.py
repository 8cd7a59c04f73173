"""The database: one session a request, UTC times, SQLite made fit for several writers.

SQLite takes its write lock at BEGIN for everything but a reading request: a transaction that starts as a
reader and turns writer loses against any other writer, however long it is willing to wait.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Dialect, Engine, Index, MetaData, event, make_url, text
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

LOCK_MS = 5000
"""Milliseconds that a statement waits for a lock that somebody else holds."""

reading: contextvars.ContextVar[bool] = contextvars.ContextVar("reading", default=False)


@contextlib.contextmanager
def only_reading() -> Iterator[None]:
    """Transactions begun inside never wait for a writer, and let nobody wait who wants to write."""
    token = reading.set(True)
    try:
        yield
    finally:
        reading.reset(token)


@contextlib.contextmanager
def able_to_write() -> Iterator[None]:
    """Transactions begun inside may write, though the request only reads otherwise."""
    token = reading.set(False)
    try:
        yield
    finally:
        reading.reset(token)


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can drop them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)


def open_rows(name: str, *columns: str, where: str) -> Index:
    """An index of the rows that are still open: it stays as small as the work that waits, however old the office.

    A query finds it when it says `where` in these very words, not by a value: `IS NULL`, or a literal.
    """
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def libpq(database_url: str) -> dict[str, Any]:
    """A PostgreSQL address as psycopg and PostgreSQL's own programs take it: host, port, user, password, dbname ..."""
    url = make_url(database_url)
    _, options = url.get_dialect()().create_connect_args(url)
    return dict(options)


if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


LONGEST_LOG = 64 << 20
"""Bytes of SQLite's write-ahead log, which one long transaction may make long, after which it is cut down again."""


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes on the Python side; a naive one is a mistake and raises ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class ReadingRequests:
    """WSGI middleware: marks GET and HEAD as readers, so that they never wait for a writer."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        token = reading.set(environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS"))
        try:
            return self.app(environ, start_response)
        finally:
            reading.reset(token)


@event.listens_for(Engine, "connect")
def _prepare(connection: Any, record: Any) -> None:
    """Nobody waits for a lock for ever: the threads of the web would all end up there."""
    if type(connection).__module__ != "sqlite3":
        connection.execute(f"set lock_timeout = {LOCK_MS}")
        connection.commit()
        return
    connection.isolation_level = None  # the driver shall not begin transactions on its own
    for pragma in (
        *("journal_mode=wal", "synchronous=normal", f"busy_timeout={LOCK_MS}", "foreign_keys=on"),
        f"journal_size_limit={LONGEST_LOG}",
    ):
        connection.execute(f"pragma {pragma}")


@event.listens_for(Engine, "begin")
def _begin_sqlite(connection: Any) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if reading.get() else "BEGIN IMMEDIATE")
