"""Telling the heads and secretaries that something of this moment has changed: a call, a line, somebody's presence."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import Role, User

LOOKERS = (Role.HEAD, Role.SECRETARY)
"""Those whose pages show every call and where everybody is (D1, D4)."""
_TOLD = "now_told"


def tell(session: Session, now: datetime) -> None:
    """Announce `now` to LOOKERS, once a transaction however often it is called. Takes effect with the commit."""
    inside = (session.get_transaction(), session.get_nested_transaction())
    if inside[0] is not None and session.info.get(_TOLD) in (inside, (inside[0], None)):
        return
    lookers = select(User.id).where(User.active, User.role.in_(LOOKERS)).order_by(User.id)
    feed.announce(session, session.scalars(lookers).all(), "now", "", now)
    # Noted with its savepoint: what was said inside one that is taken back has not been said.
    session.info[_TOLD] = (session.get_transaction(), session.get_nested_transaction())
