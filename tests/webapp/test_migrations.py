"""Migrations lead to the schema the code has, and carry a saved database of every release there with its rows."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import select, text

from webapp import config, create_app
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.db import db
from webapp.jobs.models import Job
from webapp.office.models import ClientType, FreeMail
from webapp.recordings.models import Recording
from webapp.rules.models import Category
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


@on_sqlite
@pytest.mark.parametrize("dump", SAVED, ids=lambda path: path.name)
def test_a_saved_release_is_carried_over_with_its_rows(bare_app: Flask, dump: Path) -> None:
    with closing(load(dump)) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        before = {
            table: connection.execute(f'select count(*) from "{table}"').fetchone()[0]  # noqa: S608
            for table in tables
        }
    assert before["client"] > 100 and before["call"] > 100
    flask_migrate.upgrade()
    assert differences() == []
    before["outcome"] += dump.name.startswith("0001")  # the second release brought one of its own
    for table, count in before.items():
        assert db.session.scalar(text(f'select count(*) from "{table}"')) == count, table  # noqa: S608
    assert len(db.session.scalars(select(ClientType).where(ClientType.forbidden)).all()) == 2
    assert [one.letter for one in db.session.scalars(select(Category).order_by(Category.letter))] == ["A", "B", "C"]
    assert db.session.get(FreeMail, "yandex.*") is not None
    if not dump.name.startswith("0003"):
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
