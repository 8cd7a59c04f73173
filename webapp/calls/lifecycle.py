"""What happens to a call from its first ring to its end: one function an event, each ending in what pages show.

The talk itself is in `talking.py`, passing a caller on in `transfers.py`, recordings in `recordings/lifecycle.py`.
"""

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
)
from webapp import feed
from webapp.accounts.models import User
from webapp.accounts.queries import heads
from webapp.calls import meant, missed, outbound, trace
from webapp.calls.models import PASSING, RINGING, Call, CallAudience, LineState, Transfer
from webapp.office.queries import the_office
from webapp.presence import answering, marking
from webapp.recordings import keeping
from webapp.tasks.models import Task
from webapp.touches import matter
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
    call = call_of(session, event.call_id)
    trace.add(session, call, event.at, "standing_plan" if event.standing else "plan")
    if not event.standing:
        return
    keeping.respect(session, call, None, now)
    for row in audience_of(session, call):
        if row.extension and row.extension not in event.extensions:
            row.state = "gone"
            feed.announce(session, [row.user_id], "call", call.id, now)


@apply.register
def _leg_ringing(event: LegRinging, session: Session, now: datetime) -> None:
    call = call_of(session, event.call_id)
    user = user_at(session, event.extension)
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
    audience = audience_of(session, call)
    row = next((row for row in audience if row.user_id == user.id), None)
    if row is None:
        row = CallAudience(call_id=call.id, user_id=user.id, step=event.step, extension=event.extension)
        session.add(row)
    if call.state in RINGING and row.state != "taken":
        row.state = "rung"
        rung_before = [other.user_id for other in audience if other.state == "rung" and event.step > 0]
        feed.announce(session, {user.id, *rung_before}, "call", call.id, now)


@apply.register
def _leg_ended(event: LegEnded, session: Session, now: datetime) -> None:
    """A softphone fell silent. Its owner keeps the pop while the call rings elsewhere: he may still come back to it."""
    call = call_of(session, event.call_id)
    user = user_at(session, event.extension)
    name = user.name if user else event.extension
    trace.add(session, call, event.at, f"leg_{event.reason.value}", name=name, extension=event.extension)
    if user and call.state in RINGING:
        feed.announce(session, [user.id], "call", call.id, now)


@apply.register
def _greeting_started(event: GreetingStarted, session: Session, now: datetime) -> None:
    call = call_of(session, event.call_id)
    if call.state == "ringing":
        call.state, call.greeted_at = "greeted", event.at
        call.rings, call.ring_seconds = event.rings, event.seconds
    trace.add(session, call, event.at, "greeting", rings=event.rings)
    tell_audience(session, call, now)


@apply.register
def _call_answered(event: CallAnswered, session: Session, now: datetime) -> None:
    """A manager speaks: the pop goes away elsewhere, and what was missed with this number is made good (D22)."""
    call = call_of(session, event.call_id)
    user = user_at(session, event.extension) or (call.placed_by if call.direction == "out" else None)
    trace.add(
        session,
        call,
        event.at,
        "answered" if call.direction == "in" else "client_answered",
        name=user.name if user else event.extension,
        rings=event.rings,
        seconds=round(event.seconds, 1),
    )
    if call.state == "ended":
        return
    call.state = "talking"
    if call.answered_at is None:
        call.answered_at, call.answered_by_id = event.at, user.id if user else None
        call.rings, call.ring_seconds = event.rings, event.seconds
    if user:
        give_to(session, call, user, "gone")
        owner_id = call.client.owner_id if call.client else None
        if owner_id and owner_id != user.id and call.situation in ("known_client", "open_matter"):
            call.situation = "colleagues_client"
    touch = touch_of(session, call)
    if touch and touch.follows_id is None and (earlier := matter.waiting(session, call.number)):
        matter.go_on(session, touch, earlier)  # missed while this call rang already, by another line
    missed.make_good(session, call.number, user, call.direction, event.at, now)
    tell_audience(session, call, now)


@apply.register
def _apology_started(event: ApologyStarted, session: Session, now: datetime) -> None:
    """The caller was told that we ring back: from now on a promise runs (D26)."""
    call = call_of(session, event.call_id)
    trace.add(session, call, event.at, "apology")
    keeper = answering.of(session, call, now).keeper
    minutes = the_office(session).promise_minutes
    session.add(
        Task(
            kind="promise",
            user_id=keeper,
            client_id=call.client_id,
            call_id=call.id,
            number=call.number,
            due_at=event.at + timedelta(minutes=minutes),
            created_at=event.at,
        )
    )
    trace.add(session, call, event.at, "promise", minutes=minutes)
    feed.announce(session, [keeper] if keeper else heads(session), "tasks", call.id, now)


