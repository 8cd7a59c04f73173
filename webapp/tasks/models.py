"""Tasks: next touches and promises, each with a person and a time."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.db import Model, UtcDateTime, open_rows
from webapp.mail.models import OutgoingMail
from webapp.touches.models import Touch


class Task(Model):
    """Something owed. `kind`: next_touch, promise (the caller was told the time, D26), message (for an absent
    colleague, D58), matter (passed on with a deadline, D72), note (a colleague answered in your place, D14), and for
    the head: inbox (words no script fitted, D66), gap (a call rang while nobody was on duty, or hours are uncovered,
    D18).

    `number` is whom to call when there is no card yet. `assigned_by_id`: who passed it on and hears of its end.
    Done when `done_at` is set, with a report: what was done (`report`), how, and with what result (D72).
    `first_due_at` is the time before it was put off, `moves` how often that was. `reminded_at`: its user was told that
    it is due; `overdue_told_at`: that it is late; `head_told_at`: so was the head. A reminder stands on its user's page
    while it is younger than `reminder_answered_at`, when he last acted upon one; `remind_again_at`: when he wants the
    next.
    """

    __tablename__ = "task"
    __table_args__ = (
        open_rows("ix_task_open_due", "due_at", where="done_at IS NULL"),
        open_rows("ix_task_open_user", "user_id", "due_at", where="done_at IS NULL"),
        open_rows("ix_task_done", "done_at", where="done_at IS NOT NULL"),
        open_rows("ix_task_done_user", "user_id", "done_at", where="done_at IS NOT NULL"),
        open_rows("ix_task_given", "assigned_by_id", "done_at", where="assigned_by_id IS NOT NULL"),
        open_rows("ix_task_reminded", "user_id", "reminded_at", where="done_at IS NULL AND reminded_at IS NOT NULL"),
        open_rows("ix_task_remind_again", "remind_again_at", where="remind_again_at IS NOT NULL"),
        open_rows("ix_task_to_remind", "due_at", where="done_at IS NULL AND reminded_at IS NULL"),
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
    assigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    first_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    moves: Mapped[int] = mapped_column(default=0)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminder_answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    remind_again_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    overdue_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    head_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    report: Mapped[str] = mapped_column(Text, default="")
    report_how: Mapped[str] = mapped_column(Text, default="")
    report_result: Mapped[str] = mapped_column(Text, default="")
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    assigned_by: Mapped[User | None] = relationship(foreign_keys=[assigned_by_id])
    done_by: Mapped[User | None] = relationship(foreign_keys=[done_by_id])
    message: Mapped[Message | None] = relationship(back_populates="task", passive_deletes=True)
    client: Mapped[Client | None] = relationship()
    call: Mapped[Call | None] = relationship()
    touch: Mapped[Touch | None] = relationship()


class Message(Model):
    """What belongs to a task of kind message beside its words (D58): who spoke, in what mood, and how far it went.

    `read_back`: it was read back to the caller. The time he was promised is the task's `due_at`. Delivered when the
    colleague's page has shown it, read when he has said so (the receipt); until then it chases him.
    """

    __tablename__ = "task_message"
    __table_args__ = (open_rows("ix_task_message_unread", "task_id", where="read_at IS NULL"),)

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"), primary_key=True)
    who: Mapped[str] = mapped_column(String(200), default="")
    mood: Mapped[str] = mapped_column(String(12), default="")
    read_back: Mapped[bool] = mapped_column(default=False)
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("outgoing_mail.id"))
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    chased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    chases: Mapped[int] = mapped_column(default=0)
    task: Mapped[Task] = relationship(back_populates="message")
    taken_by: Mapped[User | None] = relationship()
    mail: Mapped[OutgoingMail | None] = relationship()
