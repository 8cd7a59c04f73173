"""More calls than the office takes, and strangers who shout: everybody is answered who should be, nobody waits.

What is measured here are answers; how quick they are under a stranger's flood `./desk bench flood` shows as a ratio.
"""

from __future__ import annotations

import threading
import time

import pytest

from bench.caller import Caller, percentiles
from bench.flood import hush, stranger
from sipbridge.events import CallEnded, CallOffered, EndReason, Plan, PlanChosen
from tests.sipbridge.office import CANCELS, INVITE, REFUSED, Office, needs_sipp, scenario
from tests.sipbridge.standin import Desk, wait_for

pytestmark = [pytest.mark.e2e, needs_sipp]

REFUSED_POLITELY = scenario(
    INVITE.replace('<recv response="180"/>', ""),
    REFUSED.format(code=503).replace(
        '<recv response="503"/>',
        '<recv response="503"><action><ereg regexp="[0-9]+" search_in="hdr" header="Retry-After:" check_it="true"'
        ' assign_to="seconds"/><log message="[$seconds]"/></action></recv>',
    ),
)


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.plan = lambda call: Plan((), 10, 5.0, "", "", False)
    return desk


class Prober:
    """Asks with OPTIONS ten times a second until told to stop; how long each answer took."""

    def __init__(self, port: int) -> None:
        self.waits: list[float] = []
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        with Caller(("127.0.0.1", self._port)) as caller:
            while not self._over.wait(0.1):
                try:
                    self.waits.append(caller.probe())
                except TimeoutError:
                    self.waits.append(float("inf"))

    def stop(self) -> None:
        self._over.set()
        self._thread.join(10)


def test_a_flood_over_the_cap_is_answered_to_the_last(office: Office, desk: Desk, soaking: bool) -> None:
    seconds = 15 if soaking else 3
    office.bridge(MAX_CALLS=3)
    office.sipp(scenario(INVITE, CANCELS), calls=3, pause=seconds + 6)
    wait_for(lambda: len(desk.of(CallOffered)) == 3, 5, "three calls that fill the office")
    prober = Prober(office.sip_port)
    flood = office.sipp(REFUSED_POLITELY, calls=100 * seconds, rate=100)
    assert flood.ended(seconds + 20) == 0, flood.text[-3000:]
    prober.stop()
    worst = max(prober.waits)
    print(f"{100 * seconds} refused, worst of {len(prober.waits)} probes {1000 * worst:.0f} ms")
    assert worst < 1.0 and len(prober.waits) > 5 * seconds
    # And all of them are in the books, as refused, once.
    wait_for(lambda: len(desk.of(CallEnded)) >= 100 * seconds, 30, "the books")
    ends = desk.of(CallEnded)
    assert sum(end.end_reason is EndReason.REJECTED for end in ends) == 100 * seconds
    assert len({call.call_id for call in desk.of(CallOffered)}) == len(desk.of(CallOffered)) == 100 * seconds + 3


def test_five_seconds_after_a_flood_all_is_normal(office: Office, desk: Desk, soaking: bool) -> None:
    seconds = 15 if soaking else 3
    office.bridge(MAX_CALLS=2)
    office.sipp(scenario(INVITE, CANCELS), calls=2, pause=seconds)
    flood = office.sipp(REFUSED_POLITELY.replace("Caller [call_number]", "Flood"), calls=100 * seconds, rate=100)
    flood.ended(seconds + 30)  # the first ones found room, so its code says nothing
    over = time.monotonic()
    wait_for(lambda: time.monotonic() > over + 0.2, 1, "a moment")
    last = office.sipp(scenario(INVITE, CANCELS).replace("Caller [call_number]", "After"), pause=1.0)
    assert last.ended(10) == 0, last.text
    wait_for(lambda: [c for c in desk.of(CallOffered) if c.caller_name == "After"], 5, "the call after the flood")
    (call,) = [c for c in desk.of(CallOffered) if c.caller_name == "After"]
    wait_for(lambda: "CallEnded" in desk.kinds(call.call_id), 5, "its end")
    assert [plan.standing for plan in desk.of(PlanChosen) if plan.call_id == call.call_id] == [False]
    assert time.monotonic() - over < 10


def ringing(port: int, calls: int) -> list[float]:
    """Seconds from INVITE to 180 for so many calls, one after the other."""
    waits = []
    with Caller(("127.0.0.1", port)) as caller:
        for _ in range(calls):
            call_id, began = caller.invite("+74950001")
            waits.append(caller.wait_for(180, call_id) - began)
            caller.cancel(call_id, "+74950001")
    return waits


def test_a_stranger_s_flood_is_dropped_and_real_calls_ring(office: Office, desk: Desk, soaking: bool) -> None:
    office.bridge(PEERS="127.0.0.1/32")
    calls = 600 if soaking else 60
    ringing(office.sip_port, 20)
    alone = ringing(office.sip_port, calls)
    with stranger(office.sip_port) as shouting:
        beside = ringing(office.sip_port, calls)
        sent, heard = hush(shouting)
    alone_p99, beside_p99 = percentiles(alone)[1], percentiles(beside)[1]
    print(f"p99 alone {alone_p99:.1f} ms, beside {sent} packets {beside_p99:.1f} ms")
    assert sent > 20 and heard == 0
    if soaking:
        assert beside_p99 < max(2 * alone_p99, 20.0), "far from what a busy machine explains"
    wait_for(
        lambda: any(beat["counters"]["refused_strangers"] > 20 for beat in desk.heartbeats[-3:]), 10, "they are counted"
    )
    wait_for(lambda: len(desk.of(CallEnded)) == 2 * calls + 20, 10, "every real call in the books")
