"""A telephone in the test's own process: rings, calls, speaks in a tone, and tells what it hears right now."""

from __future__ import annotations

import contextlib
import struct
import threading
import time
import uuid
from array import array
from collections import deque
from collections.abc import Iterator
from urllib.parse import quote

from sipbridge import config, pyvoip
from sipbridge.media.g711 import decode
from sipbridge.media.hub import Hub
from sipbridge.media.rtp import HEADER
from sipbridge.media.stream import Frame
from sipbridge.media.tones import tone
from tests.e2e import hearing
from tests.ports import free_range
from tests.sipbridge.standin import wait_for

RECENT = 0.3
"""Seconds that count as right now."""


class Telephone:
    """Says `hz` in every call it is in. With `account` it registers there."""

    def __init__(self, hz: float, account: pyvoip.Account | None = None) -> None:
        self.hz = hz
        self.events: list[tuple[pyvoip.Leg, pyvoip.LegEvent]] = []
        self.ringing: list[pyvoip.Leg] = []
        self.shown: list[str] = []
        self.registered = False
        self._line_name = account.line if account else ""
        self._pressed = 0
        self._frames: deque[Frame] = deque(maxlen=50)
        self._changed = threading.Lock()
        self._hub = Hub()
        self._endpoint = pyvoip.Endpoint(
            host="127.0.0.1",
            port=0,
            rtp_ports=free_range(20),
            peers=config.LOOPBACK,
            accounts=(account,) if account else (),
            max_calls=5,
            instance_id=str(uuid.uuid4()),
            hub=self._hub,
            on_call=self._called,
            on_leg=self._happened,
            on_line=self._line,
        )
        self._hub.start()
        self._endpoint.start()

    @property
    def uri(self) -> str:
        return f"sip:phone@127.0.0.1:{self._endpoint.port}"

    @property
    def port(self) -> int:
        return self._endpoint.port

    def _called(self, leg: pyvoip.Leg) -> None:
        leg.ring()
        self.shown.append(leg.caller_number)
        self.ringing.append(leg)

    def _happened(self, leg: pyvoip.Leg, event: pyvoip.LegEvent) -> None:
        if isinstance(event, pyvoip.Ended) and leg in self.ringing:
            self.ringing.remove(leg)
        self.events.append((leg, event))

    def _line(self, line: str, registered: bool, detail: str) -> None:
        self.registered = registered

    def take(self) -> pyvoip.Leg:
        """Wait until it rings, and pick up."""
        wait_for(lambda: self.ringing, 5, "a ringing telephone")
        leg = self.ringing.pop(0)
        leg.answer()
        self._speak(leg)
        return leg

    def call(self, uri: str, number: str = "+74951234567") -> pyvoip.Leg:
        """Call, and speak when it is answered."""
        leg = self._endpoint.dial(uri, caller_number=number, caller_name="Orlova", codec="PCMA")
        self._speak(leg)
        return leg

    def dial(self, number: str) -> pyvoip.Leg:
        """Dial at its account, as its owner, and speak when it is answered."""
        leg = self._endpoint.dial(
            f"sip:{number}@office.example", caller_number="", caller_name="", codec="PCMA", via_line=self._line_name
        )
        self._speak(leg)
        return leg

    def pass_on(self, leg: pyvoip.Leg, uri: str, instead_of: pyvoip.Leg | None = None) -> None:
        """Ask for a transfer of this call (REFER), attended when another call of its own is to be replaced."""
        replaces = ""
        if instead_of is not None and instead_of.dialog is not None:
            call_id, local, remote = instead_of.dialog.key
            replaces = f"?Replaces={quote(f'{call_id};to-tag={remote};from-tag={local}')}"
        answer: list[object] = []
        leg.send_request("REFER", answer.append, (("Refer-To", f"<{uri}{replaces}>"),))
        wait_for(lambda: answer, 5, "an answer to REFER")
        assert getattr(answer[0], "code", answer[0]) == 202

    def _speak(self, leg: pyvoip.Leg) -> None:
        leg.media.tap = self._frames.append
        leg.media.play(tone(leg.codec, self.hz, 1.0), loop=True)

    def press(self, leg: pyvoip.Leg, key: str) -> None:
        """A key by RFC 4733, its end told three times as the RFC wants."""
        stream = leg.media
        event = struct.pack("!BBH", "0123456789*#".index(key), 0x8A, 800)
        self._pressed += 1
        timestamp = 1600 * self._pressed  # the timestamp is the press's identity
        for number in range(3):
            header = HEADER.pack(0x80, 101, number, timestamp, 0xD7)
            stream._socket.sendto(header + event, stream._remote)

    def _now(self) -> array[int]:
        since = time.monotonic() - RECENT
        recent = [frame for frame in list(self._frames) if frame.arrived > since]
        return array("h", b"".join(decode(frame.payload, frame.payload_type) for frame in recent))

    def hears(self, hz: float) -> bool:
        """Whether a tone fills its ears right now."""
        samples = self._now()
        return len(samples) > 1600 and hearing.share(samples, hz) > hearing.TONE

    @property
    def hears_nothing(self) -> bool:
        """Whether nothing has reached it for a moment."""
        return not any(self._now())

    def ended(self, leg: pyvoip.Leg) -> pyvoip.Ended | None:
        """How this leg ended, None while it goes on."""
        return next((e for one, e in list(self.events) if one is leg and isinstance(e, pyvoip.Ended)), None)

    def close(self) -> None:
        """Unplug it."""
        self._endpoint.stop()
        self._hub.stop()


@contextlib.contextmanager
def telephones(*tones: float) -> Iterator[list[Telephone]]:
    """One telephone a tone, unplugged at the end."""
    with contextlib.ExitStack() as stack:
        made = []
        for hz in tones:
            made.append(Telephone(hz))
            stack.callback(made[-1].close)
        yield made
