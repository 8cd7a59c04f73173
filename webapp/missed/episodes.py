"""Who was missed, as people count it: a caller who waits, or waited, however often he rang (D22).

The open missed calls of one number are one episode. Of the closed ones those that one talk or one reason closed are:
they have number and instant in common. Calls with a hidden number stand alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.calls.models import Call, is_missed

MOST = 5000
"""So many missed calls are looked at, the newest of those asked for."""
SHOW = ("open", "closed", "all")
HOW = ("in", "out", "talk", "reason")
A_DISGRACE = timedelta(hours=5)


@dataclass(frozen=True)
class Wanted:
    """Which episodes. `start` and `end`: when their calls came. `manager`: was on duty, or spoke with them, or closed.

    `how`: in, out, reason, or talk for either of the first two. `hour`: of the day in which the first call came.
    `duty`, `by`: who was on duty, who closed it. `reason`: the written one, None for any.
    """

    show: str = "open"
    start: datetime | None = None
    end: datetime | None = None
    line_id: int | None = None
    manager: int | None = None
    duty: int | None = None
    by: int | None = None
    how: str = ""
    hour: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Lost:
    """One missed call, without its table."""

    id: int
    number: str
    offered_at: datetime
    ended_at: datetime
    ring_seconds: float
    rings: int
    duty_ids: tuple[int, ...]
    told: int
    how: str
    closed_at: datetime | None
    by: int | None
    reason: str


@dataclass(frozen=True)
class Episode:
    """A caller who waits, or waited. `calls`: his calls, the newest first."""

    calls: tuple[Lost, ...]

    @property
    def last(self) -> Lost:
        """His latest call."""
        return self.calls[0]

    @property
    def first(self) -> Lost:
        """The call from which his age counts."""
        return self.calls[-1]

    @property
    def is_open(self) -> bool:
        """He waits still."""
        return self.last.closed_at is None

    @property
    def how(self) -> str:
        """in, out, reason; '' while he waits."""
        return self.last.how

    @property
    def told(self) -> int:
        """How far it was escalated: 1 to the backups, 2 to the head."""
        return max(call.told for call in self.calls)

    @property
    def longest(self) -> Lost:
        """The call in which he waited longest for somebody to pick up."""
        return max(self.calls, key=lambda call: call.ring_seconds)

    @property
    def duty_ids(self) -> tuple[int, ...]:
        """Who was on duty when he rang, each once."""
        return tuple(dict.fromkeys(user_id for call in reversed(self.calls) for user_id in call.duty_ids))

    @property
    def minutes(self) -> float | None:
        """Minutes from the end of his first call until somebody spoke with him; None without a talk."""
        if self.last.closed_at is None or self.how not in ("in", "out"):
            return None
        return max(0.0, (self.last.closed_at - self.first.ended_at).total_seconds() / 60)


def find(session: Session, wanted: Wanted, zone: ZoneInfo) -> tuple[list[Episode], bool]:
    """The episodes asked for, and whether there are older ones than the MOST that were looked at.

    Those who wait come first, the longest waiting at the top; then the closed ones, the latest first.
    """
    rows, more = _lost(session, wanted)
    found = [one for one in grouped(rows) if _fits(one, wanted, zone)]
    waiting = sorted((one for one in found if one.is_open), key=lambda one: one.first.offered_at)
    closed = sorted((one for one in found if not one.is_open), key=lambda one: one.last.offered_at, reverse=True)
    return [*waiting, *closed], more


def grouped(calls: Iterable[Lost]) -> list[Episode]:
    """Calls, the newest first, as episodes."""
    groups: dict[tuple[object, ...], list[Lost]] = {}
    for call in calls:
        groups.setdefault((call.number or call.id, call.closed_at), []).append(call)
    return [Episode(tuple(calls)) for calls in groups.values()]


def lost(call: Call) -> Lost:
    """A call as one of an episode."""
    return Lost(
        call.id,
        call.number,
        call.offered_at,
        call.ended_at or call.offered_at,
        call.ring_seconds,
        call.rings,
        tuple(call.duty_ids or ()),
        call.missed_told,
        call.missed_how,
        call.missed_closed_at,
        call.missed_closed_by_id,
        call.missed_reason,
    )


def _lost(session: Session, wanted: Wanted) -> tuple[list[Lost], bool]:
    query = select(
        Call.id,
        Call.number,
        Call.offered_at,
        Call.ended_at,
        Call.ring_seconds,
        Call.rings,
        Call.duty_ids,
        Call.missed_told,
        Call.missed_how,
        Call.missed_closed_at,
        Call.missed_closed_by_id,
        Call.missed_reason,
    ).where(is_missed())
    if wanted.show == "open":
        query = query.where(Call.missed_closed_at.is_(None))
    elif wanted.show == "closed":
        query = query.where(Call.missed_closed_at.is_not(None))
    if wanted.start is not None:
        query = query.where(Call.offered_at >= wanted.start)
    if wanted.end is not None:
        query = query.where(Call.offered_at < wanted.end)
    if wanted.line_id is not None:
        query = query.where(Call.line_id == wanted.line_id)
    rows = session.execute(query.order_by(Call.offered_at.desc(), Call.id.desc()).limit(MOST + 1)).tuples().all()
    found = [
        Lost(id_, number, at, ended or at, seconds, rings, tuple(duty or ()), told, how, closed, by, reason)
        for id_, number, at, ended, seconds, rings, duty, told, how, closed, by, reason in rows[:MOST]
    ]
    return found, len(rows) > MOST


def _fits(one: Episode, wanted: Wanted, zone: ZoneInfo) -> bool:
    by = one.last.by
    return (
        (wanted.manager is None or wanted.manager in (by, *one.duty_ids))
        and (wanted.duty is None or wanted.duty in one.duty_ids)
        and (wanted.by is None or wanted.by == by)
        and (not wanted.how or one.how == wanted.how or (wanted.how == "talk" and one.how in ("in", "out")))
        and (wanted.hour is None or hour_of(one, zone) == wanted.hour)
        and (wanted.reason is None or (one.how == "reason" and one.last.reason == wanted.reason))
    )


def hour_of(one: Episode, zone: ZoneInfo) -> int:
    """The hour of the office's day in which he rang first."""
    return one.first.offered_at.astimezone(zone).hour


def last_reasons(session: Session, numbers: Sequence[str], but: Sequence[int] = ()) -> dict[str, str]:
    """Why these numbers were closed with a reason the last time, calls `but` left out."""
    rows = session.execute(
        select(Call.number, Call.missed_reason)
        .where(Call.number.in_(numbers), Call.missed_how == "reason", Call.id.not_in(but))
        .order_by(Call.offered_at)
    )
    return {number: reason for number, reason in rows}
