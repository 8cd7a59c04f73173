"""The watchdog: by the clock of a test, and with real processes whose threads really hang."""

from __future__ import annotations

import math
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.notify import Supervisor
from sipbridge import watchdog
from sipbridge.events import BridgeStarted, CallEnded, CallOffered, EndReason, Plan, Step
from sipbridge.watchdog import LONGEST_PAUSE, Life, Watchdog, Watched
from sipbridge.weblink import HEARTBEAT
from tests.sipbridge.office import INVITE, IS_HUNG_UP_ON, REFUSED, TAKEN, Office, needs_sipp, scenario
from tests.sipbridge.standin import Desk, wait_for
from webapp import run


class Beating:
    """A thread that a test lets live, hang and die."""

    def __init__(self) -> None:
        self.now = 100.0
        self.beat = 100.0
        self.thread: threading.Thread | None = threading.current_thread()
        self.replaced = 0

    def replace(self) -> None:
        self.replaced += 1
        self.thread, self.beat = threading.current_thread(), math.inf

    def watched(self, replaceable: bool) -> Watched:
        return Watched("a", lambda: self.beat, lambda: self.thread, self.replace if replaceable else None)

    def pass_time(self, dog: Watchdog, seconds: float) -> str:
        """Look once a second; the first reason to end."""
        for _ in range(round(seconds)):
            self.now += 1.0
            if lost := dog.look():
                return lost
        return ""


def dead() -> threading.Thread:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    return thread


@pytest.mark.parametrize("ill", ["stuck", "dead"])
def test_what_carries_calls_ends_the_process(ill: str) -> None:
    one = Beating()
    dog = Watchdog(one.watched(replaceable=False), clock=lambda: one.now)
    one.beat = one.now + 5
    assert one.pass_time(dog, 5) == ""
    if ill == "dead":
        one.thread = dead()
    began = one.now
    lost = one.pass_time(dog, 20)
    assert lost.startswith("thread a ") and ill in lost and one.now - began < 10
    assert dog.states()["a"]["state"].startswith(ill)


@pytest.mark.parametrize("ill", ["stuck", "dead"])
def test_what_stands_beside_the_calls_is_replaced(ill: str) -> None:
    one = Beating()
    dog = Watchdog(one.watched(replaceable=True), clock=lambda: one.now)
    if ill == "dead":
        one.thread = dead()
    assert one.pass_time(dog, 10) == "" and one.replaced == 1
    assert one.pass_time(dog, 60) == "" and one.replaced == 1
    assert dog.states() == {"a": {"state": "well", "replaced": 1}}


def test_a_process_that_was_held_up_as_a_whole_gets_time_to_come_round() -> None:
    one = Beating()
    dog = Watchdog(one.watched(replaceable=False), clock=lambda: one.now)
    one.now += 300  # nothing ran at all
    assert dog.look() == ""
    one.now += 1.0
    one.beat = one.now
    assert dog.look() == ""
    assert one.pass_time(dog, 20).startswith("thread a stuck")


def test_nothing_to_do_is_not_stuck() -> None:
    one = Beating()
    one.beat, one.thread = math.inf, None
    assert one.pass_time(Watchdog(one.watched(replaceable=False), clock=lambda: one.now), 100) == ""


def test_what_ended_the_bridge_is_remembered(tmp_path: Path) -> None:
    life = Life(tmp_path / "last_end")
    assert life.begin() == "", "the first start"
    assert life.begin() == "killed"
    life.end()
    assert life.begin() == ""
    life.end("thread media stuck for 9 s")
    assert life.begin() == "thread media stuck for 9 s"
    (tmp_path / "last_end").write_bytes(b"\xff\xfe")
    assert life.begin() == "killed"
    (tmp_path / "last_end").write_bytes(b"")  # the disk was full
    assert life.begin() == "killed"


def test_words_to_a_supervisor(tmp_path: Path) -> None:
    now = [0.0]
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(path)
        ear.setblocking(False)
        heard: list[bytes] = []

        def listen() -> list[bytes]:
            heard.clear()
            try:
                while True:
                    heard.append(ear.recv(1000))
            except BlockingIOError:
                return heard

        supervisor = Supervisor({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "8000000"}, lambda: now[0])
        supervisor.ready("two lines\nand one")
        assert listen() == [b"READY=1\nSTATUS=two lines and one"]
        for _ in range(100):
            supervisor.alive()
            now[0] += 0.1
        assert listen() == [b"WATCHDOG=1"] * 5
        supervisor.status("")
        supervisor.stopping()
        assert listen() == [b"STOPPING=1"]
        other = Supervisor({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "1"})
        other.alive()
        assert listen() == []
    supervisor.ready()  # nobody listens any more
    Supervisor({}).ready()
    Supervisor({"NOTIFY_SOCKET": "nonsense", "WATCHDOG_USEC": "-"}).ready()


# Real processes


