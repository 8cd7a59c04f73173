"""A talk whose manager is gone for now: he is rung again for a caller nobody took, or the caller leaves a message."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webapp.calls.models import CallTrace

BEGUN = ("transfer_asked", "transfer_forbidden", "transfer_blind", "transfer_attended")
TOGETHER = ("answered", "client_answered", "resumed", "transferred")


def of(session: Session, call_ids: Collection[int]) -> dict[int, str]:
    """By id of a talk: "returning" while its manager is rung again, "left" once nobody could be had for the caller.

    Talks of which neither is true are left out. A caller passed on at the telephone (REFER) stays with who has it
    in his hand until somebody takes him.
    """
    found: dict[int, str] = {}
    away: set[int] = set()
    at_phone: set[int] = set()
    rows = session.execute(
        select(CallTrace.call_id, CallTrace.kind)
        .where(CallTrace.call_id.in_(call_ids))
        .where(or_(CallTrace.kind.in_((*TOGETHER, "apology")), CallTrace.kind.startswith("transfer_", autoescape=True)))
        .order_by(CallTrace.at, CallTrace.id)
    )
    for call_id, kind in rows:
        if kind in TOGETHER:
            found.pop(call_id, None)
        elif kind == "apology":
            found[call_id] = "left"
        elif kind == "transfer_asked":
            at_phone.add(call_id)
        elif kind in BEGUN:
            (away.add if kind == "transfer_blind" and call_id not in at_phone else away.discard)(call_id)
            at_phone.discard(call_id)
        elif call_id in away:  # how the passing-on ended: transfer_busy, transfer_no_answer, ...
            found[call_id] = "returning"
    return found
