"""What goes on around a talk: held and resumed, a digit of the menu, an outbound call on its way, a refused command."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sipbridge.events import CallHeld, CallPlaced, CallResumed, ClientRinging, CommandRefused, HeldBy, MenuChosen
from webapp import feed
from webapp.calls import control, dialled, outbound, trace, transfers
from webapp.calls.lifecycle import apply, call_of, give_to, tell_audience, touch_of, user_at
from webapp.calls.models import LIVE, BridgeCommand, BridgeStatus, Call

HEARD_LATELY = timedelta(seconds=30)


@apply.register
def _call_held(event: CallHeld, session: Session, now: datetime) -> None:
    call = call_of(session, event.call_id)
    trace.add(session, call, event.at, f"held_{event.by.value}")
    control.done(session, call, "Hold", at=event.at)
    if call.state != "talking":
        return
    if call.held_at is None:
        call.held_at = event.at
        if event.by is not HeldBy.PAGE:
            call.held_words = ""  # those of an earlier time; the page knows where the script stands
    call.held_by = event.by.value
    tell_audience(session, call, now)


@apply.register
def _call_resumed(event: CallResumed, session: Session, now: datetime) -> None:
    """`held_words` stay: they are what is said next (D23)."""
    call = call_of(session, event.call_id)
    trace.add(session, call, event.at, "resumed")
    control.done(session, call, "Resume", at=event.at)
    call.held_at, call.held_by = None, ""
    tell_audience(session, call, now)


@apply.register
def _menu_chosen(event: MenuChosen, session: Session, now: datetime) -> None:
    call = call_of(session, event.call_id)
    call.menu_digit = event.digit[:1]
    trace.add(session, call, event.at, "menu", digit=call.menu_digit, title=menu_choice(call))
    tell_audience(session, call, now)


def menu_choice(call: Call) -> str:
    """What the line's menu calls the digit the caller pressed; '' when none was, or it is called nothing."""
    choices = call.line.menu.get("choices", []) if call.line else []
    return next((str(one.get("title", "")) for one in choices if one.get("digit") == call.menu_digit), "")


@apply.register
def _call_placed(event: CallPlaced, session: Session, now: datetime) -> None:
    call = call_of(session, event.call_id)
    user = user_at(session, event.extension) or call.placed_by
    control.done(session, call, "Dial", at=event.at)
    trace.add(session, call, event.at, "placed", name=user.name if user else event.extension, number=call.number)
    tell_audience(session, call, now)


@apply.register
def _client_ringing(event: ClientRinging, session: Session, now: datetime) -> None:
    """The manager has picked up his own telephone, and hears the client's ring."""
    call = call_of(session, event.call_id)
    trace.add(session, call, event.at, "client_ringing")
    if call.state != "dialing":
        return
    call.state = "calling"
    if call.placed_by:
        give_to(session, call, call.placed_by, "gone")
    tell_audience(session, call, now)


@apply.register
def _command_refused(event: CommandRefused, session: Session, now: datetime) -> None:
    """Who asked reads why on his page. Of several bridges, those that don't have the call say so and mean nothing."""
    known = event.command_id.isdecimal() and int(event.command_id) < 2**31
    row = session.get(BridgeCommand, int(event.command_id)) if known else None
    if row is None or row.refused or row.done_at:
        return
    call = session.scalars(select(Call).where(Call.call_id == row.call_id)).one_or_none()
    if event.why == "no_call" and call is not None and call.state in LIVE and _bridges(session, now) > 1:
        return
    row.refused = event.why[:20]
    if call is None:
        if row.kind == "Dial":
            dialled.not_put_through(session, row, now)
        return
    trace.add(session, call, event.at, "refused", command=row.kind, why=row.refused)
    if row.kind == "Hold":
        call.held_words = ""
    if row.kind == "Transfer":
        transfers.refused(session, call, row.refused, event.at)
    if row.kind == "Dial" and call.state in LIVE:
        call.state, call.ended_at, call.end_reason = "ended", event.at, "failed"
        outbound.came_to_nothing(session, call, touch_of(session, call), now)
    tell_audience(session, call, now)
    feed.announce(session, [row.made_by_id] if row.made_by_id else [], "call", call.id, now)


def _bridges(session: Session, now: datetime) -> int:
    return session.scalar(select(func.count(BridgeStatus.id)).where(BridgeStatus.at > now - HEARD_LATELY)) or 0
