"""Calls at a steady rate, each set up, joined and hung up, every answer timed: the load of `bench.rate`.

One thread plays all callers on one socket and, for a bridge, all managers' softphones on another; a softphone picks
up at once. A call fails when it is refused or not over in `PATIENCE` seconds.
"""

from __future__ import annotations

import re
import select
import socket
import time
from dataclasses import dataclass, field

PATIENCE = 10.0
TALK = 0.2
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
_NUMBER = re.compile(rb"\nFrom:[^\r]*sip:\+?(\d+)@", re.IGNORECASE)
_TO_TAG = re.compile(rb"\nTo:([^\r]*)\r", re.IGNORECASE)
_CONTACT = re.compile(rb"\nContact:\s*<([^>]+)>", re.IGNORECASE)


@dataclass(slots=True)
class Figures:
    """What came of a run; times in seconds since each INVITE. `planned`: a manager's softphone was asked to ring."""

    started: int = 0
    finished: int = 0
    refused: int = 0
    rang: list[float] = field(default_factory=list)
    planned: list[float] = field(default_factory=list)
    joined: list[float] = field(default_factory=list)

    @property
    def failed(self) -> int:
        return self.started - self.finished


@dataclass(slots=True)
class _Call:
    began: float
    rang: bool = False
    to: str = ""
    target: str = ""
    bye_at: float = 0.0


class Load:
    """Places calls, numbered on from run to run. `extension` is the softphones' SIP address."""

    def __init__(self) -> None:
        self._target = ("", 0)
        self._placed = 1_000_000
        self._callers, self._phones = _socket(), _socket()
        self._port = self._callers.getsockname()[1]
        self.extension = f"sip:bench@127.0.0.1:{self._phones.getsockname()[1]}"
        self._calls: dict[int, _Call] = {}
        self.figures = Figures()

    def run(self, target: tuple[str, int], rate: float, seconds: float) -> Figures:
        """Place `rate` calls a second to `target` for so long, and wait for their ends."""
        self._target = target
        self._calls.clear()
        poll = select.poll()
        for sock in (self._callers, self._phones):
            poll.register(sock, select.POLLIN)
        began, placed, total = time.monotonic(), 0, round(rate * seconds)
        talking: list[int] = []
        while placed < total or (self._calls and time.monotonic() < began + seconds + PATIENCE):
            now = time.monotonic()
            while placed < total and began + placed / rate <= now:
                placed += 1
                self._placed += 1
                self._invite(self._placed)
            while talking and (call := self._calls.get(talking[0])) and call.bye_at <= now:
                self._bye(talking.pop(0), call)
            poll.poll(2)
            talking += self._hear_callers()
            self._hear_phones()
        return self.figures

    def close(self) -> None:
        self._callers.close()
        self._phones.close()

    def _invite(self, number: int) -> None:
        self._calls[number] = _Call(time.monotonic())
        self.figures.started += 1
        body = _SDP.format(port=self._port + 1)
        self._send(
            self._request("INVITE", number, 1, f"<sip:desk@{self._target[0]}>")
            + f"Contact: <sip:bench@127.0.0.1:{self._port}>\r\nContent-Type: application/sdp\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        )

    def _bye(self, number: int, call: _Call) -> None:
        self._send(self._request("BYE", number, 2, call.to, call.target) + "Content-Length: 0\r\n\r\n")

    def _hear_callers(self) -> list[int]:
        """Take what came for callers; the numbers of those who talk now."""
        talk = []
        for data in _read(self._callers):
            now = time.monotonic()
            if not data.startswith(b"SIP/2.0 "):  # the far end hangs up first
                self._callers.sendto(_answer(data, 200, "OK", ""), self._target)
                continue
            code, method = int(data[8:11]), _method(data)
            found = _NUMBER.search(data)
            number = int(found[1]) if found else 0
            call = self._calls.get(number)
            if call is None or code == 100:
                continue
            if method == b"INVITE" and code < 200 and not call.rang:
                call.rang = True
                self.figures.rang.append(now - call.began)
            elif method == b"INVITE" and code >= 200:
                call.to = _group(_TO_TAG, data)
                call.target = _group(_CONTACT, data) if code < 300 else ""
                self._send(self._request("ACK", number, 1, call.to, call.target) + "Content-Length: 0\r\n\r\n")
                if code >= 300:
                    self.figures.refused += 1
                    del self._calls[number]
                elif not call.bye_at:
                    call.bye_at = now + TALK
                    self.figures.joined.append(now - call.began)
                    talk.append(number)
            elif method == b"BYE":
                self.figures.finished += 1
                del self._calls[number]
        return talk

    def _hear_phones(self) -> None:
        for data in _read(self._phones):
            if data.startswith(b"INVITE "):
                found = _NUMBER.search(data)
                call = self._calls.get(int(found[1])) if found else None
                if call is not None:
                    self.figures.planned.append(time.monotonic() - call.began)
                port = self._phones.getsockname()[1]
                contact = f"Contact: <sip:bench@127.0.0.1:{port}>\r\nContent-Type: application/sdp\r\n"
                self._phones.sendto(_answer(data, 200, "OK", _SDP.format(port=port + 1), contact), self._target)
            elif data.startswith((b"BYE ", b"CANCEL ", b"OPTIONS ")):
                self._phones.sendto(_answer(data, 200, "OK", ""), self._target)

    def _send(self, message: str) -> None:
        self._callers.sendto(message.encode(), self._target)

    def _request(self, method: str, number: int, cseq: int, to: str, uri: str = "") -> str:
        host, port = self._target
        branch = f"{number}-{cseq}" if method != "ACK" or not uri else f"{number}-ack"
        return (
            f"{method} {uri or f'sip:desk@{host}:{port}'} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self._port};branch=z9hG4bK{self._port}-{branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:+{number}@127.0.0.1>;tag={number}\r\nTo: {to.strip()}\r\n"
            f"Call-ID: rate-{self._port}-{number}\r\nCSeq: {cseq} {method}\r\n"
        )


def _answer(request: bytes, code: int, phrase: str, body: str, headers: str = "") -> bytes:
    lines = [f"SIP/2.0 {code} {phrase}"]
    for line in request.decode("utf-8", "replace").split("\r\n\r\n")[0].split("\r\n")[1:]:
        name = line.split(":")[0].strip().lower()
        if name in ("via", "from", "call-id", "cseq", "record-route"):
            lines.append(line)
        elif name == "to":
            lines.append(line if "tag=" in line else f"{line};tag=bench")
    return ("\r\n".join(lines) + f"\r\n{headers}Content-Length: {len(body)}\r\n\r\n{body}").encode()


def _method(response: bytes) -> bytes:
    found = re.search(rb"\nCSeq:\s*\d+\s+([A-Z]+)", response, re.IGNORECASE)
    return found[1] if found else b""


def _group(pattern: re.Pattern[bytes], data: bytes) -> str:
    found = pattern.search(data)
    return found[1].decode("utf-8", "replace") if found else ""


def _read(sock: socket.socket) -> list[bytes]:
    read: list[bytes] = []
    while len(read) < 100:
        try:
            read.append(sock.recv(8192))
        except BlockingIOError:
            break
    return read


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
    sock.setblocking(False)
    sock.bind(("127.0.0.1", 0))
    return sock
