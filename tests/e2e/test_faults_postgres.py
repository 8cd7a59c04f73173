"""The faults of `test_faults` on PostgreSQL, and those that only a server can have: a lock on its tables, its death."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.e2e.callers import books
from tests.e2e.installation import wait_for
from tests.e2e.office import Desk
from tests.e2e.phones import needs
from tests.e2e.test_faults import (
    GIVE_UP,
    LISTEN,
    Call,
    assert_whole,
    call,
    delivered,
    test_killed_at_random_moments_under_load,
    waiting,
)
from tests.postgres import Cluster

pytestmark = needs("sipp")
__all__ = ["call", "test_killed_at_random_moments_under_load"]


@pytest.fixture(scope="module")
def founded(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """An office in the database `founded` that was never opened; the others are copies of it."""
    desk = Desk(tmp_path_factory.mktemp("founded"), DATABASE_URL=cluster.database("founded"))
    desk.found()
    return desk


@pytest.fixture
def office(tmp_path: Path, cluster: Cluster, founded: Desk) -> Iterator[Desk]:
    """Web, bridge and worker at work."""
    name = "".join(letter for letter in tmp_path.name if letter.isalnum())
    desk = Desk(tmp_path, DATABASE_URL=cluster.database(name, like="founded"))
    try:
        desk.found_like(founded)
        for process in ("web", "bridge", "worker"):
            desk.start(process)
        yield desk
    finally:
        desk.close()


def test_tables_are_locked(office: Desk, call: Call, soaking: bool) -> None:
    """Somebody else has them to himself for a minute, or some seconds: it rings all the same, and then all is told."""
    seconds = 60 if soaking else 7  # a statement waits for five
    address = office.environ["DATABASE_URL"].replace("+psycopg", "")
    with psycopg.connect(address) as other:
        other.execute("lock table call, bridge_event, feed in access exclusive mode")
        callers = call(GIVE_UP, "+7495", calls=3 * seconds, rate=3)
        assert callers.process.wait(seconds + 30) == 0, "the callers did not notice"
        assert waiting(office) > 0, "nothing was locked"
        assert office.get("/healthz"), "the web has threads left"
        other.rollback()
    print(f"told within {delivered(office, 60):.1f} s")
    assert_whole(books(office, callers.numbers("180")), 3 * seconds)


def test_the_server_is_killed_in_the_middle_of_calls(office: Desk, cluster: Cluster, call: Call, soaking: bool) -> None:
    """Again and again, for moments and for longer; pages are there again at once."""
    crowds = [
        call(GIVE_UP, "+7495", calls=100_000, rate=6),
        call(LISTEN, "+7812", calls=100_000, rate=2),
    ]
    for kill in range(9 if soaking else 2):
        pause = time.monotonic() + 1
        wait_for(lambda pause=pause: time.monotonic() > pause)  # type: ignore[misc]
        cluster.kill()
        calls = len(crowds[0].numbers("180"))
        pause = time.monotonic() + (20, 0, 3)[kill % 3] * (1 if soaking else 0.1)
        wait_for(lambda pause=pause: time.monotonic() > pause, 30)  # type: ignore[misc]
        wait_for(lambda calls=calls: len(crowds[0].numbers("180")) > calls, 10, "nothing rings without a database")  # type: ignore[misc]
        cluster.start()
        assert office.get("/healthz"), "the first page after that"
    for crowd in crowds:
        crowd.close()
    heard = set().union(*(crowd.numbers("180") for crowd in crowds))
    wait_for(lambda: waiting(office) == 0, 240, "the calls to end")
    assert_whole(books(office, heard), 8)
    assert all(process.poll() is None for process in office.processes.values())
