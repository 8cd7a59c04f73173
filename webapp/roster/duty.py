"""Who is on duty: the one place that knows (D2, D18). A pure core over plain spans, and its loaders.

Spans hold their start and not their end. An override replaces the plain shifts of its rank, whoever has them,
while it lasts, even when its own person is then absent: the gap shows, and the head decides. People who no
longer work here count for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.office.models import Office
from webapp.office.queries import the_office
from webapp.roster.models import Absence, Shift
from webapp.roster.wallclock import instant

DUTY, BACKUP = 0, 1
HORIZON = timedelta(days=8)
"""How far ahead `OnDuty.until` looks through adjacent shifts."""

Period = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class OnDuty:
    """One person on duty. `until` is the end of this duty, adjacent shifts taken together, absences taken off.

    `rank`: DUTY or BACKUP. `why`: a plain shift, or an override for the day.
    """

    user: User
    until: datetime
    rank: int
    why: Literal["shift", "override"]


@dataclass(frozen=True, slots=True)
class Span:
    """A shift or an absence without its table."""

    user_id: int
    starts: datetime
    ends: datetime
    rank: int = DUTY
    override: bool = False


def on_duty(session: Session, at: datetime) -> list[OnDuty]:
    """Who takes calls at `at`: those on duty (rank 0), then the backups (rank 1); who came first is first."""
    found = on_duty_at(*_load(session, at, at + HORIZON), at)
    ids = [span.user_id for span, _ in found]
    users = {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}
    return [
        OnDuty(users[span.user_id], until, span.rank, "override" if span.override else "shift") for span, until in found
    ]


def absence_of(session: Session, user: User, at: datetime) -> Absence | None:
    """The absence that keeps `user` away at `at`; of several, the one with the latest return (D58)."""
    return session.scalars(
        select(Absence)
        .where(Absence.user_id == user.id, Absence.starts_at <= at, Absence.ends_at > at)
        .order_by(Absence.ends_at.desc())
        .limit(1)
    ).first()


def gaps(session: Session, start: datetime, end: datetime) -> list[Period]:
    """Spans of the office's working hours from `start` to `end` with nobody on duty (D18), in UTC and in order.

    A backup alone is a gap: a backup helps out and does not stand in for the one on duty.
    """
    zone = current_app.config["SETTINGS"].timezone
    hours = working_hours(the_office(session), start, end, zone)
    return uncovered(hours, effective(*_load(session, start, end)))


def on_duty_at(shifts: Sequence[Span], absences: Sequence[Span], at: datetime) -> list[tuple[Span, datetime]]:
    """The effective span of each person on duty at `at`, and when that duty ends; ordered, nobody twice."""
    counting = effective(shifts, absences)
    found: dict[int, tuple[Span, datetime]] = {}
    for span in counting:
        if span.starts <= at < span.ends and span.user_id not in found:
            found[span.user_id] = (span, _end_of_chain(span, counting))
    return list(found.values())


def effective(shifts: Sequence[Span], absences: Sequence[Span]) -> list[Span]:
    """The shifts that count: without what overrides replace and absences take; by rank, start and person."""
    result = []
    for shift in shifts:
        taken: list[Period] = [(gone.starts, gone.ends) for gone in absences if gone.user_id == shift.user_id]
        if not shift.override:
            taken += [(other.starts, other.ends) for other in shifts if other.override and other.rank == shift.rank]
        for starts, ends in without((shift.starts, shift.ends), taken):
            result.append(replace(shift, starts=starts, ends=ends))
    return sorted(result, key=lambda span: (span.rank, span.starts, span.user_id, not span.override))


def uncovered(hours: Iterable[Period], counting: Sequence[Span]) -> list[Period]:
    """What of `hours` no effective span of rank DUTY covers."""
    covered = [(span.starts, span.ends) for span in counting if span.rank == DUTY]
    return [gap for window in hours for gap in without(window, covered)]


def working_hours(office: Office, start: datetime, end: datetime, zone: tzinfo) -> list[Period]:
    """The office's opening hours between two instants, day by day, as its own clock shows them."""
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    windows = []
    while day <= last:
        if day.weekday() in office.workdays:
            opens = max(instant(day, office.opens, zone), start.astimezone(UTC))
            closes = min(instant(day, office.closes, zone), end.astimezone(UTC))
            if opens < closes:
                windows.append((opens, closes))
        day += timedelta(days=1)
    return windows


def without(period: Period, taken: Iterable[Period]) -> list[Period]:
    """What is left of `period` when all of `taken` are cut out, in order."""
    starts, ends = period
    left = []
    for cut_starts, cut_ends in sorted(taken):
        if cut_ends <= starts or cut_starts >= cut_ends:
            continue
        if cut_starts >= ends:
            break
        if cut_starts > starts:
            left.append((starts, cut_starts))
        starts = cut_ends
        if starts >= ends:
            return left
    if starts < ends:
        left.append((starts, ends))
    return left


def _end_of_chain(span: Span, counting: Sequence[Span]) -> datetime:
    end = span.ends
    for other in counting:  # by start within a rank, so that one walk meets them in order
        if other.user_id == span.user_id and other.rank == span.rank and other.starts <= end:
            end = max(end, other.ends)
    return end


def _load(session: Session, start: datetime, end: datetime) -> tuple[list[Span], list[Span]]:
    """Shifts of people who work here, and absences. Plain columns: a ringing call waits for this."""
    shifts = session.execute(
        select(Shift.user_id, Shift.starts_at, Shift.ends_at, Shift.rank, Shift.override)
        .join(Shift.user)
        .where(User.active, Shift.ends_at > start, Shift.starts_at <= end, Shift.starts_at < Shift.ends_at)
        .order_by(Shift.id)
    )
    absences = session.execute(
        select(Absence.user_id, Absence.starts_at, Absence.ends_at).where(
            Absence.ends_at > start, Absence.starts_at <= end
        )
    )
    return [Span(*row) for row in shifts], [Span(*row) for row in absences]


def spans(shifts: Sequence[Shift]) -> list[Span]:
    """Shifts without their table."""
    return [Span(row.user_id, row.starts_at, row.ends_at, row.rank, row.override) for row in shifts]


def absence_spans(absences: Sequence[Absence]) -> list[Span]:
    """Absences without their table."""
    return [Span(row.user_id, row.starts_at, row.ends_at) for row in absences]
