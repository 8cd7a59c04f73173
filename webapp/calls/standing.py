"""Standing plans: what the bridge does when the desk is late or away, for every line and the coming two days."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from sipbridge.events import StandingPlans, TimedPlan, to_wire
from webapp.calls import said, seats
from webapp.calls.intake import make_plan
from webapp.calls.routing import decide
from webapp.feed import Feed
from webapp.office.models import Line
from webapp.office.queries import the_office
from webapp.roster.models import Absence, Shift

HORIZON = timedelta(days=2)
FRESH = timedelta(minutes=10)


def standing_plans(session: Session, now: datetime) -> StandingPlans:
    """Plans for a caller nobody knows, from `now` on; a new entry wherever the duty changes."""
    office = the_office(session)
    changes = _changes(session, now, now + HORIZON)
    nobodys = [(at, seats.duty_facts(session, at)) for at in changes]
    lines: dict[str, tuple[TimedPlan, ...]] = {}
    active = list(session.scalars(select(Line).where(Line.active).order_by(Line.id)))
    for name, line in [*((line.name, line) for line in active), ("*", active[0] if active else None)]:
        plans: list[TimedPlan] = []
        menu = said.menu(session, office, line)
        for at, facts in nobodys:
            people = seats.line_people(session, line, at)
            plan = make_plan(office, line, decide(replace(facts, line_people=people)), menu, may_record=True)
            if not plans or plans[-1].plan != plan:
                plans.append(TimedPlan(at, plan))
        lines[name] = tuple(plans)
    content = json.dumps(to_wire(lines), sort_keys=True).encode()
    return StandingPlans(hashlib.sha256(content).hexdigest()[:16], lines)


def _changes(session: Session, start: datetime, end: datetime) -> list[datetime]:
    """The start, and every instant after it at which somebody's duty or absence begins or ends."""
    instants = {start}
    for model in (Shift, Absence):
        spans = session.execute(
            select(model.starts_at, model.ends_at).where(
                or_(model.starts_at.between(start, end), model.ends_at.between(start, end))
            )
        )
        for starts_at, ends_at in spans:
            instants.update(at for at in (starts_at, ends_at) if start <= at <= end)
    return sorted(instants)


class Cache:
    """The plans as last worked out; again when something was announced to the bridges, or after FRESH."""

    def __init__(self) -> None:
        self._key: tuple[int, int] | None = None
        self._plans: StandingPlans | None = None

    def get(self, session: Session, now: datetime) -> StandingPlans:
        """The plans, worked out at most once a change and every ten minutes."""
        announced = session.scalar(
            select(Feed.id).where(Feed.user_id.is_(None), Feed.kind == "standing").order_by(Feed.id.desc()).limit(1)
        )
        period = int(now.timestamp() // FRESH.total_seconds())
        if self._plans is None or self._key != (announced or 0, period):
            start = datetime.fromtimestamp(period * FRESH.total_seconds(), tz=now.tzinfo)
            self._plans = standing_plans(session, start)
            self._key = (announced or 0, period)
        return self._plans
