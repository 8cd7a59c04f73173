"""An endpoint with ears, telephones made of plain sockets, and SIPp."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from sipbridge.media.hub import Hub
from sipbridge.pyvoip import Endpoint, Leg, LegEvent
from sipbridge.pyvoip.message import Message
from tests.ports import free_port, free_range

SCENARIOS = Path(__file__).parent / "sipp"
INSTANCE = "0b0f2ab1-3a55-4fd1-9c3b-0f6d8a3c1d11"


def until(condition: Callable[[], Any], seconds: float = 8.0) -> Any:
    """Wait for what other threads or programs bring about; fail when it does not come true."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "what was waited for did not happen"
        pause.wait(0.005)
    return value


class Clock:
    """Monotonic time that a test can push forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


class Office:
    """An endpoint and what it told us."""

    def __init__(self, hub: Hub, **settings: Any) -> None:
        self.clock = Clock()
        self.calls: list[Leg] = []
        self.events: list[tuple[Leg, LegEvent]] = []
        self.lines: list[tuple[str, bool, str]] = []
        self.when_called: Callable[[Leg], None] = lambda leg: None
        defaults: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": 0,
            "rtp_ports": free_range(400),
            "peers": (ip_network("127.0.0.0/8"),),
            "accounts": (),
            "max_calls": 50,
            "instance_id": INSTANCE,
        }
        self.endpoint = Endpoint(
            **{**defaults, **settings},
            hub=hub,
            on_call=self._on_call,
            on_leg=lambda leg, event: self.events.append((leg, event)),
            on_line=lambda *told: self.lines.append(told),
            clock=self.clock,
        )

    def pass_time(self, seconds: float) -> None:
        """Let so many seconds pass for the endpoint, in steps, each timer having its turn."""
        self._turn()
        self._turn()  # what was sent to the endpoint before is read and judged before
        end = self.clock.ahead + seconds
        while self.clock.ahead < end:
            self.clock.ahead += min(0.5, end - self.clock.ahead)
            self._turn()
            threading.Event().wait(0.002)  # the other side's turn to answer what was sent

    def _turn(self) -> None:
        """Let the endpoint's thread come round once."""
        rung = threading.Event()
        with self.endpoint.sip.lock:
            self.endpoint.sip.timers.after(0, rung.set)
        self.endpoint.sip.wake()
        assert rung.wait(5)

    def _on_call(self, leg: Leg) -> None:
        self.calls.append(leg)
        self.when_called(leg)

    def of(self, leg: Leg) -> list[LegEvent]:
        return [event for other, event in self.events if other is leg]

    def call(self) -> Leg:
        """The next inbound leg."""
        until(lambda: self.calls)
        return self.calls.pop(0)


