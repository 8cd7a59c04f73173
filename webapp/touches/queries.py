"""Reads of touches: what a manager has left open, and what was last said with a client."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import User
from webapp.calls.models import Call, CallAudience
from webapp.touches.models import Touch


def unfinished(session: Session, user: User) -> Sequence[Touch]:
    """The user's rows that are not closed, oldest first; calls that still ring or are talked are not among them.

    A caller who was passed on outside the office is: his talk goes on without us.
    """
    gave = (
        select(CallAudience.id)
        .where(CallAudience.call_id == Call.id, CallAudience.user_id == user.id, CallAudience.state == "gave")
        .exists()
    )
    return session.scalars(
        select(Touch)
        .outerjoin(Touch.call)
        .where(Touch.user_id == user.id, Touch.closed_at.is_(None))
        .where(or_(Touch.call_id.is_(None), Call.state == "ended", gave))
        .order_by(Touch.started_at)
        .options(joinedload(Touch.client), joinedload(Touch.call), joinedload(Touch.purpose), joinedload(Touch.outcome))
    ).all()


def last_with(session: Session, client_id: int, before: Touch | None = None) -> Touch | None:
    """The latest closed touch with a client, other than `before`."""
    query = (
        select(Touch)
        .where(Touch.client_id == client_id, Touch.closed_at.is_not(None))
        .order_by(Touch.started_at.desc())
        .limit(1)
        .options(joinedload(Touch.purpose), joinedload(Touch.outcome), joinedload(Touch.user))
    )
    if before is not None:
        query = query.where(Touch.id != before.id)
    return session.scalars(query).first()


def may_work_on(session: Session, touch: Touch, user: User) -> bool:
    """True for the row's manager, and for those its call rings or who took it."""
    if touch.user_id == user.id:
        return True
    if touch.call_id is None:
        return False
    seat = select(CallAudience.state).where(CallAudience.call_id == touch.call_id, CallAudience.user_id == user.id)
    return session.scalar(seat) in ("rung", "taken")
