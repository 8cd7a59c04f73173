"""Tokens: made for a program, shown once, found again by their digest, ended when they are needed no more.

A token is 256 random bits, so that its SHA-256 is as hard to guess as itself and needs no salt; looking the digest up
in the index tells a guesser nothing of the token by the time it takes.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, joinedload

from webapp.access import SALES
from webapp.accounts import passwords
from webapp.accounts.models import FailedLogin, User
from webapp.api.models import ApiToken

LONGEST_NAME = 80
_FORM = re.compile(r"srt_[A-Za-z0-9_-]{43}", re.ASCII)
_TOLD_EVERY = timedelta(minutes=1)


class BadToken(ValueError):
    """A token that can't be made so: `field` is at fault, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def may_act(user: User) -> bool:
    """A program acts as somebody who works with clients."""
    return user.active and user.has_role(*SALES)


def make(
    session: Session, name: str, user: User | None, may_write: bool, by: User, now: datetime
) -> tuple[ApiToken, str]:
    """A token for the program called `name`, acting as `user`, and its text, which is kept nowhere. Raises BadToken."""
    name = " ".join(name.replace("\0", "").split())
    if not name:
        raise BadToken("name", str(_l("Say which program uses it.")))
    if len(name) > LONGEST_NAME:
        raise BadToken("name", str(_l("At most %(most)d characters.", most=LONGEST_NAME)))
    if user is None or not may_act(user):
        raise BadToken("user", str(_l("Choose one of the list.")))
    secret = f"srt_{secrets.token_urlsafe(32)}"
    token = ApiToken(
        name=name, digest=digest(secret), user_id=user.id, may_write=may_write, made_at=now, made_by_id=by.id
    )
    session.add(token)
    session.flush()
    return token, secret


def digest(secret: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def end(session: Session, token: ApiToken, now: datetime) -> None:
    """Let a token in no more. Ending it twice changes nothing."""
    session.execute(update(ApiToken).where(ApiToken.id == token.id, ApiToken.ended_at.is_(None)).values(ended_at=now))
    session.expire(token)


def every(session: Session) -> Sequence[ApiToken]:
    """All tokens, those that work first, the newest first among them."""
    query = select(ApiToken).options(joinedload(ApiToken.user))
    return session.scalars(query.order_by(ApiToken.ended_at.is_not(None), ApiToken.id.desc())).all()


def of(session: Session, secret: str) -> ApiToken | None:
    """The token with this text, when it works and its user may still act."""
    if not _FORM.fullmatch(secret):
        return None
    query = select(ApiToken).where(ApiToken.digest == digest(secret), ApiToken.ended_at.is_(None))
    token = session.scalars(query.options(joinedload(ApiToken.user))).one_or_none()
    return token if token and may_act(token.user) else None


def used(session: Session, token: ApiToken, now: datetime) -> None:
    """Remember when the token was last used, to the minute."""
    before = now - _TOLD_EVERY
    if token.used_at is None or token.used_at < before:
        session.execute(
            update(ApiToken)
            .where(ApiToken.id == token.id, or_(ApiToken.used_at.is_(None), ApiToken.used_at < before))
            .values(used_at=now)
        )


def refused(session: Session, address: str, now: datetime) -> bool:
    """Count a token that doesn't work, sent from `address`; True when there were too many of late."""
    name, place = f"api {address}"[:40], f"api {address}"[:64]  # apart from those who sign in from there
    if passwords.too_many(session, name, place, now):
        return True
    session.add(FailedLogin(login=name, address=place, at=now))
    session.flush()
    return False
