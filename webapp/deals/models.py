"""Deals: what a client may buy, and how far it has come (D81)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime

STAGES = (
    "found",
    "offer_sent",
    "repeat_call",
    "discussion",
    "contract",
    "invoice",
    "handed_over",
    "won",
    "lost",
)
ENDED = ("won", "lost")


class Deal(Model):
    """A matter with a client. Open until its stage is one of ENDED."""

    __tablename__ = "deal"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    stage: Mapped[str] = mapped_column(String(20), default="found")
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    client: Mapped[Client] = relationship()
    owner: Mapped[User | None] = relationship()
