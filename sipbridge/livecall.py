"""One call with its real telephones: does what the call's machine decides."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sipbridge import pyvoip
from sipbridge.events import LegEnd
from sipbridge.farewell import message_path
from sipbridge.handset import Handset
from sipbridge.machine import Machine
from sipbridge.media.announcements import Announcements
from sipbridge.media.loudness import Listener
from sipbridge.media.recorder import Recorder
from sipbridge.media.stream import Stream
from sipbridge.media.tones import busy, ringback, silence, tone
from sipbridge.moves import (
    CALLER,
    LOOPED,
    Action,
    AnswerCaller,
    AnswerPhone,
    CallBroken,
    CallerRefused,
    CancelLeg,
    DialCaller,
    DiscardRecording,
    Emit,
    HangUpCaller,
    HangUpLeg,
    HearEarly,
    HoldLeg,
    Input,
    Join,
    PhoneEnded,
    Play,
    RecordingBroke,
    RedirectCaller,
    Redirected,
    RejectCaller,
    ReportTransfer,
    ResumeLeg,
    RingPhone,
    Sound,
    SoundPlayed,
    StartMessage,
    StartRecording,
    StopMessage,
    StopPlaying,
    StopRecording,
    Tap,
)

CODEC_DIALLED = "PCMA"
"""The law of G.711 in which we place calls; every telephone and trunk knows both."""

SHIPPED_MUSIC = "hold.wav"
SPEAK_AFTER = (1000.0, 0.4)
"""The tone after which a message is spoken: Hz and seconds."""


class House(Protocol):
    """What a live call needs of the bridge around it."""

    announcements: Announcements
    recordings: Path

    def dial(self, live: LiveCall, party: int, target: str, line: str) -> Handset:
        """Start to ring a target on behalf of `live`. Raises ValueError, LookupError, OSError, NoPort."""

    def contacts(self, extensions: tuple[str, ...]) -> tuple[str, ...]:
        """The SIP URIs behind extensions."""

    def post(self, live: LiveCall, happened: Input) -> None:
        """Feed `happened` to `live` soon; any thread may call."""

    def close_recording(self, live: LiveCall, recorder: Recorder, keep: bool) -> None:
        """Close `recorder`, away from the bridge's thread, and tell the desk; or delete what it wrote."""

    def close_message(self, live: LiveCall, recorder: Recorder, keep: bool) -> None:
        """Close the recorder of a voice message, away from the bridge's thread, and tell the call."""


