"""THE CRUX: a call has reached a line. Record it, match the caller, decide who takes it, open the touch, announce.

Everything here happens in one transaction while the caller hears the first ring; the answer is the bridge's plan.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from sipbridge.events import CallOffered, Menu, Mode, Plan, Step
from webapp import feed
from webapp.accounts.queries import heads
from webapp.calls import facts, said, trace
from webapp.calls.models import Call, CallAudience
from webapp.calls.routing import Decision, decide
from webapp.clients import keys, merged
from webapp.clients.models import Client
from webapp.office.models import Line, Office
from webapp.office.queries import line_called, the_office
from webapp.presence import whereabouts
from webapp.presence.whereabouts import Sheet
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
    candidates, client = facts.recognised(session, call.number, country)
    call.candidates = [{"client_id": c.client_id, "reason": c.reason, "sure": c.sure} for c in candidates]
    certain = client.id if client else None
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
    dialed = keys.normal_phone(f"sip:{event.dialed_number}", country)
    ring = facts.Ring(call.number, dialed, line, event.offered_at, was_missed=earlier is not None)
    with session.no_autoflush:  # nothing read here depends on what this call has written
        sheet = whereabouts.read(session, event.offered_at, event.offered_at, zone)
        decision = decide(facts.gather(session, ring, client, sheet))
    call.situation, call.asked_for_id = decision.situation, facts.asked_for(dialed, sheet)
    call.duty_ids = list(decision.duty_ids)
    call.why_routed = {"reason": decision.reason, **why(decision)}
    trace.add(session, call, now, f"routed_{decision.reason}", **why(decision))

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

    # 5. Announce: only those who are rung first see it now. Last, since the feed is held until the commit.
    if decision.gap:
        _tell_head_nobody_was_there(session, call, now)
    feed.announce(session, [row.user_id for row in audience if row.state == "rung"], "call", call.id, now)
    return plan_for(office, line, decision, sheet, event.offered_at, client)


def why(decision: Decision) -> dict[str, Any]:
    """What a call keeps of its decision beside the reason: names, who was passed over, who should have had it."""
    passed = [
        {"user_id": one.user_id, "name": one.name, "why": one.why, "until": one.until} for one in decision.passed_over
    ]
    return {
        **decision.names,
        **({"passed_over": passed} if passed else {}),
        **({"meant_id": decision.meant_id} if decision.meant_id else {}),
    }


def plan_for(
    office: Office, line: Line | None, decision: Decision, sheet: Sheet, at: datetime, client: Client | None
) -> Plan:
    """The plan of one call, with the menu as it is at this moment."""
    may_record = client is None or not client.never_record
    return make_plan(office, line, decision, said.menu(office, line, facts.reachable(sheet, at)), may_record)


def make_plan(office: Office, line: Line | None, decision: Decision, menu: Menu | None, may_record: bool) -> Plan:
    """The decision as the bridge's plan, with the line's own settings where it has some."""
    record = line is not None and line.record and may_record
    seconds = (line.step_seconds if line else None) or office.step_seconds
    steps = []
    for step in decision.steps:
        extensions = tuple(seat.extension for seat in step.seats if seat.extension)
        if extensions:
            steps.append(Step(extensions=extensions, seconds=step.seconds or seconds))
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


def _audience(session: Session, call: Call, decision: Decision) -> list[CallAudience]:
    """Who may see the call, by the step that rings them. With no telephone at all the pop is the only bell there is."""
    rows = [
        CallAudience(
            call_id=call.id,
            user_id=seat.user_id,
            step=number,
            extension=seat.extension,
            state="rung" if number == 0 else "planned",
        )
        for number, step in enumerate(decision.steps)
        for seat in step.seats
    ]
    session.add_all(rows)
    session.flush()
    return rows


def _tell_head_nobody_was_there(session: Session, call: Call, now: datetime) -> None:
    """Every head gets a task with the number; without any head it waits in the heads' inbox (D18)."""
    told: list[int | None] = [*heads(session)] or [None]
    for user_id in told:
        session.add(Task(kind="gap", user_id=user_id, call_id=call.id, number=call.number, due_at=now, created_at=now))
    feed.announce(session, told, "tasks", call.id, now)
