"""The list of calls as a file."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import Select, or_
from sqlalchemy.orm import Session

from webapp.calls import queries
from webapp.calls.models import Call
from webapp.exports.lists import Batch, List
from webapp.pages import phone
from webapp.sheets import Column, Row, on_the_wall

AT_A_TIME = 1000


def whole(session: Session, filters: Mapping[str, str], zone: ZoneInfo, country: str) -> List:
    """The calls that the page with these filters shows, oldest first; `mine` is whose calls alone."""

    def batch(session: Session, after: int) -> Batch:
        query = _which(filters).where(Call.id > after)
        query = query.order_by(Call.id).limit(AT_A_TIME).options(*queries.SHOWN)
        calls = session.scalars(query).all()
        rows = [_row(call, zone) for call in calls]
        after_last = calls[-1].id if len(calls) == AT_A_TIME else None
        return Batch(rows, len(rows), after_last)

    return List(("calls", filters["show"]), columns(), batch)


def count(session: Session, filters: Mapping[str, str], most: int) -> int:
    """How many calls the file has, `most` at most."""
    return len(session.scalars(_which(filters).with_only_columns(Call.id).limit(most)).all())


def _which(filters: Mapping[str, str]) -> Select[tuple[Call]]:
    query = queries.which(filters["show"], filters.get("q", ""))
    if mine := filters.get("mine"):
        query = query.where(or_(Call.answered_by_id == int(mine), Call.placed_by_id == int(mine)))
    return query


def columns() -> list[Column]:
    """The columns."""
    return [
        Column(_("Date and time"), 17),
        Column(_("Direction"), 10),
        Column(_("Number"), 20),
        Column(_("Client"), 30),
        Column(_("Who"), 24),
        Column(_("State"), 18),
        Column(_("Answered by"), 20),
        Column(_("Rings"), 8),
        Column(_("Talk, min"), 9),
        Column(_("Line"), 20),
        Column(_("Reason"), 40),
    ]


def _row(call: Call, zone: ZoneInfo) -> Row:
    by = call.placed_by or call.answered_by
    return [
        on_the_wall(call.offered_at, zone),
        _("out") if call.direction == "out" else _("in"),
        phone(call.number) or call.address,
        call.client.name if call.client else "",
        call.caller_name,
        str(queries.STATES[queries.state_of(call)][1]),
        by.name if by else "",
        call.rings or None,
        round(call.talk_seconds / 60, 1) if call.talk_seconds else None,
        (call.line.title or call.line.name) if call.line else call.line_name,
        call.missed_reason or "",
    ]
