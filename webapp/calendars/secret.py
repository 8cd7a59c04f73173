"""The secret address of a person's calendar: made, shown once, ended. Only its digest is kept."""

from __future__ import annotations

import hashlib
import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User

SECRET_BYTES = 32


def make(session: Session, user: User) -> str:
    """A new secret for the user's calendar; an address from before works no more. Flushes."""
    made = secrets.token_urlsafe(SECRET_BYTES)
    user.calendar_digest = _digest(made)
    session.flush()
    return made


def end(session: Session, user: User) -> None:
    """The user's calendar has no address any more. Flushes."""
    user.calendar_digest = ""
    session.flush()


def whose(session: Session, secret: str) -> User | None:
    """The user whose calendar this secret opens; None for an unknown one, and for somebody who works here no longer."""
    return session.scalars(select(User).where(User.calendar_digest == _digest(secret), User.active)).one_or_none()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
