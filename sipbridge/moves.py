"""What happens to a call and what is to be done about it: the inputs and the actions of `sipbridge.call`.

A manager's leg is named by a small number that the call gives out with `RingPhone`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from sipbridge.events import Event, LegEnd, Plan


class Sound(enum.Enum):
    """What the caller may hear from the bridge itself. `RINGBACK` has no end, the others play once."""

    GREETING = "greeting"
    RINGBACK = "ringback"
    APOLOGY = "apology"


# What happened.


@dataclass(frozen=True, slots=True)
class PlanArrived:
    """The desk's answer to `CallOffered`."""

    plan: Plan


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
class CallerLeft:
    """The caller cancelled or hung up; `elsewhere` when another phone of the ring group took the call."""

    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class CallBroken:
    """The call can't go on: media lost, no ACK from the caller, the bridge stops."""

    caller_is_gone: bool = False


@dataclass(frozen=True, slots=True)
class SoundPlayed:
    """The sound with this number was played to its end (or can't be played)."""

    number: int


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing but time."""


Input = PlanArrived | PhoneAnswered | PhoneEnded | CallerLeft | CallBroken | SoundPlayed | TimePassed


# What to do.


@dataclass(frozen=True, slots=True)
class RingPhone:
    """Ring a manager's softphone at `extension` (a SIP URI); `leg` names it from now on."""

    leg: int
    extension: str


@dataclass(frozen=True, slots=True)
class CancelLeg:
    """Stop ringing this softphone; `taken` when a colleague took the call."""

    leg: int
    taken: bool = False


@dataclass(frozen=True, slots=True)
class HangUpLeg:
    """End the dialog with a manager who had picked up."""

    leg: int


@dataclass(frozen=True, slots=True)
class AnswerCaller:
    """Send 200 to the caller."""


@dataclass(frozen=True, slots=True)
class RejectCaller:
    """Refuse a caller who was not answered yet."""


@dataclass(frozen=True, slots=True)
class HangUpCaller:
    """End the dialog with a caller who was answered."""


@dataclass(frozen=True, slots=True)
class Play:
    """Let the caller hear `sound`; its end is `SoundPlayed(number)`. `name` is the plan's file name."""

    number: int
    sound: Sound
    name: str


@dataclass(frozen=True, slots=True)
class StopPlaying:
    """Silence whatever plays."""


@dataclass(frozen=True, slots=True)
class LetWait:
    """Let a manager who lifted early hear what the caller hears, ringing, until they are joined."""

    leg: int


@dataclass(frozen=True, slots=True)
class Join:
    """Connect the caller's sound with this manager's."""

    leg: int


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record the talk that begins with this manager."""

    leg: int


@dataclass(frozen=True, slots=True)
class StopRecording:
    """Close the recording."""


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell the desk."""

    event: Event


Action = (
    RingPhone
    | CancelLeg
    | HangUpLeg
    | AnswerCaller
    | RejectCaller
    | HangUpCaller
    | Play
    | StopPlaying
    | LetWait
    | Join
    | StartRecording
    | StopRecording
    | Emit
)
