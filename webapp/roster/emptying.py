"""Hours that an absence leaves with nobody on duty: asked about before it is saved, told to the head when it is (D18).

The core is pure: the roster with the absence beside the roster without it. What was empty already is not its doing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from webapp.office.models import Line
from webapp.roster import duty, wording
from webapp.roster.duty import Period, Span
from webapp.roster.models import Absence


@dataclass(frozen=True, slots=True)
class Emptied:
    """Working hours without general duty (`line` None), or in which a line has nobody of its own people left.

    `answered`: general duty takes that line's calls meanwhile.
    """

    line: Line | None
    starts: datetime
    ends: datetime
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """The emptied hours of one line for the reader: `hours` is a line a day, `title` '' for every line."""

    title: str
    hours: list[str]
    answered: bool


def emptied(
    lines: Sequence[Line],
    hours: Sequence[Period],
    shifts: Sequence[Span],
    before: Sequence[Span],
    after: Sequence[Span],
) -> list[Emptied]:
    """What of `hours` the absences `after` leave open and the absences `before` did not; general duty first."""
    was = duty.uncovered(hours, duty.effective(shifts, before))
    found = [Emptied(None, *part) for part in newly(was, duty.uncovered(hours, duty.effective(shifts, after)))]
    lines_were = duty.gaps_of_lines(lines, hours, shifts, before)
    for gap in duty.gaps_of_lines(lines, hours, shifts, after):
        open_before = [(one.starts, one.ends) for one in lines_were if one.line is gap.line]
        parts = duty.without((gap.starts, gap.ends), open_before)
        found += [Emptied(gap.line, *part, answered=gap.answered) for part in parts]
    return found


def newly(before: Iterable[Period], after: Iterable[Period]) -> list[Period]:
    """What of the periods `after` lies in none of `before`, in order."""
    there = list(before)
    return [part for period in after for part in duty.without(period, there)]


def by_absence(session: Session, absence: Absence, before: Span | None, now: datetime) -> list[Emptied]:
    """What `absence`, as it has just been flushed, leaves open from `now` on; `before` is what it was, None if new."""
    start, end = max(absence.starts_at, now), absence.ends_at
    if start >= end:
        return []
    shifts, after = duty.load(session, start - duty.OWN_ROSTER, end + duty.OWN_ROSTER)
    without_it = list(after)
    without_it.remove(Span(absence.user_id, absence.starts_at, absence.ends_at))
    if before is not None:
        without_it.append(before)
    lines = session.scalars(
        select(Line).where(Line.active).order_by(Line.title, Line.id).options(selectinload(Line.people))
    ).all()
    shifts += people_of_lines(lines, start - timedelta(days=1), end + timedelta(days=1))
    return emptied(lines, duty.hours_between(session, start, end), shifts, without_it, after)


def people_of_lines(lines: Sequence[Line], start: datetime, end: datetime) -> list[Span]:
    """Those who take a line's calls instead of duty, as if they had a shift of that line all the time."""
    return [Span(one.user_id, start, end, line_id=line.id) for line in lines for one in line.people]


def words(found: Sequence[Emptied], zone: tzinfo) -> list[Words]:
    """The hours, line by line, as they are read."""
    groups: dict[tuple[str, bool], list[Period]] = {}
    for one in found:
        title = (one.line.title or one.line.name) if one.line else ""
        groups.setdefault((title, one.answered), []).append((one.starts, one.ends))
    return [Words(title, wording.gap_words(hours, zone), answered) for (title, answered), hours in groups.items()]


def mark(found: Sequence[Emptied], now: datetime) -> str:
    """A text that is the same for the same hours and lines: who says "all the same" says it to what he was shown.

    Hours that have begun begin now, whenever that is.
    """
    facts = [
        (one.line.id if one.line else 0, one.starts.isoformat() if one.starts > now else "", one.ends.isoformat())
        for one in found
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16] if facts else ""