@pytest.fixture
def desk() -> Iterator[Desk]:
    stand_in = Desk(lambda call: Plan((), 1, 0.3, "", "", False)).start()
    yield stand_in
    stand_in.stop()


Make = Callable[..., Office]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    offices: list[Office] = []

    def make(name: str, desk: Desk) -> Office:
        (tmp_path / name).mkdir()
        offices.append(Office(tmp_path / name, desk.port))
        return offices[-1]

    yield make
    for office in offices:
        office.close()


def order(office: Office, line: str) -> None:
    """Call a line that makes a thread hang or die."""
    refused = scenario(INVITE.replace('<recv response="180"/>', ""), REFUSED.format(code=486))
    caller = office.sipp(refused.replace("[service]", line))
    assert caller.ended(10) == 0, caller.text


def lose(make: Make, told: str, sign: str) -> tuple[float, float, str]:
    """Have a supervised bridge lose a thread: seconds until its log has the sign and until it is back, and why."""
    desk = Desk().start()
    office = make(told, desk)
    log = office.data / "log"
    settings = [f"{name}={value}" for name, value in office.environ().items()]
    hung = [sys.executable, "-m", "tests.sipbridge.hung_bridge"]
    child = run.Child("bridge", ["sh", "-c", f'exec env "$@" 2>>{log}', "sh", *settings, *hung])

    def look(condition: Callable[[], object]) -> object:
        child.look_after(time.monotonic())
        return condition()

    try:
        wait_for(lambda: look(lambda: desk.of(BridgeStarted)), 20, "the bridge")
        order(office, told)
        began = time.monotonic()
        wait_for(lambda: look(lambda: sign in log.read_text()), 20, f"{told}: seen")
        seen = time.monotonic() - began
        wait_for(lambda: look(lambda: len(desk.of(BridgeStarted)) == 2), 30, f"{told}: back")
        back = time.monotonic() - began
        first, second = desk.of(BridgeStarted)
        assert first.why == ""
    finally:
        child.close()
        desk.stop()
    return seen, back, second.why


@needs_sipp
@pytest.mark.e2e
def test_a_lost_thread_ends_the_process_which_is_back_and_tells_the_desk(make: Make) -> None:
    """All at once, each in a process of its own: the wait is the watchdog's patience."""

    orders = {
        "hang-sip": "sip stuck",
        "hang-bridge": "bridge stuck",
        "hang-media": "media stuck",
        "die-bridge": "bridge dead",
    }
    with ThreadPoolExecutor(len(orders)) as pool:
        lost = pool.map(lambda told: lose(make, told, "a thread is lost"), orders)
        for (seen, back, why), words in zip(lost, orders.values(), strict=True):
            assert seen < 10 and back < 30
            assert why.startswith(f"thread {words}")


@needs_sipp
@pytest.mark.e2e
@pytest.mark.soak
def test_the_thread_that_watches_is_watched_itself(make: Make) -> None:
    _, back, why = lose(make, "hang-main", "Timeout (0:00:15)!")
    assert back < 30 and why == "killed"


@needs_sipp
@pytest.mark.e2e
def test_what_can_be_replaced_is_replaced_and_calls_go_on(make: Make, desk: Desk) -> None:
    office = make("office", desk)
    phone = office.phone(pick_up_after=0.1, talk=14)
    desk.plan = lambda call: Plan((Step((phone,), 20.0),), 1, 0.3, "", "", True)
    bridge = office.bridge(module="tests.sipbridge.hung_bridge")
    caller = office.sipp(scenario(INVITE, TAKEN, IS_HUNG_UP_ON))
    wait_for(lambda: "CallAnswered" in desk.kinds(), 8, "the talk")
    for line in ("hang-weblink", "hang-recordings"):
        order(office, line)
    began = time.monotonic()
    for name in ("weblink", "recordings"):
        bridge.says(f"a thread is replaced.*thread={name}", 15)
    assert time.monotonic() - began < 10 + HEARTBEAT, "the link hangs at its next heartbeat"
    assert caller.ended(25) == 0, caller.text
    wait_for(lambda: "RecordingReady" in desk.kinds(), 10, "the recording of the talk")
    (end,) = desk.of(CallEnded)
    (offered,) = desk.of(CallOffered)
    assert end.end_reason is EndReason.COMPLETED and end.call_id == offered.call_id and end.talk_seconds > 12
    wait_for(lambda: desk.heartbeats[-1]["threads"]["weblink"]["replaced"] == 1, 10, "a heartbeat that tells")
    threads = desk.heartbeats[-1]["threads"]
    assert {name: thread["replaced"] for name, thread in threads.items()}["recordings"] == 1
    assert all(thread["state"] == "well" for thread in threads.values())
    assert len(desk.of(BridgeStarted)) == 1


def test_the_longest_pause_leaves_time_to_look() -> None:
    assert LONGEST_PAUSE + 2 * watchdog.LOOK_SECONDS <= 10
