"""A backup while calls come, on both databases: no caller waits for it, and what it holds is whole.

Short here; `./desk soak` does it with 200,000 cards and for minutes.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from bench import book
from sipbridge.events import CallEnded, CallOffered, EndReason, Event, RecordingReady, encode
from tests.e2e.installation import wait_for
from tests.e2e.office import Desk
from tests.postgres import Cluster
from webapp import clock
from webapp.safekeeping import backup, bases, manifest

RATE = 15
"""Callers a second."""
NOBODY_WAITS = 1.0
"""Seconds: a copy that held the database up would do so for longer."""


class Bridge:
    """Callers as the bridge tells of them: each is offered, and the one before ends and leaves a recording."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._token = (desk.folder / "var" / "bridge_token").read_text()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._call)
        self.known: list[str] = []
        self.taken: list[tuple[float, float]] = []
        """When a caller was offered, and how long the plan took."""
        self.wrong: list[str] = []

    def __enter__(self) -> Bridge:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(30)

    def between(self, start: float, end: float) -> list[float]:
        """Seconds that the plans asked for meanwhile took, sorted."""
        return sorted(seconds for at, seconds in self.taken if start <= at < end)

    def _call(self) -> None:
        began = time.monotonic()
        for number in itertools.count():
            if self._ending.wait(max(0.0, began + number / RATE - time.monotonic())):
                return
            try:
                self._one(number)
            except (OSError, AssertionError) as error:
                self.wrong.append(repr(error))

    def _one(self, number: int) -> None:
        now, id_ = clock.now(), f"call-{number}"
        at = time.monotonic()
        answer = self._post(f"{id_}-offered", CallOffered(id_, "desk", f"+7495{number:07}", "", "1", now))
        self.taken.append((at, time.monotonic() - at))
        assert answer["plans"], answer
        name = f"{id_}.wav"
        (self._desk.folder / "var" / "recordings" / name).write_bytes(b"RIFF" * 500)
        self._post(f"{id_}-ready", RecordingReady(id_, name, 1.0, now))
        self._post(f"{id_}-ended", CallEnded(id_, EndReason.COMPLETED, 1, 1.0, 1.0, now))
        self.known.append(id_)

    def _post(self, event_id: str, event: Event) -> Any:
        request = urllib.request.Request(  # noqa: S310
            f"{self._desk.url}/bridge/events",
            json.dumps({"events": [encode(event_id, event)]}).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.load(answer)


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request: pytest.FixtureRequest, tmp_path: Path, soaking: bool) -> Iterator[Desk]:
    """Web and worker at work, over a book of cards."""
    desk = Desk(tmp_path)
    try:
        desk.found()
        file = tmp_path / "var" / "secondring.sqlite"
        with closing(sqlite3.connect(file)) as connection:
            for table in ("match_key", "near_word", "contact_point", "person", "card_change", "client"):
                connection.execute(f"delete from {table}")  # noqa: S608
            connection.commit()
        engine = create_engine(f"sqlite:///{file}")
        book.fill(engine, 200_000 if soaking else 4_000)
        engine.dispose()
        if request.param == "postgresql":
            url = request.getfixturevalue("cluster").database()
            moved = desk.command("move-to-postgres", url)
            assert moved.returncode == 0, moved.stderr
            desk = Desk(tmp_path, DATABASE_URL=url)
        (tmp_path / "var" / "recordings").mkdir(exist_ok=True)
        for name in ("web", "worker"):
            desk.start(name)
        yield desk
    finally:
        desk.close()


def test_nobody_waits_for_a_backup_and_it_is_whole(
    office: Desk, cluster: Cluster, tmp_path: Path, soaking: bool
) -> None:
    quiet, copies = (60.0, 10) if soaking else (4.0, 2)
    with Bridge(office) as bridge:
        started = time.monotonic()
        wait_for(lambda: time.monotonic() > started + quiet, quiet + 5)
        before = len(bridge.known)
        begun = time.monotonic()
        for _ in range(copies):
            done = office.command("backup", str(tmp_path / "copies"))
            assert done.returncode == 0, done.stderr
        ended = time.monotonic()
    alone, beside = bridge.between(started + 1, begun), bridge.between(begun, ended)
    p99 = [times[int(len(times) * 0.99)] for times in (alone, beside)]
    print(
        f"plans: p99 {p99[0] * 1000:.0f} ms alone, {p99[1] * 1000:.0f} ms beside {copies} backups,"
        f" ratio {p99[1] / p99[0]:.2f}; worst {beside[-1] * 1000:.0f} ms of {len(beside)}"
    )
    assert not bridge.wrong, bridge.wrong[:3]
    assert p99[1] < NOBODY_WAITS

    made = manifest.find(tmp_path / "copies")
    held = manifest.read(made)
    assert held.absent == []
    assert held.tables["call"].rows >= before > 0
    (tmp_path / "fresh").mkdir()
    fresh = Desk(
        tmp_path / "fresh", **({"DATABASE_URL": cluster.database()} if "DATABASE_URL" in office.environ else {})
    )
    back = fresh.command("restore", str(made))
    assert back.returncode == 0, back.stderr
    fresh.start("web")
    try:
        _whole(fresh)
    finally:
        fresh.close()


def _whole(desk: Desk) -> None:
    """Every row that another names is there, and every recording."""
    url = desk.app().config["SQLALCHEMY_DATABASE_URI"]
    if file := bases.sqlite_file(url):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("pragma foreign_key_check").fetchall() == []
            named = backup.named_recordings(bases.Sqlite(connection))
    else:  # whose constraints are made, and checked, when a dump is restored
        with bases.postgres_connection(url) as server:
            named = backup.named_recordings(bases.Postgres(server))
    assert named and all((desk.folder / "var" / "recordings" / path).is_file() for path in named)
