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
PROPOSED = 600  # seconds: a telephone that vanished in silence is noticed at half of it
RETRY = 3.0  # seconds after a refresh that was refused for now, or found nobody
LOOK_AGAIN = 5.0  # seconds between looks at a call that only its sound shows to be alive
ON_THE_WAY = (404, 408, 410, 480, 502, 503, 504, 604)
"""Codes of proxies that did not find the far end, and our own for nobody there: no sign that it lives."""
MIN_SE: Fields = (("Min-SE", str(SHORTEST)),)


@dataclass(frozen=True, slots=True)
class Session:
    """An interval in seconds; `ours` when it is we who refresh.

    `alone`: the far end agreed to nothing. We ask all the same, and any answer shows that it lives.
    """

    interval: int
    ours: bool
    alone: bool = False

    @property
    def refresh_after(self) -> float:
        return self.interval / 2

    @property
    def dead_after(self) -> float:
        """Without a refresh the call is ended a little before the interval is over (RFC 4028 10)."""
        return self.interval - min(32, self.interval / 3)


class SessionWatch:
    """Keeps one call's agreement: `refresh` is called when it is our turn, `dead` when the time is over.

    `heard` tells whether the far end's sound comes. Then the call lives, though nobody brings its messages: a PBX
    between us that is started anew does not end its calls.
    """

    def __init__(
        self,
        timers: Timers,
        refresh: Callable[[Session], None],
        dead: Callable[[int], None],
        heard: Callable[[], bool],
    ) -> None:
        self._timers, self._refresh, self._dead, self._heard = timers, refresh, dead, heard
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
            self._timer = self._timers.after(session.dead_after, self._too_long)

    def asking(self) -> Fields:
        """The headers with which a request of ours goes on with the agreement (RFC 4028 7.4)."""
        if self._session is None:
            return ()
        return (("Session-Expires", f"{self._session.interval};refresher={'uac' if self._session.ours else 'uas'}"),)

    def _our_turn(self, session: Session) -> None:
        self._timer = self._timers.after(session.dead_after - session.refresh_after, self._too_long)
        self._refresh(session)

    def _too_long(self) -> None:
        if self._heard():
            self._timer = self._timers.after(LOOK_AGAIN, self._too_long)
        else:
            self._dead(408)

    def refreshed(self, response: Message | int) -> None:
        """What came of our refresh. One that was refused for now (491) or found nobody is tried again in time."""
        session, code = self._session, response if isinstance(response, int) else response.code
        if session is None:
            return
        if isinstance(response, Message) and code < 300:
            self.watch(as_client(response))
        elif code == 481 or (code == 408 and not self._heard()):
            self._dead(code)
        elif session.alone and code not in ON_THE_WAY:
            self.watch(session)
        else:
            self._timers.after(RETRY, lambda: self._again(session))

    def _again(self, session: Session) -> None:
        if self._session is session:
            self._refresh(session)


def too_short(request: Message) -> bool:
    """Whether the request must be refused with 422: its sender understands timers and asks for too short a one."""
    asked = _read(request)
    return asked is not None and asked[0] < SHORTEST and "timer" in request.options("supported")


def as_server(request: Message) -> tuple[Session, Fields]:
    """What our 2xx to an INVITE or UPDATE agrees to, and the headers that say so."""
    asked, knows = _read(request), "timer" in request.options("supported")
    if asked is None and not knows:
        return Session(PROPOSED, ours=True, alone=True), ()
    interval, refresher = asked or (PROPOSED, "uas")
    interval = max(interval, SHORTEST)
    who = (refresher or "uac") if knows else "uas"
    fields: Fields = (("Session-Expires", f"{interval};refresher={who}"),)
    return Session(interval, who == "uas"), fields + ((("Require", "timer"),) if knows else ())


def as_client(response: Message) -> Session:
    """What a 2xx to our INVITE or UPDATE agreed to."""
    agreed = _read(response)
    if agreed is None:
        return Session(PROPOSED, ours=True, alone=True)
    return Session(max(agreed[0], SHORTEST), agreed[1] != "uas")


def proposing(least: int = 0) -> Fields:
    """The header of an INVITE of ours that begins a call, for a far end that accepts `least` seconds at least."""
    return (("Session-Expires", str(max(PROPOSED, least))),)


def least(response: Message) -> int:
    """The shortest interval in seconds that the sender of a 422 accepts, 0 when it does not say."""
    return response.number("min-se", LONGEST) or 0


def _read(message: Message) -> tuple[int, str] | None:
    seconds = message.number("session-expires", LONGEST)
    if seconds is None:
        return None
    refresher = re.search(r";\s*refresher\s*=\s*(uac|uas)\b", message.header("session-expires"), re.I)
    return seconds, refresher[1].lower() if refresher else ""
