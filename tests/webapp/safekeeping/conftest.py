"""A demo office in a folder of its own, as an administrator has it, and the real commands on it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import flask_migrate
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from bench import book
from tests.ports import free_port
from webapp import config, create_app, demo
from webapp.calls.models import Call
from webapp.config import Config
from webapp.db import db
from webapp.recordings.models import Recording

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
SOUND = b"RIFF" + bytes(range(256)) * 40


class Office:
    """An installation's folder and database."""

    def __init__(self, data: Path, url: str = "") -> None:
        self.data = data
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SECONDRING_")},
            "SECONDRING_DATA": str(data),
            "SECONDRING_WEB": f"127.0.0.1:{free_port()}",
            "DATABASE_URL": url or f"sqlite:///{data / 'secondring.sqlite'}",
            "PYTHONPATH": str(ROOT),
        }

    @property
    def file(self) -> Path:
        return self.data / "secondring.sqlite"

    @property
    def settings(self) -> Config:
        return config.load(self.environ)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session on its database; committed at the end."""
        with create_app(self.settings).app_context():
            try:
                yield db.session()
                db.session.commit()
            finally:
                db.session.remove()
                db.engine.dispose()

    def do(self, *statements: str) -> None:
        """Straight into the SQLite file, past everything that would refuse it."""
        with closing(sqlite3.connect(self.file)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    def fill(self, size: int) -> None:
        """So many cards in the SQLite file, instead of its own."""
        self.do("delete from client", "delete from match_key", "delete from near_word")
        engine = create_engine(f"sqlite:///{self.file}")
        book.fill(engine, size)
        engine.dispose()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """`./desk` with these words."""
        return subprocess.Popen(
            [sys.executable, "-m", "webapp.cli", *words],
            cwd=ROOT,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def desk(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`./desk` with these words, to its end."""
        process = self.start(*words)
        said, complained = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, said, complained)


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a demo office with two recordings and a sound."""
    office = Office(tmp_path_factory.mktemp("pattern") / "var")
    with office.session() as session:
        flask_migrate.upgrade()
        demo.load(session, NOW, "ru", office.settings.timezone)
        session.flush()
        for number, call in enumerate(session.query(Call).order_by(Call.id).limit(2)):
            path = f"2026/03/{number}.wav"
            session.add(Recording(call_id=call.id, path=path, seconds=1.5, peaks=[[1, 2]], ready_at=NOW))
            file = office.data / "recordings" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(SOUND + bytes([number]))
    (office.data / "sounds").mkdir()
    (office.data / "sounds" / "greeting.en.wav").write_bytes(SOUND)
    return office.data


@pytest.fixture
def office(pattern: Path, tmp_path: Path) -> Office:
    """A copy of it, on SQLite."""
    shutil.copytree(pattern, tmp_path / "var")
    return Office(tmp_path / "var")


@pytest.fixture
def new_url(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Addresses of new, empty PostgreSQL databases."""
    return lambda: request.getfixturevalue("server").database()
