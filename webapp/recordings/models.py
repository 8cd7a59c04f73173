"""Recordings: where they lie, what they look like, what was left out, and what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.db import Model, UtcDateTime, open_rows


class Recording(Model):
    """What was recorded of a call. `kind`: talk or message (a voice message).

    `path` is relative to the recordings folder, '' once the file is deleted: then `deleted_at` and `deleted_why`
    (retention or forbidden) are the record of it. `gaps`: [[from, to], ...] seconds at which it was paused, `to` null
    while it is. `peaks`: per channel the loudest sample of each slice, 0 to 100, for the picture; `levels`: per
    channel what `store.Level` says. `stopped`: why it ended before its call (`sipbridge.events.RecordingStopped`), ''
    when it did not. `held_at`: kept whatever its age (legal hold).

    The worker takes one at `claimed_at` to store it at rest, done at `stored_at`; `original` is the file it was made
    from until that is removed.
    """

    __tablename__ = "recording"
    __table_args__ = (
        Index("uq_recording", "call_id", "kind", unique=True),
        open_rows("ix_recording_waiting", "ready_at", where="stored_at IS NULL"),
        open_rows("ix_recording_originals", "original", where="original <> ''"),
        # All that is asked to find what is past its days: the rows themselves are long, with the pictures.
        open_rows("ix_recording_kept", "ready_at", "call_id", "stopped", "held_at", "path", where="path <> ''"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8), default="talk")
    path: Mapped[str] = mapped_column(String(200), default="")
    original: Mapped[str] = mapped_column(String(200), default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    size: Mapped[int] = mapped_column(default=0)
    gaps: Mapped[list[Any]] = mapped_column(JSON, default=list)
    peaks: Mapped[list[Any]] = mapped_column(JSON, default=list, deferred=True)
    levels: Mapped[list[Any]] = mapped_column(JSON, default=list)
    stopped: Mapped[str] = mapped_column(String(20), default="")
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stored_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    held_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    held_why: Mapped[str] = mapped_column(String(200), default="")
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_why: Mapped[str] = mapped_column(String(20), default="")
    call: Mapped[Call] = relationship(back_populates="recordings")
    held_by: Mapped[User | None] = relationship()

    @property
    def audible(self) -> bool:
        """There is a file that may be heard."""
        return bool(self.path) and self.stopped != "forbidden"

    @property
    def paused(self) -> bool:
        """It is paused now, or was when it ended."""
        return bool(self.gaps) and self.gaps[-1][1] is None
