"""Words to whoever supervises this process, in systemd's notify protocol (sd_notify(3)).

systemd (`Type=notify`, `WatchdogSec=`) and `./desk run` both listen. Nothing here ever waits or raises: a
supervisor that went deaf must not hold up a telephone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Mapping

_LONGEST = 200


class Supervisor:
    """Whoever started us and named a socket in NOTIFY_SOCKET; without one nothing is said to nobody."""

    def __init__(self, environ: Mapping[str, str] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        environ = os.environ if environ is None else environ
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._every = _watchdog_seconds(environ) / 4
        self._clock = clock
        self._next = 0.0

    def ready(self, status: str = "") -> None:
        """The work has begun (READY=1); `status` is a line for people."""
        self._say("READY=1", *_status(status))

    def status(self, text: str) -> None:
        """How things stand (STATUS=), one line for people."""
        self._say(*_status(text))

    def alive(self) -> None:
        """Still going round (WATCHDOG=1); call it as often as you like, it is said when it is due."""
        now = self._clock()
        if self._every and now >= self._next:
            self._next = now + self._every
            self._say("WATCHDOG=1")

    def stopping(self, status: str = "") -> None:
        """The end has begun (STOPPING=1)."""
        self._say("STOPPING=1", *_status(status))

    def _say(self, *words: str) -> None:
        if not self._address or not words:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
            mouth.setblocking(False)
            mouth.sendto("\n".join(words).encode(), self._address)


def _address(name: str) -> str:
    """A path, or a name that begins with @ for the abstract namespace; anything else is nobody."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else ""


def _watchdog_seconds(environ: Mapping[str, str]) -> float:
    """Seconds of silence after which we are taken for dead, 0 when nobody counts them."""
    ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) / 1e6 if ours and text.isdecimal() else 0.0


def _status(text: str) -> tuple[str, ...]:
    line = " ".join(text.split())[:_LONGEST]
    return (f"STATUS={line}",) if line else ()
