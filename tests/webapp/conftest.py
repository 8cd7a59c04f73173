"""Fixtures of the desk's tests: an app on a database of its own, an office, signed-in clients, a clock to set."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import argon2
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.postgres import Cluster, programs
from webapp import config, create_app
from webapp.accounts import passwords
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.office import defaults

PASSWORD = "correct-horse-battery"
DATABASES = ("sqlite", "postgresql")


class Clock:
    """A clock that stands until it is moved. Starts on Tuesday 10 March 2026, 12:00 in Moscow."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> datetime:
        """Move on by a timedelta's keywords; returns the new time."""
        self.at += timedelta(**by)
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Argon2 with the least effort it knows: what makes guessing dear makes thousands of sign-ins slow."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", hasher)
        patch.setattr(passwords, "_NOBODY", hasher.hash("nobody's"))
        yield


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "databases(*names): runs on these alone; any other test that has an app on all")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever has an app runs on every database; what has none runs once."""
    if "database" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("databases")
        metafunc.parametrize("database", mark.args if mark else DATABASES, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server() -> Iterator[Cluster]:
    """A PostgreSQL server for all tests of this process."""
    found = programs()
    if found is None:
        assert not os.environ.get("CI"), "PostgreSQL is missing on a build machine"
        pytest.skip("LEFT OUT: PostgreSQL's server is not installed")
    cluster = Cluster(found)
    yield cluster
    cluster.close()


class Bench:
    """One application a database, made once: most of a short test would go into making another.

    Before each test its tables are emptied, and what a test may have changed of the app is as it was.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        settings = config.load({"SECONDRING_DATA": str(folder), "DATABASE_URL": url})
        self.app = create_app(settings, TESTING=True, WTF_CSRF_ENABLED=False)
        self._config, self._extensions = dict(self.app.config), dict(self.app.extensions)

        @self.app.before_request
        def forget_who_asked_last() -> None:
            """The context of a test outlives its requests, and Flask-Login keeps the user there."""
            g.pop("_login_user", None)

        with self.app.app_context():
            db.create_all()
            db.session.remove()
            db.engine.dispose()

    def clean(self, data: Path, clock: Clock) -> None:
        """As new: no rows, the numbers begin at 1, a data folder of this test's own, its clock."""
        settings = config.load({"SECONDRING_DATA": str(data), "DATABASE_URL": self.url})
        settings.data.mkdir(mode=0o700)
        self.app.config.clear()
        self.app.config.update(self._config, SETTINGS=settings, CLOCK=clock)
        self.app.extensions.clear()
        self.app.extensions.update(self._extensions)
        with self.app.app_context():
            self._empty()

    def _empty(self) -> None:
        delete = "; ".join(f'delete from "{table}"' for table in db.metadata.tables)  # noqa: S608
        if db.engine.dialect.name == "sqlite":
            with closing(sqlite3.connect(str(db.engine.url.database))) as connection:  # one that checks no references
                connection.executescript(f"begin immediate; {delete}; delete from sqlite_sequence; commit")  # noqa: S608
            return
        with db.engine.begin() as connection:
            # Far quicker than `truncate`, which makes a new file of every table and index.
            connection.exec_driver_sql(f"set local session_replication_role = replica; {delete}")
            connection.exec_driver_sql(
                "select setval(quote_ident(sequencename)::regclass, 1, false) from pg_sequences"
                " where last_value is not null"
            )


_benches: dict[str, Bench] = {}


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The database the test runs on, with the application on it."""
    name = request.param
    if name not in _benches:
        folder = tmp_path_factory.mktemp(name)
        url = f"sqlite:///{folder / 'test.sqlite'}"
        if name == "postgresql":
            url = request.getfixturevalue("server").database("tests")
        _benches[name] = Bench(url, folder)
    return _benches[name]


@pytest.fixture
def app(database: Bench, tmp_path: Path, clock: Clock) -> Iterator[Flask]:
    """The app with empty tables, on each of DATABASES in turn."""
    database.clean(tmp_path / "var", clock)
    with database.app.app_context():
        yield database.app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def session(app: Flask) -> Session:
    return db.session()


@pytest.fixture
def office(session: Session) -> dict[str, User]:
    """An office with its lists and the people anna, boris, vera (managers), head, secretary, admin, agent, expert."""
    defaults.create(session, "Northwind Windows", "en")
    hash_ = passwords.hashed(PASSWORD)
    people = {
        "anna": ("Anna Petrova", Role.MANAGER),
        "boris": ("Boris Ivanov", Role.MANAGER),
        "vera": ("Vera Sokolova", Role.MANAGER),
        "head": ("Helen Markova", Role.HEAD),
        "secretary": ("Sofia Belova", Role.SECRETARY),
        "admin": ("Adam Kozlov", Role.ADMIN),
        "agent": ("Anton Zimin", Role.AGENT),
        "expert": ("Egor Lavrov", Role.EXPERT),
    }
    users = {
        login: User(
            login=login,
            name=name,
            role=role.value,
            position=role.value,
            password_hash=hash_,
            extension=f"sip:{login}@127.0.0.1:5999" if role in (Role.MANAGER, Role.HEAD) else "",
        )
        for login, (name, role) in people.items()
    }
    session.add_all(users.values())
    session.commit()
    return users


@pytest.fixture
def sign_in(app: Flask, office: dict[str, User]) -> Callable[[str], FlaskClient]:
    """`sign_in("anna")` gives a test client that is signed in as anna."""

    def sign_in_as(login: str) -> FlaskClient:
        client: FlaskClient = app.test_client()
        answer = client.post("/login", data={"login": login, "password": PASSWORD})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return client

    return sign_in_as


@pytest.fixture
def count_queries(session: Session) -> Iterator[Callable[[], int]]:
    """`count_queries()` is the number of statements since the fixture was set up; take differences."""
    from sqlalchemy import event

    seen = [0]

    def note(*_: Any) -> None:
        seen[0] += 1

    event.listen(db.engine, "before_cursor_execute", note)
    yield lambda: seen[0]
    event.remove(db.engine, "before_cursor_execute", note)
