"""Passing a caller on (D27, D17): to whom it may go, asking the bridge for it, and what becomes of it.

A `Transfer` is written when it is asked for, from the page or by a softphone's REFER, and follows the bridge's words:
asked, ringing, consulting (attended: the two managers speak), done, failed or cancelled.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from sipbridge.events import (
    CallerReturning,
    CallTransferred,
    CancelTransfer,
    Command,
    ConsultationStarted,
    JoinCalls,
    LegEnd,
    TransferAsked,
    TransferFailed,
    TransferStarted,
)
from sipbridge.events import Transfer as PassOn
from webapp import feed
from webapp.accounts.models import User
from webapp.calls import control, trace
from webapp.calls.lifecycle import apply, audience_of, call_of, give_to, tell_audience, user_at
from webapp.calls.models import PASSING, Call, CallAudience, Transfer
from webapp.clients import keys
from webapp.office.dialling import may_dial
from webapp.office.queries import the_office

ANSWER_WITHIN = timedelta(seconds=5)
"""A softphone that asks (REFER) is answered within these or left alone: the bridge has told it no by then."""
HEARD_WITHIN = timedelta(seconds=12)
"""After these a transfer that was asked for and never began is one that no bridge heard: commands grow too old."""
LONGEST_BRIEFING = 2000
WARN_FROM = 1
"""Redirects after which the next one is warned of: the third hand-over loses the caller (D17)."""
_USER = re.compile(r"(?:sips?|tel):([^@;?>]+)|registered:([^;?>]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Target:
    """Where a caller may be passed on to: what the bridge rings, how people call it, and the colleague if it is one."""

    address: str
    text: str
    user: User | None = None


def is_under_way(now: datetime) -> ColumnElement[bool]:
    """The condition on Transfer: it goes on, or was asked for just now; one the bridge never heard of is over."""
    return and_(Transfer.state.in_(PASSING), or_(Transfer.state != "asked", Transfer.started_at > now - HEARD_WITHIN))


def under_way(session: Session, call: Call, now: datetime) -> Transfer | None:
    """The passing-on of this call that goes on at `now`, as pages see it."""
    query = select(Transfer).where(Transfer.call_id == call.id, is_under_way(now))
    return session.scalars(query.order_by(Transfer.id.desc())).first()


def of_call(session: Session, call: Call) -> Sequence[Transfer]:
    """Every passing-on of this call that was begun, in order."""
    return session.scalars(
        select(Transfer)
        .where(Transfer.call_id == call.id, Transfer.state != "asked")
        .order_by(Transfer.id)
        .options(joinedload(Transfer.from_user), joinedload(Transfer.to_user))
    ).all()


def _active(session: Session, call: Call) -> Transfer | None:
    """The one an event of the bridge speaks of, however late it comes."""
    return session.scalars(
        select(Transfer).where(Transfer.call_id == call.id, Transfer.state.in_(PASSING)).order_by(Transfer.id.desc())
    ).first()


def latest(session: Session, call: Call) -> Transfer | None:
    """The call's last passing-on, whatever became of it."""
    return session.scalars(select(Transfer).where(Transfer.call_id == call.id).order_by(Transfer.id.desc())).first()


def colleague(user: User) -> Target | None:
    """The target that is this colleague; None for one without a telephone or who works here no more."""
    return Target(user.extension, user.name, user) if user.active and user.extension else None


def outside(session: Session, user: User, number: str) -> Target | None:
    """The target that is a number as typed; None when it is no number, or none that `user` may dial."""
    normal = keys.normal_phone(number, current_app.config["SETTINGS"].country)
    if not normal.startswith("+") or not may_dial(session, user, normal):
        return None
    return Target(f"tel:{normal}", normal)


