"""The contract between the telephones (`sipbridge`) and the desk (`webapp`). Standard library only.

Events are facts, in the past tense, made by the bridge; a `Plan` is the desk's answer to `CallOffered`;
commands, in the imperative, are what the desk asks of a call that goes on. Both sides import this module and
nothing else of each other. On the wire everything is JSON: `encode` makes the envelope of an event or a
command, `decode` and `decode_command` read it and refuse what they do not know.

An *extension* is what rings a manager: a SIP URI, or `registered:anna` for every softphone that Anna has
registered at the bridge. A *target* of a transfer or an outbound call may also be `tel:+74951234567`, a number
that is dialled through a line's account.

Times are aware UTC `datetime`s on the Python side and ISO 8601 strings on the wire. Durations are seconds.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class EndReason(enum.StrEnum):
    """Why a call ended. `COMPLETED` alone means that a manager spoke (D22)."""

    COMPLETED = "completed"  # a manager spoke and somebody hung up
    ABANDONED = "abandoned"  # the caller gave up: before any answer, or while hearing the greeting
    ANSWERED_ELSEWHERE = "answered_elsewhere"  # another phone of the ring group took it
    NO_ANSWER = "no_answer"  # the plan was played to its end: apology and promise
    REJECTED = "rejected"  # the bridge refused the call (over the cap, no usable codec); outbound: the client did
    REDIRECTED = "redirected"  # sent on to a manager's phone with 302; what became of it is not known here
    FAILED = "failed"  # something broke: bridge restarted, media lost


class LegEnd(enum.StrEnum):
    """Why a manager's leg ended without a talk."""

    BUSY = "busy"
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"  # its seconds in the plan ran out
    UNREACHABLE = "unreachable"  # no answer from the network, unknown extension, or an error code
    CANCELLED = "cancelled"  # the caller gave up or a colleague took the call


class Mode(enum.StrEnum):
    """How a line stands in the office."""

    BRIDGE = "bridge"  # the bridge answers and connects
    WATCH = "watch"  # the bridge rings along with other phones and never answers
    REDIRECT = "redirect"  # the caller is sent on to the manager's phone with 302


class HeldBy(enum.StrEnum):
    """Who put the talk on hold."""

    PAGE = "page"  # the manager, on his page
    PHONE = "phone"  # the manager, on his softphone
    CALLER = "caller"


@dataclass(frozen=True, slots=True)
class CallOffered:
    """A call reached a line and is ringing. Numbers are as the network wrote them; '' when hidden."""

    call_id: str
    line: str
    caller_number: str
    caller_name: str
    dialed_number: str
    offered_at: datetime


@dataclass(frozen=True, slots=True)
class PlanChosen:
    """Which plan the call follows: the desk's answer, or the standing plan when it was late (300 ms)."""

    call_id: str
    standing: bool
    extensions: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class LegRinging:
    """A manager's softphone was asked to ring. `step` counts the plan's steps from 0."""

    call_id: str
    extension: str
    step: int
    at: datetime


@dataclass(frozen=True, slots=True)
class LegEnded:
    """A manager's softphone stopped ringing without a talk."""

    call_id: str
    extension: str
    reason: LegEnd
    at: datetime


