"""Who would ring: the answer of intake for a call that never comes. Nothing is written, nobody is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from sipbridge.events import Mode, Plan
from webapp.calls import facts, intake
from webapp.calls.routing import Decision, Rung, decide
from webapp.clients import merged
from webapp.clients.models import Client
from webapp.office.models import Line
from webapp.office.queries import the_office
from webapp.presence import whereabouts
from webapp.touches import matter


@dataclass(frozen=True)
class Rings:
    """A step that rings telephones, from and to how many seconds after the first ring."""

    step: Rung
    starts: float
    ends: float


@dataclass(frozen=True)
class Answer:
    """What would happen. `greeting_at`: seconds until the caller hears the greeting, None where we don't answer.

    `steps` are the plan's, in its order; without any the caller hears the apology at once. `candidates` counts the
    cards that may be his when none surely is.
    """

    plan: Plan
    decision: Decision
    steps: Sequence[Rings]
    at: datetime
    client: Client | None
    candidates: int
    line: Line | None
    greeting_at: float | None

    @property
    def ends(self) -> float:
        """After so many seconds nobody is left to ring, and the caller hears the apology."""
        return self.steps[-1].ends if self.steps else 0.0


def ask(
    session: Session,
    number: str,
    dialed: str,
    line: Line | None,
    at: datetime,
    zone: ZoneInfo,
    country: str,
    now: bool = True,
) -> Answer:
    """A call of `number` (E.164, '' for a hidden one) on `line` at `at`; `dialed`, '' for the line's own number.

    `now`: where everybody is at this moment counts; for any other time the roster and absences alone do.
    """
    office = the_office(session)
    candidates, found = facts.recognised(session, number, country)
    client = session.get(Client, merged.lead(session, found.id)) if found else None
    ring = facts.Ring(number, dialed, line, at, was_missed=matter.waiting(session, number) is not None)
    sheet = whereabouts.read(session, at, at, zone, knows="all" if now else "roster")
    decision = decide(facts.gather(session, ring, client, sheet))
    plan = intake.plan_for(office, line, decision, sheet, at, client)
    greets = plan.mode is Mode.BRIDGE
    return Answer(
        plan=plan,
        decision=decision,
        steps=_timed(decision, plan),
        at=at,
        client=client,
        candidates=0 if client else len(candidates),
        line=line,
        greeting_at=plan.answer_on_ring * plan.ring_seconds if greets else None,
    )


def _timed(decision: Decision, plan: Plan) -> list[Rings]:
    """The steps that ring a telephone with their seconds; the plan has as many, in the same order."""
    ringing = [step for step in decision.steps if any(seat.extension for seat in step.seats)]
    found, starts = [], 0.0
    for step, planned in zip(ringing, plan.steps, strict=True):
        found.append(Rings(step, starts, starts + planned.seconds))
        starts += planned.seconds
    return found
