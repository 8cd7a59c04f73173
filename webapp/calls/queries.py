"""Reads of calls: their state in one word, the list with its filters, and everything about a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.calls.models import Call, is_open_missed
from webapp.clients.models import Client
from webapp.recordings.models import Recording

PAGE_SIZE = 50
SAME_NUMBER = 30
EARLY_UP_TO, LATE_FROM = 1, 4

STATES: dict[str, tuple[str, LazyString]] = {
    "dialing": ("live", _l("our telephone rings")),
    "calling": ("live", _l("calling")),
    "ringing": ("live", _l("ringing")),
    "greeted": ("live", _l("hears the greeting")),
    "talking": ("live", _l("talking")),
    "talked": ("good", _l("talked")),
    "not_reached": ("quiet", _l("not reached")),
    "missed": ("bad", _l("missed")),
    "made_good": ("warn", _l("missed, made good")),
    "closed": ("quiet", _l("missed, closed")),
    "elsewhere": ("quiet", _l("taken elsewhere")),
    "sent_on": ("quiet", _l("sent on")),
}
"""What became of a call: its look and its word."""

PASSED: dict[str, tuple[str, LazyString]] = {
    "ringing": ("live", _l("being rung")),
    "consulting": ("live", _l("speaks first")),
    "done": ("good", _l("took the caller")),
    "failed": ("warn", _l("could not be had")),
    "cancelled": ("quiet", _l("taken back")),
}
"""What became of a passing-on: its look and its word."""

RINGS: dict[str, tuple[str, LazyString]] = {
    "early": ("warn", _l("early")),
    "in_time": ("good", _l("in time")),
    "late": ("bad", _l("late")),
}

END_REASONS: dict[str, LazyString] = {
    "completed": _l("somebody hung up after the talk"),
    "abandoned": _l("the caller gave up"),
    "answered_elsewhere": _l("another phone took it"),
    "no_answer": _l("nobody picked up"),
    "rejected": _l("refused"),
    "redirected": _l("sent on to the manager's telephone"),
    "failed": _l("broken off"),
}


OUR_END_REASONS: dict[str, LazyString] = {
    "completed": _l("somebody hung up after the talk"),
    "abandoned": _l("we gave up"),
    "no_answer": _l("the client did not pick up"),
    "rejected": _l("the client was busy or declined"),
    "failed": _l("the call could not be made"),
}
"""The same of a call of ours."""


def why_ended(call: Call) -> str:
    """Why a call ended, in words; '' for what has none."""
    reasons = OUR_END_REASONS if call.direction == "out" else END_REASONS
    return str(reasons.get(call.end_reason, ""))


@dataclass(frozen=True)
class Listed:
    """One page of the list. `more`: older calls follow."""

    calls: Sequence[Call]
    more: bool


def state_of(call: Call) -> str:
    """The call's key in STATES."""
    if call.state != "ended":
        return call.state
    if call.answered_at:
        return "talked"
    if call.direction == "out":
        return "not_reached"
    if not call.is_missed:
        return "sent_on" if call.end_reason == "redirected" else "elsewhere"
    if call.missed_closed_at is None:
        return "missed"
    return "closed" if call.missed_reason else "made_good"


def promptness(rings: int) -> str:
    """`early` on the first ring, `in_time` on the second or third, `late` from the fourth on (D19, D21)."""
    if rings <= EARLY_UP_TO:
        return "early"
    return "late" if rings >= LATE_FROM else "in_time"


def listed(session: Session, show: str, search: str, page: int) -> Listed:
    """Calls, newest first. `show`: all, answered or ours; `search`: a part of a number or
    a name.
    """
    calls = session.scalars(
        which(show, search)
        .order_by(Call.offered_at.desc(), Call.id.desc())
        .offset((page - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
        .options(*SHOWN)
    ).all()
    return Listed(calls[:PAGE_SIZE], len(calls) > PAGE_SIZE)


SHOWN = (joinedload(Call.client), joinedload(Call.answered_by), joinedload(Call.placed_by), joinedload(Call.line))


def which(show: str, search: str) -> Select[tuple[Call]]:
    """The calls of `listed`, in no order."""
    query: Select[tuple[Call]] = select(Call)
    if show == "answered":
        query = query.where(Call.direction == "in", Call.answered_at.is_not(None))
    elif show == "ours":
        query = query.where(Call.direction == "out")
    if search:
        query = query.outerjoin(Client, Client.id == Call.client_id).where(_matches(search))
    return query


def _matches(search: str) -> ColumnElement[bool]:
    """Digits anywhere in the number, or words in an address or a name as typed or with a capital."""
    digits = "".join(sign for sign in search if sign.isdecimal())
    conditions = [
        name.contains(words, autoescape=True)
        for words in {search, search[:1].upper() + search[1:]}
        for name in (Call.caller_name, Call.caller_number, Client.name)
    ]
    if len(digits) >= 2:
        conditions.append(Call.number.contains(digits))
    if len(digits) > 9:  # the trunk digit of 8 (495) ... is not in the international form that is stored
        conditions.append(Call.number.contains(digits[1:]))
    return or_(*conditions)


def one(call_id: int) -> Select[tuple[Call]]:
    """One call with all its page shows beside the trace."""
    return (
        select(Call)
        .where(Call.id == call_id)
        .options(
            joinedload(Call.client),
            joinedload(Call.line),
            joinedload(Call.answered_by),
            joinedload(Call.placed_by),
            joinedload(Call.missed_closed_by),
            selectinload(Call.recordings).joinedload(Recording.held_by),
        )
    )


def same_number(session: Session, call: Call) -> Listed:
    """The other calls of this number, newest first; none for a hidden number."""
    if not call.number:
        return Listed((), False)
    calls = session.scalars(
        select(Call)
        .where(Call.number == call.number, Call.id != call.id)
        .order_by(Call.offered_at.desc(), Call.id.desc())
        .limit(SAME_NUMBER + 1)
        .options(joinedload(Call.client), joinedload(Call.answered_by), joinedload(Call.placed_by))
    ).all()
    return Listed(calls[:SAME_NUMBER], len(calls) > SAME_NUMBER)


def count_missed(session: Session) -> int:
    """How many missed calls wait."""
    return session.scalar(select(func.count(Call.id)).where(is_open_missed())) or 0