@dataclass(frozen=True, slots=True)
class GreetingStarted:
    """Nobody had picked up on the configured ring; the caller hears the greeting while the ringing goes on."""

    call_id: str
    rings: int
    seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """A manager speaks with the caller. `rings` and `seconds` are the wait since 180 Ringing (D21)."""

    call_id: str
    extension: str
    rings: int
    seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class ApologyStarted:
    """The plan ended; the caller is told that we shall ring back. The desk makes the promise (D26)."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The caller's call is over. `talk_seconds` counts the talk with a manager only, 0 when there was none."""

    call_id: str
    end_reason: EndReason
    rings: int
    ring_seconds: float
    talk_seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordingReady:
    """A recording is on disk at `path`, relative to the recordings folder."""

    call_id: str
    path: str
    seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class LineChanged:
    """A registration at a PBX or trunk came up or went down. `detail` is for the administrator."""

    line: str
    registered: bool
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallPlaced:
    """An outbound call begins: the manager's phone `extension` is rung first, then `target` on `line`."""

    call_id: str
    extension: str
    target: str
    line: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PhoneDialled:
    """A user's registered softphone dialled `number` and waits; the desk answers with a `Dial` of this call that
    `waits`, or with `HangUp`.

    `number` is what was dialled: a number, a login or a short number, not told apart. Who waits for longer than the
    bridge has patience is refused.
    """

    call_id: str
    extension: str
    number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ClientRinging:
    """Outbound: the manager has picked up, and the client's phone rings or sends sound of its own."""

    call_id: str
    early_media: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class CallHeld:
    """The caller hears the hold music (held by CALLER: the manager hears silence)."""

    call_id: str
    by: HeldBy
    at: datetime


@dataclass(frozen=True, slots=True)
class CallResumed:
    """Both hear each other again."""

    call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """A manager's softphone asks to pass the caller on (REFER); the desk answers with a command.

    `target` as the softphone wrote it; `other_call_id` when it names another call of his (Replaces), '' when not.
    """

    call_id: str
    extension: str
    target: str
    other_call_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TransferStarted:
    """`target` is being rung while the caller waits; `attended`: the manager will speak with it first."""

    call_id: str
    target: str
    attended: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsultationStarted:
    """Attended transfer: the colleague picked up and speaks with the manager; the caller is on hold."""

    call_id: str
    target: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CallTransferred:
    """The caller now speaks with `target`; who passed the call on is free."""

    call_id: str
    target: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TransferFailed:
    """`target` could not be had, or the manager took the caller back (CANCELLED): he has the caller again."""

    call_id: str
    target: str
    reason: LegEnd
    at: datetime


