"""Mail that goes out: a queue that is seen, tried again, and never sent twice. Its words never change (D80)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime, open_rows


class OutgoingMail(Model):
    """One mail to one address. `key` is its reason to be, so that a reason makes one mail: `letter:12`,
    `digest:3:2026-03-10`.

    `state`: queued; claimed (a worker connects); handing (the server has all of it, and has not said yes yet: when
    this is where it was cut nobody knows whether it went); sent; unsure (it was cut there: a person decides); refused
    (the server said no for good); given_up (too many tries); withdrawn. `due_at`: not tried before. `user_id`: whose
    it is, who sees it and may decide; None for the office's.
    """

    __tablename__ = "outgoing_mail"
    __table_args__ = (open_rows("ix_outgoing_mail_waiting", "due_at", where="ended_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    to_address: Mapped[str] = mapped_column(String(254))
    reply_to: Mapped[str] = mapped_column(String(254), default="")
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[str] = mapped_column(String(10), default="queued")
    tries: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(String(300), default="")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When nothing more happens by itself: sent, refused, given up, withdrawn, or unsure."""
    user: Mapped[User | None] = relationship()
