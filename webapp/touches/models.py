"""Touches: one contact with a client in any direction; the rows of the ledger (D69, D86)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client, Person
from webapp.db import Model, UtcDateTime, open_rows
from webapp.office.models import Channel, Outcome, Purpose, TouchClass


class Touch(Model):
    """One contact. Finished when `closed_at` is set; until then it stays on its manager's page.

    `follows_id`: the row of the same matter that went before, such as that of a missed call (D22). `approach_reason`:
    why a client is approached once more after four times in vain (D74).

    `door`: call, mail, web, visit ... `next_kind` is one of NEXT_KINDS (D70), '' while unknown.
    The two lights of D42 are `name_known` and `next_step_agreed`. `draft` holds what was typed of a card that is
    not made yet: card field -> text.
    """

    __tablename__ = "touch"
    __table_args__ = (open_rows("ix_touch_open", "user_id", where="closed_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    direction: Mapped[str] = mapped_column(String(4), default="in")
    door: Mapped[str] = mapped_column(String(12), default="call")
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    call_id: Mapped[int | None] = mapped_column(ForeignKey("call.id"), unique=True)
    client_id: Mapped[int | None] = mapped_column(ForeignKey("client.id", ondelete="SET NULL"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="SET NULL"))
    purpose_id: Mapped[int | None] = mapped_column(ForeignKey("purpose.id"))
    outcome_id: Mapped[int | None] = mapped_column(ForeignKey("outcome.id"))
    class_id: Mapped[int | None] = mapped_column(ForeignKey("touch_class.id"))
    channel_id: Mapped[int | None] = mapped_column(ForeignKey("channel.id"))
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_kind: Mapped[str] = mapped_column(String(20), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    draft: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    name_known: Mapped[bool] = mapped_column(default=False)
    next_step_agreed: Mapped[bool] = mapped_column(default=False)
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("touch.id"), index=True)
    approach_reason: Mapped[str] = mapped_column(Text, default="")
    saved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    user: Mapped[User | None] = relationship()
    call: Mapped[Call | None] = relationship()
    client: Mapped[Client | None] = relationship()
    person: Mapped[Person | None] = relationship()
    purpose: Mapped[Purpose | None] = relationship()
    outcome: Mapped[Outcome | None] = relationship()
    touch_class: Mapped[TouchClass | None] = relationship()
    channel: Mapped[Channel | None] = relationship()


NEXT_KINDS = (
    "call_back",
    "meeting_ours",
    "meeting_theirs",
    "offer",
    "samples",
    "order",
    "technologist",
    "letter",
)
