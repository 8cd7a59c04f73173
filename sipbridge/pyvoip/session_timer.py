"""Session timers (RFC 4028): who refreshes the call, how often, and when it counts as dead."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .message import Message
from .wire import Fields

SHORTEST = 90  # seconds, RFC 4028 4
LONGEST = 86_400
MIN_SE: Fields = (("Min-SE", str(SHORTEST)),)


@dataclass(frozen=True, slots=True)
class Session:
    """An agreed interval in seconds; `ours` when it is we who refresh."""

    interval: int
    ours: bool

    @property
    def refresh_after(self) -> float:
        return self.interval / 2

    @property
    def dead_after(self) -> float:
        """Without a refresh the call is ended a little before the interval is over (RFC 4028 10)."""
        return self.interval - min(32, self.interval / 3)


def too_short(request: Message) -> bool:
    """Whether the request must be refused with 422: its sender understands timers and asks for too short a one."""
    asked = _read(request)
    return asked is not None and asked[0] < SHORTEST and "timer" in request.options("supported")


def as_server(request: Message) -> tuple[Session | None, Fields]:
    """What our 2xx to an INVITE or UPDATE agrees to, and the headers that say so."""
    asked = _read(request)
    if asked is None:
        return None, ()
    interval, refresher = max(asked[0], SHORTEST), asked[1]
    knows = "timer" in request.options("supported")
    who = (refresher or "uac") if knows else "uas"
    fields: Fields = (("Session-Expires", f"{interval};refresher={who}"),)
    return Session(interval, who == "uas"), fields + ((("Require", "timer"),) if knows else ())


def as_client(response: Message) -> Session | None:
    """What a 2xx to our INVITE or UPDATE agreed to."""
    agreed = _read(response)
    return None if agreed is None else Session(max(agreed[0], SHORTEST), agreed[1] != "uas")


def asking(session: Session) -> Fields:
    """The headers of a refresh of ours."""
    return (("Session-Expires", f"{session.interval};refresher=uac"),)


def _read(message: Message) -> tuple[int, str] | None:
    seconds = message.number("session-expires", LONGEST)
    if seconds is None:
        return None
    refresher = re.search(r";\s*refresher\s*=\s*(uac|uas)\b", message.header("session-expires"), re.I)
    return seconds, refresher[1].lower() if refresher else ""
