"""Cards that may be one client: pairs that the search through the base found, merges and splits with their undo."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime


class DoublePair(Model):
    """Two cards that share keys, `low_id` below `high_id`; `reasons` are those of `clients/match.py`."""

    __tablename__ = "double_pair"
    __table_args__ = (
        Index("uq_double_pair", "low_id", "high_id", unique=True),
        Index("ix_double_pair_score", "score", "id"),
        CheckConstraint("low_id < high_id", name="in_order"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    low_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    score: Mapped[float] = mapped_column()
    reasons: Mapped[list[str]] = mapped_column(JSON, default=list)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    low: Mapped[Client] = relationship(foreign_keys=[low_id])
    high: Mapped[Client] = relationship(foreign_keys=[high_id])


class Merge(Model):
    """The card `other_id` was merged into `survivor_id`; or (`kind` split) it was made of what the survivor gave away.

    `fields`: name -> [the survivor's value before, after]; of a split name -> the new card's value. `moved`: the
    journal of all rows that followed (`doubles/journal.py`). An undo goes back by both.
    """

    __tablename__ = "merge"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), default="merge")
    survivor_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    why: Mapped[str] = mapped_column(String(400), default="")
    fields: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    moved: Mapped[list[Any]] = mapped_column(JSON, default=list)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    survivor: Mapped[Client] = relationship(foreign_keys=[survivor_id])
    other: Mapped[Client] = relationship(foreign_keys=[other_id])
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    undone_by: Mapped[User | None] = relationship(foreign_keys=[undone_by_id])