class Phone:
    """A telephone made of one UDP socket: sends what a test writes, reads what comes."""

    def __init__(self, office: Office, ip: str = "127.0.0.1", port: int = 0) -> None:
        self.office = office
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((ip, port))
        self.socket.settimeout(5)
        self.ip, self.port = self.socket.getsockname()
        self.call_id = uuid.uuid4().hex
        self.to_tag = ""
        self.branch = ""
        self.seen: set[tuple[str, str]] = set()

    @property
    def sdp(self) -> str:
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.ip}\r\ns=-\r\nc=IN IP4 {self.ip}\r\nt=0 0\r\n"
            "m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        )

    def write(
        self,
        method: str,
        cseq: int = 1,
        *,
        body: str = "",
        headers: str = "",
        from_: str = '"Anna" <sip:+74951234567@example.com>;tag=a1',
        to: str = "<sip:desk@example.com>",
        uri: str = "sip:desk@example.com",
        branch: str | None = None,
        content_type: str = "application/sdp",
        via: str | None = None,
    ) -> bytes:
        self.branch = branch or "z9hG4bK" + uuid.uuid4().hex
        via = via or f"Via: SIP/2.0/UDP {self.ip}:{self.port};branch={self.branch};rport\r\n"
        tag = f";tag={self.to_tag}" if self.to_tag and "tag=" not in to else ""
        kind = f"Content-Type: {content_type}\r\n" if body else ""
        return (
            f"{method} {uri} SIP/2.0\r\n{via}Max-Forwards: 70\r\nFrom: {from_}\r\nTo: {to}{tag}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n"
            f"Contact: <sip:anna@{self.ip}:{self.port}>\r\n"
            f"{headers}{kind}Content-Length: {len(body.encode())}\r\n\r\n{body}"
        ).encode()

    def send(self, method: str, cseq: int = 1, **parts: Any) -> str:
        """Send a request; its branch."""
        self.send_raw(self.write(method, cseq, **parts))
        return self.branch

    def send_raw(self, data: bytes) -> None:
        self.socket.sendto(data, ("127.0.0.1", self.office.endpoint.port))

    def invite(self, **parts: Any) -> str:
        return self.send("INVITE", **{"body": self.sdp, **parts})

    def receive(self, seconds: float = 5.0) -> Message:
        self.socket.settimeout(seconds)
        data, source = self.socket.recvfrom(65535)
        return Message(data, source)

    def expect(self, code: int, seconds: float = 5.0) -> Message:
        """The next response, which must have this code; 100 is passed over."""
        while True:
            response = self.receive(seconds)
            assert not response.is_request, response.heading
            if response.code == code:
                self.to_tag = response.to.tag or self.to_tag
                return response
            assert response.code == 100, response.heading

    def expect_request(self, method: str, seconds: float = 5.0) -> Message:
        """The next request that was not seen before, which must be of this method."""
        while True:
            request = self.receive(seconds)
            if request.is_request and (identity := (request.method, request.vias[0].branch)) in self.seen:
                continue
            assert request.is_request and request.method == method, request.heading
            self.seen.add(identity)
            return request

    def reply(self, request: Message, code: int, phrase: str = "x", headers: str = "", body: str = "") -> None:
        """Answer a request of the endpoint; with our Contact unless `headers` bring one."""
        to = request.header("to")
        if "tag=" not in to and code > 100:
            to += f";tag={self.to_tag or 'phone'}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        contact = "" if "Contact:" in headers else f"Contact: <{self.address}>\r\n"
        self.send_raw(
            (
                f"SIP/2.0 {code} {phrase}\r\nVia: {request.header('via')}\r\nFrom: {request.header('from')}\r\n"
                f"To: {to}\r\nCall-ID: {request.call_id}\r\nCSeq: {request.header('cseq')}\r\n"
                f"{contact}{headers}{kind}Content-Length: {len(body.encode())}\r\n\r\n{body}"
            ).encode()
        )

    def silent(self, seconds: float = 0.3) -> bool:
        """Whether nothing comes within that time."""
        self.socket.settimeout(seconds)
        try:
            print("not silent:", self.socket.recvfrom(65535))
        except TimeoutError:
            return True
        return False

    @property
    def address(self) -> str:
        return f"sip:phone@{self.ip}:{self.port}"


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture
def make_office(hub: Hub) -> Iterator[Callable[..., Office]]:
    made: list[Office] = []

    def make(**settings: Any) -> Office:
        office = Office(hub, **settings)
        made.append(office)
        office.endpoint.start()
        return office

    yield make
    for office in made:
        office.endpoint.stop()
        assert office.endpoint.counters["errors"] == 0


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    return make_office()


@pytest.fixture
def make_phone() -> Iterator[Callable[..., Phone]]:
    made: list[Phone] = []

    def make(office: Office, ip: str = "127.0.0.1", port: int = 0) -> Phone:
        made.append(Phone(office, ip, port))
        return made[-1]

    yield make
    for phone in made:
        phone.socket.close()


@pytest.fixture
def phone(office: Office, make_phone: Callable[..., Phone]) -> Phone:
    return make_phone(office)


class Sipp:
    """One run of the SIPp program."""

    def __init__(self, scenario: str, remote: str, *arguments: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                "sipp",
                remote,
                *("-sf", str(SCENARIOS / scenario), "-i", "127.0.0.1", "-p", str(self.port)),
                *("-mp", str(free_port()), "-nostdin", "-timeout", "25", "-timeout_error", *arguments),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def finish(self, seconds: float = 30) -> str:
        """Wait for its end; its screen. The run must have succeeded."""
        screen = self.process.communicate(timeout=seconds)[0].decode("utf-8", "replace")
        assert self.process.returncode == 0, screen[-3000:]
        return screen


@pytest.fixture
def sipp() -> Iterator[Callable[..., Sipp]]:
    if shutil.which("sipp") is None:
        pytest.skip("SIPp is not installed (Debian: sip-tester): real calls were left out")
    runs: list[Sipp] = []

    def run(scenario: str, remote: str, *arguments: str) -> Sipp:
        runs.append(Sipp(scenario, remote, *arguments))
        return runs[-1]

    yield run
    for each in runs:
        if each.process.poll() is None:
            each.process.kill()
            each.process.communicate()
