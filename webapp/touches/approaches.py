"""How often a client was approached without a result: at most so many times, one more needs a reason (D74).

An approach is a touch of ours towards him, by telephone, letter or visit: written down and closed, or a call of ours
that rang at his telephone. The count goes back to the last result: he turned to us himself (any incoming touch, a
missed call too), or a touch of ours ended with an outcome that counts (a meeting, a sale) or that closes the matter (a
refusal is a result). Whoever has no card yet is known by the number that was called. A touch that is only put off plans
nothing new.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from webapp.calls.models import Call
from webapp.office.models import Outcome
from webapp.office.queries import the_office
from webapp.touches.models import Touch

FURTHEST = 40
"""So many touches back a result is looked for: more than any office allows approaches."""
MAX_REASON = 400


def of_client(session: Session, client_id: int) -> int:
    """Approaches to this client since the last result."""
    return _count(session, Touch.client_id == client_id)


def of_number(session: Session, number: str) -> int:
    """Approaches to a number that is on no card, since the last result."""
    return _count(session, and_(Touch.client_id.is_(None), Call.number == number)) if number else 0


def of(session: Session, touch: Touch) -> int:
    """Approaches up to this touch, itself among them when it is one; 0 when it is, or has, a result."""
    if touch.direction == "in" or (touch.outcome and _is_result(touch.outcome.counts_as, touch.outcome.closes)):
        return 0
    others = Touch.id != touch.id
    if touch.client_id is not None:
        return 1 + _count(session, and_(Touch.client_id == touch.client_id, others))
    if touch.call and touch.call.number:
        return 1 + _count(session, and_(Touch.client_id.is_(None), Call.number == touch.call.number, others))
    return 1


def most(session: Session) -> int:
    """How many approaches the office allows without a reason."""
    return the_office(session).max_approaches


def missing(session: Session, touch: Touch) -> LazyString | None:
    """What to say when this touch plans one approach too many and has no reason for it; None when all is well."""
    if touch.next_at is None or touch.approach_reason.strip():
        return None
    allowed = most(session)
    if of(session, touch) < allowed:
        return None
    return _l(
        "%(most)d approaches came to nothing. Say why one more makes sense, or choose an outcome that ends it.",
        most=allowed,
    )


def _count(session: Session, which: ColumnElement[bool]) -> int:
    rang = and_(Call.state == "ended", or_(Call.answered_at.is_not(None), Call.rings > 0))
    rows = session.execute(
        select(Touch.direction, Outcome.counts_as, Outcome.closes)
        .outerjoin(Call, Call.id == Touch.call_id)
        .outerjoin(Outcome, Outcome.id == Touch.outcome_id)
        .where(which, or_(Touch.direction == "in", Touch.closed_at.is_not(None), rang))
        .order_by(Touch.started_at.desc(), Touch.id.desc())
        .limit(FURTHEST)
    ).tuples()
    count = 0
    for direction, counts_as, closes in rows:
        if direction == "in" or _is_result(counts_as, closes):
            break
        count += 1
    return count


def _is_result(counts_as: str | None, closes: bool | None) -> bool:
    return bool(counts_as or closes)
