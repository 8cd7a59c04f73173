"""Migrations lead to the schema the code has, and carry a saved database of every release there with its rows."""

from __future__ import annotations

import gzip
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import func, select

from webapp import config, create_app
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.db import db
from webapp.jobs.models import Job
from webapp.office.models import ClientType, FreeMail
from webapp.recordings.models import Recording
from webapp.rules.models import Category
from webapp.safekeeping.bases import Base, Sqlite
from webapp.touches.models import Touch

SAVED = sorted((Path(__file__).parent / "data").glob("*.sql.gz"))


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An app whose database has no tables yet."""
    environ = {"SECONDRING_DATA": str(tmp_path / "var")}
    if request.param == "postgresql":
        environ["DATABASE_URL"] = request.getfixturevalue("server").database()
    app = create_app(config.load(environ))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


on_sqlite = pytest.mark.parametrize("bare_app", ["sqlite"], indirect=True)
"""The saved databases are SQLite's."""


def differences() -> list[object]:
    with db.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), db.metadata))


def test_migrations_make_the_tables_the_code_has(bare_app: Flask) -> None:
    flask_migrate.upgrade()
    assert differences() == []


def load(dump: Path) -> sqlite3.Connection:
    """Put a saved database where the app's is; the open connection to it."""
    return load_into(Path(str(db.engine.url.database)), dump)


def load_into(file: Path, dump: Path) -> sqlite3.Connection:
    """Put a saved database into a new file; the open connection to it."""
    connection = sqlite3.connect(file)
    connection.executescript(gzip.decompress(dump.read_bytes()).decode())
    return connection


MOVED_AWAY = {("call", "recording"), ("call", "recording_seconds")}
"""Columns whose values are elsewhere since: these are rows of `recording`."""
GREW = {"outcome": 1}
"""Tables with rows of the office to which a later release has added its own, and at most how many."""
Contents = dict[str, list[dict[str, object]]]


def contents(base: Base) -> Contents:
    """Every value of every row."""
    held: Contents = {}
    for table in base.tables():
        columns = list(base.columns(table))
        held[table] = [dict(zip(columns, row, strict=True)) for row in base.rows(table, columns)]
    return held


def assert_kept(before: Contents, base: Base) -> None:
    """Every value that was there is there, in the same row; and no rows came that nobody knows of."""
    for table, rows in before.items():
        columns = [name for name in (rows[0] if rows else ()) if (table, name) not in MOVED_AWAY]
        was = Counter(tuple(row[name] for name in columns) for row in rows)
        now = Counter(base.rows(table, columns)) if columns else Counter()
        lost = was - now
        assert not lost, f"{table}: {list(lost)[:3]}"
        if rows:
            assert (now - was).total() <= GREW.get(table, 0), table


@on_sqlite
@pytest.mark.parametrize("dump", SAVED, ids=lambda path: path.name)
def test_a_saved_release_is_carried_over_with_its_rows(bare_app: Flask, dump: Path) -> None:
    with closing(load(dump)) as connection:
        before = contents(Sqlite(connection))
    assert len(before["client"]) > 100 and len(before["call"]) > 100
    flask_migrate.upgrade()
    assert differences() == []
    with closing(sqlite3.connect(str(db.engine.url.database))) as connection:
        assert_kept(before, Sqlite(connection))
    assert len(db.session.scalars(select(ClientType).where(ClientType.forbidden)).all()) == 2
    assert (
        db.session.scalar(
            select(func.count()).select_from(Call).where(Call.missed_closed_at.is_not(None), Call.missed_how == "")
        )
        == 0
    )
    assert [one.letter for one in db.session.scalars(select(Category).order_by(Category.letter))] == ["A", "B", "C"]
    assert db.session.get(FreeMail, "yandex.*") is not None
    if dump.name < "0003":
        assert db.session.scalars(select(Job.kind)).all() == ["rekey"]  # old cards learn their new search keys
    newest = db.session.scalars(select(Touch).order_by(Touch.started_at.desc())).first()
    assert newest is not None and newest.started_at.tzinfo is not None
    assert db.session.scalars(select(Call)).first() and db.session.scalars(select(Client)).first()


@on_sqlite
def test_recordings_of_the_first_release_become_rows_of_their_own(bare_app: Flask) -> None:
    recorded = "select id, recording, recording_seconds from call where recording <> '' order by id"
    with closing(load(SAVED[0])) as connection:
        connection.execute(
            "update call set recording = 'old.wav', recording_seconds = 7.5 where id = (select min(id) from call)"
        )
        connection.commit()
        recordings = connection.execute(recorded).fetchall()
    flask_migrate.upgrade()
    kept = db.session.scalars(select(Recording).order_by(Recording.call_id)).all()
    assert [(one.call_id, one.path, one.seconds) for one in kept] == recordings and recordings
    assert all((one.kind, one.gaps, one.peaks, one.stored_at) == ("talk", [], [], None) for one in kept)


def test_there_is_a_saved_database_of_the_first_release() -> None:
    assert SAVED and SAVED[0].name.startswith("0001")
