"""Missed callers as a list for a file, and the report's figures under it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.calls.models import Call
from webapp.clients import cards
from webapp.missed.episodes import Episode
from webapp.missed.page import HOW
from webapp.missed.report import Report
from webapp.sheets import Cell, Column, on_the_wall

AT_A_TIME = 500


def columns() -> list[Column]:
    """The columns."""
    return [
        Column(_("First call"), 17),
        Column(_("Last call"), 17),
        Column(_("Calls"), 7),
        Column(_("Number"), 20),
        Column(_("Client"), 30),
        Column(_("Line"), 20),
        Column(_("Waited, s"), 9),
        Column(_("Rings"), 7),
        Column(_("On duty"), 24),
        Column(_("State"), 26),
        Column(_("By"), 20),
        Column(_("Closed"), 17),
        Column(_("Minutes to return"), 10),
        Column(_("Reason"), 40),
    ]


def rows(
    session: Session, found: Sequence[Episode], names: Mapping[int, str], zone: ZoneInfo, phone: Callable[[str], str]
) -> Iterator[list[Cell]]:
    """A row a caller."""
    for start in range(0, len(found), AT_A_TIME):
        batch = found[start : start + AT_A_TIME]
        query = select(Call).where(Call.id.in_([one.last.id for one in batch]))
        calls = {
            call.id: call for call in session.scalars(query.options(joinedload(Call.client), joinedload(Call.line)))
        }
        for one in batch:
            call = calls[one.last.id]
            yield [
                on_the_wall(one.first.offered_at, zone),
                on_the_wall(one.last.offered_at, zone),
                len(one.calls),
                phone(call.number) or call.address,
                cards.title(call.client) if call.client else call.caller_name,
                (call.line.title or call.line.name) if call.line else call.line_name,
                round(one.longest.ring_seconds),
                one.longest.rings or None,
                ", ".join(names[user_id] for user_id in one.duty_ids if user_id in names),
                str(HOW[one.how][1]) if one.how in HOW else _("waits"),
                names.get(one.last.by or 0, ""),
                on_the_wall(one.last.closed_at, zone),
                None if one.minutes is None else round(one.minutes),
                one.last.reason,
            ]


def sum_lines(figures: Report) -> list[list[Cell]]:
    """The figures under the rows, a name and a value each; then reasons, managers and hours."""
    times = figures.times
    small = _("small sample") if times.is_small else ""
    lines: list[list[Cell]] = [
        [_("Callers missed"), figures.callers],
        [_("Calls"), figures.calls],
        [_("Wait still"), figures.waiting],
        [_("Rang again, spoken with"), figures.rang_again],
        [_("Rung back, spoken with"), figures.rung_back],
        [_("Closed with a reason"), figures.closed],
        [_("Minutes to return, half within"), None if times.p50 is None else round(times.p50), small],
        [_("Minutes to return, the longest"), None if times.worst is None else round(times.worst)],
        [_("Spoken with"), times.count],
        [],
        [_("Reasons")],
    ]
    lines += [[reason, count] for reason, count, _call in figures.reasons]
    lines += [[], [_("Managers"), _("Missed on duty"), _("Wait still"), _("Returned"), _("Half within, min")]]
    for one in figures.people:
        half = None if one.returned.p50 is None else round(one.returned.p50)
        lines.append([one.name, one.missed, one.waiting, one.returned.count, half])
    lines += [[], [_("Hours")]]
    return lines + [[f"{hour}:00", count] for hour, count in figures.hours]
