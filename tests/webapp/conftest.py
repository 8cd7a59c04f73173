"""Fixtures of the desk's tests: an app on a database of its own, an office, signed-in clients, a clock to set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import argon2
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp import config, create_app
from webapp.accounts import passwords
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.office import defaults

PASSWORD = "correct-horse-battery"
_emptied: set[str] = set()
"""PostgreSQL databases this run has made its tables in; emptying them again is quicker than making them."""


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


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """Templates that one test has compiled, for the apps of all others."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(tmp_path: Path, clock: Clock, compiled: FileSystemBytecodeCache) -> Iterator[Flask]:
    """The app with empty tables: SQLite in a folder of its own, or `TEST_DATABASE_URL` (PostgreSQL)."""
    environ = {"SECONDRING_DATA": str(tmp_path / "var")}
    if postgres := os.environ.get("TEST_DATABASE_URL"):
        environ["DATABASE_URL"] = postgres
    app = create_app(config.load(environ), TESTING=True, CLOCK=clock, WTF_CSRF_ENABLED=False)
    app.jinja_env.bytecode_cache = compiled

    @app.before_request
    def forget_who_asked_last() -> None:
        """The context of a test outlives its requests, and Flask-Login keeps the user there."""
        g.pop("_login_user", None)

    with app.app_context():
        if not postgres:
            db.create_all()
        elif postgres not in _emptied:
            db.session.execute(text("drop schema public cascade"))
            db.session.execute(text("create schema public"))
            db.session.commit()
            db.create_all()
            _emptied.add(postgres)
        else:
            tables = ", ".join(f'"{table}"' for table in db.metadata.tables)
            db.session.execute(text(f"truncate {tables} restart identity cascade"))
            db.session.commit()
        yield app
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
