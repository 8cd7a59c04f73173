"""What stays of somebody who asked to be forgotten: that it was done, when, by whom and how much, and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime


class Erasure(Model):
    """One erasure; without `by_id` it was done by the administrator's command. `counts`: table -> rows erased."""

    __tablename__ = "erasure"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    why: Mapped[str] = mapped_column(String(400))
    counts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    by: Mapped[User | None] = relationship()
