"""Whatever comes from outside, mutated with a fresh seed each time: the bridge lives, and does not grow.

SIP goes to a real bridge process, RTP to a real hub with a talk that is recorded, JSON to the readers of events,
plans and commands. The seed of each run is printed, so that a failure can be repeated: SECONDRING_SEED=... .
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.caller import Caller
from sipbridge.events import (
    COMMANDS,
    KINDS,
    CallOffered,
    Plan,
    StandingPlans,
    WireError,
    decode,
    decode_command,
    from_wire,
)
from sipbridge.media.hub import Hub
from sipbridge.media.recorder import Recorder
from sipbridge.media.rtp import HEADER
from sipbridge.media.stream import Stream
from sipbridge.outbox import Outbox
from sipbridge.standing import PlanError, check_plan, check_standing
from sipbridge.weblink import WebLink
from tests.sipbridge.office import CANCELS, INVITE, Office, needs_sipp, scenario
from tests.sipbridge.standin import Desk, wait_for

TORTURE = Path(__file__).parents[3] / "shared" / "torture"
SDP = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
HEAD = (
    b"%s sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK%s;rport\r\n"
    b'From: "A" <sip:+74951234567@x>;tag=1\r\nTo: <sip:desk@x>\r\nCall-ID: call\r\nCSeq: 1 %s\r\n'
    b"Contact: <sip:a@127.0.0.1:5999>\r\nMax-Forwards: 70\r\nSupported: timer, replaces\r\nSession-Expires: 1800\r\n"
    b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s"
)
METHODS = (b"INVITE", b"ACK", b"BYE", b"CANCEL", b"OPTIONS", b"REGISTER", b"UPDATE", b"INFO", b"REFER", b"PRACK")


def seeded() -> random.Random:
    """A fresh seed, printed, or the one that is asked for."""
    seed = int(os.environ.get("SECONDRING_SEED") or random.randrange(1 << 48))
    print("seed", seed)
    return random.Random(seed)


def corpus() -> list[bytes]:
    """What is mutated: our own messages, and the torture messages where they are at hand."""
    own = [HEAD % (method, b"x" + method, method, len(SDP), SDP) for method in METHODS]
    own += [b"SIP/2.0 %d x\r\n" % code + own[0].partition(b"\r\n")[2] for code in (100, 180, 200, 302, 401, 487, 603)]
    if not TORTURE.exists():
        print(f"the torture messages are not at {TORTURE}; only our own are mutated")
    return own + [path.read_bytes() for path in sorted(TORTURE.rglob("*.dat"))]


WORDS = (
    *(b"\r\n", b"\0", b"\xff\xfe", b"%00", b'"', b"<sip:", b";tag=", b"," * 50, b" " * 90, b"4294967296", b"-1"),
    *(
        b"z9hG4bK",
        b"a" * 3000,
        b"Via: ",
        b"m=audio 0 RTP/AVP 0\r\n",
        b"c=IN IP6 ::1\r\n",
        b"\xd0\xb6",
        b"Content-Length: 9",
    ),
)


def mutated(chance: random.Random, seeds: list[bytes], number: int) -> bytes:
    """One of the seeds, changed in up to eight places; often with a branch and a Call-ID of its own."""
    data = bytearray(chance.choice(seeds))
    if chance.random() < 0.7:
        data = bytearray(data.replace(b"z9hG4bK", b"z9hG4bK%d" % number).replace(b"Call-ID: ", b"Call-ID: %d" % number))
    for _ in range(chance.randint(0, 8)):
        at, kind = chance.randrange(len(data) + 1), chance.randrange(6)
        if kind == 0 and data:
            data[at - 1] = chance.randrange(256)
        elif kind == 1:
            del data[at : at + chance.randint(1, 60)]
        elif kind == 2:
            data[at:at] = chance.choice(WORDS)
        elif kind == 3:
            data[at:at] = data[at : at + chance.randint(1, 200)]
        elif kind == 4:
            data = data[:at] + bytearray(chance.choice(seeds))[at:]
        elif kind == 5 and chance.random() < 0.1:
            del data[at:]
    return bytes(data[:65_000])


@dataclasses.dataclass(frozen=True)
class Size:
    """Threads, file descriptors and memory of a process."""

    threads: int
    descriptors: int
    megabytes: float

    @classmethod
    def of(cls, pid: int) -> Size:
        numbers = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return cls(
            threads=int(numbers["Threads"]),
            descriptors=len(os.listdir(f"/proc/{pid}/fd")),
            megabytes=int(numbers["VmRSS"].split()[0]) / 1024,
        )

    def grew(self, before: Size) -> str:
        """What became more than it may, '' when nothing did."""
        more = [
            f"{what} {was} -> {now}"
            for what, was, now, most in (
                ("threads", before.threads, self.threads, 3),
                ("descriptors", before.descriptors, self.descriptors, 3),
                ("megabytes", before.megabytes, self.megabytes, 50),
            )
            if now - was > most
        ]
        return ", ".join(more)

    def __str__(self) -> str:
        return f"{self.threads} threads, {self.descriptors} descriptors, {self.megabytes:.0f} MB"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.plan = lambda call: Plan((), 1, 0.2, "", "", False)
    return desk


@needs_sipp
@pytest.mark.e2e
def test_mutated_sip(office: Office, desk: Desk, soaking: bool) -> None:
    """Ten thousand packets while the office is full; in the soak six times as many while it takes calls.

    Those calls must end alone. What a flood leaves in memory is bounded: more packets don't make more of it.
    """
    chance, seeds = seeded(), corpus()
    packets = 60_000 if soaking else 10_000
    process = office.bridge(MAX_CALLS=40 if soaking else 1)
    if not soaking:
        desk.plan = lambda call: Plan((), 60, 5.0, "", "", False)
        office.sipp(scenario(INVITE, CANCELS), pause=60)
        wait_for(lambda: desk.of(CallOffered), 5, "a call that fills the office")
    with Caller(("127.0.0.1", office.sip_port)) as prober, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        mouth.bind(("127.0.0.1", 0))
        prober.probe()
        before = Size.of(process.pid)
        for number in range(packets):
            mouth.sendto(mutated(chance, seeds, number), ("127.0.0.1", office.sip_port))
            if number % 40 == 39:
                assert prober.probe() < 5, "it lives, and has read what came"
        wait_for(
            lambda: not Size.of(process.pid).grew(before),
            300 if soaking else 20,
            f"{Size.of(process.pid)}, was {before}",
        )
        print(f"{packets} packets: {before}; then {Size.of(process.pid)}")
        with Caller(("127.0.0.1", office.sip_port)) as caller:
            call_id, _ = caller.invite("+74950001")
            caller.wait_for(180 if soaking else 503, call_id)
    assert "handler failed" not in process.text and "Traceback" not in process.text, process.text[-5000:]
    wait_for(lambda: desk.heartbeats, 10, "a heartbeat")
    assert desk.heartbeats[-1]["counters"]["errors"] == 0


def test_mutated_rtp_in_a_recorded_talk(tmp_path: Path) -> None:
    chance = seeded()
    hub = Hub()
    hub.start()
    phones = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    streams = [Stream(hub, "127.0.0.1", 0, "PCMU", 101) for _ in phones]
    recorder = Recorder(tmp_path / "talk.wav")
    try:
        for phone, stream, tap in zip(phones, streams, (recorder.caller, recorder.manager), strict=True):
            phone.bind(("127.0.0.1", 0))
            phone.setblocking(False)
            stream.set_remote(*phone.getsockname())
            stream.tap = tap
        streams[0].join(streams[1])
        heard: list[str] = []
        streams[0].on_dtmf = heard.append
        before = Size.of(os.getpid())
        for number in range(10_000):
            which = number % 2
            packet = bytearray(
                HEADER.pack(
                    0x80, chance.choice((0, 8, 101, 13)), number & 0xFFFF, (160 * number) & 0xFFFFFFFF, 7 + which
                )
                + chance.randbytes(160)
            )
            for _ in range(chance.randint(0, 4)):
                packet[chance.randrange(len(packet))] = chance.randrange(256)
            size = chance.choice((len(packet), len(packet), chance.randrange(len(packet)), 0))
            phones[which].sendto(
                bytes(packet[:size]) * chance.choice((1, 1, 1, 9)), ("127.0.0.1", streams[which].local_port)
            )
            if number % 100 == 99:
                turned = threading.Event()
                hub.run(turned.set)
                assert turned.wait(5)
            for phone in phones:
                while True:
                    try:
                        phone.recv(3000)
                    except BlockingIOError:
                        break
        after = Size.of(os.getpid())
        assert hub.failures == 0 and hub.running and recorder.failure is None
        assert not after.grew(before), f"{before}; then {after}"
        assert sum(stream.counters.sent for stream in streams) > 1000, "what was right was relayed"
        assert set("".join(heard)) <= set("0123456789*#ABCD")
    finally:
        for stream in streams:
            stream.close()
        recorder.close()
        hub.stop()
        for phone in phones:
            phone.close()


# JSON

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just("2026-03-02T09:00:00+00:00")
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)
FIELDS = (
    "call_id",
    "line",
    "caller_number",
    "offered_at",
    "at",
    "end_reason",
    "rings",
    "seconds",
    "path",
    "registered",
)
envelopes = st.fixed_dictionaries(
    {
        "event_id": st.text(max_size=8) | anything,
        "command_id": st.text(max_size=8) | anything,
        "kind": st.sampled_from([*KINDS, *COMMANDS]) | anything,
        "data": st.fixed_dictionaries({name: anything for name in FIELDS}) | anything,
    }
)
bounded = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def reads(read: Callable[[Any], object], value: Any) -> None:
    """It is read, or refused in the words agreed for that."""
    try:
        read(value)
    except (WireError, PlanError):
        return


@bounded
@given(envelopes | anything)
def test_any_json_is_an_event_or_refused(value: Any) -> None:
    reads(decode, value)
    reads(decode_command, value)


@bounded
@given(anything)
def test_any_json_is_a_plan_or_refused(value: Any) -> None:
    reads(lambda wire: check_plan(from_wire(Plan, wire)), value)
    reads(lambda wire: check_standing(from_wire(StandingPlans, wire)), value)
    steps = {"steps": value, "answer_on_ring": 1, "ring_seconds": 5.0, "greeting": "", "apology": "", "record": False}
    reads(lambda wire: check_plan(from_wire(Plan, wire)), steps)


def test_any_answer_of_the_desk_is_survived(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    plans: list[Any] = []
    link = WebLink(
        ("127.0.0.1", 9),
        "secret",
        outbox,
        "",
        on_plan=lambda call_id, plan: plans.append(plan),
        on_standing=plans.append,
        status=dict,
    )

    @settings(bounded, max_examples=100)
    @given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()), anything)
    def read(answer: bytes, plan: Any) -> None:
        link._read(answer)
        link._read(json.dumps({"plans": {"a": plan}, "standing": ""}).encode())
        link._read(json.dumps({"plans": plan, "standing": 5}).encode())

    read()
    outbox.close()


def test_the_mutations_do_mutate() -> None:
    chance, seeds = random.Random(5), corpus()
    made = [mutated(chance, seeds, number) for number in range(500)]
    assert len(set(made)) > 480 and sum(b"INVITE" in data for data in made) > 50
    assert max(map(len, made)) <= 65_000
