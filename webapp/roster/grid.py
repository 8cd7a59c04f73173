"""The week as it is drawn: a row a day, a bar a shift, its place as a share of the row's width.

Pure: rows in, numbers and words out. Places follow the wall clock, so a working day looks the same all year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from flask_babel import format_date
from flask_babel import gettext as _

from webapp.office.models import Office
from webapp.roster import duty
from webapp.roster.models import Absence, Holiday, Shift
from webapp.roster.places import GENERAL, Place, words
from webapp.roster.wallclock import DAY_MINUTES, instant, wall_clock, written
from webapp.roster.wording import away_words, gap_words, initials, joined, line_gap_words, short, short_name

PERSON_COLOURS = 8
LETTERS_AN_HOUR = 4.0
"""How many letters of a bar fit into an hour of the grid at 1280 pixels."""
HEIGHTS = {"gap": 24, "duty": 24, "backup": 20, "away": 17}
FREE_STRIP = 9
"""Pixels under a day's bars, from where a new one can be drawn."""


@dataclass(slots=True)
class Bar:
    """One thing in a day's row. `x` and `width` are percent of the row; `pieces` are the parts of a shift that count.

    `kind`: gap, duty, backup, away. `colour` tells people apart, beside their names.
    """

    kind: str
    start: int
    end: int
    text: str
    label: str
    x: float = 0.0
    width: float = 0.0
    y: int = 0
    colour: int = 0
    pieces: list[tuple[float, float]] = field(default_factory=list)
    shift: Shift | None = None
    absence: Absence | None = None
    whole: bool = True

    @property
    def height(self) -> int:
        return HEIGHTS[self.kind]

    @property
    def place(self) -> str:
        """The code of what the shift is for."""
        return Place(self.shift.line_id, self.shift.region_id).code if self.shift else ""

    @property
    def full(self) -> bool:
        """True when every minute of the shift counts."""
        return self.pieces == [(self.x, self.width)]


@dataclass(slots=True)
class Day:
    """One row. `open_x` and `open_width` show the working hours, `now_x` this moment when it is today."""

    date: date
    name: str
    bars: list[Bar]
    today: bool
    holiday: Holiday | None = None
    height: int = 0
    open_x: float | None = None
    open_width: float = 0.0
    now_x: float | None = None


@dataclass(slots=True)
class Week:
    """What the page draws. `first` and `last` are the minutes at the edges of every row."""

    monday: date
    days: list[Day]
    hours: list[tuple[float, str]]
    first: int
    last: int
    gaps: list[str]
    line_gaps: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        """2026-W11."""
        return week_code(self.monday)

    @property
    def previous(self) -> str:
        return week_code(self.monday - timedelta(days=7))

    @property
    def next(self) -> str:
        return week_code(self.monday + timedelta(days=7))

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)


def week_code(day: date) -> str:
    """The ISO week of `day`, as in addresses: 2026-W11."""
    year, week, _day = day.isocalendar()
    return f"{year}-W{week:02}"


def draw(
    monday: date,
    shifts: Sequence[Shift],
    absences: Sequence[Absence],
    office: Office,
    special: Mapping[date, Holiday],
    now: datetime,
    zone: tzinfo,
    place: Place = GENERAL,
    lines_open: Sequence[duty.LineGap] = (),
) -> Week:
    """The week of `monday`; `shifts` and `absences` are those that touch it, with their users loaded.

    `place`: draw the shifts of this line or region alone, with the gaps of the line. `special`: public holidays.
    `lines_open`: what the rosters of lines leave open.
    """
    start, end = instant(monday, 0, zone), instant(monday, 7 * DAY_MINUTES, zone)
    working = duty.spans([row for row in shifts if row.user.active])
    away = duty.absence_spans(absences)
    effective = duty.effective(working, away)
    hours = duty.working_hours(office, start, end, zone, special)
    if place == GENERAL:
        gaps, told = duty.uncovered(hours, effective), lines_open
    else:
        gaps, told = joined([(gap.starts, gap.ends) for gap in lines_open if gap.line.id == place.line_id]), ()
    of_person: dict[int, list[duty.Span]] = {}
    for span in effective:
        of_person.setdefault(span.user_id, []).append(span)
    shown = [row for row in shifts if place in (GENERAL, Place(row.line_id, row.region_id))]
    days = []
    for offset in range(7):
        day = monday + timedelta(days=offset)
        bars = [_gap(*minutes) for gap in gaps if (minutes := _within(gap, day, zone))]
        begins, ends = instant(day, 0, zone), instant(day, DAY_MINUTES, zone)
        for row in shown:
            if (
                row.ends_at > begins
                and row.starts_at < ends
                and (minutes := _within((row.starts_at, row.ends_at), day, zone))
            ):
                counting = of_person.get(row.user_id, []) if row.user.active else []
                bars.append(_shift_bar(row, minutes, counting, away, day, zone))
        for absence in absences:
            if minutes := _within((absence.starts_at, absence.ends_at), day, zone):
                bars.append(_away_bar(absence, minutes, zone))
        today = wall_clock(now, zone)[0] == day
        days.append(Day(day, format_date(day, "EEE d MMM"), bars, today, holiday=special.get(day)))
    week = Week(monday, days, [], *_edges(days, office), gap_words(gaps, zone), line_gap_words(told, zone))
    _place(week, office, special, now, zone)
    return week


