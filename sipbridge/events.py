"""The contract between the telephones (`sipbridge`) and the desk (`webapp`). Standard library only.

Events are facts, in the past tense, made by the bridge; a `Plan` is the desk's answer to `CallOffered`.
Both sides import this module and nothing else of each other. On the wire everything is JSON:
`encode` makes an event's envelope, `decode` reads it and refuses what it does not know.

Times are aware UTC `datetime`s on the Python side and ISO 8601 strings on the wire. Durations are seconds.
"""

from __future__ import annotations

import dataclasses
import enum
import typing
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class EndReason(enum.StrEnum):
    """Why a call ended. `COMPLETED` alone means that a manager spoke (D22)."""

    COMPLETED = "completed"  # a manager spoke and somebody hung up
    ABANDONED = "abandoned"  # the caller gave up: before any answer, or while hearing the greeting
    ANSWERED_ELSEWHERE = "answered_elsewhere"  # another phone of the ring group took it
    NO_ANSWER = "no_answer"  # the plan was played to its end: apology and promise
    REJECTED = "rejected"  # the bridge refused the call (over the cap, no usable codec)
    FAILED = "failed"  # something broke: bridge restarted, media lost


class LegEnd(enum.StrEnum):
    """Why a manager's leg ended without a talk."""

    BUSY = "busy"
    REJECTED = "rejected"
    NO_ANSWER = "no_answer"  # its seconds in the plan ran out
    UNREACHABLE = "unreachable"  # no answer from the network, unknown extension, or an error code
    CANCELLED = "cancelled"  # the caller gave up or a colleague took the call


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
)
KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in typing.get_args(Event)}


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan: these extensions (SIP URIs) ring together for `seconds`; the first takes the call."""

    extensions: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What the bridge does with one call.

    `answer_on_ring` rings of `ring_seconds` each pass before the caller hears the greeting (D19, D20).
    `greeting` and `apology` are file names in the sounds folder, '' for silence; `record` asks for a recording.
    """

    steps: tuple[Step, ...]
    answer_on_ring: int
    ring_seconds: float
    greeting: str
    apology: str
    record: bool


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


class WireError(ValueError):
    """A message of the other side that this side can't read; the text says which field."""


def encode(event_id: str, event: Event) -> dict[str, Any]:
    """The JSON-ready envelope `{"event_id", "kind", "data"}` of one event."""
    return {"event_id": event_id, "kind": type(event).__name__, "data": to_wire(event)}


def decode(envelope: Any) -> tuple[str, Event]:
    """`(event_id, event)` of an envelope. Raises WireError."""
    if not isinstance(envelope, dict):
        raise WireError("envelope is not an object")
    event_id, kind = envelope.get("event_id"), envelope.get("kind")
    if not isinstance(event_id, str) or not event_id:
        raise WireError("event_id is missing")
    if not isinstance(kind, str) or kind not in KINDS:
        raise WireError(f"unknown kind {kind!r}")
    return event_id, from_wire(KINDS[kind], envelope.get("data"), kind)


def to_wire(value: Any) -> Any:
    """Dataclasses, tuples, dicts, enums and datetimes as plain JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_wire(getattr(value, f.name)) for f in dataclasses.fields(value)}
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
    """`data` (parsed JSON) as `kind`, every field present and of its type. Raises WireError."""
    return typing.cast(T, _read(kind, data, where or getattr(kind, "__name__", "value")))


def _read(kind: Any, data: Any, where: str) -> Any:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(data, dict):
            raise WireError(f"{where} is not an object")
        hints = typing.get_type_hints(kind)
        missing = [f.name for f in dataclasses.fields(kind) if f.name not in data]
        if missing:
            raise WireError(f"{where}.{missing[0]} is missing")
        return kind(**{name: _read(hint, data[name], f"{where}.{name}") for name, hint in hints.items()})
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
    if kind in (str, int, bool) and type(data) is kind:
        return data
    raise WireError(f"{where} should be {getattr(kind, '__name__', kind)}")


def _read_time(data: Any, where: str) -> datetime:
    try:
        value = datetime.fromisoformat(data)
    except (TypeError, ValueError):
        raise WireError(f"{where} is not a time") from None
    if value.tzinfo is None:
        raise WireError(f"{where} has no time zone")
    return value
