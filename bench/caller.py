"""A bare SIP caller for the benchmarks: one INVITE at a time on its own socket, timed, then cancelled."""

from __future__ import annotations

import itertools
import socket
import time
from types import TracebackType

_numbers = itertools.count(1)


class Caller:
    """Calls `target` (host, port). Use as a context manager."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        self.target = target
        self.port = self.socket.getsockname()[1]

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.socket.close()

    def invite(self, number: str) -> tuple[str, float]:
        """Send an INVITE; returns its Call-ID and the monotonic time it left."""
        call_id = f"bench-{self.port}-{next(_numbers)}"
        body = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {self.port + 1} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
        message = self._request("INVITE", call_id, number) + (
            f"Contact: <sip:bench@127.0.0.1:{self.port}>\r\nContent-Type: application/sdp\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        started = time.monotonic()
        self.socket.sendto(message.encode(), self.target)
        return call_id, started

    def probe(self) -> float:
        """Ask with OPTIONS; the seconds until its answer. Raises TimeoutError after five."""
        call_id = f"probe-{self.port}-{next(_numbers)}"
        began = time.monotonic()
        self.socket.sendto(
            (self._request("OPTIONS", call_id, "probe") + "Content-Length: 0\r\n\r\n").encode(), self.target
        )
        return self.wait_for(200, call_id, "OPTIONS") - began

    def wait_for(self, status: int, call_id: str, method: str = "INVITE") -> float:
        """The monotonic time at which this answer arrived; other messages are passed over."""
        while True:
            data = self.socket.recv(8192)
            now = time.monotonic()
            text = data.decode("utf-8", "replace")
            if text.startswith(f"SIP/2.0 {status} ") and call_id in text and f" {method}\r\n" in text:
                self._last = text
                return now

    def cancel(self, call_id: str, number: str) -> None:
        """Give up the ringing call, politely to the end."""
        self.socket.sendto(
            (self._request("CANCEL", call_id, number) + "Content-Length: 0\r\n\r\n").encode(), self.target
        )
        self.wait_for(487, call_id)
        to = next(line for line in self._last.split("\r\n") if line.lower().startswith("to:"))
        ack = self._request("ACK", call_id, number).replace(f"To: <sip:desk@{self.target[0]}>", to)
        self.socket.sendto((ack + "Content-Length: 0\r\n\r\n").encode(), self.target)

    def _request(self, method: str, call_id: str, number: str) -> str:
        host, port = self.target
        return (
            f"{method} sip:desk@{host}:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{call_id};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{number}@127.0.0.1>;tag={call_id}\r\nTo: <sip:desk@{host}>\r\n"
            f"Call-ID: {call_id}\r\nCSeq: 1 {method}\r\n"
        )


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2] * 1e3, ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1e3
