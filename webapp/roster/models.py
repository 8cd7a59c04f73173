"""The duty roster: who takes new calls when (D2), who is away, and what was changed for one day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime


class Shift(Model):
    """A span of duty, UTC, end excluded. `rank` 0 is on duty, 1 is backup.

    `override`: while it lasts, the plain shifts of the same rank don't count (a change for one day).
    """

    __tablename__ = "shift"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    rank: Mapped[int] = mapped_column(default=0)
    override: Mapped[bool] = mapped_column(default=False)
    user: Mapped[User] = relationship()


class Absence(Model):
    """A span in which a person takes no calls. `ends_at` is the expected return (D58)."""

    __tablename__ = "absence"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    reason: Mapped[str] = mapped_column(String(200), default="")
    user: Mapped[User] = relationship()