@dataclass(frozen=True, slots=True)
class CallerReturning:
    """A caller who was passed on has nobody: the telephone `extension`, which had him last, is rung again for him."""

    call_id: str
    extension: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MenuChosen:
    """The caller pressed a digit of the menu."""

    call_id: str
    digit: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NoticePlayed:
    """Both were told that the talk is recorded, before the first recorded byte; `sound` is the file's name."""

    call_id: str
    sound: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordingPaused:
    """`second` of the recording at which it falls silent."""

    call_id: str
    second: float
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordingResumed:
    """`second` of the recording from which on it is heard again."""

    call_id: str
    second: float
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordingStopped:
    """A recording ended before its call; `why` is for the manager's page: disk_full, unwritable or forbidden."""

    call_id: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MessageLeft:
    """The caller left a voice message, at `path` relative to the recordings folder."""

    call_id: str
    path: str
    seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A command that could not be carried out; `why` is a word the desk knows: no_call, not_now, no_phone,
    no_line, bad_target or failed."""

    call_id: str
    command_id: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BridgeStarted:
    """The bridge works from `at` on. `why`: what had ended it before, '' for a clean end or the first start."""

    why: str
    at: datetime


Event = (
    CallOffered
    | PlanChosen
    | LegRinging
    | LegEnded
    | GreetingStarted
    | CallAnswered
    | ApologyStarted
    | CallEnded
    | RecordingReady
    | LineChanged
    | CallPlaced
    | PhoneDialled
    | ClientRinging
    | CallHeld
    | CallResumed
    | TransferAsked
    | TransferStarted
    | ConsultationStarted
    | CallTransferred
    | TransferFailed
    | CallerReturning
    | MenuChosen
    | NoticePlayed
    | RecordingPaused
    | RecordingResumed
    | RecordingStopped
    | MessageLeft
    | CommandRefused
    | BridgeStarted
)
KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in typing.get_args(Event)}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan: these extensions (SIP URIs) ring together for `seconds`; the first takes the call."""

    extensions: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Choice:
    """One digit of a menu and who is rung for it instead; no steps: straight to the apology and the message."""

    digit: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Menu:
    """Played once after the greeting. Who presses nothing waits on as without a menu."""

    sound: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the bridge does with one call.

    `answer_on_ring` rings of `ring_seconds` each pass before the caller hears the greeting (D19, D20).
    Sounds are file names in the sounds folder, '' for none; `record` asks for a recording, before whose first
    byte both hear `notice`. When the plan is played to its end the caller hears `apology` and, unless
    `message_seconds` is 0, a tone after which he may leave a message of that length at most. `pause_keys`
    are the keys by which the manager pauses and resumes the recording on his phone, '' for none.
    """

    steps: tuple[Step, ...]
    answer_on_ring: int
    ring_seconds: float
    greeting: str
    apology: str
    record: bool
    mode: Mode = Mode.BRIDGE
    notice: str = ""
    hold_music: str = "hold.wav"
    menu: Menu | None = None
    message_seconds: float = 0.0
    pause_keys: str = ""


@dataclass(frozen=True, slots=True)
class TimedPlan:
    """A plan that holds from `starts_at` until the next one of the same line."""

    starts_at: datetime
    plan: Plan


@dataclass(frozen=True, slots=True)
class StandingPlans:
    """What to do without the desk: per line name ('*' for any other) the plans of the coming days, by time.

    `version` changes whenever the content does; the bridge keeps the last one on disk.
    """

    version: str
    lines: dict[str, tuple[TimedPlan, ...]]


@dataclass(frozen=True, slots=True)
class PhoneSecret:
    """What proves that a softphone is a user's: H(user:realm:secret) in hex, by MD5 and SHA-256 (RFC 7616)."""

    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Whose softphones may register at the bridge. `version` changes whenever the content does."""

    version: str
    realm: str
    users: dict[str, PhoneSecret]


# Commands: what the desk asks. Each is about one call; one that comes too late is refused, never guessed at.


@dataclass(frozen=True, slots=True)
class Hold:
    """Let the caller hear the hold music."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Let both hear each other again."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """Pass the caller on to `target` (see above); `line` is whose account dials a number.

    Attended: the manager speaks with `target` first, then says CompleteTransfer or CancelTransfer. Blind: he is
    free at once; when nobody takes the call within `seconds` his own phone is rung again.
    """

    call_id: str
    target: str
    line: str
    attended: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class CompleteTransfer:
    """Attended transfer: join the caller with the colleague."""

    call_id: str


@dataclass(frozen=True, slots=True)
class CancelTransfer:
    """Take the caller back. Also the answer to TransferAsked when the desk forbids it."""

    call_id: str


@dataclass(frozen=True, slots=True)
class JoinCalls:
    """Attended transfer with two calls of one manager: join their callers, free the manager (RFC 3891).

    When the other call is an internal one, the colleague called there takes the caller over, as after a
    consultation that was completed.
    """

    call_id: str
    other_call_id: str


@dataclass(frozen=True, slots=True)
class PauseRecording:
    """Record silence from now on."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ResumeRecording:
    """Record on."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ForbidRecording:
    """The caller turned out to be one who is never recorded: stop, and delete what there is."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Dial:
    """Place an outbound call: ring `extension`, then `target` through `line`'s account.

    `call_id` is the desk's. The manager's phone shows `shown_number`; `ring_seconds` bound each of the two rings.
    `waits`: the manager's phone has dialled itself (`PhoneDialled`, whose `call_id` this is); none is rung for him.
    `internal`: `target` is a colleague, who is shown `shown_number`; nothing of the call is told to the desk.
    """

    call_id: str
    extension: str
    target: str
    line: str
    shown_number: str
    record: bool
    notice: str
    hold_music: str
    ring_seconds: float
    waits: bool = False
    internal: bool = False


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call, or refuse what a softphone dialled."""

    call_id: str


Command = (
    Hold
    | Resume
    | Transfer
    | CompleteTransfer
    | CancelTransfer
    | JoinCalls
    | PauseRecording
    | ResumeRecording
    | ForbidRecording
    | Dial
    | HangUp
)
COMMANDS: dict[str, type[Command]] = {kind.__name__: kind for kind in typing.get_args(Command)}


