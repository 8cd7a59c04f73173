"""A talk whose manager is gone for now: he is rung again for a caller nobody took, or the caller leaves a message."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.calls.models import CallTrace

WITHOUT = {"returning": "returning", "apology": "left"}
TOGETHER = ("answered", "client_answered", "resumed", "transferred")


def of(session: Session, call_ids: Collection[int]) -> dict[int, str]:
    """By id of a talk: "returning" while its manager is rung again, "left" once nobody could be had for the caller.

    Talks of which neither is true are left out.
    """
    found: dict[int, str] = {}
    rows = session.execute(
        select(CallTrace.call_id, CallTrace.kind)
        .where(CallTrace.call_id.in_(call_ids), CallTrace.kind.in_((*TOGETHER, *WITHOUT)))
        .order_by(CallTrace.at, CallTrace.id)
    )
    for call_id, kind in rows:
        if kind in WITHOUT:
            found[call_id] = WITHOUT[kind]
        else:
            found.pop(call_id, None)
    return found
