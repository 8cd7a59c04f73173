"""Tasks: next touches and promises, each with a person and a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime, open_rows
from webapp.touches.models import Touch


class Task(Model):
    """Something owed. `kind`: next_touch, promise (the caller was told the time, D26), message (for an absent
    colleague, D58), and for the head: inbox (words no script fitted, D66), gap (a call rang while nobody was
    on duty, D18).

    `number` is whom to call when there is no card yet. Done when `done_at` is set, with a report.
    """

    __tablename__ = "task"
    __table_args__ = (
        open_rows("ix_task_open_due", "due_at", where="done_at IS NULL"),
        open_rows("ix_task_open_user", "user_id", "due_at", where="done_at IS NULL"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(Text, default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id", ondelete="CASCADE"), index=True)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"), index=True)
    touch_id: Mapped[int | None] = mapped_column(ForeignKey("touch.id"), index=True)
    number: Mapped[str] = mapped_column(String(40), default="")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    overdue_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    report: Mapped[str] = mapped_column(Text, default="")
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    client: Mapped[Client | None] = relationship()
    call: Mapped[Call | None] = relationship()
    touch: Mapped[Touch | None] = relationship()
