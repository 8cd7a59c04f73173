"""What the bridge says of recordings: made, paused, stopped, and what both were told before."""

from __future__ import annotations

from datetime import datetime

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import (
    MessageLeft,
    NoticePlayed,
    RecordingPaused,
    RecordingReady,
    RecordingResumed,
    RecordingStopped,
)
from webapp import feed
from webapp.calls import trace
from webapp.calls.lifecycle import apply, call_of, tell_audience
from webapp.calls.models import Call
from webapp.recordings.models import Recording
from webapp.sounds import shelf


@apply.register
def _notice_played(event: NoticePlayed, session: Session, now: datetime) -> None:
    """The words both heard are kept with the call: a notice replaced later changes nothing of what was said."""
    call = call_of(session, event.call_id)
    call.notice_text, call.notice_version = shelf.words_of(current_app.config["SETTINGS"].sounds, event.sound)
    trace.add(session, call, event.at, "notice")
    tell_audience(session, call, now)


@apply.register
def _recording_ready(event: RecordingReady, session: Session, now: datetime) -> None:
    """The worker deletes a talk with a client who is never recorded, should the bridge not have been told in time."""
    call = call_of(session, event.call_id)
    recording = _recording(session, call, "talk")
    recording.path, recording.seconds, recording.ready_at = event.path[:200], event.seconds, event.at
    if recording.paused:
        recording.gaps = [*recording.gaps[:-1], [recording.gaps[-1][0], event.seconds]]
    if call.client is not None and call.client.never_record:
        recording.stopped = "forbidden"
    if recording.stopped != "forbidden":
        trace.add(session, call, event.at, "recording", seconds=round(event.seconds))
    tell_audience(session, call, now)


@apply.register
def _recording_paused(event: RecordingPaused, session: Session, now: datetime) -> None:
    call = call_of(session, event.call_id)
    recording = _recording(session, call, "talk")
    if not recording.paused:
        recording.gaps = [*recording.gaps, [event.second, None]]
        trace.add(session, call, event.at, "recording_paused")
        tell_audience(session, call, now)


@apply.register
def _recording_resumed(event: RecordingResumed, session: Session, now: datetime) -> None:
    call = call_of(session, event.call_id)
    recording = _recording(session, call, "talk")
    if recording.paused:
        recording.gaps = [*recording.gaps[:-1], [recording.gaps[-1][0], event.second]]
        trace.add(session, call, event.at, "recording_resumed")
        tell_audience(session, call, now)


@apply.register
def _recording_stopped(event: RecordingStopped, session: Session, now: datetime) -> None:
    """`seconds` is when, until the file tells its own length."""
    call = call_of(session, event.call_id)
    recording = _recording(session, call, "talk")
    recording.stopped = event.why[:20]
    if not recording.seconds and call.answered_at:
        recording.seconds = max(0.0, (event.at - call.answered_at).total_seconds())
    if event.why == "forbidden" and not recording.path:  # the bridge has deleted what there was
        recording.deleted_at, recording.deleted_why = event.at, "forbidden"
    trace.add(session, call, event.at, f"recording_{event.why}", seconds=round(recording.seconds))
    tell_audience(session, call, now)


@apply.register
def _message_left(event: MessageLeft, session: Session, now: datetime) -> None:
    """A voice message belongs to its call, and so to the promise that was made in it."""
    call = call_of(session, event.call_id)
    recording = _recording(session, call, "message")
    recording.path, recording.seconds, recording.ready_at = event.path[:200], event.seconds, event.at
    trace.add(session, call, event.at, "message_left", seconds=round(event.seconds))
    feed.announce_all(session, "tasks", call.id, now)


def _recording(session: Session, call: Call, kind: str) -> Recording:
    """The row of the call's recording, made with the first word of it."""
    query = select(Recording).where(Recording.call_id == call.id, Recording.kind == kind)
    recording = session.scalars(query).one_or_none()
    if recording is None:
        recording = Recording(call=call, kind=kind, seconds=0.0, gaps=[], stopped="")
        session.add(recording)
        session.flush()
    return recording
