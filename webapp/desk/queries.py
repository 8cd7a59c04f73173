"""What one person's page shows: which call comes first, who is there, and what is owed, most pressing first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import User
from webapp.calls.models import LIVE, Call, CallAudience, Transfer, is_missed, seat_of
from webapp.calls.transfers import is_under_way
from webapp.switchboard import alone
from webapp.touches.models import Touch
from webapp.touches.queries import may_work_on

GONE_SHOWN = timedelta(seconds=30)
LONGEST_RINGING = timedelta(hours=1)
"""No call waits longer until somebody takes it or it ends; a voice message is part of that."""

URGENT = {
    "talking": 0, "consulting": 0, "consulted": 0, "returning": 0,
    "held": 1, "passing": 1,
    "passing_blind": 3, "left": 3,
}  # fmt: skip
"""Which of my calls comes first on the page: whom I speak with, who waits for me, what rings, what I let go."""
RINGS = 2


@dataclass(frozen=True)
class Mine:
    """A live call of mine with its touch. `taken`: I am the one who talks. `passing`: the passing-on under way.

    `alone`: why I don't speak with the caller though the talk is mine, as `switchboard.alone` tells it.
    """

    call: Call
    touch: Touch
    taken: bool
    passing: Transfer | None = None
    alone: str = ""

    @property
    def state(self) -> str:
        """How the call stands for me: its own state, or held, passing (somebody is rung for me), passing_blind (and I
        am free), consulting (I speak with the colleague), passed (it rings me as the colleague), consulted, returning
        (I am rung for the caller again), left (he leaves a message)."""
        if self.passing and not self.taken:
            return "consulted" if self.passing.state == "consulting" else "passed"
        if self.passing and self.passing.state == "consulting":
            return "consulting"
        if self.passing:
            return "passing" if self.passing.attended else "passing_blind"
        if self.taken and self.alone:
            return self.alone
        return "held" if self.taken and self.call.held_at else self.call.state

    @property
    def rank(self) -> int:
        """Smaller comes first."""
        return URGENT.get(self.state, RINGS)


def live_calls(session: Session, user: User, now: datetime) -> list[Mine]:
    """The live calls that ring me or that I took: the talk first, then who is held, then who has waited longest.

    A talk whose row is closed already, while they still say goodbye, is not among them.
    """
    rows = session.execute(
        select(CallAudience.state, Touch)
        .join(Call, Call.id == CallAudience.call_id)
        .join(Touch, Touch.call_id == Call.id)
        .where(seat_of(user.id), CallAudience.state.in_(("rung", "taken")), Call.state.in_(LIVE))
        .where(Touch.closed_at.is_(None))
        .order_by(Call.offered_at, Call.id)
        .options(
            joinedload(Touch.call).joinedload(Call.line),
            joinedload(Touch.call).joinedload(Call.client),
            joinedload(Touch.client),
            joinedload(Touch.person),
        )
    ).all()
    passing = {
        one.call_id: one
        for one in session.scalars(
            select(Transfer)
            .where(Transfer.call_id.in_([touch.call_id for _, touch in rows]), is_under_way(now))
            .order_by(Transfer.id)
            .options(joinedload(Transfer.from_user), joinedload(Transfer.to_user))
        )
    }
    talks = [
        touch.call.id for state, touch in rows if touch.call and state == "taken" and touch.call.state == "talking"
    ]
    without_me = alone.of(session, talks) if talks else {}
    mine = [
        Mine(touch.call, touch, state == "taken", passing.get(touch.call.id), without_me.get(touch.call.id, ""))
        for state, touch in rows
        if touch.call
    ]
    return sorted(mine, key=lambda one: one.rank)


def choose(session: Session, user: User, live: Sequence[Mine], wanted: int | None, pinned: bool) -> Touch | None:
    """The touch the page shows: my talk, else what rings, else the unfinished row `wanted`; None is the idle page.

    `pinned`: the user turned to `wanted` on purpose, so a live call stays in front while it lasts.
    """
    if live:
        first = live[0]
        held = next((one for one in live if one.touch.id == wanted), None)
        if held and (pinned or held.rank == first.rank):
            return held.touch
        return first.touch
    if wanted is None:
        return None
    touch = session.get(Touch, wanted)
    if touch is None or touch.closed_at or not may_work_on(session, touch, user):
        return None
    return touch


def who_took(session: Session, user: User, touch_id: int | None) -> Call | None:
    """The call of a touch I was shown and that has gone from me since: a colleague took it, or the caller gave up."""
    if touch_id is None:
        return None
    return session.scalars(
        select(Call)
        .join(Touch, Touch.call_id == Call.id)
        .join(CallAudience, CallAudience.call_id == Call.id)
        .where(Touch.id == touch_id, CallAudience.user_id == user.id, CallAudience.state == "gone")
        .options(joinedload(Call.answered_by))
    ).one_or_none()


def gone_lately(session: Session, user: User, now: datetime) -> Call | None:
    """The call that went from me within GONE_SHOWN: two refreshes in a row shall not swallow the word of it."""
    since = now - GONE_SHOWN
    mine = select(CallAudience.id).where(
        CallAudience.call_id == Call.id, CallAudience.user_id == user.id, CallAudience.state == "gone"
    )
    return session.scalars(
        select(Call)
        .where(
            Call.offered_at >= since - LONGEST_RINGING,
            or_(Call.answered_at >= since, and_(Call.answered_at.is_(None), Call.ended_at >= since)),
            mine.exists(),
        )
        .order_by(Call.offered_at.desc())
        .limit(1)
        .options(joinedload(Call.answered_by))
    ).first()


def missed_lately(session: Session, call: Call, since: datetime) -> tuple[int, datetime | None]:
    """How many other calls of this number were missed since `since`, and when the first of them came."""
    if not call.number:
        return 0, None
    query = select(func.count(Call.id), func.min(Call.offered_at)).where(
        Call.number == call.number,
        Call.id != call.id,
        Call.offered_at >= since,
        is_missed(),
    )
    return session.execute(query).tuples().one()