@dataclass(slots=True, eq=False)
class LiveCall:
    """A call and its parties by the numbers its machine gave them. `began` is monotonic.

    `partner` is the call whose caller this one's speaks with, `ladder` what is to be kept of its SIP: (name,
    SIP Call-ID) of each leg.
    """

    call: Machine
    house: House
    began: float
    parties: dict[int, Handset] = field(default_factory=dict)
    partner: LiveCall | None = None
    ladder: list[tuple[str, str]] = field(default_factory=list)
    _joined_at: float = 0.0
    _recorder: Recorder | None = None
    _tapped: list[Stream] = field(default_factory=list)
    _message: Recorder | None = None
    _listener: Listener | None = None

    @property
    def id(self) -> str:
        return self.call.call_id

    @property
    def caller(self) -> pyvoip.Leg | None:
        """The caller's leg, None before an outbound call has dialled its client."""
        return self.parties[CALLER].leg if CALLER in self.parties else None

    @property
    def codec(self) -> str:
        """The codec of all legs, that of the first: nothing is transcoded."""
        first = self.parties.get(CALLER) or next(iter(self.parties.values()), None)
        return first.leg.codec if first is not None else CODEC_DIALLED

    @property
    def recording_path(self) -> str:
        """Relative to the recordings folder."""
        return recording_path(self.id, self.call.began_at)

    @property
    def message_path(self) -> str:
        """Relative to the recordings folder."""
        return message_path(f"{self.call.began_at:%Y/%m}", self.id)

    def last_heard(self, now: float) -> float:
        """The monotonic time of the last packet of a talk, or of its begin; `now` while nobody has to send any."""
        mine = [party.taken for party in self.parties.values()]
        theirs = [self.partner.caller] if self.partner is not None else []
        legs = [leg for leg in (*mine, *theirs) if leg is not None and not (leg.ended or leg.held or leg.on_hold)]
        return max((self._joined_at, *(leg.media.last_received for leg in legs))) if legs else now

    def quiet_since(self) -> float:
        """Since when nobody speaks into the voice message, monotonic; infinity while none is taken."""
        return self._listener.last_voice if self._listener is not None else math.inf

    def told(self) -> dict[str, str]:
        """The call for the page that shows every call alive."""
        call = self.call
        return {
            "call_id": call.call_id,
            "line": call.line,
            "direction": call.direction,
            "state": call.state,
            "since": call.at(call.since).isoformat(),
            "extension": call.extension,
        }

    def join_callers(self, other: LiveCall) -> None:
        """Let the callers of two calls hear each other. Raises ValueError when their codecs differ."""
        self._media(CALLER).join(other._media(CALLER))
        self.partner, other.partner = other, self
        self._joined_at = other._joined_at = time.monotonic()

    def act(self, action: Action) -> None:
        """Do it. What goes wrong is raised; see `failed`."""
        match action:
            case RingPhone(key, extension, line):
                self.parties[key] = self.house.dial(self, key, extension, line)
            case DialCaller(target, line):
                self.parties[CALLER] = self.house.dial(self, CALLER, target, line)
            case AnswerPhone(key):
                self.parties[key].leg.answer()
            case CancelLeg(key, taken):
                if key in self.parties:
                    self.parties[key].cancel(elsewhere=taken)
            case HangUpLeg(key):
                self.parties[key].hangup()
            case HangUpCaller():
                if CALLER in self.parties:
                    self.parties[CALLER].hangup()
            case AnswerCaller():
                self.parties[CALLER].leg.answer()
            case RejectCaller():
                self.parties[CALLER].leg.reject(480, "Temporarily Unavailable")
            case RedirectCaller(extensions):
                self._redirect(extensions)
            case HoldLeg(key):
                self.parties[key].leg.hold()
            case ResumeLeg(key):
                self.parties[key].leg.resume()
            case ReportTransfer(key, code, phrase):
                self.parties[key].leg.transfer_progress(code, phrase)
            case Play():
                self._play(action)
            case StopPlaying(party):
                media = self._media(party)
                media.part()
                media.stop_playing()
            case Join(key, other):
                self._media(other).join(self._media(key))
                self._joined_at = time.monotonic()
            case HearEarly(key, other):
                early = self._media(key)
                self._media(other).join(early)
                early.play(silence(self.codec), loop=True)  # networks want packets to know where theirs shall go
            case StartRecording(key):
                why = self._recording_broke
                self._recorder = Recorder(self.house.recordings / self.recording_path, on_failure=why)
                self._tap(key)
            case Tap(listened):
                self._tap(listened)
            case StopRecording():
                self._end_recording(keep=True)
            case DiscardRecording():
                self._end_recording(keep=False)
            case StartMessage():
                self._take_message()
            case StopMessage():
                self._end_message()
            case Emit():
                pass  # the bridge saves the events of one turn together

    def failed(self, action: Action) -> None:
        """`action` could not be done: go round it where that is possible, give the call up where it is not."""
        match action:
            case RingPhone(key, _, _):
                self.house.post(self, PhoneEnded(key, LegEnd.UNREACHABLE))
            case DialCaller():
                self.house.post(self, CallerRefused(LegEnd.UNREACHABLE))
            case RedirectCaller():
                self.house.post(self, Redirected(False))
            case Play(number, _, _, _):
                self.house.post(self, SoundPlayed(number, heard=False))
            case AnswerCaller() | Join():
                self.house.post(self, CallBroken())

    def _media(self, party: int) -> Stream:
        media: Stream = self.parties[party].leg.media
        return media

    def _redirect(self, extensions: tuple[str, ...]) -> None:
        contacts = self.house.contacts(extensions)
        if contacts:
            self.parties[CALLER].leg.redirect(contacts)
        self.house.post(self, Redirected(bool(contacts)))

    def _play(self, play: Play) -> None:
        media = self._media(play.party)
        payload = self._payload(play.sound, play.name)
        media.part()
        if play.sound in LOOPED:
            media.play(payload or ringback(self.codec), loop=True)
        elif payload is None:
            media.stop_playing()
            self.house.post(self, SoundPlayed(play.number, heard=False))
        else:
            media.play(payload, lambda: self.house.post(self, SoundPlayed(play.number)))

    def _payload(self, sound: Sound, name: str) -> bytes | None:
        match sound:
            case Sound.RINGBACK:
                return ringback(self.codec)
            case Sound.BUSY:
                return busy(self.codec)
            case Sound.TONE:
                return tone(self.codec, *SPEAK_AFTER)
            case Sound.MUSIC:
                sounds = self.house.announcements
                return sounds.payload(name, self.codec) or sounds.payload(SHIPPED_MUSIC, self.codec)
            case _:
                return self.house.announcements.payload(name, self.codec)

    # What is written down.

    def _tap(self, manager: int | None) -> None:
        for media in self._tapped:
            media.tap = None
        self._tapped.clear()
        if manager is None or self._recorder is None:
            return
        self._tapped = [self._media(CALLER), self._media(manager)]
        self._tapped[0].tap, self._tapped[1].tap = self._recorder.caller, self._recorder.manager

    def _recording_broke(self, why: str) -> None:
        self.house.post(self, RecordingBroke(why))

    def _end_recording(self, *, keep: bool) -> None:
        self._tap(None)
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            self.house.close_recording(self, recorder, keep)

    def _take_message(self) -> None:
        self._message = Recorder(self.house.recordings / self.message_path)
        self._listener = Listener(time.monotonic(), self._message.caller)
        self._media(CALLER).tap = self._listener

    def _end_message(self) -> None:
        recorder, listener = self._message, self._listener
        self._message = self._listener = None
        self._media(CALLER).tap = None
        if recorder is not None and listener is not None:
            self.house.close_message(self, recorder, listener.heard)


def recording_path(call_id: str, offered_at: datetime) -> str:
    """Where a call's recording lies, relative to the recordings folder."""
    return f"{offered_at:%Y/%m}/{call_id}.wav"
