"""Recordings: where they lie, what they look like, what was left out, and what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.calls.models import Call
from webapp.db import Model, UtcDateTime


class Recording(Model):
    """What was recorded of a call. `kind`: talk or message (a voice message).

    `path` is relative to the recordings folder, '' once the file is deleted: then `deleted_at` and `deleted_why`
    (retention, forbidden, privacy) are the record of it. `gaps`: [[from, to], ...] seconds at which it was paused.
    `peaks`: per channel the loudest sample of each slice, 0 to 100, for the picture; `levels`: per channel dBFS.
    `stopped`: why it ended before its call, '' when it did not. `held_at`: kept whatever its age (legal hold).
    """

    __tablename__ = "recording"
    __table_args__ = (Index("uq_recording", "call_id", "kind", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8), default="talk")
    path: Mapped[str] = mapped_column(String(200), default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    size: Mapped[int] = mapped_column(default=0)
    gaps: Mapped[list[Any]] = mapped_column(JSON, default=list)
    peaks: Mapped[list[Any]] = mapped_column(JSON, default=list)
    levels: Mapped[list[Any]] = mapped_column(JSON, default=list)
    stopped: Mapped[str] = mapped_column(String(20), default="")
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    stored_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    held_why: Mapped[str] = mapped_column(String(200), default="")
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_why: Mapped[str] = mapped_column(String(20), default="")
    call: Mapped[Call] = relationship()
