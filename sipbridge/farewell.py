"""The end of a call that nobody took: the apology and, when the plan says so, a voice message (D26). Pure.

The caller's words are on disk before the desk hears that the call ended: `MessageLeft`, then `CallEnded`.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from sipbridge.events import ApologyStarted, EndReason, MessageLeft
from sipbridge.moves import (
    CALLER,
    CallBroken,
    CallerLeft,
    CallerSilent,
    Input,
    KeyPressed,
    MessageSaved,
    Sound,
    SoundPlayed,
    StartMessage,
    StopMessage,
)

if TYPE_CHECKING:
    from sipbridge.machine import Agenda, Machine

SOUND_LIMIT = 120.0
"""Seconds after which a sound counts as played, whatever the media side says."""

SAVING_LIMIT = 3.0
"""Seconds the disk has to close a message; then the call ends without it."""

SHORTEST_MESSAGE = 1.0


class _Stage(enum.Enum):
    APOLOGY = enum.auto()
    TONE = enum.auto()
    MESSAGE = enum.auto()
    SAVING = enum.auto()


def message_path(began_at_folder: str, call_id: str) -> str:
    """Where a voice message lies, relative to the recordings folder."""
    return f"{began_at_folder}/{call_id}.message.wav"


class Farewell:
    """The caller hears `apology`; then up to `message_seconds` of a message are taken, 0 for none."""

    def __init__(self, call: Machine, apology: str, message_seconds: float, reason: EndReason, now: float) -> None:
        self._call, self._reason = call, reason
        self._message_seconds = message_seconds
        self._stage = _Stage.APOLOGY
        self._sound = 0
        self._until = now + SOUND_LIMIT
        self._caller_is_gone = False
        call.emit(ApologyStarted(call.call_id, call.at(now)))
        if apology:
            self._sound = call.play(Sound.APOLOGY, apology)
        else:
            self._over(now)

    @property
    def state(self) -> str:
        """A word for the page that shows every call alive."""
        return "apology" if self._stage in (_Stage.APOLOGY, _Stage.TONE) else "message"

    def agenda(self) -> Agenda:
        return [(self._until, self._over)]

    def react(self, happened: Input, now: float) -> bool:
        """Take it in; False when it is none of its business."""
        match happened:
            case SoundPlayed(number, _) if number == self._sound and self._stage in (_Stage.APOLOGY, _Stage.TONE):
                self._over(now)
            case KeyPressed(party, key) if self._stage is _Stage.MESSAGE and party == CALLER and key == "#":
                self._over(now)
            case CallerSilent() if self._stage is _Stage.MESSAGE:
                self._over(now)
            case MessageSaved(seconds) if self._stage is _Stage.SAVING:
                if seconds >= SHORTEST_MESSAGE:
                    path = message_path(f"{self._call.began_at:%Y/%m}", self._call.call_id)
                    self._call.emit(MessageLeft(self._call.call_id, path, round(seconds, 3), self._call.at(now)))
                self._end(now)
            case CallerLeft() | CallBroken(caller_is_gone=True):
                self._caller_is_gone = True
                self._break_off(now)
            case CallBroken():
                self._break_off(now)
            case _:
                return False
        return True

    def _over(self, now: float) -> None:
        """What went on is over; the next thing begins."""
        if self._stage is _Stage.APOLOGY and self._message_seconds > 0:
            self._stage, self._until = _Stage.TONE, now + SOUND_LIMIT
            self._sound = self._call.play(Sound.TONE)
        elif self._stage is _Stage.TONE:
            self._stage, self._until = _Stage.MESSAGE, now + self._message_seconds
            self._call.do(StartMessage())
        elif self._stage is _Stage.MESSAGE:
            self._save(now)
        else:
            self._end(now)

    def _break_off(self, now: float) -> None:
        if self._stage is _Stage.MESSAGE:
            self._save(now)
        elif self._stage is not _Stage.SAVING:
            self._end(now)

    def _save(self, now: float) -> None:
        self._stage, self._until = _Stage.SAVING, now + SAVING_LIMIT
        self._call.do(StopMessage())
        if not self._caller_is_gone:  # nobody listens to a silent line while a disk works
            self._caller_is_gone = True
            self._call.release_caller()

    def _end(self, now: float) -> None:
        self._call.end(self._reason, now, caller_is_gone=self._caller_is_gone)
