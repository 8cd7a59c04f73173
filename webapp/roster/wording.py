"""Names, hours, absences and gaps in words as short as the grids need them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, tzinfo

from flask_babel import format_date
from flask_babel import gettext as _

from webapp.accounts.models import User
from webapp.roster import absences
from webapp.roster.duty import LineGap, Period
from webapp.roster.models import Absence
from webapp.roster.places import line_name
from webapp.roster.wallclock import DAY_MINUTES, wall_clock, written


def away_words(row: Absence, zone: tzinfo) -> str:
    """Anna Petrova away until 12 Mar 09:00, with why."""
    back, time = wall_clock(row.ends_at, zone)
    until = f"{format_date(back, 'd MMM')} {written(time)}"
    text = _("%(name)s away until %(until)s", name=row.user.name, until=until)
    kind = absences.kind_words(row.kind).lower() if row.kind != "other" else ""
    return " · ".join(part for part in (text, kind, row.reason) if part)


def short_name(user: User) -> str:
    """Anna P. for Anna Petrova."""
    given, *rest = user.name.split() or [""]
    return f"{given} {rest[0][0]}." if rest else given


def initials(user: User) -> str:
    """AP for Anna Petrova."""
    return "".join(part[0] for part in user.name.split()[:2]).upper()


def short(minutes: int) -> str:
    """9 for nine o'clock, 09:30 for half past."""
    return str(minutes // 60) if minutes % 60 == 0 else written(minutes)


def gap_words(gaps: Sequence[Period], zone: tzinfo) -> list[str]:
    """A line a day: Mon 9 Mar 09:00–10:45, 15:45–18:00."""
    by_day: dict[date, list[str]] = {}
    for starts, ends in gaps:
        (day, start), (_last, end) = wall_clock(starts, zone), wall_clock(ends, zone)
        by_day.setdefault(day, []).append(f"{written(start)}–{written(end or DAY_MINUTES)}")
    return [f"{format_date(day, 'EEE d MMM')} {', '.join(spans)}" for day, spans in by_day.items()]


def line_gap_words(gaps: Sequence[LineGap], zone: tzinfo, days: Collection[date] | None = None) -> list[str]:
    """A line a line and day: Advertisements: Mon 9 Mar 09:00–10:45; of these `days`, when they are given."""
    by_line: dict[int, list[LineGap]] = {}
    for gap in gaps:
        if days is None or wall_clock(gap.starts, zone)[0] in days:
            by_line.setdefault(gap.line.id, []).append(gap)
    return [
        f"{line_name(of_line[0].line)}: {day}"
        for of_line in by_line.values()
        for day in gap_words(joined([(gap.starts, gap.ends) for gap in of_line]), zone)
    ]


def joined(periods: Sequence[Period]) -> list[Period]:
    """Periods that touch or overlap as one, in order."""
    found: list[Period] = []
    for starts, ends in sorted(periods):
        if found and starts <= found[-1][1]:
            found[-1] = (found[-1][0], max(ends, found[-1][1]))
        else:
            found.append((starts, ends))
    return found
