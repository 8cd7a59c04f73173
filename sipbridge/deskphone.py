"""The demo office's desk phone: a real SIP telephone in its own process that picks up by itself.

`python -m sipbridge.deskphone --listen 127.0.0.1:5071 --pick-up-after 3` answers any number dialled at that
address, speaks a few friendly sentences and hangs up. While it talks, further calls find it busy.
"""

from __future__ import annotations

import argparse
import ipaddress
import queue
import re
import signal
import sys
import time
import uuid
from dataclasses import dataclass
from typing import Literal, get_args

from sipbridge import pyvoip
from sipbridge.logs import to_stderr
from sipbridge.media.announcements import Announcements
from sipbridge.media.hub import Hub

Behaviour = Literal["answer", "busy", "reject", "ignore"]
SPEECH = {"en": "speech.en.wav", "ru": "speech.ru.wav"}
EVERYONE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))  # it is a telephone: it may be rung
RTP_PORTS = range(18384, 19384)  # beside the bridge's own default


@dataclass(frozen=True, slots=True)
class Manners:
    """How the phone behaves; times in seconds."""

    behaviour: Behaviour
    pick_up_after: float
    talk: float
    speech: str


class DeskPhone:
    """One telephone with one line. `run` is its whole life."""

    def __init__(self, host: str, port: int, manners: Manners) -> None:
        self._host = host
        self._manners = manners
        self._sounds = Announcements()
        self._hub = Hub()
        self._events: queue.SimpleQueue[tuple[pyvoip.Leg, pyvoip.LegEvent] | None] = queue.SimpleQueue()
        self._leg: pyvoip.Leg | None = None  # rings or talks
        self._talking = False
        self._due: float | None = None  # when to pick up, or to hang up
        self._endpoint = pyvoip.Endpoint(
            host=host,
            port=port,
            rtp_ports=RTP_PORTS,
            peers=EVERYONE,
            accounts=(),
            max_calls=20,
            instance_id=str(uuid.uuid4()),
            hub=self._hub,
            on_call=lambda leg: self._events.put((leg, pyvoip.Ringing())),
            on_leg=lambda leg, event: self._events.put((leg, event)),
            on_line=lambda line, registered, detail: None,
        )

    def stop(self) -> None:
        """End `run`; may be called from a signal handler."""
        self._events.put(None)

    def run(self) -> None:
        """Take calls until `stop`. Raises OSError when the address is taken."""
        self._hub.start()
        try:
            self._endpoint.start()
            print(f"desk phone listens at {self._host}:{self._endpoint.port}", flush=True)
            while True:
                patience = None if self._due is None else max(0.0, self._due - time.monotonic())
                try:
                    event = self._events.get(timeout=patience)
                except queue.Empty:
                    self._time_is_up()
                    continue
                if event is None:
                    break
                self._heard(*event)
        finally:
            self._endpoint.stop()
            self._hub.stop()

    def _heard(self, leg: pyvoip.Leg, event: pyvoip.LegEvent) -> None:
        if isinstance(event, pyvoip.Ringing):
            self._called(leg)
        elif isinstance(event, pyvoip.Ended) and self._leg is leg:
            self._leg, self._due, self._talking = None, None, False
            print(f"over: {event.cause}", flush=True)

    def _called(self, leg: pyvoip.Leg) -> None:
        behaviour = self._manners.behaviour
        if behaviour == "busy" or self._leg is not None:
            leg.reject(486, "Busy Here")
        elif behaviour == "reject":
            leg.reject(603, "Decline")
        else:
            self._leg = leg
            leg.ring()
            print("ringing", flush=True)
            if behaviour == "answer":
                self._due = time.monotonic() + self._manners.pick_up_after

    def _time_is_up(self) -> None:
        leg, self._due = self._leg, None
        if leg is None:
            return
        if self._talking:
            leg.hangup()
            return
        leg.answer()
        self._talking = True
        print("picked up", flush=True)
        speech = self._sounds.payload(self._manners.speech, leg.codec)
        if speech is not None:
            leg.media.play(speech, loop=True)
        self._due = time.monotonic() + self._manners.talk


def main() -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m sipbridge.deskphone", description="A desk phone for the demo office."
    )
    parser.add_argument("--listen", required=True, type=address, metavar="HOST:PORT")
    parser.add_argument("--pick-up-after", type=seconds, default=3.0, metavar="SECONDS")
    parser.add_argument("--talk", type=seconds, default=15.0, metavar="SECONDS", help="then it hangs up")
    parser.add_argument("--behaviour", choices=get_args(Behaviour), default="answer")
    parser.add_argument("--language", choices=sorted(SPEECH), default="en", help="of what it says")
    asked = parser.parse_args()
    to_stderr()
    manners = Manners(asked.behaviour, asked.pick_up_after, asked.talk, SPEECH[asked.language])
    host, port = asked.listen
    phone = DeskPhone(host, port, manners)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: phone.stop())
    try:
        phone.run()
    except OSError as error:
        print(f"deskphone: can't listen at {host}:{port}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def address(text: str) -> tuple[str, int]:
    """`host:port` of the command line; port 0 takes a free one."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]]+):(\d{1,5})", text)
    if not match or int(match[2]) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} should be host:port, for example 127.0.0.1:5071")
    return match[1].strip("[]"), int(match[2])


def seconds(text: str) -> float:
    """A number of seconds of the command line, an hour at most."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} should be a number of seconds from 0 to 3600")
    return value


if __name__ == "__main__":
    sys.exit(main())
