"""deploy/: two bridges behind the door. One dies under load and is started again; calls are set up all the while."""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from sipbridge.events import CallEnded, CallOffered, EndReason, Plan, Step
from tests.e2e.door import INSIDE, PROGRAMS, Door
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN
from tests.e2e.office import Desk as WholeDesk
from tests.e2e.phones import SCENARIOS, missing
from tests.e2e.tls_line import TlsRelay
from tests.ports import free_port
from tests.sipbridge.office import Office, Process
from tests.sipbridge.standin import Desk
from webapp.calls.models import BridgeStatus

RATE, CALLS, TALK = 10, 200, 1.0
GRACE = 1.0
"""Seconds after the death within which a call set-up may fail."""
LINE = re.compile(r"^(offered|answered) (\d+) .*\s([\d.]+)$", re.M)


@pytest.fixture
def desk() -> Iterator[Desk]:
    if absent := missing(("sipp", *PROGRAMS)):
        pytest.skip(f"LEFT OUT: {', '.join(absent)} not installed")
    desk = Desk().start()
    yield desk
    desk.stop()


@pytest.fixture
def bridges(tmp_path: Path, desk: Desk) -> Iterator[list[Office]]:
    """Two bridges of one desk, each with a folder of its own."""
    bridges = []
    try:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            bridges.append(Office(tmp_path / name, desk.port))
            bridges[-1].bridge()
        yield bridges
    finally:
        for bridge in bridges:
            bridge.close()


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[str]:
    """A telephone with many lines that is picked up at once: its address."""
    port = free_port()
    media = free_port()
    process = subprocess.Popen(
        ["sipp", "-sn", "uas", "-i", INSIDE, "-p", str(port), "-mp", str(media), "-nostdin"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield f"sip:phone@{INSIDE}:{port}"
    process.kill()
    process.wait(5)


class Trunk:
    """SIPp sends `calls` calls through the door, RATE a second, each talking for `talk` seconds."""

    def __init__(self, folder: Path, door: Door, calls: int, talk: float) -> None:
        self._relay = TlsRelay(door.address, door.folder / "trusted.pem")
        self._log = folder / "trunk.log"
        self.process = Process(
            *("sipp", self._relay.address, "-sf", str(SCENARIOS / "trunk.xml"), "-t", "t1", "-i", INSIDE),
            *("-p", str(free_port()), "-mp", str(free_port()), "-nostdin", "-timeout", "90"),
            *("-m", str(calls), "-l", str(calls), "-r", str(RATE), "-d", str(round(talk * 1000))),
            *("-trace_logs", "-log_file", str(self._log)),
        )

    def times(self) -> tuple[dict[str, float], dict[str, float]]:
        """When each call was offered, and when answered, in seconds since 1970."""
        found: dict[str, dict[str, float]] = {"offered": {}, "answered": {}}
        text = self._log.read_text() if self._log.exists() else ""
        for what, number, at in LINE.findall(text):
            found[what][number] = float(at)
        return found["offered"], found["answered"]

    def close(self) -> None:
        self.process.end()
        self._relay.close()


def test_calls_are_set_up_while_a_bridge_dies(tmp_path: Path, desk: Desk, bridges: list[Office], phone: str) -> None:
    desk.plan = lambda offered: Plan((Step((phone,), 30.0),), 1, 5.0, "", "", False)
    door = Door(tmp_path, [f"127.0.0.1:{bridge.sip_port}" for bridge in bridges], [f"{INSIDE}:{free_port()}"])
    trunk = None
    try:
        door.start()
        trunk = Trunk(tmp_path, door, CALLS, TALK)
        wait_for(lambda: len(trunk.times()[0]) > CALLS * 0.4, 60)
        first = bridges[0].processes[0]
        first.kill()
        died = time.time()
        wait_for(lambda: len(trunk.times()[0]) > CALLS * 0.6, 60)
        again = bridges[0].bridge()
        trunk.process.ended(60)
    finally:
        if trunk:
            trunk.close()
        door.close()
    offered, answered = trunk.times()
    assert len(offered) == CALLS
    failed = [offered[number] for number in offered.keys() - answered.keys()]
    assert not [at for at in failed if at > died + GRACE], f"{door.log} died {died}, failed {failed}"
    assert len(failed) <= RATE * GRACE
    took = [one.text.count("call offered") for one in (first, again, bridges[1].processes[0])]
    assert min(took) > CALLS * 0.1, took
    calls = {call.call_id for call in desk.of(CallOffered)}
    wait_for(lambda: calls == {call.call_id for call in desk.of(CallEnded)}, 60, "an end for every call")
    assert set(Counter(call.call_id for call in desk.of(CallEnded)).values()) == {1}


def test_a_full_bridge_passes_calls_on(tmp_path: Path, desk: Desk, bridges: list[Office], phone: str) -> None:
    desk.plan = lambda offered: Plan((Step((phone,), 30.0),), 1, 5.0, "", "", False)
    bridges[0].processes[0].end()
    bridges[0].bridge(MAX_CALLS=1)
    door = Door(tmp_path, [f"127.0.0.1:{bridge.sip_port}" for bridge in bridges], [f"{INSIDE}:{free_port()}"])
    trunk = None
    try:
        door.start()
        trunk = Trunk(tmp_path, door, 8, 5.0)
        trunk.process.ended(60)
        offered, answered = trunk.times()
        assert len(offered) == 8 and offered.keys() == answered.keys(), door.log
        refused = [end for end in desk.of(CallEnded) if end.end_reason is EndReason.REJECTED]
        assert refused, "the small bridge was asked while it was full"
    finally:
        if trunk:
            trunk.close()
        door.close()


def test_two_bridges_share_one_desk_and_its_recordings(tmp_path: Path, pattern: WholeDesk, clients: None) -> None:
    desk = WholeDesk(tmp_path)
    try:
        desk.found_like(pattern)
        desk.start("web")
        desk.start("bridge")
        first = desk.sip_port
        desk.sip_port = free_port()
        low = random.randrange(50000, 60000, 200)
        desk.environ |= {
            "SECONDRING_BRIDGE": "b",
            "SECONDRING_SIP": desk.sip,
            "SECONDRING_RTP": f"{low}-{low + 198}",
        }
        desk.start("bridge b", "sipbridge")
        wait_for(desk.bridge_is_up, told=desk.log("bridge b"))
        phone = desk.softphone("anna", auto=True)
        for nth, port in ((1, first), (2, desk.sip_port)):
            desk.sip_port = port
            caller = desk.caller(KNOWN)
            wait_for(lambda: desk.calls()[-1:] and desk.calls()[-1]["state"] == "talking")
            caller.hang_up()
            wait_for(lambda: [call["end"] for call in desk.calls()] == ["completed"] * nth)  # noqa: B023
            wait_for(lambda: phone.saw("CALL_CLOSED") == nth)  # noqa: B023
        wait_for(lambda: all(call["recording"] for call in desk.calls()))
        recordings = {call["recording"] for call in desk.calls()}
        names = desk.ask(lambda session: sorted(session.scalars(select(BridgeStatus.name))))
    finally:
        desk.close()
    assert names == ["", "b"]
    assert len(recordings) == 2
    assert all((tmp_path / "var" / "recordings" / path).is_file() for path in recordings)
