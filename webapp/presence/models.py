"""Where people are now: at the desk, or away for a moment (one key); talks and wrap-up are read from calls."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime


class Presence(Model):
    """What a user last said of himself: `state` here or away, since when, and when he is expected back.

    `wrap_up_until`: he writes down a talk that has just ended, and rests from calls that others can take.
    No row: at the desk.
    """

    __tablename__ = "presence"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    state: Mapped[str] = mapped_column(String(6), default="here")
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    back_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wrap_up_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    user: Mapped[User] = relationship()
