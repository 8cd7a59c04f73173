"""Who is on duty: the one place that knows (D2, D18). A pure core over plain spans, and its loaders.

Spans hold their start and not their end. An override replaces the plain shifts of its rank, line and region, whoever
has them, while it lasts, even when its own person is then absent: the gap shows, and the head decides. People who no
longer work here count for nothing.

A shift is general, or of a line, of a region, or of both. For a call of a line and a region the nearest shifts count:
those of both, else of the line, else of the region, else the general ones; for each rank by itself, and only people who
are here. So general duty stands in wherever a line's own people have no shift or are away, and a call that has no line
and no region of its own is never put to those of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Literal

from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.office.models import Line, Office
from webapp.office.queries import the_office
from webapp.roster import holidays
from webapp.roster.models import Absence, Holiday, Shift
from webapp.roster.wallclock import instant, wall_clock

DUTY, BACKUP = 0, 1
HORIZON = timedelta(days=8)
"""How far ahead `OnDuty.until` looks through adjacent shifts."""

OWN_ROSTER = timedelta(days=7)
"""A line that has had a shift of its own this long before an hour, or has one this long after it, has a roster."""

Period = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class OnDuty:
    """One person on duty. `until` is the end of this duty, adjacent shifts taken together, absences taken off.

    `rank`: DUTY or BACKUP. `why`: a plain shift, or an override for the day. `line_id`, `region_id`: whose shift it is.
    """

    user: User
    until: datetime
    rank: int
    why: Literal["shift", "override"]
    line_id: int | None = None
    region_id: int | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A shift or an absence without its table."""

    user_id: int
    starts: datetime
    ends: datetime
    rank: int = DUTY
    override: bool = False
    line_id: int | None = None
    region_id: int | None = None

    @property
    def place(self) -> tuple[int, int | None, int | None]:
        """What an override replaces: the rank, line and region of a shift."""
        return self.rank, self.line_id, self.region_id


@dataclass(frozen=True, slots=True)
class LineGap:
    """Working hours in which a line with a roster of its own has nobody of it. `answered`: general duty stands in."""

    line: Line
    starts: datetime
    ends: datetime
    answered: bool


def on_duty(session: Session, at: datetime, line_id: int | None = None, region_id: int | None = None) -> list[OnDuty]:
    """Who takes the calls of a line and a region at `at`: those on duty (rank 0), then the backups (rank 1).

    Who came first is first. The nearest shifts count, as the module says.
    """
    return _with_users(session, on_duty_at(*load(session, at, at + HORIZON), at, line_id, region_id))


def anywhere(session: Session, at: datetime) -> list[OnDuty]:
    """Everybody who is on a shift of any line or region at `at`, nobody twice; on duty before backup."""
    counting = effective(*load(session, at, at + HORIZON))
    return _with_users(session, now_of(counting, at))