def _within(period: tuple[datetime, datetime], day: date, zone: tzinfo) -> tuple[int, int] | None:
    """The part of `period` in `day`, as wall-clock minutes; None when there is none."""
    starts, ends = max(period[0], instant(day, 0, zone)), min(period[1], instant(day, DAY_MINUTES, zone))
    if starts >= ends:
        return None
    first, last = wall_clock(starts, zone)[1], wall_clock(ends, zone)
    return first, max(last[1] if last[0] == day else DAY_MINUTES, first + 1)


def _gap(start: int, end: int) -> Bar:
    text = _("nobody on duty")
    return Bar("gap", start, end, text, f"{text} {written(start)}–{written(end)}")


def _shift_bar(
    row: Shift,
    minutes: tuple[int, int],
    effective: Sequence[duty.Span],
    away: Sequence[duty.Span],
    day: date,
    zone: tzinfo,
) -> Bar:
    kind = "backup" if row.rank == duty.BACKUP else "duty"
    starts, ends = wall_clock(row.starts_at, zone), wall_clock(row.ends_at, zone)
    times = f"{short(starts[1])}–{short(ends[1])}"
    mine = [
        (span.starts, span.ends)
        for span in effective
        if (span.user_id, span.place, span.override)
        == (row.user_id, (row.rank, row.line_id, row.region_id), row.override)
    ]
    pieces = [
        part
        for span in mine
        if span[0] < row.ends_at and span[1] > row.starts_at and (part := _within(span, day, zone))
    ]
    notes = [_("backup")] if kind == "backup" else []
    if for_what := words(row.line, row.region):
        notes.append(for_what)
    if row.override:
        notes.append(_("for the day"))
    if not row.user.active:
        notes.append(_("no longer here"))
    elif not pieces:
        present = duty.without(
            (row.starts_at, row.ends_at), [(gone.starts, gone.ends) for gone in away if gone.user_id == row.user_id]
        )
        notes.append(_("replaced") if present else _("away"))
    written_out = [
        " · ".join([f"{name} {times}", *notes]) for name in (row.user.name, short_name(row.user), initials(row.user))
    ]
    room = (minutes[1] - minutes[0]) / 60 * LETTERS_AN_HOUR
    text = next((one for one in written_out if len(one) <= room), written_out[-1])
    return Bar(
        kind,
        *minutes,
        text=text,
        label=text if text == written_out[0] else f"{text} ({row.user.name})",
        colour=row.user_id % PERSON_COLOURS,
        pieces=[(float(a), float(b)) for a, b in pieces],
        shift=row,
        whole=starts[0] == day and (ends[0] == day or ends == (day + timedelta(days=1), 0)),
    )


def _away_bar(row: Absence, minutes: tuple[int, int], zone: tzinfo) -> Bar:
    text = away_words(row, zone)
    return Bar("away", *minutes, text=text, label=text, colour=row.user_id % PERSON_COLOURS, absence=row)


def _stack(bars: list[Bar]) -> int:
    """Give every bar its lane: gaps and duty on top, then backups, then absences. Returns the row's height."""
    top = 3
    for kinds in (("gap", "duty"), ("backup",), ("away",)):
        lanes: list[list[Bar]] = []
        group = [bar for bar in bars if bar.kind in kinds]
        for bar in sorted(group, key=lambda bar: (bar.kind != "gap", bar.start, bar.colour)):
            fitting = (
                lane for lane in lanes if all(bar.start >= other.end or bar.end <= other.start for other in lane)
            )
            lane = next(fitting, None)
            if lane is None:
                lanes.append(lane := [])
            lane.append(bar)
            bar.y = top + lanes.index(lane) * (HEIGHTS[kinds[-1]] + 2)
        top += len(lanes) * (HEIGHTS[kinds[-1]] + 2)
    return max(top, 30) + FREE_STRIP


def _edges(days: Sequence[Day], office: Office) -> tuple[int, int]:
    """The hours shown: the working day with an hour around it, and whatever shifts lie outside."""
    bars = [bar for day in days for bar in day.bars if bar.kind != "away"]
    first = min([office.opens - 60, *(bar.start for bar in bars)])
    last = max([office.closes + 60, *(bar.end for bar in bars)])
    return max(first // 60 * 60, 0), min(-(-last // 60) * 60, DAY_MINUTES)


def _place(week: Week, office: Office, special: Mapping[date, Holiday], now: datetime, zone: tzinfo) -> None:
    """Turn minutes into percent of the row's width, and stack the bars."""

    def x(minutes: float) -> float:
        return round(100 * (min(max(minutes, week.first), week.last) - week.first) / (week.last - week.first), 3)

    step = 60 if week.last - week.first <= 16 * 60 else 120
    week.hours = [(x(minutes), short(minutes)) for minutes in range(week.first, week.last + 1, step)]
    for day in week.days:
        if hours := duty.hours_of(office, day.date, special):
            day.open_x, day.open_width = x(hours[0]), x(hours[1]) - x(hours[0])
        minutes = wall_clock(now, zone)[1]
        if day.today and week.first <= minutes <= week.last:
            day.now_x = x(minutes)
        day.bars = [bar for bar in day.bars if bar.start < week.last and bar.end > week.first]
        day.height = _stack(day.bars)
        for bar in day.bars:
            bar.x, bar.width = x(bar.start), round(x(bar.end) - x(bar.start), 3)
            bar.pieces = [(x(first), round(x(last) - x(first), 3)) for first, last in bar.pieces]
