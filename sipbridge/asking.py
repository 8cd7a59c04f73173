"""A manager's telephone asks to pass the caller on (REFER); the desk decides within seconds. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sipbridge.events import TransferAsked
from sipbridge.moves import Emit, ReportTransfer

if TYPE_CHECKING:
    from sipbridge.machine import Machine

DESK_DECIDES = 5.0
"""Seconds the desk has to answer a telephone that asks for a transfer."""

LEAVES_WHEN_REFUSED = 3.0
"""Some telephones hang up when a transfer they asked for fails (baresip does): within so many seconds after the
news that is no end of the call, and they are rung again."""


class Asking:
    """The transfers that telephones ask for in one talk, one at a time."""

    def __init__(self, call: Machine) -> None:
        self._call = call
        self.until = math.inf
        """When the desk has not answered in time; infinity while nobody asks."""
        self._leg = -1
        self._refused: tuple[int, float] = (-1, -math.inf)

    @property
    def pending(self) -> bool:
        """Whether a telephone waits for the desk's word."""
        return self.until < math.inf

    def ask(self, leg: int, extension: str, target: str, other_call_id: str, now: float) -> None:
        """Let the desk decide. Of an internal call it knows nothing: there the other call is the one passed on."""
        self._leg, self.until = leg, now + DESK_DECIDES
        call, at = self._call, self._call.at(now)
        if call.internal:
            call.do(Emit(TransferAsked(other_call_id, extension, call.number, call.call_id, at)))
        else:
            call.emit(TransferAsked(call.call_id, extension, target, other_call_id, at))

    def granted(self) -> bool:
        """The desk's answer came; whether anybody had asked."""
        asked, self.until = self.pending, math.inf
        return asked

    def done(self) -> None:
        """What was asked for is done."""
        if self.granted():
            self._call.do(ReportTransfer(self._leg, 200, "OK"))

    def refuse(self, leg: int, code: int, phrase: str, now: float) -> None:
        """Tell this telephone that it won't be."""
        if leg == self._leg:
            self.until = math.inf
        self._refused = leg, now
        self._call.do(ReportTransfer(leg, code, phrase))

    def forbid(self, now: float) -> None:
        """The desk does not want it."""
        self.refuse(self._leg, 603, "Decline", now)

    def too_late(self, now: float) -> None:
        """The desk is silent."""
        self.refuse(self._leg, 503, "Service Unavailable", now)

    def just_refused(self, leg: int | None, now: float) -> bool:
        """Whether this telephone, if it hangs up now, does so because its transfer was refused."""
        return leg == self._refused[0] and now - self._refused[1] <= LEAVES_WHEN_REFUSED
