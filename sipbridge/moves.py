"""What happens to a call and what is to be done about it: the inputs and the actions of the call machines.

A party is named by a small number: `CALLER`, or what the call gave out with `RingPhone`. Of an outbound call
the caller is the client: who is not a manager, in either direction.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sipbridge.events import Command, Event, LegEnd, Plan

CALLER = -1


class Sound(enum.Enum):
    """What a party may hear from the bridge itself; those of `LOOPED` have no end, the others play once."""

    GREETING = "greeting"
    MENU = "menu"
    RINGBACK = "ringback"
    APOLOGY = "apology"
    TONE = "tone"  # speak after it
    NOTICE = "notice"  # the talk is recorded
    MUSIC = "music"
    BUSY = "busy"


LOOPED = frozenset({Sound.RINGBACK, Sound.MUSIC, Sound.BUSY})


# What happened.


@dataclass(frozen=True, slots=True)
class PlanArrived:
    """The desk's answer to `CallOffered`."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class PhoneRang:
    """A telephone we dialled is ringing there; `early_media`: it sends sound of its own."""

    leg: int
    early_media: bool = False


@dataclass(frozen=True, slots=True)
class PhoneAnswered:
    """A manager picked up."""

    leg: int


@dataclass(frozen=True, slots=True)
class PhoneEnded:
    """A manager's leg is over; `reason` tells why when there was no talk."""

    leg: int
    reason: LegEnd


@dataclass(frozen=True, slots=True)
class SideHeld:
    """This party put us on hold on its own telephone."""

    party: int


@dataclass(frozen=True, slots=True)
class SideResumed:
    """This party took us off hold."""

    party: int


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key, 0-9, *, # or A-D, pressed by this party."""

    party: int
    key: str


@dataclass(frozen=True, slots=True)
class TransferWanted:
    """A manager's telephone asks to pass the caller on (REFER); `other_call_id` '' without Replaces."""

    leg: int
    target: str
    other_call_id: str


@dataclass(frozen=True, slots=True)
class Ordered:
    """A command of the desk."""

    command_id: str
    command: Command


@dataclass(frozen=True, slots=True)
class JoinedTo:
    """The caller now speaks with another call's caller, whose number it is; the manager is to be freed."""

    number: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """The colleague `extension`, whom the manager called beside this call, is its telephone `leg` from now on."""

    leg: int
    extension: str


@dataclass(frozen=True, slots=True)
class CallerGone:
    """Who was called is a telephone of another call from now on (`TakenOver`), and none of this one's."""


@dataclass(frozen=True, slots=True)
class PartnerLeft:
    """The other call's caller, with whom this one spoke, is gone."""


@dataclass(frozen=True, slots=True)
class CallerRang:
    """Outbound: the client's telephone rings; `early_media`: it sends sound of its own."""

    early_media: bool


@dataclass(frozen=True, slots=True)
class CallerAnswered:
    """Outbound: the client picked up."""


@dataclass(frozen=True, slots=True)
class CallerRefused:
    """Outbound: the client can't be had."""

    reason: LegEnd


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller cancelled or hung up; `elsewhere` when another phone of the ring group took the call."""

    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class CallerSilent:
    """Nothing was heard from the caller for long while a message was recorded."""


@dataclass(frozen=True, slots=True)
class CallBroken:
    """The call can't go on: media lost, no ACK from the caller, the bridge stops."""

    caller_is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Redirected:
    """The caller was sent on with 302; `done` is False when there was nowhere to send them."""

    done: bool


@dataclass(frozen=True, slots=True)
class SoundPlayed:
    """The sound with this number was played to its end; `heard` is False when it could not be played."""

    number: int
    heard: bool = True


@dataclass(frozen=True, slots=True)
class RecordingBroke:
    """Nothing more can be recorded: disk_full or unwritable."""

    why: str


@dataclass(frozen=True, slots=True)
class MessageSaved:
    """The voice message is on disk, so many seconds of it; 0 when there was nothing to keep."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing but time."""


