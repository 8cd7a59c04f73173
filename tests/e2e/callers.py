"""Many callers at once by SIPp, what they heard, and what the desk knows of them: lost, twice, out of order."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.e2e.installation import Installation
from tests.ports import free_port
from webapp.calls.models import BridgeEvent, Call, CallTrace

FROM_THE_BRIDGE = ("offered", "plan", "standing_plan", "rung", "greeting", "answered", "apology", "leg_", "ended_")
"""Kinds of entries of a call's trace whose time is the bridge's."""


class Callers:
    """SIPp placing calls to `address` by a scenario, from numbers that begin with `prefix`; every call has its own."""

    def __init__(
        self, address: str, folder: Path, scenario: str, prefix: str, *, calls: int, rate: float, pause: float
    ) -> None:
        self.prefix = prefix
        self._messages = folder / f"messages-{prefix}.csv"
        path = folder / f"callers-{prefix}.xml"
        path.write_text(scenario.replace("+7495000[call_number]", f"{prefix}[call_number]"))
        period = 1000 if rate >= 1 else round(1000 / rate)
        command = (
            f"sipp {address} -sf {path} -i 127.0.0.1 -p {free_port()}"
            f" -mp {free_port()} -m {calls} -r {max(1, round(rate))} -rp {period} -l {calls}"
            f" -d {round(pause * 1000)} -s desk -nostdin -recv_timeout 8000 -cid_str %u-%p@%s"
            f" -trace_shortmsg -shortmessage_file {self._messages}"
        )
        self.process = subprocess.Popen(
            command.split(), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def numbers(self, *answers: str) -> set[str]:
        """The numbers of the callers who heard one of these: "180", "200"."""
        heard = set()
        text = self._messages.read_text(errors="replace") if self._messages.exists() else ""
        for line in text.splitlines():
            fields = line.split("\t")
            if len(fields) < 7 or fields[3] != "R" or not fields[5].endswith(" INVITE"):
                continue
            if fields[6].startswith(tuple(f"SIP/2.0 {code} " for code in answers)):
                heard.add(self.prefix + fields[4].partition("-")[0])
        return heard

    def close(self) -> None:
        """Let nobody call any more; those on the line finish, as long as that takes no longer than it may."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGUSR1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(12)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(5)


@dataclass(frozen=True)
class Books:
    """What the desk has of a set of callers who heard it ring."""

    calls: int
    lost: int
    twice: int
    out_of_order: int
    unended: int


def books(desk: Installation, heard: set[str], *, clock_moved: bool = False) -> Books:
    """Compare what callers heard with what the desk wrote down. `clock_moved`: later calls may seem earlier."""

    def query(session: Any) -> Books:
        rows = session.execute(select(Call.id, Call.caller_number, Call.state, Call.offered_at).order_by(Call.id)).all()
        traces: dict[int, list[tuple[str, datetime]]] = {row.id: [] for row in rows}
        for call_id, kind, at in session.execute(
            select(CallTrace.call_id, CallTrace.kind, CallTrace.at).order_by(CallTrace.id)
        ):
            if kind.startswith(FROM_THE_BRIDGE):
                traces[call_id].append((kind, at))
        known = Counter(row.caller_number for row in rows)
        once = {kind for kind in ("offered", "plan", "standing_plan", "greeting", "answered", "apology")}
        twice = sum(count - 1 for count in known.values() if count > 1)
        for row in rows:
            if known[row.caller_number] > 1:
                print("one caller in several rows:", row.id, row.caller_number, row.offered_at, traces[row.id])
        out_of_order = 0
        for call_id, entries in traces.items():
            kinds = Counter("ended" if kind.startswith("ended_") else kind for kind, _ in entries)
            again = sum(count - 1 for kind, count in kinds.items() if kind in once | {"ended"})
            moments = [at for _, at in entries]
            right = moments == sorted(moments) and entries[0][0] == "offered"
            right &= all(not kind.startswith("ended_") for kind, _ in entries[:-1])
            if again or not right:
                print("told twice or out of order:", call_id, entries)
            twice += again
            out_of_order += not right
        if not clock_moved:
            out_of_order += sum(later.offered_at < earlier.offered_at for earlier, later in pairwise(rows))
        assert len(set(session.scalars(select(BridgeEvent.event_id)))) >= len(rows)
        return Books(
            calls=len(rows),
            lost=len(heard - set(known)),
            twice=twice,
            out_of_order=out_of_order,
            unended=sum(row.state != "ended" for row in rows),
        )

    return desk.ask(query)
