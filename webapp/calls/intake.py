"""THE CRUX: a call has reached a line. Record it, match the caller, decide who takes it, open the touch, announce.

Everything here happens in one transaction while the caller hears the first ring; the answer is the bridge's plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import CallOffered, Menu, Mode, Plan, Step
from webapp import feed
from webapp.accounts.models import Role, User
from webapp.accounts.queries import heads
from webapp.calls import said, seats, trace
from webapp.calls.models import Call, CallAudience
from webapp.calls.routing import Decision, Facts, Seat, decide
from webapp.clients import keys, match, merged
from webapp.clients.models import Client
from webapp.deals.models import ENDED, Deal
from webapp.office.models import Line, Office
from webapp.office.queries import line_called, the_office
from webapp.tasks.models import Task
from webapp.touches import matter
from webapp.touches.models import Touch


def offered(session: Session, event: CallOffered, now: datetime, country: str, zone: ZoneInfo) -> Plan:
    """Take one offered call in; returns whom the bridge shall ring. `now` is the time of the work, not of the call."""
    office = the_office(session)
    line = line_called(session, event.line)

    # 1. Record the call.
    call = Call(
        call_id=event.call_id,
        line_name=event.line[:80],
        line_id=line.id if line else None,
        number=keys.normal_phone(f"sip:{event.caller_number}", country)[:40],
        caller_number=event.caller_number[:120],
        caller_name=event.caller_name[:120],
        dialed_number=event.dialed_number[:120],
        offered_at=event.offered_at,
    )
    session.add(call)
    session.flush()
    trace.add(
        session, call, event.offered_at, "offered", number=call.number, line=(line and line.title) or call.line_name
    )

    # 2. Match the caller (D29, key 3). Several clients, or a doubtful one: candidates are shown, none is opened.
    candidates = match.by_number(session, call.number, country) if call.number else []
    call.candidates = [{"client_id": c.client_id, "reason": c.reason, "sure": c.sure} for c in candidates]
    client = session.get(Client, certain) if (certain := match.certain(candidates)) else None
    client = merged.for_keeps(session, client)
    if client:
        reason = next(c.reason for c in candidates if c.client_id == certain)
        call.client_id = client.id
        call.why_client = {"reason": reason}
        trace.add(session, call, now, "matched", client=client.name, reason=reason)
    elif candidates:
        call.why_client = {"reason": "candidates", "count": len(candidates)}
        trace.add(session, call, now, "candidates", count=len(candidates))
    else:
        reason = "unknown" if call.number else "no_number" if call.address else "hidden"
        address = {"address": call.address} if call.address else {}
        call.why_client = {"reason": reason, **address}
        trace.add(session, call, now, reason, **address)

    # 3. Decide who takes it (D11-D18).
    earlier = matter.waiting(session, call.number, but=call)  # he was missed before: it is the same matter
    facts = _facts(session, call, client, line, office, zone, event.offered_at)
    decision = decide(replace(facts, was_missed=earlier is not None))
    call.situation = decision.situation
    call.why_routed = {"reason": decision.reason, **decision.names}
    trace.add(session, call, now, f"routed_{decision.reason}", **decision.names)
    if not any(decision.steps):
        _tell_head_nobody_was_there(session, call, now)

    # 4. Open the touch: the ledger's row exists from the first ring on.
    audience = _audience(session, call, decision)
    first = audience[0].user_id if audience else None
    touch = Touch(
        started_at=event.offered_at,
        user_id=first,
        call_id=call.id,
        client_id=call.client_id,
        channel_id=line.channel_id if line else None,
        person_id=client.people[0].id if client and len(client.people) == 1 else None,
        name_known=bool(client),
    )
    session.add(touch)
    session.flush()
    if earlier:
        matter.go_on(session, touch, earlier)

    # 5. Announce: only those who are rung first see it now.
    feed.announce(session, [row.user_id for row in audience if row.state == "rung"], "call", call.id, now)
    may_record = client is None or not client.never_record
    return make_plan(office, line, decision, said.menu(session, office, line), may_record)


def make_plan(office: Office, line: Line | None, decision: Decision, menu: Menu | None, may_record: bool) -> Plan:
    """The decision as the bridge's plan, with the line's own settings where it has some."""
    record = line is not None and line.record and may_record
    seconds = (line.step_seconds if line else None) or office.step_seconds
    steps = []
    for seats_of_step in decision.steps:
        extensions = tuple(seat.extension for seat in seats_of_step if seat.extension)
        if extensions:
            steps.append(Step(extensions=extensions, seconds=seconds))
    return Plan(
        steps=tuple(steps),
        answer_on_ring=(line.answer_on_ring if line else None) or office.answer_on_ring,
        ring_seconds=ring_seconds(office, line),
        mode=Mode(line.mode) if line else Mode.BRIDGE,
        greeting=said.greeting(office, line),
        apology=said.apology(office, line),
        record=record,
        notice=said.notice(office, line) if record else "",
        hold_music=said.HOLD_MUSIC,
        menu=menu,
        message_seconds=line.message_seconds if line else 0,
        pause_keys=office.pause_keys if record else "",
    )


def ring_seconds(office: Office, line: Line | None) -> float:
    """How long one ring lasts on this line."""
    return (line.ring_seconds if line else None) or office.ring_seconds


def _facts(
    session: Session, call: Call, client: Client | None, line: Line | None, office: Office, zone: ZoneInfo, at: datetime
) -> Facts:
    facts = replace(
        seats.duty_facts(session, at),
        line_people=seats.line_people(session, line, at),
    )
    if client is None:
        return facts
    deal = session.scalars(
        select(Deal)
        .where(Deal.client_id == client.id, Deal.stage.not_in(ENDED))
        .order_by(Deal.opened_at.desc())
        .limit(1)
    ).first()
    matter_owner = deal.owner if deal else None
    region: Sequence[User] = ()
    if client.region_id:
        of_region = select(User).where(User.region_id == client.region_id, User.role == Role.MANAGER, User.active)
        region = session.scalars(of_region.order_by(User.id)).all()
    people: dict[int, User] = {user.id: user for user in (client.owner, matter_owner, *region) if user}
    return replace(
        facts,
        client_known=True,
        owner=seats.seat(client.owner) if client.owner else None,
        matter_owner=seats.seat(matter_owner) if matter_owner else None,
        has_open_matter=deal is not None,
        region_seats=tuple(seats.seat(user) for user in region),
        away=seats.away(session, list(people.values()), office, zone, at) if people else frozenset(),
    )


def _audience(session: Session, call: Call, decision: Decision) -> list[CallAudience]:
    rows = [
        CallAudience(
            call_id=call.id,
            user_id=seat.user_id,
            step=step,
            extension=seat.extension,
            state="rung" if step == 0 else "planned",
        )
        for step, seats_of_step in enumerate(_rung_first(decision.steps))
        for seat in seats_of_step
    ]
    session.add_all(rows)
    session.flush()
    return rows


def _rung_first(steps: tuple[tuple[Seat, ...], ...]) -> list[tuple[Seat, ...]]:
    """The steps without those who have no extension, numbered as the bridge numbers them.

    When nobody at all has an extension the first step stays: the pop is then the only bell there is.
    """
    with_extension = [tuple(seat for seat in step if seat.extension) for step in steps]
    return [step for step in with_extension if step] or list(steps[:1])


def _tell_head_nobody_was_there(session: Session, call: Call, now: datetime) -> None:
    told = heads(session)
    for user_id in told:
        session.add(Task(kind="gap", user_id=user_id, call_id=call.id, number=call.number, due_at=now, created_at=now))
    feed.announce(session, told, "tasks", call.id, now)
