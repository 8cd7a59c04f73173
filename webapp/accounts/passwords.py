"""Passwords: hashed with argon2, generated when a user is made, and guarded against guessing."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import argon2
from sqlalchemy import case, delete, func, or_, select
from sqlalchemy.orm import Session

from webapp.accounts.models import FailedLogin, User

MIN_LENGTH = 8
WINDOW = timedelta(minutes=15)
TRIES_PER_LOGIN, TRIES_PER_ADDRESS = 10, 50
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no letters that look alike
_hasher = argon2.PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_hex(16))


def generate() -> str:
    """A password that can be read out over the phone: three groups of four."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


def hashed(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


def check(session: Session, login: str, password: str, address: str, now: datetime) -> User | None:
    """The user, when login and password fit; a failure is counted. Takes equally long for unknown logins."""
    user = session.scalars(select(User).where(User.login == login.strip().lower(), User.active)).one_or_none()
    try:
        _hasher.verify(user.password_hash if user else _NOBODY, password)
    except argon2.exceptions.VerificationError:
        session.add(FailedLogin(login=login.strip().lower()[:40], address=address[:64], at=now))
        return None
    return user


def too_many(session: Session, login: str, address: str, now: datetime) -> bool:
    """True when this login or address failed too often within WINDOW; old failures are forgotten."""
    session.execute(delete(FailedLogin).where(FailedLogin.at < now - WINDOW))
    login = login.strip().lower()[:40]
    same_login, same_address = FailedLogin.login == login, FailedLogin.address == address
    by_login, by_address = session.execute(
        select(func.count(case((same_login, 1))), func.count(case((same_address, 1)))).where(
            or_(same_login, same_address)
        )
    ).one()
    return bool(by_login >= TRIES_PER_LOGIN or by_address >= TRIES_PER_ADDRESS)
