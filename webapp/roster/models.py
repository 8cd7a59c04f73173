"""The duty roster: who takes new calls when (D2), who is away, what repeats, and what was swapped or changed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.accounts.models import User
from webapp.db import Model, UtcDateTime
from webapp.office.models import Line, Region


class Shift(Model):
    """A span of duty, UTC, end excluded. `rank` 0 is on duty, 1 is backup.

    `override`: while it lasts, the plain shifts of the same rank, line and region don't count (a change for one day).
    `line_id`, `region_id`: on duty for that line, or for clients of that region, alone; None for all. `pattern_id`:
    laid by this pattern. `version` grows with every change, so that of two editors the later one is told; a shift that
    a pattern laid is its own while the version is 1.
    """

    __tablename__ = "shift"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    rank: Mapped[int] = mapped_column(default=0)
    override: Mapped[bool] = mapped_column(default=False)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("line.id"), index=True)
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id"))
    pattern_id: Mapped[int | None] = mapped_column(ForeignKey("shift_pattern.id"), index=True)
    version: Mapped[int] = mapped_column(default=1)
    user: Mapped[User] = relationship()
    line: Mapped[Line | None] = relationship()
    region: Mapped[Region | None] = relationship()


class ShiftPattern(Model):
    """A shift that repeats: on `days` (0 is the first) of every `cycle_days`, counted from `first_day`.

    Days of the week are a cycle of 7; two days on, two off is a cycle of 4 with days 0 and 1. `starts` and
    `ends`: minutes after midnight of the office's clock, `ends` over 1440 for the next day. Its shifts are rows of
    `shift`, laid as far as `laid_until`; one that was taken off stays off. `on_holidays`: laid on public holidays too.
    """

    __tablename__ = "shift_pattern"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date)
    cycle_days: Mapped[int] = mapped_column(default=7)
    days: Mapped[list[int]] = mapped_column(JSON, default=list)
    starts: Mapped[int] = mapped_column()
    ends: Mapped[int] = mapped_column()
    rank: Mapped[int] = mapped_column(default=0)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("line.id", ondelete="CASCADE"))
    region_id: Mapped[int | None] = mapped_column(ForeignKey("region.id", ondelete="CASCADE"))
    on_holidays: Mapped[bool] = mapped_column(default=False)
    laid_until: Mapped[date | None] = mapped_column(Date)
    version: Mapped[int] = mapped_column(default=1)
    user: Mapped[User] = relationship()
    line: Mapped[Line | None] = relationship()
    region: Mapped[Region | None] = relationship()


class Absence(Model):
    """A span in which a person takes no calls. `ends_at` is the expected return (D58).

    `kind`: holiday, illness, meeting or other. `made_by_id`: who entered it, the person himself or the head.
    """

    __tablename__ = "absence"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    kind: Mapped[str] = mapped_column(String(10), default="other")
    reason: Mapped[str] = mapped_column(String(200), default="")
    made_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    version: Mapped[int] = mapped_column(default=1)
    user: Mapped[User] = relationship(foreign_keys=[user_id])


class Holiday(Model):
    """A public holiday: the office is closed, or opens for other hours (minutes after midnight) than usual."""

    __tablename__ = "holiday"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), default="")
    opens: Mapped[int | None] = mapped_column()
    closes: Mapped[int | None] = mapped_column()


class Swap(Model):
    """A shift offered to a colleague, or (`to_user_id` None) to whoever takes it, for nothing or for a shift in return.

    `state`: offered, accepted, declined, withdrawn, or void when a shift of it has changed or begun meanwhile.
    `starts_at` to `return_version` are the shifts as they were when it was offered: only those change hands.
    """

    __tablename__ = "swap"

    id: Mapped[int] = mapped_column(primary_key=True)
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("shift.id", ondelete="SET NULL"), index=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    shift_version: Mapped[int] = mapped_column()
    from_user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    to_user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    in_return_id: Mapped[int | None] = mapped_column(ForeignKey("shift.id", ondelete="SET NULL"), index=True)
    return_starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    return_ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    return_version: Mapped[int | None] = mapped_column()
    words: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default="offered")
    offered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When it was answered, withdrawn or void; None while it is offered."""
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    shift: Mapped[Shift | None] = relationship(foreign_keys=[shift_id])
    in_return: Mapped[Shift | None] = relationship(foreign_keys=[in_return_id])
    from_user: Mapped[User] = relationship(foreign_keys=[from_user_id])
    to_user: Mapped[User | None] = relationship(foreign_keys=[to_user_id])
    answered_by: Mapped[User | None] = relationship(foreign_keys=[answered_by_id])


class RosterChange(Model):
    """One change of the roster, that can be undone: `rows` is [{"table", "id", "before", "after"}], None for no row.

    `kind` names the sentence that says what was done, `facts` fill it.
    """

    __tablename__ = "roster_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    kind: Mapped[str] = mapped_column(String(24))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    by: Mapped[User | None] = relationship(foreign_keys=[by_id])
    undone_by: Mapped[User | None] = relationship(foreign_keys=[undone_by_id])


class GapTold(Model):
    """Hours with nobody on duty of which the heads were told a day before (D18), by `task_id`.

    `line_id` None: hours without general duty; else hours in which the line has nobody of its own.
    """

    __tablename__ = "gap_told"
    __table_args__ = (Index("ix_gap_told_span", "starts_at", "ends_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("line.id", ondelete="CASCADE"))
    told_at: Mapped[datetime] = mapped_column(UtcDateTime)
    task_id: Mapped[int | None] = mapped_column(ForeignKey("task.id", ondelete="SET NULL"), index=True)
