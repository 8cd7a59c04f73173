"""Session timers (RFC 4028): who refreshes the call, how often, and when it counts as dead."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.timers import Timer, Timers
from sipbridge.pyvoip.wire import Fields

SHORTEST = 90  # seconds, RFC 4028 4
LONGEST = 86_400
RETRY = 3.0  # seconds after a refresh that was refused for now
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


class SessionWatch:
    """Keeps one call's agreement: `refresh` is called when it is our turn, `dead` when the time is over."""

    def __init__(self, timers: Timers, refresh: Callable[[Session], None], dead: Callable[[int], None]) -> None:
        self._timers, self._refresh, self._dead = timers, refresh, dead
        self._session: Session | None = None
        self._timer: Timer | None = None

    def watch(self, session: Session | None) -> None:
        """Begin anew with this agreement; None for no session timer."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._session = session
        if session and session.ours:
            self._timer = self._timers.after(session.refresh_after, lambda: self._our_turn(session))
        elif session:
            self._timer = self._timers.after(session.dead_after, lambda: self._dead(408))

    def asking(self) -> Fields:
        """The headers with which a request of ours goes on with the agreement (RFC 4028 7.4)."""
        if self._session is None:
            return ()
        return (("Session-Expires", f"{self._session.interval};refresher={'uac' if self._session.ours else 'uas'}"),)

    def _our_turn(self, session: Session) -> None:
        self._timer = self._timers.after(session.dead_after - session.refresh_after, lambda: self._dead(408))
        self._refresh(session)

    def refreshed(self, response: Message | int) -> None:
        """What came of our refresh. One refused for now (491) is tried again while the interval lasts."""
        session, code = self._session, response if isinstance(response, int) else response.code
        if session is None:
            return
        if isinstance(response, Message) and code < 300:
            self.watch(as_client(response))
        elif code in (408, 481):
            self._dead(code)
        else:
            self._timers.after(RETRY, lambda: self._again(session))

    def _again(self, session: Session) -> None:
        if self._session is session:
            self._refresh(session)


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


def _read(message: Message) -> tuple[int, str] | None:
    seconds = message.number("session-expires", LONGEST)
    if seconds is None:
        return None
    refresher = re.search(r";\s*refresher\s*=\s*(uac|uas)\b", message.header("session-expires"), re.I)
    return seconds, refresher[1].lower() if refresher else ""
