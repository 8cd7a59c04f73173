"""Every call that goes on, whosever it is: how it stands, since when, who has it, whom it rings.

For the head's page of this moment and the secretary's (D1, D4); managers see their own calls on the desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import User
from webapp.calls.intake import ring_seconds
from webapp.calls.models import LIVE, Call, CallAudience, Transfer
from webapp.calls.queries import LATE_FROM
from webapp.calls.transfers import is_under_way
from webapp.office.models import Office
from webapp.office.queries import the_office
from webapp.switchboard import alone

MOST = 200
HARD_TO_BEAR = timedelta(seconds=60)
"""A caller who waits longer for somebody who has spoken with him already is late (D23)."""

STATES: dict[str, tuple[str, str, Any]] = {
    "ringing": ("ringing", "warn", _l("ringing")),
    "greeted": ("ringing", "warn", _l("hears the greeting")),
    "talking": ("talking", "live", _l("talking")),
    "held": ("waiting", "warn", _l("on hold")),
    "passing": ("waiting", "warn", _l("is being passed on")),
    "consulting": ("waiting", "warn", _l("waits while they consult")),
    "returning": ("waiting", "warn", _l("comes back, is rung again")),
    "left": ("waiting", "quiet", _l("leaves a message")),
    "dialing": ("ours", "quiet", _l("our telephone rings")),
    "calling": ("ours", "quiet", _l("calling")),
}
"""How a call stands: the group it is counted in, its look, its word."""


@dataclass(frozen=True)
class LiveCall:
    """A call that goes on. `state` is a key of STATES; `people`: those who have it, else those who are rung.

    `to`: whom the caller is being passed on to, as people call it. `late_at`: from then on the wait is too long,
    None where nobody waits.
    """

    call: Call
    state: str
    since: datetime
    people: Sequence[User]
    to: str = ""
    late_at: datetime | None = None

    @property
    def group(self) -> str:
        """ringing, talking, waiting, or ours (a call out that nobody has answered yet)."""
        return STATES[self.state][0]

    @property
    def look(self) -> str:
        return STATES[self.state][1]

    @property
    def word(self) -> str:
        return str(STATES[self.state][2])

    def has(self, user: User) -> bool:
        """True when `user` is among the call's people."""
        return any(one.id == user.id for one in self.people)


def calls(session: Session) -> Sequence[Call]:
    """The calls that go on, the one that came first is first, with client and line."""
    return session.scalars(
        select(Call)
        .where(Call.state.in_(LIVE))
        .order_by(Call.offered_at, Call.id)
        .limit(MOST)
        .options(joinedload(Call.client), joinedload(Call.line))
    ).all()


def of(session: Session, now: datetime) -> list[LiveCall]:
    """Every call that goes on at `now`: who rings first, then who waits, who talks, and our own calls out."""
    found = calls(session)
    ids = [call.id for call in found]
    seats: dict[int, dict[str, list[User]]] = {}
    for seat in session.scalars(
        select(CallAudience)
        .where(CallAudience.call_id.in_(ids), or_(CallAudience.state == "taken", _is_rung()))
        .order_by(CallAudience.step, CallAudience.id)
        .options(joinedload(CallAudience.user))
    ):
        seats.setdefault(seat.call_id, {}).setdefault(seat.state, []).append(seat.user)
    passing = {
        one.call_id: one
        for one in session.scalars(
            select(Transfer).where(Transfer.call_id.in_(ids), is_under_way(now)).order_by(Transfer.id)
        )
    }
    without = alone.of(session, [call.id for call in found if call.state == "talking"])
    office = the_office(session)
    order = {"ringing": 0, "waiting": 1, "talking": 2, "ours": 3}
    live = [
        _one(call, seats.get(call.id, {}), passing.get(call.id), without.get(call.id, ""), office) for call in found
    ]
    return sorted(live, key=lambda one: (order[one.group], one.since))


def _is_rung() -> ColumnElement[bool]:
    """A telephone of his rings; who has none only sees the call on his page."""
    return and_(CallAudience.state == "rung", CallAudience.extension != "")


def _one(call: Call, seats: dict[str, list[User]], passing: Transfer | None, without: str, office: Office) -> LiveCall:
    taken, rung = seats.get("taken", []), seats.get("rung", [])
    if call.state != "talking":
        late_at = None
        if call.direction == "in":
            late_at = call.offered_at + timedelta(seconds=ring_seconds(office, call.line) * (LATE_FROM - 1))
        return LiveCall(call, call.state, call.offered_at, taken or rung, late_at=late_at)
    answered = call.answered_at or call.offered_at
    if passing:
        state = "consulting" if passing.state == "consulting" else "passing"
        since = passing.started_at
        return LiveCall(call, state, since, taken, passing.to_text, since + HARD_TO_BEAR)
    if without:
        return LiveCall(call, without, answered, taken)
    if call.held_at:
        return LiveCall(call, "held", call.held_at, taken, late_at=call.held_at + HARD_TO_BEAR)
    return LiveCall(call, "talking", answered, taken)
