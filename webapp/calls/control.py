"""What a manager may ask of a talk that goes on: a command for the bridge, written down and announced at once.

A command only asks. What the pages show changes with the event by which the bridge tells that it was done.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from sipbridge.events import (
    Command,
    to_wire,
)
from webapp import feed
from webapp.accounts.models import User
from webapp.calls.models import LIVE, BridgeCommand, Call, CallAudience

KEEP_FOR = timedelta(days=2)
HELD_WORDS = 200


def ask(session: Session, command: Command, user: User | None, now: datetime) -> BridgeCommand:
    """Ask something of the bridge. Takes effect with the commit; the bridge hears it within milliseconds."""
    # Announced first: on PostgreSQL that takes the lock under which ids become visible in their order.
    feed.announce(session, [None], "command", command.call_id, now)
    row = BridgeCommand(
        call_id=command.call_id,
        kind=type(command).__name__,
        data=to_wire(command),
        made_at=now,
        made_by_id=user.id if user else None,
    )
    session.add(row)
    session.flush()
    return row


def prune(session: Session, now: datetime) -> int:
    """Forget commands older than KEEP_FOR; returns how many."""
    gone = session.execute(delete(BridgeCommand).where(BridgeCommand.made_at < now - KEEP_FOR))
    return gone.rowcount or 0  # type: ignore[attr-defined]


def has_it(session: Session, call: Call, user: User) -> bool:
    """True while `user` is the one who speaks in `call`: only he may say what becomes of it."""
    if call.state not in LIVE:
        return False
    seat = select(CallAudience.state).where(CallAudience.call_id == call.id, CallAudience.user_id == user.id)
    return session.scalar(seat) == "taken"
