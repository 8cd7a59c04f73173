"""Passing a caller on to a colleague or a number (D27): blind, attended, and back when nobody takes the call. Pure."""

from __future__ import annotations

import enum
import math
from typing import TYPE_CHECKING

from sipbridge.events import (
    CallerReturning,
    CallResumed,
    CallTransferred,
    ConsultationStarted,
    LegEnd,
    TransferFailed,
    TransferStarted,
)
from sipbridge.moves import CALLER, ReportTransfer, Sound
from sipbridge.phone import PhoneState

if TYPE_CHECKING:
    from sipbridge.talk import Hearing, Talk

RECALL_SECONDS = 20.0
"""How long the telephone of who passed the caller on is rung again."""

LONGEST_RING = 600.0

_SIP = {
    LegEnd.BUSY: (486, "Busy Here"),
    LegEnd.REJECTED: (603, "Decline"),
    LegEnd.NO_ANSWER: (480, "Temporarily Unavailable"),
    LegEnd.UNREACHABLE: (503, "Service Unavailable"),
    LegEnd.CANCELLED: (487, "Request Terminated"),
}


class _Stage(enum.Enum):
    RINGING = enum.auto()  # the target's telephone rings
    CONSULTING = enum.auto()  # manager and target speak, the caller waits
    RECALL = enum.auto()  # the target could not be had: the manager's telephone rings again


class Passing:
    """One transfer, from the asking until somebody has the caller again.

    `asked`: the manager's telephone asked for it (REFER). It stays on the line, tells its manager how it goes,
    and has the caller back if it fails; otherwise he who passes a caller on blindly is free at once.
    """

    def __init__(self, talk: Talk, target: str, line: str, *, attended: bool, asked: bool) -> None:
        self._talk, self._call = talk, talk.call
        self._target, self._line = target, line
        self._attended = attended
        self._asked = asked
        self._stage = _Stage.RINGING
        self.key = -1
        """The telephone that is rung, or speaks with the manager."""
        self.until = math.inf

    def begin(self, seconds: float, now: float) -> None:
        """Ring the target for so long at most."""
        self.key = self._call.ring(self._target, line=self._line)
        self.until = now + min(max(seconds, 1.0), LONGEST_RING)
        self._call.emit(TransferStarted(self._call.call_id, self._target, self._attended, self._call.at(now)))
        self._report(100, "Trying")
        if not (self._attended or self._asked):
            self._free_manager()

    def taken_over(self, key: int, now: float) -> None:
        """The target is on the line already: the manager has called and spoken with it beside this call."""
        self.key = key
        self._call.emit(TransferStarted(self._call.call_id, self._target, self._attended, self._call.at(now)))
        self._complete(now)

    def recall(self, now: float) -> None:
        """Ring who passed the caller on, or wanted to."""
        self._stage, self.until = _Stage.RECALL, now + RECALL_SECONDS
        self.key = self._call.ring(self._talk.extension, line=self._talk.line)
        self._call.emit(CallerReturning(self._call.call_id, self._talk.extension, self._call.at(now)))

    @property
    def consulting(self) -> bool:
        """Whether the manager speaks with the target."""
        return self._stage is _Stage.CONSULTING

    def scene(self) -> dict[int, Hearing]:
        """Who hears what meanwhile. Nothing of it is recorded."""
        manager = self._talk.manager
        if self._stage is _Stage.RECALL:
            return {CALLER: Sound.RINGBACK}
        if manager is None:
            return {CALLER: self._ringing(Sound.MUSIC)}
        if self._stage is _Stage.CONSULTING:
            return {CALLER: Sound.MUSIC, manager: self.key, self.key: manager}
        if self._attended:
            return {CALLER: Sound.MUSIC, manager: self._ringing(None)}
        return {CALLER: self._ringing(Sound.MUSIC), manager: None}

    def _ringing(self, before: Hearing) -> Hearing:
        """What is heard of the target: `before` it rings, then its network's own sound if it sends any, else ours."""
        phone = self._call.phones[self.key]
        if phone.speaks:
            return self.key
        return Sound.RINGBACK if phone.rang else before

    def rang(self) -> None:
        """The target's telephone rings."""
        self._report(180, "Ringing")

    def answered(self, now: float) -> None:
        """The telephone we ring was picked up."""
        if self._stage is _Stage.RECALL:
            self._talk.taken_by(self.key, self._talk.extension, self._talk.line)
            self._talk.holding.told_otherwise()
            self._call.emit(CallResumed(self._call.call_id, self._call.at(now)))
        elif self._attended and self._talk.manager is not None:
            self._stage, self.until = _Stage.CONSULTING, math.inf
            self._call.emit(ConsultationStarted(self._call.call_id, self._target, self._call.at(now)))
        else:
            self._complete(now)

    def lost(self, reason: LegEnd, now: float) -> None:
        """The telephone we ring refused, or the target hung up on the manager."""
        if self._stage is _Stage.RECALL:
            self._talk.leave(now)
        else:
            self._failed(LegEnd.REJECTED if self.consulting else reason, now)

    def too_long(self, now: float) -> None:
        """Nobody picked up in time."""
        self._call.drop(self.key, LegEnd.NO_ANSWER, now)
        self.lost(LegEnd.NO_ANSWER, now)

    def manager_left(self, now: float) -> None:
        """Who passes the caller on hung up: that completes it, or makes it a blind one."""
        if self.consulting:
            self._complete(now)
        else:
            self._attended = False

    def complete_now(self, now: float) -> bool:
        """The manager wants to be free; False when there is nothing to complete."""
        if self._talk.manager is None:
            return False
        if self.consulting:
            self._complete(now)
        else:
            self._free_manager()
            self._attended = False
        return True

    def cancel(self, now: float) -> bool:
        """The manager wants the caller back; False when he is being rung for that already."""
        if self._stage is _Stage.RECALL:
            return False
        if self.consulting:
            self._call.release(self.key)
        else:
            self._call.drop(self.key, LegEnd.CANCELLED, now)
        self._failed(LegEnd.CANCELLED, now)
        return True

    def _complete(self, now: float) -> None:
        self._report(200, "OK")
        self._free_manager()
        self._talk.taken_by(self.key, self._target, self._line)
        self._talk.holding.told_otherwise()
        self._call.emit(CallTransferred(self._call.call_id, self._target, self._call.at(now)))

    def _failed(self, reason: LegEnd, now: float) -> None:
        if self._asked and self._talk.manager is not None:
            self._talk.asking.refuse(self._talk.manager, *_SIP[reason], now)
        self._call.emit(TransferFailed(self._call.call_id, self._target, reason, self._call.at(now)))
        if self._talk.manager is None:
            self.recall(now)
            return
        self._talk.passing = None

    def _free_manager(self) -> None:
        manager, self._talk.manager = self._talk.manager, None
        if manager is not None and self._call.phones[manager].state is PhoneState.TAKEN:
            self._call.release(manager)

    def _report(self, code: int, phrase: str) -> None:
        if self._asked and self._talk.manager is not None:
            self._call.do(ReportTransfer(self._talk.manager, code, phrase))