def start(
    session: Session, call: Call, user: User, target: Target, attended: bool, briefing: str, now: datetime
) -> Transfer:
    """Ask the bridge to pass the caller on. Who may is the caller's business (`control.has_it`).

    A call is passed on once at a time: an earlier asking of which nothing came is over.
    """
    if earlier := _active(session, call):
        earlier.state, earlier.why, earlier.ended_at = "failed", "not_now", now
    row = Transfer(
        call_id=call.id,
        from_user_id=user.id,
        to_user_id=target.user.id if target.user else None,
        to_target=target.address[:200],
        to_text=target.text[:120],
        attended=attended,
        briefing=briefing.strip()[:LONGEST_BRIEFING],
        started_at=now,
    )
    session.add(row)
    seconds = (call.line.step_seconds if call.line else None) or the_office(session).step_seconds
    control.ask(session, PassOn(call.call_id, target.address, call.line_name, attended, seconds), user, now)
    feed.announce(session, [user.id], "call", call.id, now)
    return row


def refused(session: Session, call: Call, why: str, at: datetime) -> None:
    """The bridge would not even begin."""
    if (row := _active(session, call)) and row.state == "asked":
        row.state, row.why, row.ended_at = "failed", why, at
        session.flush()


@apply.register
def _transfer_asked(event: TransferAsked, session: Session, now: datetime) -> None:
    """A softphone asks by REFER: to a colleague, to a number its owner may dial, or to another caller of his."""
    call = call_of(session, event.call_id)
    user = user_at(session, event.extension)
    trace.add(session, call, event.at, "transfer_asked", name=user.name if user else event.extension)
    if now - event.at > ANSWER_WITHIN or call.state != "talking":
        return
    answer: Command = CancelTransfer(call.call_id)
    if user and control.has_it(session, call, user):
        if event.other_call_id:
            other = session.scalars(select(Call).where(Call.call_id == event.other_call_id)).one_or_none()
            if other is None:  # no business of the desk: he has called a colleague
                target = asked_for(session, user, event.target)
                if target and target.user:
                    answer = JoinCalls(call.call_id, event.other_call_id)
            elif other.id != call.id and control.has_it(session, other, user):
                answer = JoinCalls(call.call_id, other.call_id)
        elif target := asked_for(session, user, event.target):
            start(session, call, user, target, False, "", now)
            return
    if isinstance(answer, CancelTransfer):
        trace.add(session, call, now, "transfer_forbidden")
    control.ask(session, answer, user, now)


def asked_for(session: Session, user: User, address: str) -> Target | None:
    """What a softphone means by `address`: a colleague by telephone, login or short number; else an allowed number."""
    found = _USER.match(address.strip())
    name = urllib.parse.unquote(found[1] or found[2]).strip() if found else ""
    if not name:
        return None
    bare = re.split(r"[;?>]", address)[0]
    people = list(session.scalars(select(User).where(User.active, User.extension != "", User.id != user.id)))
    for one in people:
        if bare.casefold() == one.extension.split(";")[0].casefold():
            return colleague(one)
    named = _named(people, name)
    return colleague(named) if named else outside(session, user, name)


def colleague_called(session: Session, user: User, name: str) -> User | None:
    """The colleague with a telephone whom `user` means by a login or a short number he dials; None for nobody."""
    people = session.scalars(select(User).where(User.active, User.extension != "", User.id != user.id))
    return _named(people.all(), name)


def _named(people: Sequence[User], name: str) -> User | None:
    wanted = name.casefold()
    return next((one for one in people if wanted in (one.login.casefold(), number_of(one).casefold())), None)


def number_of(user: User) -> str:
    """What is dialled inside the office to reach this user: the name in the address of his softphone."""
    found = _USER.match(user.extension)
    return urllib.parse.unquote(found[1] or found[2]) if found else ""


