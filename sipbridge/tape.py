"""The recording of one call: when it runs, when it is silent, and what the desk is told. Pure.

Only what caller and manager say to each other is recorded; while they don't hear each other, and while it is
paused, both channels are silent. The recording's seconds run on all the time, so that it is as long as the call.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from sipbridge.events import RecordingPaused, RecordingResumed, RecordingStopped
from sipbridge.moves import DiscardRecording, StartRecording, StopRecording, Tap

if TYPE_CHECKING:
    from sipbridge.machine import Machine

KEYS_WITHIN = 3.0
"""Seconds between two keys of a combination at the most."""


class _State(enum.Enum):
    WAITING = enum.auto()  # for a talk; nothing on disk
    RUNNING = enum.auto()
    PAUSED = enum.auto()
    CLOSED = enum.auto()


class Tape:
    """`wanted` says whether the talk is to be recorded, `pause_keys` by which keys the manager pauses it."""

    def __init__(self, call: Machine) -> None:
        self.wanted = False
        self.pause_keys = ""
        self._forbidden = False
        self._call = call
        self._state = _State.WAITING
        self._since = 0.0
        self._tapped: int | None = None
        self._keys = ""
        self._key_at = 0.0

    def want(self, wanted: bool) -> None:
        """Whether the plan asks for a recording; what was forbidden stays so."""
        self.wanted = wanted and not self._forbidden

    def follow(self, manager: int | None, now: float) -> None:
        """Record the talk with this manager; None: there is none at the moment."""
        if self._state is _State.WAITING and self.wanted and manager is not None:
            self._state, self._since, self._tapped = _State.RUNNING, now, manager
            self._call.do(StartRecording(manager))
        elif self._state in (_State.RUNNING, _State.PAUSED):
            self._tap(manager if self._state is _State.RUNNING else None)

    def _tap(self, manager: int | None) -> None:
        if manager != self._tapped:
            self._tapped = manager
            self._call.do(Tap(manager))

    def pause(self, now: float) -> bool:
        """Fall silent; False when nothing is recorded."""
        if self._state is _State.RUNNING:
            self._state = _State.PAUSED
            self._tap(None)
            self._call.emit(RecordingPaused(self._call.call_id, self._second(now), self._call.at(now)))
        return self._state is _State.PAUSED

    def resume(self, now: float) -> bool:
        """Record on; False when nothing is recorded. Whom to record `follow` says in the same turn."""
        if self._state is _State.PAUSED:
            self._state = _State.RUNNING
            self._call.emit(RecordingResumed(self._call.call_id, self._second(now), self._call.at(now)))
        return self._state is _State.RUNNING

    def pressed(self, key: str, now: float) -> None:
        """A key of the manager's: the whole combination pauses, or resumes."""
        if not self.pause_keys:
            return
        if now - self._key_at > KEYS_WITHIN:
            self._keys = ""
        self._keys, self._key_at = (self._keys + key)[-len(self.pause_keys) :], now
        if self._keys == self.pause_keys:
            self._keys = ""
            if self._state is _State.PAUSED:
                self.resume(now)
            else:
                self.pause(now)

    def forbid(self, now: float) -> None:
        """Never record this call, and delete what there is."""
        self.wanted, self._forbidden = False, True
        if self._state in (_State.RUNNING, _State.PAUSED):
            self._state = _State.CLOSED
            self._call.do(DiscardRecording())
            self.tell_stopped("forbidden", now)

    def broke(self, why: str, now: float) -> None:
        """The disk takes no more; what it took is kept."""
        if self._state in (_State.RUNNING, _State.PAUSED):
            self.tell_stopped(why, now)
            self.close()

    def tell_stopped(self, why: str, now: float) -> None:
        self._call.emit(RecordingStopped(self._call.call_id, why, self._call.at(now)))

    def close(self) -> None:
        """End the recording, if there is one."""
        if self._state in (_State.RUNNING, _State.PAUSED):
            self._call.do(StopRecording())
        self._state = _State.CLOSED

    def _second(self, now: float) -> float:
        return round(now - self._since, 3)
