"""Shifts that repeat: laid ahead as rows of the roster, changed and ended without touching what somebody edited.

A shift is as its pattern laid it while its version is 1. One that was taken off stays off: a day that has been laid is
not laid again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from flask_babel import gettext as _
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.roster import holidays, journal, shifts
from webapp.roster.models import Holiday, Shift, ShiftPattern
from webapp.roster.places import Place
from webapp.roster.shifts import Refused
from webapp.roster.wallclock import DAY_MINUTES, instant, wall_clock

AHEAD = timedelta(weeks=8)
"""How far ahead shifts are laid."""
LONGEST_CYCLE = 56


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a pattern's shifts are: as the columns of `ShiftPattern`."""

    first_day: date
    last_day: date | None
    cycle_days: int
    days: list[int]
    starts: int
    ends: int
    on_holidays: bool = False


def lay_all(session: Session, now: datetime, zone: tzinfo) -> int:
    """Lay the shifts of all patterns as far ahead as AHEAD; the worker's. Commits pattern by pattern; returns how many.

    What was laid is claimed in the transaction that lays it: killed at any moment, or run twice, it lays nothing twice.
    """
    today = wall_clock(now, zone)[0]
    due = select(ShiftPattern.id).where(
        (ShiftPattern.laid_until.is_(None)) | (ShiftPattern.laid_until < today + AHEAD),
        (ShiftPattern.last_day.is_(None))
        | (ShiftPattern.laid_until.is_(None))
        | (ShiftPattern.laid_until < ShiftPattern.last_day),
    )
    laid = 0
    for pattern_id in session.scalars(due.order_by(ShiftPattern.id)).all():
        pattern = session.get(ShiftPattern, pattern_id)
        if pattern is None:
            continue
        new = lay(session, pattern, now, zone)
        if new:
            shifts.announce(session, now)
        session.commit()
        laid += len(new)
    return laid


def lay(
    session: Session, pattern: ShiftPattern, now: datetime, zone: tzinfo, but: frozenset[date] = frozenset()
) -> list[Shift]:
    """Lay a pattern from where it was laid to AHEAD; `but` these days. Returns the new shifts.

    Left out are public holidays the office is closed on, unless the pattern has them, and days on which its person has
    a shift of the same kind. Nobody who has left is put on.
    """
    today = wall_clock(now, zone)[0]
    until = min(today + AHEAD, pattern.last_day or date.max)
    first = max(today, pattern.first_day, (pattern.laid_until or date.min) + timedelta(days=1))
    claim = update(ShiftPattern).where(ShiftPattern.id == pattern.id, ShiftPattern.version == pattern.version)
    claim = claim.where(ShiftPattern.laid_until.is_not_distinct_from(pattern.laid_until))
    if not session.execute(claim.values(laid_until=until)).rowcount:  # type: ignore[attr-defined]
        return []
    session.refresh(pattern)
    if not pattern.user.active or first > until:
        return []
    special = holidays.between(session, first, until)
    taken = _taken(session, pattern, instant(first, 0, zone), instant(until, 2 * DAY_MINUTES, zone))
    new = []
    for day in matching(pattern, first, until):
        starts_at, ends_at = (instant(day, minutes, zone) for minutes in (pattern.starts, pattern.ends))
        if day in but or _rests(pattern, day, special) or starts_at <= now or starts_at >= ends_at:
            continue
        if any(starts_at < ends and starts < ends_at for starts, ends in taken):
            continue
        new.append(
            Shift(
                user_id=pattern.user_id,
                starts_at=starts_at,
                ends_at=ends_at,
                rank=pattern.rank,
                line_id=pattern.line_id,
                region_id=pattern.region_id,
                pattern_id=pattern.id,
            )
        )
        taken.append((starts_at, ends_at))
    session.add_all(new)
    session.flush()
    return new


def matching(pattern: ShiftPattern, first: date, last: date) -> Iterator[date]:
    """The days of a pattern from `first` to `last`, both included."""
    days = set(pattern.days)
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        passed = (day - pattern.first_day).days
        if (
            passed >= 0
            and (pattern.last_day is None or day <= pattern.last_day)
            and passed % pattern.cycle_days in days
        ):
            yield day


def make(
    session: Session, user: User, rhythm: Rhythm, rank: int, place: Place, by: User, now: datetime, zone: tzinfo
) -> tuple[ShiftPattern, int]:
    """A new pattern, laid at once; and how many shifts that were. Raises Refused."""
    _check(rhythm)
    pattern = ShiftPattern(version=1)
    _fill(pattern, user, rhythm, rank, place)
    session.add(pattern)
    session.flush()
    new = lay(session, pattern, now, zone)
    rows = [journal.made(pattern), *(journal.made(row) for row in new)]
    journal.record(session, "pattern_made", rows, by, now, **_facts(pattern, user))
    return pattern, len(new)


