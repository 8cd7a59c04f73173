"""One call with its real telephones: does what the call's state machine decides."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sipbridge import pyvoip
from sipbridge.call import Call
from sipbridge.events import LegEnd
from sipbridge.media.announcements import Announcements
from sipbridge.media.recorder import Recorder
from sipbridge.media.tones import ringback
from sipbridge.moves import (
    Action,
    AnswerCaller,
    CallBroken,
    CancelLeg,
    Emit,
    HangUpCaller,
    HangUpLeg,
    Input,
    Join,
    LetWait,
    PhoneEnded,
    Play,
    RejectCaller,
    RingPhone,
    Sound,
    SoundPlayed,
    StartRecording,
    StopPlaying,
    StopRecording,
)


class House(Protocol):
    """What a live call needs of the bridge around it."""

    announcements: Announcements
    recordings: Path

    def dial(self, live: LiveCall, key: int, extension: str) -> pyvoip.Leg:
        """Start to ring an extension on behalf of `live`."""

    def post(self, live: LiveCall, happened: Input) -> None:
        """Feed `happened` to `live` soon; any thread may call."""

    def close_recording(self, live: LiveCall, recorder: Recorder) -> None:
        """Close `recorder`, away from the bridge's thread, and tell the desk."""


@dataclass(slots=True, eq=False)
class LiveCall:
    """A call, its caller's leg and its managers' legs by the numbers the call gave them. `began` is monotonic."""

    call: Call
    caller: pyvoip.Leg
    house: House
    began: float
    managers: dict[int, pyvoip.Leg] = field(default_factory=dict)
    rang: set[int] = field(default_factory=set)
    talk_began: float = 0.0
    _recorder: Recorder | None = None

    @property
    def id(self) -> str:
        return self.call.offered.call_id

    @property
    def recording_path(self) -> str:
        """Relative to the recordings folder."""
        return recording_path(self.id, self.call.offered.offered_at)

    def last_heard(self) -> float:
        """The monotonic time of the last packet from either side of a talk, or of its begin."""
        legs = (self.caller, *self.managers.values())
        return max(self.talk_began, *(leg.media.last_received for leg in legs))

    def act(self, action: Action) -> None:
        """Do it. What goes wrong is raised; see `failed`."""
        caller = self.caller
        match action:
            case RingPhone(key, extension):
                self.managers[key] = self.house.dial(self, key, extension)
            case CancelLeg(key, taken):
                if key in self.managers:
                    self.managers[key].cancel(elsewhere=taken)
            case HangUpLeg(key):
                self.managers[key].hangup()
            case AnswerCaller():
                caller.answer()
            case RejectCaller():
                caller.reject(480, "Temporarily Unavailable")
            case HangUpCaller():
                caller.hangup()
            case Play(number, sound, name):
                self._play(number, sound, name)
            case StopPlaying():
                caller.media.stop_playing()
            case LetWait(key):
                self.managers[key].media.play(ringback(caller.codec), loop=True)
            case Join(key):
                caller.media.join(self.managers[key].media)
                self.talk_began = time.monotonic()
            case StartRecording(key):
                self._record(self.managers[key])
            case StopRecording():
                self._end_recording()
            case Emit():
                pass  # the bridge saves the events of one turn together

    def failed(self, action: Action) -> None:
        """`action` could not be done: go round it where that is possible, give the call up where it is not."""
        match action:
            case RingPhone(key, _):
                self.house.post(self, PhoneEnded(key, LegEnd.UNREACHABLE))
            case Play(number, _, _):
                self.house.post(self, SoundPlayed(number))
            case AnswerCaller() | Join():
                self.house.post(self, CallBroken())

    def _play(self, number: int, sound: Sound, name: str) -> None:
        codec = self.caller.codec
        if sound is Sound.RINGBACK:
            self.caller.media.play(ringback(codec), loop=True)
            return
        played: Callable[[], None] = lambda: self.house.post(self, SoundPlayed(number))  # noqa: E731
        payload = self.house.announcements.payload(name, codec)
        if payload is None:
            played()
        else:
            self.caller.media.play(payload, played)

    def _record(self, manager: pyvoip.Leg) -> None:
        self._recorder = recorder = Recorder(self.house.recordings / self.recording_path)
        self.caller.media.tap = recorder.caller
        manager.media.tap = recorder.manager

    def _end_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self.house.close_recording(self, recorder)


def recording_path(call_id: str, offered_at: datetime) -> str:
    """Where a call's recording lies, relative to the recordings folder."""
    return f"{offered_at:%Y/%m}/{call_id}.wav"
