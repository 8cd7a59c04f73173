"""Which events have taken effect is not remembered for ever: a bridge that still holds one delivers it long before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp.calls.models import BridgeEvent

KEEP_FOR = timedelta(days=90)
AT_ONCE = 2000
"""Rows of one commit: an event of the bridge waits for no longer."""


def prune(session: Session, now: datetime, more: Callable[[], bool]) -> int:
    """Forget the events that took effect KEEP_FOR ago, while `more()`; returns how many. Commits."""
    forgotten = 0
    while more():
        old = select(BridgeEvent.event_id).where(BridgeEvent.received_at < now - KEEP_FOR).limit(AT_ONCE)
        gone = session.execute(
            delete(BridgeEvent).where(BridgeEvent.event_id.in_(old)), execution_options={"synchronize_session": False}
        )
        session.commit()
        forgotten += gone.rowcount  # type: ignore[attr-defined]
        if gone.rowcount < AT_ONCE:  # type: ignore[attr-defined]
            break
    return forgotten
