"""Script runs: where a talk stands in its script, and what it brought."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.db import Model, UtcDateTime
from webapp.touches.models import Touch


class ScriptRun(Model):
    """One walk of a script during one touch. `state` is `walk.State` as JSON; `moves` counts the keys that took effect.

    A key says which move it was pressed at, so that a double press or a stale tab changes nothing.
    """

    __tablename__ = "script_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    touch_id: Mapped[int] = mapped_column(ForeignKey("touch.id", ondelete="CASCADE"), unique=True)
    script: Mapped[str] = mapped_column(String(60))
    language: Mapped[str] = mapped_column(String(8))
    version: Mapped[str] = mapped_column(String(40), default="")
    state: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    moves: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    touch: Mapped[Touch] = relationship()
