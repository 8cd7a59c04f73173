"""A test call: a real SIP call from a separate process, with speech, told line by line.

`python -m sipbridge.testcall --to sip:desk@127.0.0.1:5060 --from +74951234567 --name "Orlova" --seconds 20`
Exit codes: 0 it rang or was answered, 1 it did not get through, 2 it could not be placed.
"""

from __future__ import annotations

import argparse
import ipaddress
import queue
import re
import signal
import socket
import sys
import time
import uuid

from sipbridge import pyvoip
from sipbridge.config import LOOPBACK
from sipbridge.deskphone import RTP_PORTS, SPEECH, seconds
from sipbridge.logs import to_stderr
from sipbridge.media.announcements import Announcements
from sipbridge.media.hub import Hub

PATIENCE_AT_END = 2.0  # seconds for the other side to confirm that the call is over


class TestCall:
    """One call. `run` is its whole life."""

    def __init__(self, uri: str, number: str, name: str, duration: float, speech: str) -> None:
        self._uri, self._number, self._name = uri, number, name
        self._duration = duration
        self._speech = speech
        self._events: queue.SimpleQueue[pyvoip.LegEvent | None] = queue.SimpleQueue()
        self._began = 0.0

    def stop(self) -> None:
        """Hang up now; may be called from a signal handler."""
        self._events.put(None)

    def run(self) -> int:
        """Place the call and see it through; the exit code. Raises OSError, ValueError for a bad address."""
        there = _address_of(self._uri)
        hub = Hub()
        endpoint = pyvoip.Endpoint(
            host=_our_address_facing(there),
            port=0,
            rtp_ports=RTP_PORTS,
            peers=(*LOOPBACK, ipaddress.ip_network(there)),
            accounts=(),
            max_calls=2,
            instance_id=str(uuid.uuid4()),
            hub=hub,
            on_call=lambda leg: leg.reject(486, "Busy Here"),
            on_leg=lambda leg, event: self._events.put(event),
            on_line=lambda line, registered, detail: None,
        )
        hub.start()
        try:
            endpoint.start()
            return self._call(endpoint)
        finally:
            endpoint.stop()
            hub.stop()

    def _call(self, endpoint: pyvoip.Endpoint) -> int:
        self._began = time.monotonic()
        leg = endpoint.dial(self._uri, caller_number=self._number, caller_name=self._name, codec="PCMA")
        self._tell(f"calling {self._uri}")
        until = self._began + self._duration
        rang = answered = leaving = False
        while True:
            try:
                event = self._events.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                event = None
            match event:
                case None if leaving:
                    return 0 if rang or answered else 1
                case None:
                    leaving = True
                    until = time.monotonic() + PATIENCE_AT_END
                    self._tell("hanging up" if answered else "nobody picked up; giving up")
                    leg.hangup()
                case pyvoip.Ringing():
                    rang = True
                    self._tell("it rings")
                case pyvoip.Answered():
                    answered = True
                    self._tell("answered; speaking")
                    speech = Announcements().payload(self._speech, leg.codec)
                    if speech is not None:
                        leg.media.play(speech, loop=True)
                case pyvoip.Ended(code, cause, _):
                    through = rang or answered
                    self._tell(_last_words(code, cause, leaving))
                    return 0 if through and (answered or leaving) else 1

    def _tell(self, what: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {what}", flush=True)


def _last_words(code: int, cause: str, leaving: bool) -> str:
    if leaving:
        return "over"
    if cause == "remote_bye":
        return "the other side hung up"
    if cause in ("unreachable", "timeout"):
        return "nobody answers at that address; is the desk running? Start it with ./desk run"
    return f"not put through: {cause} ({code})"


def _address_of(uri: str) -> str:
    """The address a SIP URI points at. Raises ValueError, OSError when it names no host."""
    match = re.fullmatch(r"sip:(?:[^@\s]*@)?(\[[0-9A-Fa-f:.]+\]|[^:;?\s\[\]]+)(?::\d+)?(?:[;?]\S*)?", uri, re.I)
    if not match:
        raise ValueError(f"{uri!r} should be a SIP address, for example sip:desk@127.0.0.1:5060")
    return str(socket.getaddrinfo(match[1].strip("[]"), None, type=socket.SOCK_DGRAM)[0][4][0])


def _our_address_facing(there: str) -> str:
    family = socket.AF_INET6 if ":" in there else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((there, 9))  # sends nothing; the kernel chooses the route
        return str(probe.getsockname()[0])


def main() -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m sipbridge.testcall", description="Place a test call.")
    parser.add_argument("--to", required=True, metavar="SIP-URI")
    parser.add_argument("--from", dest="number", default="", metavar="NUMBER")
    parser.add_argument("--name", default="")
    parser.add_argument("--seconds", type=seconds, default=20.0, help="the whole call, ringing included")
    parser.add_argument("--hidden", action="store_true", help="don't show the number and the name")
    parser.add_argument("--language", choices=sorted(SPEECH), default="en", help="of what the caller says")
    asked = parser.parse_args()
    to_stderr()
    number, name = ("", "") if asked.hidden else (asked.number, asked.name)
    call = TestCall(asked.to, number, name, asked.seconds, SPEECH[asked.language])
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda _number, _frame: call.stop())
    try:
        return call.run()
    except (OSError, ValueError) as error:
        print(f"testcall: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
