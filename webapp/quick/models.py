"""Rows of the quick entry that are being typed: kept as they are typed, emptied when they are saved."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime


class QuickRow(Model):
    """One paper row of a user, from the first letter on. `key` is the page's name of it: sent twice, it is one row.

    `typed`: field -> text as typed, {} once it is saved. `client_id` is the card it became or joined (`made`: a new
    one); what was written down stands there and in the ledger, and here only that it is done.
    """

    __tablename__ = "quick_row"
    __table_args__ = (Index("uq_quick_row", "user_id", "key", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    key: Mapped[str] = mapped_column(String(32))
    typed: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    saved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id", ondelete="SET NULL"), index=True)
    made: Mapped[bool] = mapped_column(default=False)
    client: Mapped[Client | None] = relationship()
