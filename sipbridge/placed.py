"""An outbound call until both speak: the manager's telephone rings first, then the client's. Pure, see `machine`.

A manager who has dialled himself need not be rung. Whom he calls may be a colleague: an internal call.

The manager hears how it goes at the client's: ringing, the network's own words (early media), or a busy tone.
"""

from __future__ import annotations

import enum
import math
from datetime import datetime

from sipbridge.events import CallAnswered, CallPlaced, ClientRinging, Dial, EndReason, Event, LegEnd, LegRinging
from sipbridge.machine import MOMENT, Agenda, Machine
from sipbridge.moves import (
    Action,
    AnswerPhone,
    CallBroken,
    CallerAnswered,
    CallerGone,
    CallerLeft,
    CallerRang,
    CallerRefused,
    DialCaller,
    HangUpCaller,
    Input,
    Join,
    PhoneAnswered,
    PhoneEnded,
    PhoneRang,
    Sound,
    StopPlaying,
)
from sipbridge.phone import Phone, PhoneState

RING_SECONDS = 5.0
"""How long one ring is taken to last at the client's, where nobody can know it."""

BUSY_SECONDS = 3.0
"""For how long a manager hears the busy tone when the client can't be had."""

LONGEST_RING = 180.0

MANAGER = 0  # the first telephone that the call rings

_ENDS = {
    LegEnd.BUSY: EndReason.REJECTED,
    LegEnd.REJECTED: EndReason.REJECTED,
    LegEnd.NO_ANSWER: EndReason.NO_ANSWER,
    LegEnd.UNREACHABLE: EndReason.FAILED,
    LegEnd.CANCELLED: EndReason.ABANDONED,
}


class _Stage(enum.Enum):
    MANAGER = enum.auto()  # his telephone rings
    CLIENT = enum.auto()  # the client's does
    BUSY = enum.auto()  # the client can't be had; the manager hears it
    TALK = enum.auto()


