"""Standing plans: what the bridge does when the desk is late or away, for every line and the coming two days."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from sipbridge.events import StandingPlans, TimedPlan, to_wire
from webapp.calls import facts, said
from webapp.calls.intake import make_plan
from webapp.calls.routing import decide
from webapp.feed import Feed
from webapp.office.models import Line
from webapp.office.queries import the_office
from webapp.presence import whereabouts
from webapp.presence.whereabouts import Sheet

HORIZON = timedelta(days=2)
FRESH = timedelta(minutes=10)


def standing_plans(session: Session, now: datetime, zone: tzinfo) -> StandingPlans:
    """Plans for a caller nobody knows, from `now` on; a new entry wherever somebody's duty or absence changes.

    The database is read once, whatever the number of lines and changes: a call may wait behind this. Talks and the
    writing down of them are left out, since they are over sooner than a plan is fetched.
    """
    office, end = the_office(session), now + HORIZON
    sheet = whereabouts.read(session, now, end, zone, knows="away")
    changes = _changes(sheet, now, end)
    lines: dict[str, tuple[TimedPlan, ...]] = {}
    active = list(session.scalars(select(Line).where(Line.active).order_by(Line.id).options(selectinload(Line.people))))
    reachable = {at: facts.reachable(sheet, at) for at in changes} if any(line.menu for line in active) else {}
    for name, line in [*((line.name, line) for line in active), ("*", active[0] if active else None)]:
        plans: list[TimedPlan] = []
        load = facts.load(session, line, now, sheet)
        for at in changes:
            menu = said.menu(office, line, reachable.get(at, {}))
            plan = make_plan(office, line, decide(facts.for_anybody(line, at, sheet, load)), menu, may_record=True)
            if not plans or plans[-1].plan != plan:
                plans.append(TimedPlan(at, plan))
        lines[name] = tuple(plans)
    content = json.dumps(to_wire(lines), sort_keys=True).encode()
    return StandingPlans(hashlib.sha256(content).hexdigest()[:16], lines)


def _changes(sheet: Sheet, start: datetime, end: datetime) -> list[datetime]:
    """The start, and every instant after it at which somebody's duty or absence begins or ends, or he is back."""
    spans = [(span.starts, span.ends) for span in (*sheet.planned, *sheet.absences)]
    back = [whereabouts.until_of(row) for row in sheet.presences.values() if row.state == "away"]
    instants = {at for span in spans for at in span} | set(back)
    return sorted({start, *(at for at in instants if start <= at <= end)})


class Cache:
    """The plans as last worked out; again when something was announced to the bridges, or after FRESH."""

    def __init__(self) -> None:
        self._key: tuple[int, int] | None = None
        self._plans: StandingPlans | None = None

    def get(self, session: Session, now: datetime, zone: tzinfo) -> StandingPlans:
        """The plans, worked out at most once a change and every ten minutes."""
        announced = session.scalar(
            select(Feed.id).where(Feed.user_id.is_(None), Feed.kind == "standing").order_by(Feed.id.desc()).limit(1)
        )
        period = int(now.timestamp() // FRESH.total_seconds())
        if self._plans is None or self._key != (announced or 0, period):
            start = datetime.fromtimestamp(period * FRESH.total_seconds(), tz=now.tzinfo)
            self._plans = standing_plans(session, start, zone)
            self._key = (announced or 0, period)
        return self._plans
