"""What happens to a call after it was offered: one function an event, each ending in what the pages should show."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import (
    ApologyStarted,
    CallAnswered,
    CallEnded,
    Event,
    GreetingStarted,
    LegEnded,
    LegRinging,
    LineChanged,
    PlanChosen,
    RecordingReady,
)
from webapp import feed
from webapp.accounts.models import User
from webapp.accounts.queries import heads
from webapp.calls import missed, trace
from webapp.calls.models import Call, CallAudience, LineState
from webapp.office.queries import the_office
from webapp.roster import duty
from webapp.tasks.models import Task
from webapp.touches.models import Touch


class UnknownCallError(LookupError):
    """The bridge speaks of a call that was never offered to this desk."""


@functools.singledispatch
def apply(event: Event, session: Session, now: datetime) -> None:
    """Let one event of the bridge take effect. Raises UnknownCallError; never commits."""
    raise TypeError(type(event).__name__)


@apply.register
def _plan_chosen(event: PlanChosen, session: Session, now: datetime) -> None:
    """The bridge may have followed its standing plan: then others are rung than the desk had in mind."""
    call = _call(session, event.call_id)
    trace.add(session, call, event.at, "standing_plan" if event.standing else "plan")
    if not event.standing:
        return
    for row in _audience(session, call):
        if row.extension and row.extension not in event.extensions:
            row.state = "gone"
            feed.announce(session, [row.user_id], "call", call.id, now)


@apply.register
def _leg_ringing(event: LegRinging, session: Session, now: datetime) -> None:
    call = _call(session, event.call_id)
    user = _user_at(session, event.extension)
    trace.add(
        session,
        call,
        event.at,
        "rung",
        name=user.name if user else event.extension,
        extension=event.extension,
    )
    if not user:
        return
    audience = _audience(session, call)
    row = next((row for row in audience if row.user_id == user.id), None)
    if row is None:
        row = CallAudience(call_id=call.id, user_id=user.id, step=event.step, extension=event.extension)
        session.add(row)
    if call.state in ("ringing", "greeted"):
        row.state = "rung"
        rung_before = [other.user_id for other in audience if other.state == "rung" and event.step > 0]
        feed.announce(session, {user.id, *rung_before}, "call", call.id, now)


@apply.register
def _leg_ended(event: LegEnded, session: Session, now: datetime) -> None:
    """A softphone fell silent. Its owner keeps the pop while the call rings elsewhere: he may still come back to it."""
    call = _call(session, event.call_id)
    user = _user_at(session, event.extension)
    name = user.name if user else event.extension
    trace.add(session, call, event.at, f"leg_{event.reason.value}", name=name, extension=event.extension)
    if user and call.state in ("ringing", "greeted"):
        feed.announce(session, [user.id], "call", call.id, now)


@apply.register
def _greeting_started(event: GreetingStarted, session: Session, now: datetime) -> None:
    call = _call(session, event.call_id)
    call.state, call.greeted_at = "greeted", event.at
    call.rings, call.ring_seconds = event.rings, event.seconds
    trace.add(session, call, event.at, "greeting", rings=event.rings)
    _announce_to_audience(session, call, now)


@apply.register
def _call_answered(event: CallAnswered, session: Session, now: datetime) -> None:
    """A manager speaks: the pop goes away elsewhere, and what was missed from this number is made good (D22)."""
    call = _call(session, event.call_id)
    user = _user_at(session, event.extension)
    call.state, call.answered_at = "talking", event.at
    call.answered_by_id = user.id if user else None
    call.rings, call.ring_seconds = event.rings, event.seconds
    trace.add(
        session,
        call,
        event.at,
        "answered",
        name=user.name if user else event.extension,
        rings=event.rings,
        seconds=round(event.seconds, 1),
    )
    if user:
        for row in _audience(session, call):
            if row.user_id == user.id:
                row.state = "taken"
            elif row.state == "rung":
                row.state = "gone"
        owner_id = call.client.owner_id if call.client else None
        if owner_id and owner_id != user.id and call.situation in ("known_client", "open_matter"):
            call.situation = "colleagues_client"
        if touch := _touch(session, call):
            touch.user_id = user.id
    missed.make_good(session, call.number, user, "made_good", event.at, now)
    _announce_to_audience(session, call, now)


@apply.register
def _apology_started(event: ApologyStarted, session: Session, now: datetime) -> None:
    """The caller was told that we ring back: from now on a promise runs (D26)."""
    call = _call(session, event.call_id)
    trace.add(session, call, event.at, "apology")
    on_duty = duty.on_duty(session, now)
    keeper = next((entry.user.id for entry in on_duty), None) or next(iter(heads(session)), None)
    minutes = the_office(session).promise_minutes
    session.add(
        Task(
            kind="promise",
            user_id=keeper,
            client_id=call.client_id,
            call_id=call.id,
            number=call.number,
            due_at=event.at + timedelta(minutes=minutes),
            created_at=now,
        )
    )
    trace.add(session, call, event.at, "promise", minutes=minutes)
    feed.announce(session, [keeper] if keeper else [], "tasks", call.id, now)


@apply.register
def _call_ended(event: CallEnded, session: Session, now: datetime) -> None:
    call = _call(session, event.call_id)
    call.state, call.ended_at, call.end_reason = "ended", event.at, event.end_reason.value
    call.talk_seconds = event.talk_seconds
    if call.answered_at is None:
        call.rings, call.ring_seconds = event.rings, event.ring_seconds
    trace.add(
        session,
        call,
        event.at,
        f"ended_{event.end_reason.value}",
        seconds=round(event.talk_seconds or event.ring_seconds),
    )
    touch = _touch(session, call)
    if call.is_missed and touch and touch.saved_at is None:
        touch.user_id = None  # nobody spoke and nobody wrote: it is a missed call, not somebody's unfinished row
    _announce_to_audience(session, call, now)
    for row in _audience(session, call):
        if row.state == "rung":
            row.state = "gone"
    if call.is_missed:
        feed.announce_all(session, "tasks", call.id, now)


@apply.register
def _recording_ready(event: RecordingReady, session: Session, now: datetime) -> None:
    call = _call(session, event.call_id)
    call.recording, call.recording_seconds = event.path[:200], event.seconds
    trace.add(session, call, event.at, "recording", seconds=round(event.seconds))
    feed.announce(session, [call.answered_by_id] if call.answered_by_id else [], "call", call.id, now)


@apply.register
def _line_changed(event: LineChanged, session: Session, now: datetime) -> None:
    state = session.get(LineState, event.line[:80]) or LineState(line=event.line[:80])
    state.registered, state.detail, state.at = event.registered, event.detail[:200], event.at
    session.add(state)
    feed.announce(session, heads(session), "office", event.line, now)


def _call(session: Session, call_id: str) -> Call:
    call = session.scalars(select(Call).where(Call.call_id == call_id)).one_or_none()
    if call is None:
        raise UnknownCallError(call_id)
    return call


def _user_at(session: Session, extension: str) -> User | None:
    return session.scalars(select(User).where(User.extension == extension, User.active).order_by(User.id)).first()


def _audience(session: Session, call: Call) -> list[CallAudience]:
    return list(
        session.scalars(select(CallAudience).where(CallAudience.call_id == call.id).order_by(CallAudience.step))
    )


def _touch(session: Session, call: Call) -> Touch | None:
    return session.scalars(select(Touch).where(Touch.call_id == call.id)).one_or_none()


def _announce_to_audience(session: Session, call: Call, now: datetime) -> None:
    told: Iterable[int] = [row.user_id for row in _audience(session, call) if row.state != "planned"]
    feed.announce(session, told, "call", call.id, now)
