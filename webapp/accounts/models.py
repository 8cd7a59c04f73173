"""Who works here: users and their roles, and the failed logins that slow a guesser down."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l
from flask_login import UserMixin
from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.db import Model, UtcDateTime

if TYPE_CHECKING:
    from webapp.office.models import Region


class Role(enum.StrEnum):
    """What a user may do (D1, D3-D7)."""

    HEAD = "head"
    MANAGER = "manager"
    AGENT = "agent"
    SECRETARY = "secretary"
    EXPERT = "expert"
    ADMIN = "admin"

    @property
    def label(self) -> str:
        """The role in the reader's language."""
        return str(_ROLE_LABELS[self])


_ROLE_LABELS = {
    Role.HEAD: _l("Head of sales"),
    Role.MANAGER: _l("Manager"),
    Role.AGENT: _l("Agent"),
    Role.SECRETARY: _l("Secretary"),
    Role.EXPERT: _l("Expert"),
    Role.ADMIN: _l("Administrator"),
}


class User(UserMixin, Model):
    """A person of the office. `extension` is the SIP URI of the softphone, '' for none.

    `extension` is `registered:LOGIN` when the softphone registers at the bridge; `phone_md5` and `phone_sha256` are
    then the digests of its secret (RFC 7616), made at `phone_made_at`; the secret itself is shown once and not kept.
    `phone_link` is the SHA-256 of the address that hands the softphone its settings, '' once that was used.
    `direct_number` (E.164) is dialled by callers who want this user. `email` takes mail of the desk, the digest of the
    day at `digest_at` (minutes after midnight, None for none). `sound` and `popups` (desktop notifications) are how
    the page calls for attention, `not_told` the events it keeps quiet about (`notices/choices.py`); `remind_minutes`
    how long before a task is due. `calendar_digest` is the SHA-256 of the calendar's secret, '' for none. `desk_phone`
    asks `./desk run` to start a built-in desk phone for this user and to keep `extension` up to date.
    """

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    position: Mapped[str] = mapped_column(String(120), default="")
    role: Mapped[str] = mapped_column(String(12))
    password_hash: Mapped[str] = mapped_column(String(200))
    extension: Mapped[str] = mapped_column(String(200), default="")
    phone_md5: Mapped[str] = mapped_column(String(32), default="")
    phone_sha256: Mapped[str] = mapped_column(String(64), default="")
    phone_link: Mapped[str] = mapped_column(String(64), default="")
    phone_made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    desk_phone: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(String(8), default="")
    theme: Mapped[str] = mapped_column(String(8), default="")
    active: Mapped[bool] = mapped_column(default=True)
    direct_number: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    digest_at: Mapped[int | None] = mapped_column()
    sound: Mapped[bool] = mapped_column(default=True)
    popups: Mapped[bool] = mapped_column(default=False)
    not_told: Mapped[list[str]] = mapped_column(JSON, default=list)
    remind_minutes: Mapped[int] = mapped_column(default=10)
    calendar_digest: Mapped[str] = mapped_column(String(64), default="")
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    region: Mapped[Region | None] = relationship(foreign_keys=[region_id])

    @property
    def is_active(self) -> bool:
        return self.active

    def has_role(self, *roles: Role) -> bool:
        """True when the user's role is one of `roles`."""
        return self.role in roles


class FailedLogin(Model):
    """One failed attempt; counted per login and per address to slow a guesser down."""

    __tablename__ = "failed_login"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(40), index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
