"""Changing the roster: shifts set, refused with a reason, removed; a week copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp import feed
from webapp.accounts.models import User
from webapp.roster import journal
from webapp.roster.models import Absence, Shift
from webapp.roster.places import GENERAL, Place
from webapp.roster.wallclock import DAY_MINUTES, exists, instant, wall_clock, written


class Refused(ValueError):
    """A change that can't be made; `field` is the form's field it concerns, `reason` is for the reader."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class Wall:
    """A span in the office's wall-clock time: minutes after midnight of `day`; over midnight `end` exceeds 1440."""

    day: date
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Copied:
    """How many shifts a copied week brought, and how many were left out because their person was taken."""

    made: int
    skipped: int


def set_shift(
    session: Session,
    shift: Shift | None,
    user: User,
    wall: Wall,
    rank: int,
    override: bool,
    zone: tzinfo,
    place: Place = GENERAL,
) -> Shift:
    """Make a shift, or change `shift`, whose version grows. Raises Refused.

    For one line, one region or all calls a person has one plain shift at a time and one override at a time; an override
    may lie over a plain shift.
    """
    if wall.end <= wall.start:
        raise Refused("ends", _("It ends before it starts. A shift over midnight has the box ticked."))
    if wall.end - wall.start > DAY_MINUTES:
        raise Refused("ends", _("A shift lasts 24 hours at most. Make two of it."))
    starts_at, ends_at = (
        instant_typed("starts", wall.day, wall.start, zone),
        instant_typed("ends", wall.day, wall.end, zone),
    )
    one_at_a_time(session, user.id)
    other = overlapping(session, user, starts_at, ends_at, override, place, shift)
    if other is not None:
        raise Refused(
            "user_id", _("%(name)s already has a shift then: %(span)s.", name=user.name, span=span_words(other, zone))
        )
    if shift is None:
        shift = Shift(version=0)
        session.add(shift)
    shift.user_id, shift.starts_at, shift.ends_at = user.id, starts_at, ends_at
    shift.rank, shift.override = rank, override
    shift.line_id, shift.region_id = place.line_id, place.region_id
    shift.version += 1
    session.flush()
    return shift


def take_off(session: Session, rows: Sequence[Shift]) -> journal.Rows:
    """Delete shifts; returns what the journal keeps of them."""
    kept = [journal.removed(row) for row in rows]
    for row in rows:
        session.delete(row)
    session.flush()
    return kept


def copy_week(session: Session, monday: date, weeks: int, by: User, now: datetime, zone: tzinfo) -> Copied:
    """Repeat the plain shifts that start in the week of `monday` in each of the next `weeks`, at the same wall clock.

    Overrides belong to their day and stay behind, so do people who left. One change in the journal.
    """
    rows = [row for row in of_week(session, monday, zone) if row.user.active and not row.override]
    first, last = instant(monday, 0, zone), instant(monday, 7 * DAY_MINUTES * (weeks + 2), zone)
    taken = session.scalars(select(Shift).where(~Shift.override, Shift.ends_at > first, Shift.starts_at < last)).all()
    spans = [_slot(row) for row in taken]
    new = []
    for week in range(1, weeks + 1):
        for row in rows:
            copy = Shift(
                user_id=row.user_id,
                starts_at=_weeks_later(row.starts_at, week, zone),
                ends_at=_weeks_later(row.ends_at, week, zone),
                rank=row.rank,
                line_id=row.line_id,
                region_id=row.region_id,
            )
            if copy.starts_at < copy.ends_at and not any(_collide(_slot(copy), span) for span in spans):
                new.append(copy)
                spans.append(_slot(copy))
    session.add_all(new)
    session.flush()
    if new:
        rows_kept = [journal.made(row) for row in new]
        journal.record(
            session, "week_copied", rows_kept, by, now, monday=monday.isoformat(), weeks=weeks, count=len(new)
        )
    return Copied(len(new), len(rows) * weeks - len(new))


