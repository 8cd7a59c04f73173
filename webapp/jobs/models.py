"""Long work: each a row that says how far it is, so that it can be left, found again, and carried on after a crash."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime, open_rows

OPEN = ("waiting", "running")


class Job(Model):
    """One piece of long work. `kind` names its steps (`jobs/work.py`), `facts` is what they need to carry on.

    `state`: waiting, running, done, failed or stopped. `done` of `total` units are through (`total` 0: not known yet);
    `beat_at` is when the worker last said that it is at it; `said` is why it failed, in plain words.
    """

    __tablename__ = "job"
    __table_args__ = (open_rows("ix_job_open", "made_at", where="ended_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    said: Mapped[str] = mapped_column(Text, default="")
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    beat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    made_by: Mapped[User | None] = relationship()

    @property
    def open(self) -> bool:
        """True while it waits or runs."""
        return self.state in OPEN
