"""Changing the roster: shifts set, refused with a reason, removed; a week copied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.roster.models import Absence, Shift
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
    session: Session, shift: Shift | None, user: User, wall: Wall, rank: int, override: bool, zone: tzinfo
) -> Shift:
    """Make a shift, or change `shift`. Raises Refused.

    A person has one plain shift at a time and one override at a time; an override may lie over a plain shift.
    """
    if wall.end <= wall.start:
        raise Refused("ends", _("It ends before it starts. A shift over midnight has the box ticked."))
    if wall.end - wall.start > DAY_MINUTES:
        raise Refused("ends", _("A shift lasts 24 hours at most. Make two of it."))
    starts_at, ends_at = (
        instant_typed("starts", wall.day, wall.start, zone),
        instant_typed("ends", wall.day, wall.end, zone),
    )
    other = _overlapping(session, user, starts_at, ends_at, override, shift)
    if other is not None:
        raise Refused(
            "user_id", _("%(name)s already has a shift then: %(span)s.", name=user.name, span=span_words(other, zone))
        )
    if shift is None:
        shift = Shift()
        session.add(shift)
    shift.user_id, shift.starts_at, shift.ends_at = user.id, starts_at, ends_at
    shift.rank, shift.override = rank, override
    session.flush()
    return shift


def copy_week(session: Session, monday: date, zone: tzinfo) -> Copied:
    """Repeat the plain shifts that start in the week of `monday` seven days later, at the same wall-clock times.

    Overrides belong to their day and stay behind, so do people who left.
    """
    first, last = instant(monday, 0, zone), instant(monday, 7 * DAY_MINUTES, zone)
    rows = session.scalars(
        select(Shift)
        .join(Shift.user)
        .where(User.active, ~Shift.override, Shift.starts_at >= first, Shift.starts_at < last)
        .order_by(Shift.starts_at, Shift.id)
    ).all()
    week = timedelta(days=7)
    taken = session.scalars(
        select(Shift).where(
            ~Shift.override, Shift.ends_at > first + week - timedelta(days=1), Shift.starts_at < last + 2 * week
        )
    ).all()
    spans = [(row.user_id, row.starts_at, row.ends_at) for row in taken]
    made = 0
    for row in rows:
        starts_at, ends_at = (_a_week_later(at, zone) for at in (row.starts_at, row.ends_at))
        if starts_at >= ends_at or any(
            user_id == row.user_id and starts < ends_at and ends > starts_at for user_id, starts, ends in spans
        ):
            continue
        session.add(Shift(user_id=row.user_id, starts_at=starts_at, ends_at=ends_at, rank=row.rank))
        spans.append((row.user_id, starts_at, ends_at))
        made += 1
    session.flush()
    return Copied(made, len(rows) - made)


def announce(session: Session, now: datetime) -> None:
    """Tell every open page and the bridges that the roster changed."""
    feed.announce_all(session, "roster", "", now)
    feed.announce(session, [None], "standing", "", now)


def _a_week_later(at: datetime, zone: tzinfo) -> datetime:
    day, minutes = wall_clock(at, zone)
    return instant(day + timedelta(days=7), minutes, zone)


def instant_typed(field: str, day: date, minutes: int, zone: tzinfo) -> datetime:
    """The instant of a time typed into `field`. Raises Refused for one that the clock skips."""
    if not exists(day, minutes, zone):
        raise Refused(
            field,
            _("There is no %(time)s that night: the clocks go forward over it.", time=written(minutes % DAY_MINUTES)),
        )
    return instant(day, minutes, zone)


def _overlapping(
    session: Session, user: User, starts_at: datetime, ends_at: datetime, override: bool, but: Shift | None
) -> Shift | None:
    query = select(Shift).where(
        Shift.user_id == user.id, Shift.override == override, Shift.starts_at < ends_at, Shift.ends_at > starts_at
    )
    return session.scalars((query.where(Shift.id != but.id) if but else query).order_by(Shift.starts_at)).first()


def span_words(row: Shift | Absence, zone: tzinfo) -> str:
    """09:00–14:00, with the dates when it ends on another day."""
    (first, start), (last, end) = wall_clock(row.starts_at, zone), wall_clock(row.ends_at, zone)
    if first == last:
        return f"{written(start)}–{written(end)}"
    return f"{first:%d.%m} {written(start)} – {last:%d.%m} {written(end)}"
