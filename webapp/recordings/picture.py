"""What a recording looks like: two channels as lines, what was left out, and in words how loud both are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.calls.models import Call, CallTrace
from webapp.recordings import keeping
from webapp.recordings.models import Recording

HEIGHT = 40
QUIETER, MUCH_QUIETER = 6.0, 12.0
"""dB between the speech of both: what one notices, and what makes one turn the volume up."""
TOO_QUIET, TOO_LOUD = -38.0, -9.0
"""dBFS of speech: below it words get lost in the noise, above it a telephone distorts them."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a recording, in seconds, and as percentages of its length."""

    begin: float
    end: float
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Picture:
    """`channels`: path data of each, in slices wide and HEIGHT high. `gaps`: paused; `held`: the caller waited."""

    channels: Sequence[str]
    slices: int
    gaps: Sequence[Span]
    held: Sequence[Span]
    words: str


def facts(session: Session, call: Call, user: User) -> dict[str, Any]:
    """What the card of a call's recordings shows `user`; `delete_on`: when the line lets it go, None for never."""
    talk, message = call.recording("talk"), call.recording("message")
    kept = next((one for one in (talk, message) if one and one.path and one.ready_at), None)
    days = call.line.keep_recordings_days if call.line else None
    return {
        "talk": talk,
        "message": message,
        "talk_picture": of(session, talk) if talk and talk.audible else None,
        "message_picture": of(session, message) if message and message.path else None,
        "may_pause": keeping.may_pause(session, call, user),
        "delete_on": kept.ready_at + timedelta(days=days) if kept and kept.ready_at and days is not None else None,
    }


def of(session: Session, recording: Recording) -> Picture:
    """The picture of one recording; without channels until it is stored."""
    return Picture(
        [_path(peaks) for peaks in recording.peaks],
        len(recording.peaks[0]) if recording.peaks else 0,
        [_span(recording, begin, recording.seconds if end is None else end) for begin, end in recording.gaps],
        held(session, recording),
        loudness(recording),
    )


def _path(peaks: Sequence[int]) -> str:
    """An upright line a slice. The ear hears by ratios: the root lifts what is quiet."""
    lines = []
    for slice_, percent in enumerate(peaks):
        half = max(0.5, (HEIGHT / 2 - 1) * math.sqrt(percent / 100))
        lines.append(f"M{slice_}.5 {HEIGHT / 2 - half:.1f}v{2 * half:.1f}")
    return "".join(lines)


def _span(recording: Recording, begin: float, end: float) -> Span:
    length = max(recording.seconds, 0.1)
    begin, end = max(0.0, min(begin, length)), max(0.0, min(end, length))
    return Span(begin, end, round(100 * begin / length, 2), round(100 * max(0.0, end - begin) / length, 2))


def held(session: Session, recording: Recording) -> list[Span]:
    """When the caller was on hold, as the call's trace tells: the recording went on."""
    if recording.kind != "talk" or recording.ready_at is None:
        return []
    rows = session.scalars(
        select(CallTrace)
        .where(CallTrace.call_id == recording.call_id)
        .where(or_(CallTrace.kind.startswith("held_"), CallTrace.kind == "resumed"))
        .order_by(CallTrace.at, CallTrace.id)
    )
    spans, since = [], None
    for row in rows:
        second = recording.seconds - (recording.ready_at - row.at).total_seconds()
        if row.kind != "resumed":
            since = second if since is None else since
        elif since is not None:
            spans.append(_span(recording, since, second))
            since = None
    if since is not None:
        spans.append(_span(recording, since, recording.seconds))
    return [span for span in spans if span.width > 0]


def loudness(recording: Recording) -> str:
    """How well both are heard, in a sentence; '' until it is known."""
    speech: list[float | None] = [level["rms"] for level in recording.levels if _is_level(level)]
    if not speech:
        return ""
    if recording.kind == "message" or len(speech) == 1:
        return _one(speech[0])
    caller, manager = speech[0], speech[1]
    if caller is None or manager is None:
        if caller is None and manager is None:
            return _("Nobody is heard.")
        return _("The caller is not heard.") if caller is None else _("The manager is not heard.")
    gap = caller - manager
    if abs(gap) >= MUCH_QUIETER:
        return (
            _("The manager is much quieter than the caller.")
            if gap > 0
            else _("The caller is much quieter than the manager.")
        )
    if abs(gap) >= QUIETER:
        return _("The manager is quieter than the caller.") if gap > 0 else _("The caller is quieter than the manager.")
    if max(caller, manager) < TOO_QUIET:
        return _("Both are very quiet.")
    if min(caller, manager) > TOO_LOUD:
        return _("Both are too loud and distorted.")
    return _("Both are heard well.")


def _one(speech: float | None) -> str:
    if speech is None:
        return _("Nobody is heard.")
    if speech < TOO_QUIET:
        return _("Very quiet.")
    return _("Too loud and distorted.") if speech > TOO_LOUD else _("Heard well.")


def _is_level(level: Any) -> bool:
    return isinstance(level, dict) and "rms" in level


def stopped_words(recording: Recording) -> str:
    """Why it ended before its call; '' when it did not."""
    if not recording.stopped:
        return ""
    whole = int(recording.seconds)
    at = f"{whole // 60}:{whole % 60:02}"
    if recording.stopped == "forbidden":
        return _("This client is never recorded: what there was is deleted.")
    if recording.stopped == "disk_full":
        return _("The disk is full: the recording stopped at %(time)s.", time=at)
    return _("The recording could not be written: it stopped at %(time)s.", time=at)
