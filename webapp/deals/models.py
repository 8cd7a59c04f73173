"""Deals: what a client may buy, and how far it has come (D81)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime
from webapp.office.models import PaymentScheme

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
    """A matter with a client. Open until its stage is one of ENDED. `kind`: deal or order.

    `amount` is in hundredths of the office's currency. `approved_for`: what management lets it go on in spite of (D82),
    codes of `deals/holding.py` with blanks between; the rest of `approved_` says who, when and why.
    """

    __tablename__ = "deal"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8), default="deal")
    title: Mapped[str] = mapped_column(String(200))
    amount: Mapped[int | None] = mapped_column(BigInteger)
    payment_scheme_id: Mapped[int | None] = mapped_column(ForeignKey("payment_scheme.id"))
    stage: Mapped[str] = mapped_column(String(20), default="found")
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_for: Mapped[str] = mapped_column(String(200), default="")
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approved_why: Mapped[str] = mapped_column(String(400), default="")
    client: Mapped[Client] = relationship()
    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
    approved_by: Mapped[User | None] = relationship(foreign_keys=[approved_by_id])
    payment_scheme: Mapped[PaymentScheme | None] = relationship()