@apply.register
def _transfer_started(event: TransferStarted, session: Session, now: datetime) -> None:
    """The colleague's page opens the caller's card with the briefing before he speaks."""
    call = call_of(session, event.call_id)
    control.done(session, call, "Transfer", at=event.at)
    if call.state != "talking":
        return
    row = _of(session, call, event.target, event.attended, event.at)
    row.state, row.attended = "ringing", event.attended
    call.held_at, call.held_by = None, ""
    trace.add(
        session,
        call,
        event.at,
        "transfer_attended" if event.attended else "transfer_blind",
        name=row.from_user.name if row.from_user else "",
        to=row.to_text,
    )
    if row.to_user_id:
        seat = _seat(session, call, row.to_user_id)
        if seat.state != "taken":
            seat.state, seat.extension = "rung", event.target[:200]
    session.flush()
    tell_audience(session, call, now)


@apply.register
def _consultation_started(event: ConsultationStarted, session: Session, now: datetime) -> None:
    call = call_of(session, event.call_id)
    row = _active(session, call)
    trace.add(session, call, event.at, "consultation", to=row.to_text if row else event.target)
    if row:
        row.state = "consulting"
    session.flush()
    tell_audience(session, call, now)


@apply.register
def _call_transferred(event: CallTransferred, session: Session, now: datetime) -> None:
    """The caller is with somebody else: the row goes along to a colleague, and stays with the giver for a number."""
    call = call_of(session, event.call_id)
    row = _active(session, call)
    user = row.to_user if row else user_at(session, event.target)
    control.done(session, call, "CompleteTransfer", "JoinCalls", at=event.at)
    trace.add(session, call, event.at, "transferred", to=user.name if user else row.to_text if row else event.target)
    if row:
        row.state, row.ended_at = "done", event.at
    call.redirects += 1
    call.held_at, call.held_by, call.held_words = None, "", ""
    if call.state == "ended":
        return
    if user:
        give_to(session, call, user, "gave")
    else:
        for seat in audience_of(session, call):
            if seat.state == "taken":
                seat.state = "gave"
    session.flush()
    tell_audience(session, call, now)


@apply.register
def _transfer_failed(event: TransferFailed, session: Session, now: datetime) -> None:
    """Who passed the caller on has him again; the colleague's pop goes away."""
    call = call_of(session, event.call_id)
    row = _active(session, call)
    to = row.to_text if row else event.target
    control.done(session, call, "CancelTransfer", at=event.at)
    trace.add(session, call, event.at, f"transfer_{event.reason.value}", to=to)
    if row is None:
        return
    row.state = "cancelled" if event.reason is LegEnd.CANCELLED else "failed"
    row.why, row.ended_at = event.reason.value, event.at
    for seat in audience_of(session, call):
        if seat.user_id == row.to_user_id and seat.state == "rung":
            seat.state = "gone"
    session.flush()
    tell_audience(session, call, now)


@apply.register
def _caller_returning(event: CallerReturning, session: Session, now: datetime) -> None:
    """Nobody has the caller; pages say so until the manager takes him, or nobody can be had at all."""
    call = call_of(session, event.call_id)
    user = user_at(session, event.extension)
    trace.add(session, call, event.at, "returning", name=user.name if user else event.extension)
    tell_audience(session, call, now)


def _of(session: Session, call: Call, target: str, attended: bool, at: datetime) -> Transfer:
    """The row this event speaks of; made now when the desk never asked for it."""
    if row := _active(session, call):
        return row
    giver = session.scalars(
        select(User)
        .join(CallAudience, CallAudience.user_id == User.id)
        .where(CallAudience.call_id == call.id, CallAudience.state == "taken")
    ).first()
    to = user_at(session, target)
    row = Transfer(
        call_id=call.id,
        from_user=giver,
        to_user=to,
        to_target=target[:200],
        to_text=(to.name if to else target.removeprefix("tel:"))[:120],
        attended=attended,
        started_at=at,
    )
    session.add(row)
    session.flush()
    return row


def _seat(session: Session, call: Call, user_id: int) -> CallAudience:
    seat = next((one for one in audience_of(session, call) if one.user_id == user_id), None)
    if seat is None:
        seat = CallAudience(call_id=call.id, user_id=user_id)
        session.add(seat)
        session.flush()
    return seat
