"""What agents call through (D3): lists of numbers, each with its approaches and what came of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime
from webapp.office.models import Channel


class Worklist(Model):
    """A list to call through. `manager_id` takes those who agree to a meeting; None: spread over the managers."""

    __tablename__ = "worklist"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id"))
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    channel: Mapped[Channel | None] = relationship()
    manager: Mapped[User | None] = relationship(foreign_keys=[manager_id])


class WorklistItem(Model):
    """One number to call. `state`: open, meeting, refused, wrong (number), given_up, never (refused, and
    no list may have the number again).

    `approaches` counts the calls without a result; after the fourth `more_why` must say why there is a fifth (D74).
    """

    __tablename__ = "worklist_item"
    __table_args__ = (
        Index("ix_worklist_item_due", "agent_id", "state", "next_at", "id"),
        Index("uq_worklist_item_number", "worklist_id", "number", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    worklist_id: Mapped[int] = mapped_column(ForeignKey("worklist.id", ondelete="CASCADE"))
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    number: Mapped[str] = mapped_column(String(40), index=True)
    """E.164, or the digits as written when they can't be read."""
    company: Mapped[str] = mapped_column(String(200), default="")
    person: Mapped[str] = mapped_column(String(200), default="")
    about: Mapped[str] = mapped_column(String(400), default="")
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id", ondelete="SET NULL"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="open")
    approaches: Mapped[int] = mapped_column(default=0)
    more_why: Mapped[str] = mapped_column(String(400), default="")
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    worklist: Mapped[Worklist] = relationship()
    agent: Mapped[User | None] = relationship()
    client: Mapped[Client | None] = relationship()


class Approach(Model):
    """One call of an agent and its result: not_reached, call_later, meeting, refused, wrong."""

    __tablename__ = "approach"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("worklist_item.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    result: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(Text, default="")
    touch_id: Mapped[int | None] = mapped_column(ForeignKey("touch.id", ondelete="SET NULL"))
    user: Mapped[User] = relationship()