def change(
    session: Session,
    pattern: ShiftPattern,
    user: User,
    rhythm: Rhythm,
    rank: int,
    place: Place,
    by: User,
    now: datetime,
    zone: tzinfo,
) -> tuple[int, int]:
    """Change a pattern and its coming shifts, but those that somebody edited or took off. Raises Refused.

    Returns how many shifts were taken off and how many laid.
    """
    _check(rhythm)
    before, today = journal.snapshot(pattern), wall_clock(now, zone)[0]
    rows = _coming(session, pattern, now)
    settled = _settled(session, pattern, rows, today, zone)
    untouched = [row for row in rows if row.version == 1]
    kept = shifts.take_off(session, untouched)
    _fill(pattern, user, rhythm, rank, place)
    pattern.version += 1
    pattern.laid_until = None
    session.flush()
    new = lay(session, pattern, now, zone, settled)
    entries = [*kept, journal.changed(pattern, before), *(journal.made(row) for row in new)]
    journal.record(session, "pattern_changed", entries, by, now, **_facts(pattern, user))
    return len(kept), len(new)


def end(session: Session, pattern: ShiftPattern, last_day: date, by: User, now: datetime, zone: tzinfo) -> int:
    """Let a pattern end with `last_day`; its later shifts are taken off, but those that somebody edited."""
    before = journal.snapshot(pattern)
    after = instant(last_day, DAY_MINUTES, zone)
    late = [row for row in _coming(session, pattern, now) if row.version == 1 and row.starts_at >= after]
    kept = shifts.take_off(session, late)
    pattern.last_day = last_day
    pattern.version += 1
    session.flush()
    entries = [*kept, journal.changed(pattern, before)]
    journal.record(session, "pattern_ended", entries, by, now, **_facts(pattern, pattern.user))
    return len(kept)


def rest_on(session: Session, days: Sequence[date], now: datetime, zone: tzinfo) -> journal.Rows:
    """Take off the coming shifts that patterns laid on `days`, now public holidays; what the journal keeps of them.

    Those that somebody edited stay, and those of patterns that have public holidays.
    """
    if not days:
        return []
    first, last = instant(min(days), 0, zone), instant(max(days), DAY_MINUTES, zone)
    rows = session.scalars(
        select(Shift)
        .join(ShiftPattern, ShiftPattern.id == Shift.pattern_id)
        .where(~ShiftPattern.on_holidays, Shift.version == 1, Shift.starts_at > now)
        .where(Shift.starts_at >= first, Shift.starts_at < last)
    )
    return shifts.take_off(session, [row for row in rows if wall_clock(row.starts_at, zone)[0] in set(days)])


def _check(rhythm: Rhythm) -> None:
    if rhythm.ends <= rhythm.starts:
        raise Refused("ends", _("It ends before it starts. A shift over midnight has the box ticked."))
    if rhythm.ends - rhythm.starts > DAY_MINUTES:
        raise Refused("ends", _("A shift lasts 24 hours at most. Make two of it."))


def _fill(pattern: ShiftPattern, user: User, rhythm: Rhythm, rank: int, place: Place) -> None:
    pattern.user_id, pattern.rank = user.id, rank
    pattern.line_id, pattern.region_id = place.line_id, place.region_id
    pattern.first_day, pattern.last_day = rhythm.first_day, rhythm.last_day
    pattern.cycle_days, pattern.days = rhythm.cycle_days, rhythm.days
    pattern.starts, pattern.ends, pattern.on_holidays = rhythm.starts, rhythm.ends, rhythm.on_holidays


def _facts(pattern: ShiftPattern, user: User) -> dict[str, object]:
    return {"name": user.name, "from": pattern.starts, "to": pattern.ends}


def _coming(session: Session, pattern: ShiftPattern, now: datetime) -> Sequence[Shift]:
    query = select(Shift).where(Shift.pattern_id == pattern.id, Shift.starts_at > now)
    return session.scalars(query.order_by(Shift.starts_at).with_for_update()).all()


def _settled(
    session: Session, pattern: ShiftPattern, rows: Sequence[Shift], today: date, zone: tzinfo
) -> frozenset[date]:
    """The days somebody has decided on: those whose shift was edited, and those whose shift was taken off."""
    edited = {wall_clock(row.starts_at, zone)[0] for row in rows if row.version > 1}
    if pattern.laid_until is None or pattern.laid_until < today:
        return frozenset(edited)
    special = holidays.between(session, today, pattern.laid_until)
    there = {wall_clock(row.starts_at, zone)[0] for row in rows}
    off = {
        day
        for day in matching(pattern, today + timedelta(days=1), pattern.laid_until)
        if day not in there and not _rests(pattern, day, special)
    }
    return frozenset(edited | off)


def _rests(pattern: ShiftPattern, day: date, special: Mapping[date, Holiday]) -> bool:
    """Whether a public holiday keeps the pattern from a day: one on which the office is closed."""
    return not pattern.on_holidays and day in special and special[day].opens is None


def _taken(session: Session, pattern: ShiftPattern, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """When the pattern's person has plain shifts of the same line and region already."""
    rows = session.execute(
        select(Shift.starts_at, Shift.ends_at).where(
            Shift.user_id == pattern.user_id,
            ~Shift.override,
            Shift.line_id.is_not_distinct_from(pattern.line_id),
            Shift.region_id.is_not_distinct_from(pattern.region_id),
            Shift.ends_at > start,
            Shift.starts_at < end,
        )
    )
    return [(starts, ends) for starts, ends in rows]