class WireError(ValueError):
    """A message of the other side that this side can't read; the text says which field."""


def encode(event_id: str, event: Event) -> dict[str, Any]:
    """The JSON-ready envelope `{"event_id", "kind", "data"}` of one event."""
    return {"event_id": event_id, "kind": type(event).__name__, "data": to_wire(event)}


def encode_command(command_id: str, command: Command) -> dict[str, Any]:
    """The JSON-ready envelope `{"command_id", "kind", "data"}` of one command."""
    return {"command_id": command_id, "kind": type(command).__name__, "data": to_wire(command)}


def decode(envelope: Any) -> tuple[str, Event]:
    """`(event_id, event)` of an envelope. Raises WireError."""
    event_id, kind, data = _open(envelope, "event_id", KINDS)
    return event_id, from_wire(KINDS[kind], data, kind)


def decode_command(envelope: Any) -> tuple[str, Command]:
    """`(command_id, command)` of an envelope. Raises WireError."""
    command_id, kind, data = _open(envelope, "command_id", COMMANDS)
    return command_id, from_wire(COMMANDS[kind], data, kind)


def _open(envelope: Any, name: str, kinds: Container[str]) -> tuple[str, str, Any]:
    if not isinstance(envelope, dict):
        raise WireError("envelope is not an object")
    identity, kind = envelope.get(name), envelope.get("kind")
    if not isinstance(identity, str) or not identity:
        raise WireError(f"{name} is missing")
    if not isinstance(kind, str) or kind not in kinds:
        raise WireError(f"unknown kind {kind!r}")
    return identity, kind, envelope.get("data")


@functools.cache
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """By the name of each field of a dataclass: its type, and whether it may be left out."""
    hints = typing.get_type_hints(kind)  # costly, and the same every time
    return {f.name: (hints[f.name], f.default is not dataclasses.MISSING) for f in dataclasses.fields(kind)}


def to_wire(value: Any) -> Any:
    """Dataclasses, tuples, dicts, enums and datetimes as plain JSON values."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_wire(getattr(value, name)) for name in _fields(type(value))}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [to_wire(item) for item in value]
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    return value


T = typing.TypeVar("T")


def from_wire(kind: type[T], data: Any, where: str = "") -> T:
    """`data` (parsed JSON) as `kind`, every field of its type, only those with a default left out. Raises WireError."""
    return typing.cast(T, _read(kind, data, where or getattr(kind, "__name__", "value")))


def _read(kind: Any, data: Any, where: str) -> Any:
    if kind in (str, int, bool) and type(data) is kind:
        return data
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(data, dict):
            raise WireError(f"{where} is not an object")
        values: dict[str, Any] = {}
        for name, (hint, may_lack) in _fields(kind).items():
            if name in data:
                values[name] = _read(hint, data[name], f"{where}.{name}")
            elif not may_lack:
                raise WireError(f"{where}.{name} is missing")
        return kind(**values)
    if origin is types.UnionType:  # `X | None`
        return None if data is None else _read(args[0], data, where)
    if origin is tuple:
        if not isinstance(data, list):
            raise WireError(f"{where} is not a list")
        return tuple(_read(args[0], item, f"{where}[{i}]") for i, item in enumerate(data))
    if origin is dict:
        if not isinstance(data, dict):
            raise WireError(f"{where} is not an object")
        return {str(key): _read(args[1], item, f"{where}.{key}") for key, item in data.items()}
    if kind is datetime:
        return _read_time(data, where)
    if kind is float and isinstance(data, (int, float)) and not isinstance(data, bool):
        return float(data)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(data)
        except ValueError:
            raise WireError(f"{where} has the unknown value {data!r}") from None
    raise WireError(f"{where} should be {getattr(kind, '__name__', kind)}")


def _read_time(data: Any, where: str) -> datetime:
    try:
        value = datetime.fromisoformat(data)
    except (TypeError, ValueError):
        raise WireError(f"{where} is not a time") from None
    if value.tzinfo is None:
        raise WireError(f"{where} has no time zone")
    return value
