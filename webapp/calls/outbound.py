"""Calls of ours: one click rings the manager's telephone, then the client's; the row of the talk stands at once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import or_, select, true
from sqlalchemy.orm import Session, joinedload

from sipbridge.events import Dial
from webapp import feed
from webapp.accounts.models import User
from webapp.calls import control, trace, tries
from webapp.calls.models import LIVE, Call, CallAudience, seat_of
from webapp.clients import keys, merged
from webapp.clients.models import Client, Person
from webapp.now import telling
from webapp.office import dialling
from webapp.office.models import Line, Outcome
from webapp.office.queries import the_office
from webapp.pages import phone
from webapp.telephones import status
from webapp.touches import matter
from webapp.touches.models import Touch
from webapp.touches.queries import last_with

RING_SECONDS = 45.0
"""How long each of the two telephones may ring."""
LOST_AFTER = timedelta(minutes=5)
"""A call of ours that no bridge has carried on with for so long came to nothing."""
NOT_REACHED = "not_reached"


class Refused(ValueError):
    """A call that can't be placed; the message says why, in the reader's language."""


@dataclass(frozen=True)
class Wanted:
    """Whom to call: `number` as written or in E.164, and what is known of it. `line_id`: through this line."""

    number: str
    client: Client | None = None
    person: Person | None = None
    line_id: int | None = None


def dial(session: Session, user: User, wanted: Wanted, now: datetime, country: str, dialled: str = "") -> Touch:
    """Place a call for `user`; its touch, open on his page. Raises Refused; flushes.

    The same click twice finds the call it has placed: nothing is dialled again. `dialled` is the call that his
    own softphone has begun and waits with; it may be his second while the first is on hold.
    """
    number = keys.normal_phone(wanted.number, country)
    if why_not := dialling.of(session, user).why_not(number):
        raise Refused(why_not)
    if not user.extension:
        raise Refused(_("You have no telephone: register a softphone on your own page."))
    control.one_after_the_other(session, user)  # two tabs, or a double click, must not both find him free
    if mine := _live_call(session, user, beside_held=bool(dialled)):
        if not dialled and mine.call and mine.call.direction == "out" and mine.call.number == number:
            return mine
        raise Refused(_("You are in a call; end it first."))
    if colleague := _who_speaks_with(session, number):
        raise Refused(_("%(name)s is in a call with this number now.", name=colleague))
    bridges = status.read(session)
    if bridges.are_silent(now):
        raise Refused(_("The telephones do not answer now; try again in a minute."))
    client, person = merged.for_keeps(session, wanted.client), wanted.person
    line = _line(session, wanted, number, {name.lower(): up for one in bridges.each for name, up in one.lines.items()})
    call = Call(
        call_id=dialled or f"out-{secrets.token_hex(12)}",
        direction="out",
        state="calling" if dialled else "dialing",
        placed_by_id=user.id,
        number=number,
        line_id=line.id,
        line_name=line.name,
        offered_at=now,
        situation="known_client" if client else "new_caller",
        client_id=client.id if client else None,
    )
    session.add(call)
    session.flush()
    session.add(CallAudience(call_id=call.id, user_id=user.id, extension=user.extension, state="taken"))
    touch = Touch(
        direction="out",
        started_at=now,
        user_id=user.id,
        call_id=call.id,
        client_id=call.client_id,
        person_id=person.id if person else client.people[0].id if client and len(client.people) == 1 else None,
        channel_id=client.channel_id if client else line.channel_id,
        draft={} if client else {"phone": phone(number)},
        name_known=client is not None,
    )
    session.add(touch)
    session.flush()
    if earlier := matter.waiting(session, number):  # he was missed: the script begins with the apology
        call.situation = "was_missed"
        matter.go_on(session, touch, earlier)
    office = the_office(session)
    control.ask(
        session,
        Dial(
            call_id=call.call_id,
            extension=user.extension,
            target=f"tel:{number}",
            line=line.name.lower(),
            shown_number=number,
            record=line.record and not (client and client.never_record),
            notice=f"notice.{line.language or office.language}.wav" if line.record_notice else "",
            hold_music="hold.wav",
            ring_seconds=RING_SECONDS,
            waits=bool(dialled),
        ),
        user,
        now,
    )
    feed.announce(session, [user.id], "call", call.id, now)
    telling.tell(session, now)
    return touch


def came_to_nothing(session: Session, call: Call, touch: Touch | None, now: datetime) -> None:
    """A call of ours ended and nobody spoke. When the client's telephone was called, the row proposes that.

    When it was not, since the manager's own was not picked up or no line was there, nothing happened: the row
    is nobody's unfinished one, unless something was written.
    """
    if call.direction != "out" or call.answered_at is not None or touch is None or touch.closed_at:
        return
    if call.rings == 0 or call.end_reason == "failed":
        if touch.saved_at is None:
            touch.user_id = None
        session.flush()
        return
    if touch.outcome_id is None:
        outcome = session.scalars(select(Outcome).where(Outcome.key == NOT_REACHED, Outcome.active).limit(1)).first()
        touch.outcome_id = outcome.id if outcome else None
    if touch.purpose_id is None and touch.client_id and (last := last_with(session, touch.client_id, touch)):
        touch.purpose_id = last.purpose_id  # the matter goes on
    touch.next_kind = touch.next_kind or "call_back"
    session.flush()
    trace.add(session, call, call.ended_at or now, "attempt", count=tries.attempts(session, [call.number])[call.number])
    feed.announce_all(session, "tasks", call.id, now)


def end_lost(session: Session, now: datetime) -> int:
    """End the calls of ours that no bridge has carried on with; returns how many. The worker's."""
    lost = session.scalars(
        select(Call).where(
            Call.direction == "out", Call.state.in_(("dialing", "calling")), Call.offered_at < now - LOST_AFTER
        )
    ).all()
    for call in lost:
        call.state, call.ended_at, call.end_reason = "ended", now, "failed"
        trace.add(session, call, now, "ended_out_failed")
        touch = session.scalars(select(Touch).where(Touch.call_id == call.id)).one_or_none()
        came_to_nothing(session, call, touch, now)
        feed.announce(session, [call.placed_by_id] if call.placed_by_id else [], "call", call.id, now)
        telling.tell(session, now)
    return len(lost)


