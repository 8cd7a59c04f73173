"""How often a number was called in vain."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from webapp.calls.models import Call


def attempts(session: Session, numbers: Collection[str]) -> dict[str, int]:
    """How often each of these numbers was called in vain since the last talk with it, by whomever."""
    if not numbers:
        return {}
    spoken = (
        select(Call.number, func.max(Call.answered_at).label("at"))
        .where(Call.number.in_(numbers), Call.answered_at.is_not(None))
        .group_by(Call.number)
        .subquery()
    )
    rows = session.execute(
        select(Call.number, func.count(Call.id))
        .outerjoin(spoken, spoken.c.number == Call.number)
        .where(Call.number.in_(numbers), _in_vain(), or_(spoken.c.at.is_(None), Call.offered_at > spoken.c.at))
        .group_by(Call.number)
    )
    return dict.fromkeys(numbers, 0) | {number: count for number, count in rows}


def _in_vain() -> ColumnElement[bool]:
    return and_(
        Call.direction == "out",
        Call.state == "ended",
        Call.answered_at.is_(None),
        Call.rings > 0,
        Call.end_reason != "failed",
    )
