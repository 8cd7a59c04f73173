"""Calls a second without a failure, and INVITE to plan, beside SIPp's and sippy's UAS. Run as `python -m bench.rate`.

A call through the bridge is more than a call to a UAS: the desk is asked for a plan, a second leg rings a
softphone, two RTP ports are taken. The plan comes from a stand-in desk in a process of its own, that answers at
once; then, with the desk away, from the standing plan. sippy is measured when `pip install sippy==2.5.0` was done.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.caller import percentiles
from bench.load import Figures, Load
from sipbridge.events import Plan, StandingPlans, Step, TimedPlan
from sipbridge.standing import save
from tests.e2e.installation import Installation, wait_for
from tests.ports import free_port
from tests.sipbridge.standin import Desk

ROOM = {"SECONDRING_RTP": "20000-39999", "SECONDRING_MAX_CALLS": "2000"}
RATES = (25, 50, 100, 200, 300)
AIM = 200


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="five seconds a rate, up to the aim")
    parser.add_argument("--desk", nargs=2, metavar=("PORT", "EXTENSION"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.desk:
        stand_in(int(options.desk[0]), options.desk[1])
        return
    seconds = 5.0 if options.short else 20.0
    rates = [rate for rate in RATES if rate <= AIM] if options.short else RATES
    print(
        f"{'':22}{'calls/s':>8}{'failed':>12}{'180 p50/p99 ms':>18}{'plan p50/p99 ms':>18}{'200 p50/p99 ms':>18}",
        end="",
    )
    print(f"{'threads':>10}{'kB a call':>9}")
    sipp = climb("SIPp's UAS", sipp_uas, rates, seconds)
    sippy = climb("sippy's UAS", sippy_uas, rates, seconds)
    ours = climb("the bridge", bridge_and_desk, rates, seconds)
    climb("the bridge, no desk", bridge_alone, rates, seconds)
    if ours[AIM].planned and sipp:
        plan = percentiles(ours[AIM].planned)[1]
        for name, theirs in (("SIPp's", sipp), ("sippy's", sippy)):
            if AIM in theirs and theirs[AIM].joined:
                print(f"INVITE to plan at {AIM}/s, p99 : {name} INVITE to 200, p99  ", end="")
                print(f"{plan / percentiles(theirs[AIM].joined)[1]:.1f}")
    print(f"aim: no failure at {AIM} calls a second: {'met' if ours[AIM].failed == 0 else 'MISSED'}")


@dataclass(frozen=True, slots=True)
class Target:
    """Who answers, at which port of this machine, and its process."""

    port: int
    pid: int

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def size(self) -> tuple[int, int]:
        """Threads, and kilobytes in memory. What a call leaves behind lives on for 32 s (RFC 3261, timer J)."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        threads, memory = (re.search(rf"{name}:\s+(\d+)", status) for name in ("Threads", "VmRSS"))
        assert threads and memory
        return int(threads[1]), int(memory[1])


@contextmanager
def sipp_uas(load: Load, folder: Path) -> Iterator[Target | None]:
    """SIPp's own scenario of somebody who answers at once."""
    if not shutil.which("sipp"):
        yield None
        return
    port = free_port()
    command = ["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-nostdin"]
    with _process(command, folder) as process:
        wait_for(lambda: _listens(port), told=f"sipp ended with {process.poll()}")
        yield Target(port, process.pid)


@contextmanager
def sippy_uas(load: Load, folder: Path) -> Iterator[Target | None]:
    """`bench.sippy_uas`, when sippy is installed."""
    if importlib.util.find_spec("sippy") is None:
        yield None
        return
    port = free_port()
    with _process([sys.executable, "-m", "bench.sippy_uas", str(port)], Path.cwd()) as process:
        wait_for(lambda: _listens(port), told=f"sippy ended with {process.poll()}")
        yield Target(port, process.pid)


@contextmanager
def bridge_and_desk(load: Load, folder: Path) -> Iterator[Target | None]:
    """The bridge, and a desk that answers at once."""
    installation = Installation(folder, **ROOM)
    command = [sys.executable, "-W", "ignore", "-m", "bench.rate", "--desk", str(installation.web_port), load.extension]
    try:
        with _process(command, Path.cwd()) as desk:
            wait_for(lambda: _listens(installation.web_port, "tcp"), told=f"the desk ended with {desk.poll()}")
            installation.start("bridge")
            yield Target(installation.sip_port, installation.processes["bridge"].pid)
    finally:
        installation.close()


@contextmanager
def bridge_alone(load: Load, folder: Path) -> Iterator[Target | None]:
    """The bridge with its standing plan: it waits 300 ms for a desk that is away.

    The desk's port is held and nobody listens on it: some other program's answers would change the plans.
    """
    installation = Installation(folder, **ROOM)
    held = socket.socket()
    held.bind(("127.0.0.1", installation.web_port))
    plans = (TimedPlan(datetime(2000, 1, 1, tzinfo=UTC), plan_for(load.extension)),)
    save(folder / "var" / "bridge" / "standing.json", StandingPlans("bench", {"*": plans}))
    try:
        installation.start("bridge")
        yield Target(installation.sip_port, installation.processes["bridge"].pid)
    finally:
        installation.close()
        held.close()


Peer = Callable[[Load, Path], AbstractContextManager[Target | None]]


def climb(name: str, peer: Peer, rates: Sequence[int], seconds: float) -> dict[int, Figures]:
    """Measure one peer at growing rates until calls fail; its figures by rate."""
    measured: dict[int, Figures] = {}
    for rate in rates:
        load = Load()
        with tempfile.TemporaryDirectory() as folder, peer(load, Path(folder)) as target:
            if target is None:
                print(f"{name:22}not installed: left out")
                return measured
            load.run(target.address, 25, 1.0)  # warms both up
            load.figures, before = Figures(), target.size()
            measured[rate] = figures = load.run(target.address, rate, seconds)
            after = target.size()
        load.close()
        times = [_pair(figures.rang), _pair(figures.planned), _pair(figures.joined)]
        failed = f"{figures.failed} of {figures.started}"
        size = f"{f'{before[0]} / {after[0]}':>10}{(after[1] - before[1]) / figures.started:9.0f}"
        print(f"{name:22}{rate:8}{failed:>12}" + "".join(f"{pair:>18}" for pair in times) + size, flush=True)
        if figures.failed:
            break
    return measured


def plan_for(extension: str) -> Plan:
    """Ring one softphone, and join it as soon as it picks up."""
    return Plan((Step((extension,), 20.0),), 1, 5.0, "", "", False)


def stand_in(port: int, extension: str) -> None:
    """A desk that answers every offer with the same plan, until killed."""
    desk = Desk(lambda offered: plan_for(extension))
    desk.port = port
    desk.start()
    threading.Event().wait()


def _pair(seconds: list[float]) -> str:
    return "{:.1f} / {:.1f}".format(*percentiles(seconds)) if seconds else "-"


@contextmanager
def _process(command: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(5)


def _listens(port: int, kind: str = "udp") -> bool:
    return f":{port:04X} " in Path(f"/proc/net/{kind}").read_text()


if __name__ == "__main__":
    main()