def _live_call(session: Session, user: User, *, beside_held: bool) -> Touch | None:
    """The row of the call that `user` speaks in or has placed, None when he is free; those on hold may not count."""
    return session.scalars(
        select(Touch)
        .join(Call, Call.id == Touch.call_id)
        .join(CallAudience, CallAudience.call_id == Call.id)
        .where(seat_of(user.id), CallAudience.state == "taken", Call.state.in_(LIVE))
        .where(Call.held_at.is_(None) if beside_held else true())
        .order_by(Call.id.desc())
        .limit(1)
        .options(joinedload(Touch.call))
    ).first()


def _who_speaks_with(session: Session, number: str) -> str | None:
    """The name of a colleague who is in a call with this number now."""
    return session.scalars(
        select(User.name)
        .join(CallAudience, CallAudience.user_id == User.id)
        .join(Call, Call.id == CallAudience.call_id)
        .where(Call.number == number, CallAudience.state == "taken", Call.state.in_(LIVE))
        .limit(1)
    ).first()


def _line(session: Session, wanted: Wanted, number: str, accounts: Mapping[str, bool]) -> Line:
    """Through which line: the one asked for, else the one this client last called, else the first.

    Only lines with an account at a PBX can dial; `accounts` tells by a line's name whether it is registered now. Of
    the last two one that is goes before one that is not.
    """
    active = session.scalars(select(Line).where(Line.active).order_by(Line.id))
    lines = [line for line in active if line.name.lower() in accounts]
    if chosen := next((line for line in lines if line.id == wanted.line_id), None):
        return chosen
    if not lines:
        raise Refused(_("No line of the office can call out: none has an account at a PBX."))
    same = Call.number == number
    known = or_(same, Call.client_id == wanted.client.id) if wanted.client else same
    last = session.scalars(
        select(Call.line_id)
        .where(known, Call.direction == "in", Call.line_id.is_not(None))
        .order_by(Call.offered_at.desc())
        .limit(1)
    ).first()
    return min(lines, key=lambda line: (not accounts[line.name.lower()], line.id != last, line.id))
