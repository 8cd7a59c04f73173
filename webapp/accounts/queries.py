"""Reads of the people who work here."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User


def heads(session: Session) -> list[int]:
    """Ids of the heads of sales who work here, the one who came first is first."""
    return list(session.scalars(select(User.id).where(User.role == Role.HEAD, User.active).order_by(User.id)))