Input = (
    PlanArrived
    | PhoneRang
    | PhoneAnswered
    | PhoneEnded
    | SideHeld
    | SideResumed
    | KeyPressed
    | TransferWanted
    | Ordered
    | JoinedTo
    | TakenOver
    | CallerGone
    | PartnerLeft
    | CallerRang
    | CallerAnswered
    | CallerRefused
    | CallerLeft
    | CallerSilent
    | CallBroken
    | Redirected
    | SoundPlayed
    | RecordingBroke
    | MessageSaved
    | TimePassed
)


# What to do.


@dataclass(frozen=True, slots=True)
class RingPhone:
    """Ring `extension` (or, on `line`, a number of a transfer); `leg` names it from now on."""

    leg: int
    extension: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class AnswerPhone:
    """Send 200 to a manager's telephone that has called us."""

    leg: int


@dataclass(frozen=True, slots=True)
class CancelLeg:
    """Stop ringing this telephone; `taken` when a colleague took the call."""

    leg: int
    taken: bool = False


@dataclass(frozen=True, slots=True)
class HangUpLeg:
    """End the dialog with a manager who had picked up."""

    leg: int


@dataclass(frozen=True, slots=True)
class HoldLeg:
    """Let this manager's telephone show that the talk is on hold (re-INVITE); it may refuse, nothing hangs on it."""

    leg: int


@dataclass(frozen=True, slots=True)
class ResumeLeg:
    """Take back `HoldLeg`."""

    leg: int


@dataclass(frozen=True, slots=True)
class ReportTransfer:
    """Tell the telephone that asked for a transfer how it goes, by a SIP status."""

    leg: int
    code: int
    phrase: str


@dataclass(frozen=True, slots=True)
class DialCaller:
    """Outbound: call the client through `line`'s account."""

    target: str
    line: str


@dataclass(frozen=True, slots=True)
class AnswerCaller:
    """Send 200 to the caller."""


@dataclass(frozen=True, slots=True)
class RedirectCaller:
    """Send the caller on to these extensions with 302; the outcome is `Redirected`."""

    extensions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RejectCaller:
    """Refuse a caller who was not answered yet."""


@dataclass(frozen=True, slots=True)
class HangUpCaller:
    """End the dialog with the caller; outbound: or stop calling them."""


@dataclass(frozen=True, slots=True)
class Play:
    """Let `party` hear `sound` and nothing else; its end is `SoundPlayed(number)`. `name` is a sound file's."""

    number: int
    sound: Sound
    name: str
    party: int = CALLER


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Let `party` hear nothing."""

    party: int = CALLER


@dataclass(frozen=True, slots=True)
class Join:
    """Let `leg` and `other` hear each other and nobody else."""

    leg: int
    other: int = CALLER


@dataclass(frozen=True, slots=True)
class HearEarly:
    """Let `other` hear what `leg`, which nobody has picked up, sends by itself; that hears silence."""

    leg: int
    other: int


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record the talk that begins with this manager."""

    leg: int


@dataclass(frozen=True, slots=True)
class Tap:
    """From now on record the caller and this manager; None: silence."""

    leg: int | None


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Close the recording."""


@dataclass(frozen=True, slots=True)
class DiscardRecording:
    """Close the recording and delete what there is."""


@dataclass(frozen=True, slots=True)
class StartMessage:
    """Record the caller alone, as a voice message."""


@dataclass(frozen=True, slots=True)
class StopMessage:
    """Close the voice message; `MessageSaved` follows."""


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the desk."""

    event: Event


Action = (
    RingPhone
    | AnswerPhone
    | CancelLeg
    | HangUpLeg
    | HoldLeg
    | ResumeLeg
    | ReportTransfer
    | DialCaller
    | AnswerCaller
    | RedirectCaller
    | RejectCaller
    | HangUpCaller
    | Play
    | StopPlaying
    | Join
    | HearEarly
    | StartRecording
    | Tap
    | StopRecording
    | DiscardRecording
    | StartMessage
    | StopMessage
    | Emit
)
