"""Whatever dies, hangs or fills up while calls come: none is lost, none told twice, all in order.

Short here; `./desk soak` kills fifty times, keeps the web away for ten minutes and the database for one.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.e2e.callers import Books, Callers, books
from tests.e2e.installation import ROOT, wait_for
from tests.e2e.office import Desk
from tests.e2e.phones import needs
from tests.sipbridge.disks import SmallDisk, needed, on_small_disk
from tests.sipbridge.office import CANCELS, HANGS_UP, INVITE, IS_HUNG_UP_ON, TAKEN, scenario
from webapp.calls.models import Call as CallRow

pytestmark = needs("sipp")

GIVE_UP = scenario(INVITE, CANCELS)
TALK = scenario(INVITE, TAKEN, IS_HUNG_UP_ON)
LISTEN = scenario(INVITE, TAKEN, HANGS_UP)


@pytest.fixture
def office(tmp_path: Path, pattern: Desk) -> Iterator[Desk]:
    """Web, bridge and worker at work."""
    desk = Desk(tmp_path)
    try:
        desk.found_like(pattern)
        for name in ("web", "bridge", "worker"):
            desk.start(name)
        yield desk
    finally:
        desk.close()


Call = Callable[..., Callers]


@pytest.fixture
def call(office: Desk, tmp_path: Path) -> Iterator[Call]:
    """`call(scenario, prefix, calls=..., rate=..., pause=...)`: callers by SIPp."""
    made: list[Callers] = []

    def call(scenario: str, prefix: str, *, calls: int, rate: float, pause: float = 0.3) -> Callers:
        made.append(Callers(office.sip, tmp_path, scenario, prefix, calls=calls, rate=rate, pause=pause))
        return made[-1]

    yield call
    for callers in made:
        callers.close()


def waiting(office: Desk) -> int:
    """Events on their way to the desk, and calls that are open."""
    outbox = sqlite3.connect(f"file:{office.folder}/var/bridge/outbox.sqlite?mode=ro", uri=True, timeout=5)
    try:
        (count,) = outbox.execute("SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM open_calls)").fetchone()
    finally:
        outbox.close()
    return int(count)


def delivered(office: Desk, seconds: float) -> float:
    """Wait until the desk has everything; how long that took."""
    began = time.monotonic()
    wait_for(lambda: waiting(office) == 0, seconds, f"{waiting(office)} events still wait")
    return time.monotonic() - began


def assert_whole(found: Books, least: int) -> None:
    print(found)
    assert found.calls >= least
    assert (found.lost, found.twice, found.out_of_order, found.unended) == (0, 0, 0, 0), found


def test_killed_at_random_moments_under_load(office: Desk, call: Call, soaking: bool) -> None:
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    kills = 50 if soaking else 5
    order = [("bridge", "web", "worker", "bridge", "web")[n % 5] for n in range(kills)]
    chance.shuffle(order)
    crowds = [
        call(GIVE_UP, "+7495", calls=100_000, rate=6),
        call(LISTEN, "+7812", calls=100_000, rate=2),
    ]
    for name in order:
        pause = time.monotonic() + chance.uniform(0.3, 2.0)
        wait_for(lambda pause=pause: time.monotonic() > pause)  # type: ignore[misc]
        office.kill(name)
        if chance.random() < 0.3:  # two at a time
            other = "web" if name == "bridge" else "bridge"
            office.kill(other)
            office.start(other)
        office.start(name)
    calls = len(crowds[0].numbers("180"))
    wait_for(lambda: len(crowds[0].numbers("180")) > calls, 10, "nothing rings after the last kill")
    for crowd in crowds:
        crowd.close()
    heard = set().union(*(crowd.numbers("180") for crowd in crowds))
    # Whose caller was cut off in the middle hears an apology and may leave a message of two minutes.
    wait_for(lambda: waiting(office) == 0, 240, "the calls to end")
    assert_whole(books(office, heard), 3 * kills)


def test_the_web_is_away_while_hundreds_call(office: Desk, call: Call, soaking: bool) -> None:
    """They come within ten minutes; all are told in order, once, within a minute. A quarter of it in the short form."""
    office.kill("web")
    calls = 600 if soaking else 150
    callers = call(GIVE_UP, "+7495", calls=calls, rate=1 if soaking else 60)
    assert callers.process.wait(900 if soaking else 40) == 0
    heard = callers.numbers("180")
    assert len(heard) == calls
    began = time.monotonic()
    office.start("web")
    delivered(office, 60)
    print(f"{calls} calls told within {time.monotonic() - began:.1f} s of the start of the web")
    assert time.monotonic() - began < 60
    assert_whole(books(office, heard), calls)


def test_the_database_is_locked(office: Desk, call: Call, soaking: bool) -> None:
    """Somebody else writes to it for a minute, or some seconds: it rings all the same, and then all is told."""
    seconds = 60 if soaking else 6
    lock = sqlite3.connect(office.folder / "var" / "secondring.sqlite", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        callers = call(GIVE_UP, "+7495", calls=3 * seconds, rate=3)
        assert callers.process.wait(seconds + 30) == 0, "the callers did not notice"
        assert office.get("/healthz")
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    delivered(office, 60)
    assert_whole(books(office, callers.numbers("180")), 3 * seconds)


def test_the_database_s_disk_is_full(office: Desk, call: Call) -> None:
    """Nothing can be written down for a while: it rings all the same, and then all is told."""
    needed()
    office.stop("worker")
    office.stop("web")
    kept = office.folder / "var" / "secondring.sqlite"
    folder = office.folder / "small"
    folder.mkdir()
    room = kept.stat().st_size // 1024 + 1500
    url = f"sqlite:///{folder}/secondring.sqlite"
    command = on_small_disk(folder, room, sys.executable, "-m", "webapp.serve", first=f'cp "{kept}" "{folder}"')
    with (office.folder / "web.log").open("ab") as log:
        web = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**office.environ, "DATABASE_URL": url},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    office.processes["web"] = web
    wait_for(lambda: office.get("/healthz"), told=office.log("web"))
    disk = SmallDisk(web.pid, folder)
    call(GIVE_UP, "+7495", calls=5, rate=10).process.wait(20)
    delivered(office, 20)
    disk.fill()
    callers = call(GIVE_UP, "+7812", calls=12, rate=4)
    assert callers.process.wait(30) == 0, "the callers did not notice"
    assert waiting(office) > 0, "the disk was not full"
    disk.make_room()
    delivered(office, 60)
    for ending in ("", "-wal"):
        shutil.copy(f"{disk.folder}/{kept.name}{ending}", f"{kept}{ending}")
    assert_whole(books(office, callers.numbers("180")), 17)


def test_the_clock_is_moved_by_an_hour(office: Desk, call: Call, tmp_path: Path) -> None:
    """Forth and back, in every process, in the middle of a talk: talks are as long as they were, all are told."""
    ahead = tmp_path / "ahead"

    def move(seconds: float) -> None:
        (tmp_path / "next").write_text(str(seconds))
        (tmp_path / "next").replace(ahead)

    move(0)
    for name in ("worker", "bridge", "web"):
        office.stop(name)
    for name in ("web", "bridge", "worker"):
        office.start(name, "tests.e2e.other_time", str(ahead), name)
    phone = f"--listen 127.0.0.1:{office.ports['anna']} --pick-up-after 0.2 --talk 2.5"
    office.start("phone", "sipbridge.deskphone", *phone.split())
    wait_for(lambda: "listens" in office.log("phone"))
    heard: set[str] = set()
    for number, moved in enumerate((3600, -3600), start=1):
        callers = call(TALK, f"+749{number}", calls=1, rate=1)
        wait_for(lambda number=number: office.count(CallRow, CallRow.state == "talking"))  # type: ignore[misc]
        move(moved)
        assert callers.process.wait(20) == 0
        heard |= callers.numbers("180")
        delivered(office, 20)
    talks = office.ask(lambda session: list(session.scalars(select(CallRow.talk_seconds))))
    assert len(talks) == 2 and all(1 < seconds < 6 for seconds in talks), talks
    found = books(office, heard, clock_moved=True)
    assert_whole(found, 2)
    assert all(process.poll() is None for process in office.processes.values())
    wait_for(lambda: office.get("/healthz")["bridge"], 15, "the bridge's word")