def clear_week(session: Session, monday: date, by: User, now: datetime, zone: tzinfo) -> int:
    """Take off every shift that starts in the week of `monday` and after `now`; returns how many."""
    rows = [row for row in of_week(session, monday, zone) if row.starts_at > now]
    if rows:
        kept = take_off(session, rows)
        journal.record(session, "week_cleared", kept, by, now, monday=monday.isoformat(), count=len(kept))
    return len(rows)


def of_week(session: Session, monday: date, zone: tzinfo) -> Sequence[Shift]:
    """The shifts that start in the week of `monday`, whosever."""
    first, last = instant(monday, 0, zone), instant(monday, 7 * DAY_MINUTES, zone)
    query = select(Shift).options(joinedload(Shift.user)).where(Shift.starts_at >= first, Shift.starts_at < last)
    return session.scalars(query.order_by(Shift.starts_at, Shift.id)).all()


def facts(row: Shift) -> dict[str, Any]:
    """What the journal's sentence says of a shift."""
    return {
        "name": row.user.name,
        "starts": row.starts_at.isoformat(),
        "ends": row.ends_at.isoformat(),
        "rank": row.rank,
        "place": Place(row.line_id, row.region_id).code,
    }


def announce(session: Session, now: datetime) -> None:
    """Tell every open page and the bridges that the roster changed."""
    feed.announce_all(session, "roster", "", now)
    feed.announce(session, [None], "standing", "", now)


def instant_typed(field: str, day: date, minutes: int, zone: tzinfo) -> datetime:
    """The instant of a time typed into `field`. Raises Refused for one that the clock skips."""
    if not exists(day, minutes, zone):
        raise Refused(
            field,
            _("There is no %(time)s that night: the clocks go forward over it.", time=written(minutes % DAY_MINUTES)),
        )
    return instant(day, minutes, zone)


def _weeks_later(at: datetime, weeks: int, zone: tzinfo) -> datetime:
    day, minutes = wall_clock(at, zone)
    return instant(day + timedelta(days=7 * weeks), minutes, zone)


Slot = tuple[int, int | None, int | None, datetime, datetime]


def _slot(row: Shift) -> Slot:
    return row.user_id, row.line_id, row.region_id, row.starts_at, row.ends_at


def _collide(one: Slot, other: Slot) -> bool:
    return one[:3] == other[:3] and one[3] < other[4] and other[3] < one[4]


def one_at_a_time(session: Session, *user_ids: int) -> None:
    """Of two who put the same person on at the same moment, the second waits and sees what the first has done."""
    # In one order everywhere, so that nobody waits for one who waits for him.
    people = select(User.id).where(User.id.in_(user_ids)).order_by(User.id)
    session.execute(people.with_for_update(key_share=True))


def overlapping(
    session: Session,
    user: User,
    starts_at: datetime,
    ends_at: datetime,
    override: bool,
    place: Place,
    but: Shift | None,
) -> Shift | None:
    """A shift of the user's in that time at that place, but for `but`: a person has one plain shift at a time there,
    and one override."""
    query = select(Shift).where(
        Shift.user_id == user.id,
        Shift.override == override,
        Shift.line_id.is_not_distinct_from(place.line_id),
        Shift.region_id.is_not_distinct_from(place.region_id),
        Shift.starts_at < ends_at,
        Shift.ends_at > starts_at,
    )
    return session.scalars((query.where(Shift.id != but.id) if but else query).order_by(Shift.starts_at)).first()


def span_words(row: Shift | Absence, zone: tzinfo) -> str:
    """09:00–14:00, with the dates when it ends on another day."""
    (first, start), (last, end) = wall_clock(row.starts_at, zone), wall_clock(row.ends_at, zone)
    if first == last:
        return f"{written(start)}–{written(end)}"
    return f"{first:%d.%m} {written(start)} – {last:%d.%m} {written(end)}"