class Placed(Machine):
    """The state of one call that the desk asked for at `began_at`."""

    direction = "out"

    def __init__(self, dial: Dial, began_at: datetime) -> None:
        super().__init__(dial.call_id, dial.line, dial.target, (dial.shown_number, ""), began_at, dial.hold_music)
        self.dial, self.internal = dial, dial.internal
        self._stage = _Stage.MANAGER
        self._patience = min(max(dial.ring_seconds, 1.0), LONGEST_RING)
        self._until = self._patience
        self._dialled_at = math.inf
        self._rang = False
        self._reason = EndReason.FAILED
        self.tape.want(dial.record and not dial.internal)

    def begin(self) -> list[Action]:
        """The first things to do: the news, and the manager's telephone, or the client's when he has it in his hand."""
        self._out = []
        dial = self.dial
        self.emit(CallPlaced(self.call_id, dial.extension, dial.target, dial.line, self.began_at))
        if dial.waits:
            self.phones[MANAGER] = Phone(dial.extension, told=False)
            self.do(AnswerPhone(MANAGER))
            self._dial_client(MANAGER, 0.0)
        else:
            self.ring(dial.extension, told=True)
            self.emit(LegRinging(self.call_id, dial.extension, 0, self.began_at))
        return self._out

    def emit(self, event: Event) -> None:
        if not self.internal:
            super().emit(event)

    def react(self, happened: Input, now: float) -> None:
        if self.talk_heard(happened, now):
            return
        match happened:
            case PhoneRang(key):
                self.phones[key].rang = True
            case PhoneAnswered(key):
                if not self.answered_late(key):
                    self._dial_client(key, now)
            case PhoneEnded(key, reason):
                self._manager_left(key, reason, now)
            case CallerRang(early_media):
                self._client_rings(early_media, now)
            case CallerAnswered():
                if self._stage is _Stage.CLIENT:
                    self._stage, self.answered = _Stage.TALK, True
                    self.begin_talk(MANAGER, self.dial.notice, "", now)
            case CallerRefused(reason):
                if self._stage is _Stage.CLIENT:
                    self._client_is_lost(_ENDS[reason], now)
            case CallerLeft():
                # Who hangs up while he is told of the recording did not want to talk.
                self.end(EndReason.COMPLETED if self.talking else EndReason.REJECTED, now, caller_is_gone=True)
            case CallerGone():
                if self.talk is not None:
                    self.talk.asking.done()
                self.end(EndReason.COMPLETED, now, caller_is_gone=True)
            case CallBroken(caller_is_gone):
                self.end(EndReason.FAILED, now, caller_is_gone=caller_is_gone or not self._client_is_there)

    @property
    def state(self) -> str:
        if self.over:
            return "over"
        if self.talk is not None:
            return self.talk.state
        return {_Stage.MANAGER: "calling", _Stage.CLIENT: "dialling"}.get(self._stage, "busy")

    @property
    def extension(self) -> str:
        return self.talk.extension if self.talk is not None else self.dial.extension

    @property
    def _client_is_there(self) -> bool:
        """Whether the client's leg is to be hung up on: dialled, and not refused or given up."""
        return self._stage in (_Stage.CLIENT, _Stage.TALK)

    def agenda(self) -> Agenda:
        return [(self._until, self._too_long)]

    def _dial_client(self, key: int, now: float) -> None:
        self.phones[key].state = PhoneState.TAKEN
        self._stage, self._dialled_at, self._until = _Stage.CLIENT, now, now + self._patience
        self.do(DialCaller(self.dial.target, self.dial.line))

    def _client_rings(self, early_media: bool, now: float) -> None:
        if self._stage is not _Stage.CLIENT:
            return
        if early_media:
            self.do(Join(MANAGER))
        elif not self._rang:
            self.play(Sound.RINGBACK, party=MANAGER)
        if not self._rang:
            self._rang = True
            self.emit(ClientRinging(self.call_id, early_media, self.at(now)))

    def _manager_left(self, key: int, reason: LegEnd, now: float) -> None:
        was, self.phones[key].state = self.phones[key].state, PhoneState.ENDED
        if was is PhoneState.RINGING:
            self.tell_leg_ended(key, reason, now)
            failed = reason is LegEnd.UNREACHABLE
            self.end(EndReason.FAILED if failed else EndReason.ABANDONED, now, caller_is_gone=True)
        elif was is PhoneState.TAKEN:
            self.tell_leg_ended(key, LegEnd.CANCELLED, now)
            gone = self._stage is _Stage.BUSY
            self.end(self._reason if gone else EndReason.ABANDONED, now, caller_is_gone=gone)

    def _too_long(self, now: float) -> None:
        if self._stage is _Stage.MANAGER:
            self.drop(MANAGER, LegEnd.NO_ANSWER, now)
            self.end(EndReason.ABANDONED, now, caller_is_gone=True)
        elif self._stage is _Stage.CLIENT:
            self.do(HangUpCaller())
            self._client_is_lost(EndReason.NO_ANSWER, now)
        else:
            self.end(self._reason, now, caller_is_gone=True)

    def _client_is_lost(self, reason: EndReason, now: float) -> None:
        self.fix_wait(now)
        self._stage, self._reason, self._until = _Stage.BUSY, reason, now + BUSY_SECONDS
        self.do(StopPlaying(MANAGER))
        self.play(Sound.BUSY, party=MANAGER)

    def talk_begins(self, now: float) -> None:
        rings, seconds = self.fix_wait(now)
        self.phones[MANAGER].told = False
        self.emit(CallAnswered(self.call_id, self.dial.extension, rings, seconds, self.at(now)))

    def lost_before_talk(self, now: float) -> None:
        self.tell_leg_ended(MANAGER, LegEnd.CANCELLED, now)
        self.end(EndReason.ABANDONED, now)

    def nobody_left(self, now: float) -> None:
        self.end(EndReason.COMPLETED, now)

    def hang_up(self, now: float) -> None:
        reason = EndReason.COMPLETED if self.talking else EndReason.ABANDONED
        self.end(reason, now, caller_is_gone=not self._client_is_there)

    def wait(self, now: float) -> tuple[int, float]:
        """How long the client's telephone was called; the manager's own ringing does not count."""
        seconds = max(0.0, now - self._dialled_at)
        return (int((seconds + MOMENT) / RING_SECONDS) + 1 if self._dialled_at < math.inf else 0), round(seconds, 3)
