"""Keys pressed on a telephone: told in the sound (RFC 4733), in the signalling (INFO), or both ways at once."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable

from sipbridge.pyvoip.transactions import ServerTransaction

DTMF_TYPES = ("application/dtmf-relay", "application/dtmf")
INFO_TYPES = (*DTMF_TYPES, "application/media_control+xml")
TWINS_WITHIN = 2.0  # seconds between the two tellings of one press
MAX_UNPAIRED = 32

_SIGNAL = re.compile(rb"\s*(?:signal\s*=\s*)?([0-9*#A-Da-d]{1,2})\s*(?:\r?\n.*)?", re.I | re.S)
_BY_NUMBER = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}  # as RFC 4733 numbers them


class Keypad:
    """The keys of one leg. `pressed` is called once a press, on the thread that learnt of it first.

    A telephone that tells each press both ways is noticed by the second telling, which is dropped.
    """

    def __init__(self, clock: Callable[[], float], pressed: Callable[[str], None]) -> None:
        self._clock, self._pressed = clock, pressed
        self._unpaired: deque[tuple[str, str, float]] = deque(maxlen=MAX_UNPAIRED)  # way, key, when
        self._lock = threading.Lock()

    def heard(self, key: str) -> None:
        """The media heard the key."""
        self._take("heard", key)

    def on_info(self, transaction: ServerTransaction) -> None:
        """Keys pressed; anything else of a known kind is taken and means nothing to us."""
        request = transaction.request
        if request.content and request.media_type not in INFO_TYPES:
            transaction.respond(415, "Unsupported Media Type", (("Accept", ", ".join(INFO_TYPES)),))
        elif request.content and request.media_type in DTMF_TYPES and not self.told(request.content):
            transaction.respond(400, "Unreadable Key")
        else:
            transaction.respond(200, "OK")

    def told(self, content: bytes) -> bool:
        """An INFO of type application/dtmf or dtmf-relay came; whether its body names a key."""
        if not (signal := _SIGNAL.fullmatch(content[:200])):
            return False
        text = signal[1].decode().upper()
        key = _BY_NUMBER.get(text, text)
        if len(key) != 1:
            return False
        self._take("told", key)
        return True

    def _take(self, way: str, key: str) -> None:
        now = self._clock()
        with self._lock:
            for press in self._unpaired:
                if press[0] != way and press[1] == key and now - press[2] < TWINS_WITHIN:
                    self._unpaired.remove(press)
                    return
            self._unpaired.append((way, key, now))
        self._pressed(key)
