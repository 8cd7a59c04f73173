"""Who is where, for those who look at everybody: on duty first, then who is free, who is gone last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import SALES
from webapp.accounts.models import User
from webapp.presence import whereabouts
from webapp.presence.whereabouts import Whereabouts

STATES: dict[str, tuple[str, Any]] = {
    "here": ("good", _l("free")),
    "talk": ("live", _l("in a talk")),
    "wrap_up": ("warn", _l("writes down the talk")),
    "away": ("warn", _l("away")),
    "absent": ("bad", _l("absent")),
    "off": ("quiet", _l("off work")),
}
"""How a person stands: look and word, who can help soonest first."""


def everybody(session: Session) -> Sequence[User]:
    """Those who work with clients, by name."""
    return session.scalars(select(User).where(User.active, User.role.in_(SALES)).order_by(User.name, User.id)).all()


def of(session: Session, now: datetime, zone: ZoneInfo) -> list[Whereabouts]:
    """Where everybody is: those of the roster of this hour first, duty before backup, then by how they stand."""
    order = list(STATES)
    found = whereabouts.of(session, everybody(session), now, zone)
    return sorted(found, key=lambda one: (not one.on_duty, not one.backup, order.index(one.state)))