def _with_users(session: Session, found: Sequence[tuple[Span, datetime]]) -> list[OnDuty]:
    ids = [span.user_id for span, _ in found]
    users = {user.id: user for user in session.scalars(select(User).where(User.id.in_(ids)))}
    return [
        OnDuty(
            users[span.user_id],
            until,
            span.rank,
            "override" if span.override else "shift",
            span.line_id,
            span.region_id,
        )
        for span, until in found
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
    """Spans of the office's working hours from `start` to `end` without general duty (D18), in UTC and in order.

    A backup alone is a gap: a backup helps out and does not stand in for the one on duty.
    """
    return uncovered(hours_between(session, start, end), effective(*load(session, start, end)))


def line_gaps(session: Session, start: datetime, end: datetime) -> list[LineGap]:
    """Working hours from `start` to `end` in which a line with a roster of its own has nobody of it, line by line."""
    shifts, absences = load(session, start - OWN_ROSTER, end + OWN_ROSTER)
    if not any(span.line_id for span in shifts):
        return []
    hours = hours_between(session, start, end)
    lines = session.scalars(select(Line).where(Line.active).order_by(Line.title, Line.id)).all()
    return gaps_of_lines(lines, hours, shifts, absences)


def gaps_of_lines(
    lines: Sequence[Line], hours: Sequence[Period], shifts: Sequence[Span], absences: Sequence[Span]
) -> list[LineGap]:
    """What of `hours` the own people of each line leave open, where it has a roster (OWN_ROSTER around them)."""
    counting, found = effective(shifts, absences), []
    for line in lines:
        own = [span for span in shifts if span.line_id == line.id and span.region_id is None and span.rank == DUTY]
        if not own:
            continue
        kept = [
            (starts, ends)
            for starts, ends in hours
            if any(span.ends > starts - OWN_ROSTER and span.starts < ends + OWN_ROSTER for span in own)
        ]
        for gap in uncovered(kept, counting, line.id):
            open_ = uncovered([gap], counting)
            found += [LineGap(line, *part, answered=True) for part in without(gap, open_)]
            found += [LineGap(line, *part, answered=False) for part in open_]
    return sorted(found, key=lambda gap: (gap.line.title, gap.line.id, gap.starts))


def on_duty_at(
    shifts: Sequence[Span],
    absences: Sequence[Span],
    at: datetime,
    line_id: int | None = None,
    region_id: int | None = None,
) -> list[tuple[Span, datetime]]:
    """The effective span of each person on duty at `at`, and when that duty ends; ordered, nobody twice."""
    return nearest(effective(shifts, absences), at, line_id, region_id)


def nearest(
    counting: Sequence[Span], at: datetime, line_id: int | None = None, region_id: int | None = None
) -> list[tuple[Span, datetime]]:
    """Of effective spans those that count at `at` for a line and a region, as the module says; nobody twice."""
    counting = [span for span in counting if span.line_id in (None, line_id) and span.region_id in (None, region_id)]
    here = [span for span in counting if span.starts <= at < span.ends]
    best = {rank: max((_nearness(span) for span in here if span.rank == rank), default=0) for rank in (DUTY, BACKUP)}
    return now_of([span for span in counting if _nearness(span) == best[span.rank]], at)


def _nearness(span: Span) -> int:
    """3 for a shift of a line and a region, 2 of a line, 1 of a region, 0 for a general one."""
    return (2 if span.line_id else 0) + (1 if span.region_id else 0)


def now_of(counting: Sequence[Span], at: datetime) -> list[tuple[Span, datetime]]:
    """The span each person has at `at`, and when that duty ends, adjacent spans taken together."""
    found: dict[int, tuple[Span, datetime]] = {}
    for span in counting:
        if span.starts <= at < span.ends and span.user_id not in found:
            found[span.user_id] = (span, _end_of_chain(span, counting))
    return list(found.values())


def effective(shifts: Sequence[Span], absences: Sequence[Span]) -> list[Span]:
    """The shifts that count: without what overrides replace and absences take; by rank, start and person."""
    away: dict[int, list[Period]] = {}
    instead: dict[tuple[int, int | None, int | None], list[Period]] = {}
    for gone in absences:
        away.setdefault(gone.user_id, []).append((gone.starts, gone.ends))
    for other in shifts:
        if other.override:
            instead.setdefault(other.place, []).append((other.starts, other.ends))
    result = []
    for shift in shifts:
        taken = [*away.get(shift.user_id, ()), *(() if shift.override else instead.get(shift.place, ()))]
        for starts, ends in without((shift.starts, shift.ends), taken):
            result.append(replace(shift, starts=starts, ends=ends))
    return sorted(result, key=lambda span: (span.rank, span.starts, span.user_id, not span.override))


def uncovered(hours: Iterable[Period], counting: Sequence[Span], line_id: int | None = None) -> list[Period]:
    """What of `hours` no effective span of rank DUTY covers: no general one, or none of that very line."""
    covered = [
        (span.starts, span.ends)
        for span in counting
        if span.rank == DUTY and span.line_id == line_id and span.region_id is None
    ]
    return [gap for window in hours for gap in without(window, covered)]


def hours_of(office: Office, day: date, special: Mapping[date, Holiday]) -> tuple[int, int] | None:
    """When the office opens and closes on `day`, minutes after midnight; None when it stays closed.

    `special`: public holidays, which are closed or have hours of their own, on a day of rest too.
    """
    if (holiday := special.get(day)) is not None:
        return None if holiday.opens is None or holiday.closes is None else (holiday.opens, holiday.closes)
    return (office.opens, office.closes) if day.weekday() in office.workdays else None


def is_open(session: Session, office: Office, at: datetime, zone: tzinfo) -> bool:
    """True within the office's working hours, public holidays considered."""
    day, minutes = wall_clock(at, zone)
    hours = hours_of(office, day, holidays.between(session, day, day))
    return hours is not None and hours[0] <= minutes < hours[1]


def working_hours(
    office: Office, start: datetime, end: datetime, zone: tzinfo, special: Mapping[date, Holiday]
) -> list[Period]:
    """The office's opening hours between two instants, day by day, as its own clock shows them."""
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    windows = []
    while day <= last:
        if hours := hours_of(office, day, special):
            opens = max(instant(day, hours[0], zone), start.astimezone(UTC))
            closes = min(instant(day, hours[1], zone), end.astimezone(UTC))
            if opens < closes:
                windows.append((opens, closes))
        day += timedelta(days=1)
    return windows


def hours_between(session: Session, start: datetime, end: datetime) -> list[Period]:
    """The office's opening hours between two instants, public holidays considered."""
    zone = current_app.config["SETTINGS"].timezone
    special = holidays.between(session, start.astimezone(zone).date(), end.astimezone(zone).date())
    return working_hours(the_office(session), start, end, zone, special)


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
        if other.user_id == span.user_id and other.place == span.place and other.starts <= end:
            end = max(end, other.ends)
    return end


COLUMNS = (
    Shift.user_id,
    Shift.starts_at,
    Shift.ends_at,
    Shift.rank,
    Shift.override,
    Shift.line_id,
    Shift.region_id,
)


def load(session: Session, start: datetime, end: datetime) -> tuple[list[Span], list[Span]]:
    """Shifts of people who work here, and absences. Plain columns: a ringing call waits for this."""
    shifts = session.execute(
        select(*COLUMNS)
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
    return [
        Span(row.user_id, row.starts_at, row.ends_at, row.rank, row.override, row.line_id, row.region_id)
        for row in shifts
    ]


def absence_spans(absences: Sequence[Absence]) -> list[Span]:
    """Absences without their table."""
    return [Span(row.user_id, row.starts_at, row.ends_at) for row in absences]
