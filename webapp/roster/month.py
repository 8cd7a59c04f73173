"""The month as it is drawn: people by days, the hours that nobody covers, absences, public holidays.

Pure: rows in, words out. A shift over midnight stands on the day it begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta, tzinfo

from flask_babel import format_date, get_locale
from flask_babel import gettext as _

from webapp.accounts.models import User
from webapp.office.models import Office
from webapp.roster import duty, grid, wording
from webapp.roster.models import Absence, Holiday, Shift
from webapp.roster.places import GENERAL, Place, words
from webapp.roster.wallclock import DAY_MINUTES, wall_clock, written

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One shift in a cell: 9–18. `kind`: duty or backup; `counts`: somebody is on duty by it, at least for a while."""

    shift: Shift
    text: str
    label: str
    kind: str
    counts: bool


@dataclass(slots=True)
class Cell:
    """A person on a day."""

    entries: list[Entry] = field(default_factory=list)
    absence: Absence | None = None
    absence_label: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A day. `gap` are its open hours as short as a cell, `gaps` in full."""

    day: date
    weekday: str
    today: bool
    rests: bool
    holiday: Holiday | None
    gap: str
    gaps: str
    week: str


@dataclass(slots=True)
class Row:
    """A person and his days; `hours` on duty in the month, without absences."""

    user: User
    cells: list[Cell]
    hours: float = 0.0

    @property
    def name(self) -> str:
        """As short as the column."""
        return wording.short_name(self.user)


@dataclass(frozen=True, slots=True)
class Month:
    """What the page draws."""

    first: date
    columns: list[Column]
    rows: list[Row]

    @property
    def code(self) -> str:
        """2026-03, as in addresses."""
        return f"{self.first:%Y-%m}"

    @property
    def previous(self) -> str:
        return f"{self.first - timedelta(days=1):%Y-%m}"

    @property
    def next(self) -> str:
        return f"{last_day(self.first) + timedelta(days=1):%Y-%m}"

    @property
    def has_gaps(self) -> bool:
        return any(column.gap for column in self.columns)


def last_day(first: date) -> date:
    """The last day of the month that begins on `first`."""
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def draw(
    first: date,
    people: Sequence[User],
    shifts: Sequence[Shift],
    absences: Sequence[Absence],
    gaps: Sequence[duty.Period],
    office: Office,
    special: Mapping[date, Holiday],
    today: date,
    zone: tzinfo,
    place: Place = GENERAL,
) -> Month:
    """The month of `first`: of `people`, and of whoever else has a shift in it.

    `gaps`: the hours to show red. `place`: the shifts of this line or region alone.
    """
    days = [first + timedelta(days=offset) for offset in range((last_day(first) - first).days + 1)]
    counting = duty.effective(duty.spans([row for row in shifts if row.user.active]), duty.absence_spans(absences))
    of_person: dict[int, list[duty.Span]] = {}
    for span in counting:
        of_person.setdefault(span.user_id, []).append(span)
    worked: dict[int, list[duty.Period]] = {}
    rows = {user.id: Row(user, [Cell() for _day in days]) for user in people}
    for shift in shifts:
        starts, ends = wall_clock(shift.starts_at, zone), wall_clock(shift.ends_at, zone)
        if place not in (GENERAL, Place(shift.line_id, shift.region_id)) or not days[0] <= starts[0] <= days[-1]:
            continue
        row = rows.setdefault(shift.user_id, Row(shift.user, [Cell() for _day in days]))
        kept = [
            (max(span.starts, shift.starts_at), min(span.ends, shift.ends_at))
            for span in of_person.get(shift.user_id, ())
            if span.place == (shift.rank, shift.line_id, shift.region_id)
            and span.override == shift.override
            and span.starts < shift.ends_at
            and shift.starts_at < span.ends
        ]
        row.cells[starts[0].day - 1].entries.append(_entry(shift, starts[1], ends[1], bool(kept)))
        if shift.rank == duty.DUTY:
            worked.setdefault(shift.user_id, []).extend(kept)
    for user_id, spans in worked.items():
        rows[user_id].hours = sum((ends - starts for starts, ends in wording.joined(spans)), timedelta()) / HOUR
    for absence in absences:
        if absence.user_id in rows:
            _mark_away(rows[absence.user_id], absence, days, zone)
    by_day: dict[date, list[str]] = {}
    for gap in gaps:
        (day, start), (_last, end) = wall_clock(gap[0], zone), wall_clock(gap[1], zone)
        by_day.setdefault(day, []).append(f"{wording.short(start)}–{wording.short(end or DAY_MINUTES)}")
    columns = [_column(day, by_day.get(day, []), office, special, today) for day in days]
    return Month(first, columns, sorted(rows.values(), key=lambda row: (row.user.name, row.user.id)))


def _entry(shift: Shift, start: int, end: int, counts: bool) -> Entry:
    kind = "backup" if shift.rank == duty.BACKUP else "duty"
    notes = [_("backup")] if kind == "backup" else []
    notes += [note for note in (words(shift.line, shift.region), _("for the day") if shift.override else "") if note]
    if not counts:
        notes.append(_("does not count: away or replaced"))
    label = ", ".join([shift.user.name, f"{written(start)}–{written(end or DAY_MINUTES)}", *notes])
    return Entry(shift, f"{wording.short(start)}–{wording.short(end or DAY_MINUTES)}", label, kind, counts)


def _mark_away(row: Row, absence: Absence, days: Sequence[date], zone: tzinfo) -> None:
    first, (last, end) = wall_clock(absence.starts_at, zone)[0], wall_clock(absence.ends_at, zone)
    if end == 0:
        last -= timedelta(days=1)
    for index, day in enumerate(days):
        if first <= day <= last:
            row.cells[index].absence, row.cells[index].absence_label = absence, wording.away_words(absence, zone)


def _column(day: date, gaps: Sequence[str], office: Office, special: Mapping[date, Holiday], today: date) -> Column:
    return Column(
        day,
        format_date(day, "EEEEEE" if str(get_locale()) == "ru" else "EEEEE"),
        day == today,
        duty.hours_of(office, day, special) is None,
        special.get(day),
        f"{gaps[0]} +" if len(gaps) > 1 else "".join(gaps),
        ", ".join(gaps),
        grid.week_code(day),
    )
