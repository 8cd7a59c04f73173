"""The result letter after a talk: proposed, edited, sent by mail, and kept as it was sent (D73, D80)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime, open_rows
from webapp.mail.models import OutgoingMail
from webapp.touches.models import Touch


class Letter(Model):
    """The letter of one touch: a draft, until it is sent (`mail_id`) or left out (`skipped_at`, with a reason).

    Once it is sent its words are those of the mail, which never change; `digest` is their SHA-256.
    """

    __tablename__ = "letter"
    __table_args__ = (
        open_rows("ix_letter_draft", "user_id", where="mail_id IS NULL AND skipped_at IS NULL"),
        Index("ix_letter_user", "user_id", "made_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    touch_id: Mapped[int] = mapped_column(ForeignKey("touch.id", ondelete="CASCADE"), unique=True)
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    to_address: Mapped[str] = mapped_column(String(254), default="")
    subject: Mapped[str] = mapped_column(String(300), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    saved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    skipped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    skip_reason: Mapped[str] = mapped_column(String(200), default="")
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("outgoing_mail.id"), unique=True)
    digest: Mapped[str] = mapped_column(String(64), default="")
    touch: Mapped[Touch] = relationship()
    client: Mapped[Client | None] = relationship()
    user: Mapped[User] = relationship()
    mail: Mapped[OutgoingMail | None] = relationship()