@apply.register
def _call_ended(event: CallEnded, session: Session, now: datetime) -> None:
    """The end is final. Who was to write the row of a call taken elsewhere may still write it: nobody else saw it."""
    call = call_of(session, event.call_id)
    trace.add(
        session,
        call,
        event.at,
        f"ended_{event.end_reason.value}" if call.direction == "in" else f"ended_out_{event.end_reason.value}",
        seconds=round(event.talk_seconds or event.ring_seconds),
    )
    if call.state == "ended":
        return
    call.state, call.ended_at, call.end_reason = "ended", event.at, event.end_reason.value
    call.talk_seconds = event.talk_seconds
    call.held_at, call.held_by = None, ""
    for transfer in session.scalars(select(Transfer).where(Transfer.call_id == call.id, Transfer.state.in_(PASSING))):
        transfer.state, transfer.why, transfer.ended_at = "failed", "ended", event.at
    if call.answered_at is None:
        call.rings, call.ring_seconds = event.rings, event.ring_seconds
    touch = touch_of(session, call)
    if call.is_missed and touch and touch.saved_at is None:
        touch.user_id = None  # nobody spoke and nobody wrote: it is a missed call, not somebody's unfinished row
    if missed.was_silent(call):
        missed.take_back(session, call, now)
    elif call.is_missed:
        missed.spoken_meanwhile(session, call, now)
    outbound.came_to_nothing(session, call, touch, now)
    audience = audience_of(session, call)
    if call.answered_at and touch and touch.closed_at is None:
        had_it = [row.user_id for row in audience if row.state == "taken"]
        marking.wrap_up(session, had_it, event.at, the_office(session).wrap_up_seconds, now)
    meant.note(session, call, touch, audience, event.at, now)
    tell_audience(session, call, now)
    for row in audience:
        if row.state == "rung":
            row.state = "gone"
    if call.is_missed:
        feed.announce_all(session, "tasks", call.id, now)


@apply.register
def _line_changed(event: LineChanged, session: Session, now: datetime) -> None:
    """`since` is when the line last went up or down; a refusal that changes nothing only renews the last error."""
    state = session.get(LineState, event.line[:80])
    if state is None:
        state = LineState(line=event.line[:80], registered=event.registered, since=event.at)
        session.add(state)
    if state.registered != event.registered or state.since is None:
        state.since = event.at
    state.registered, state.detail, state.at = event.registered, event.detail[:200], event.at
    if not event.registered and event.detail:
        state.last_error, state.last_error_at = event.detail[:200], event.at
    session.flush()
    feed.announce(session, heads(session), "office", event.line[:80], now)


def give_to(session: Session, call: Call, user: User, others: str) -> None:
    """The call is with `user` now, and so is its row; whoever had it before becomes `others` (gone or gave)."""
    rows = audience_of(session, call)
    if all(row.user_id != user.id for row in rows):
        rows.append(CallAudience(call_id=call.id, user_id=user.id, extension=user.extension))
        session.add(rows[-1])
    for row in rows:
        if row.user_id == user.id:
            row.state = "taken"
        elif row.state == "taken":
            row.state = others
        elif row.state == "rung":
            row.state = "gone"
    if touch := touch_of(session, call):
        touch.user_id = user.id
    session.flush()


def call_of(session: Session, call_id: str) -> Call:
    """The call the bridge speaks of. Raises UnknownCallError."""
    call = session.scalars(select(Call).where(Call.call_id == call_id)).one_or_none()
    if call is None:
        raise UnknownCallError(call_id)
    return call


def user_at(session: Session, extension: str) -> User | None:
    """Whose telephone this is, None for a stranger's."""
    return session.scalars(select(User).where(User.extension == extension, User.active).order_by(User.id)).first()


def audience_of(session: Session, call: Call) -> list[CallAudience]:
    """Who may see the call, in the order in which they are rung."""
    return list(
        session.scalars(select(CallAudience).where(CallAudience.call_id == call.id).order_by(CallAudience.step))
    )


def touch_of(session: Session, call: Call) -> Touch | None:
    """The ledger's row of the call."""
    return session.scalars(select(Touch).where(Touch.call_id == call.id)).one_or_none()


def tell_audience(session: Session, call: Call, now: datetime) -> None:
    """Let the pages of all who were rung, took it or passed it on look at the call again."""
    told: Iterable[int] = [row.user_id for row in audience_of(session, call) if row.state != "planned"]
    feed.announce(session, told, "call", call.id, now)
