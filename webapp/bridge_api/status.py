"""What the bridges say of themselves: the last heartbeat of each, and when each began to work."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import BridgeStarted
from webapp import feed
from webapp.accounts.queries import heads
from webapp.calls.models import BridgeStatus

RENEW_AFTER = timedelta(seconds=10)
LONGEST_NAME = 40


def name_in(status: Any) -> str:
    """What the bridge calls itself, '' for the only one."""
    name = status.get("name") if isinstance(status, dict) else None
    return name[:LONGEST_NAME] if isinstance(name, str) else ""


def note(session: Session, status: Any, now: datetime) -> None:
    """Keep a bridge's last word about itself; the same word again is written down every RENEW_AFTER."""
    if not isinstance(status, dict):
        return
    row = _of(session, name_in(status))
    if row is None:
        session.add(BridgeStatus(name=name_in(status), at=now, status=status))
    elif row.status != status or abs(now - row.at) > RENEW_AFTER:  # a clock may be moved back
        row.at, row.status = now, status


def started(session: Session, event: BridgeStarted, name: str, now: datetime) -> None:
    """A bridge works again: the heads see since when, and what had ended it."""
    row = _of(session, name)
    if row is None:
        row = BridgeStatus(name=name, at=now, status={})
        session.add(row)
    row.started_at, row.ended_why = event.at, event.why[:200]
    session.flush()
    feed.announce(session, heads(session), "office", "bridge", now)


def _of(session: Session, name: str) -> BridgeStatus | None:
    return session.scalars(select(BridgeStatus).where(BridgeStatus.name == name)).one_or_none()
