"""Reads for the telephones page: lines, calls that go on, people by their extensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts import softphones
from webapp.accounts.models import User
from webapp.calls.models import LIVE, Call, LineState
from webapp.office.models import Line
from webapp.telephones.status import Bridges, Phone


@dataclass(frozen=True)
class LineRow:
    """A line: as the office knows it, and as the bridges do. `registered` None: it needs no registration."""

    line: Line | None
    name: str
    registered: bool | None
    since: datetime | None
    error: str
    error_at: datetime | None


@dataclass(frozen=True)
class PhoneRow:
    """Somebody whose softphone registers here, and the telephones that do so now."""

    user: User
    phones: Sequence[Phone]


@dataclass(frozen=True)
class LiveRow:
    """A call that goes on. `known`: a bridge speaks of it, too; `who`: the manager's name, '' for nobody yet."""

    call: Call
    who: str
    since: datetime
    known: bool


def lines(session: Session, bridges: Bridges) -> list[LineRow]:
    """The office's lines, then those only the bridges know."""
    states = {state.line.lower(): state for state in session.scalars(select(LineState))}
    told: dict[str, bool] = {}
    for one in bridges.each:
        for name, up in one.lines.items():
            told[name.lower()] = up or told.get(name.lower(), False)
    office = session.scalars(select(Line).where(Line.active).order_by(Line.id).options(joinedload(Line.channel))).all()
    by_name: dict[str, Line | None] = {line.name.lower(): line for line in office}
    rows = []
    for name, line in (by_name | {name: None for name in told if name not in by_name}).items():
        state = states.get(name)
        registered = told.get(name, state.registered if state else None)
        rows.append(
            LineRow(
                line=line,
                name=line.name if line else name,
                registered=registered,
                since=state.since if state and state.registered == registered else None,
                error=state.last_error if state else "",
                error_at=state.last_error_at if state else None,
            )
        )
    return rows


def phones(session: Session, bridges: Bridges) -> list[PhoneRow]:
    """Everybody whose softphone registers here, by name."""
    users = session.scalars(select(User).where(User.active, User.phone_md5 != "").order_by(User.name, User.id))
    return [PhoneRow(user, bridges.phones_of(user.login)) for user in users if softphones.is_registered(user)]


def live(session: Session, bridges: Bridges) -> list[LiveRow]:
    """Calls that go on, the oldest first."""
    known = {call_id for one in bridges.each for call_id in one.live}
    calls = session.scalars(
        select(Call)
        .where(Call.state.in_(LIVE))
        .order_by(Call.offered_at, Call.id)
        .limit(200)
        .options(
            joinedload(Call.client), joinedload(Call.line), joinedload(Call.answered_by), joinedload(Call.placed_by)
        )
    )
    return [
        LiveRow(
            call,
            person.name if (person := call.answered_by or call.placed_by) else "",
            call.held_at or (call.answered_at if call.state == "talking" else None) or call.offered_at,
            call.call_id in known,
        )
        for call in calls
    ]


def names_of(session: Session, extensions: Iterable[str]) -> Mapping[str, str]:
    """Whose each extension is; strangers' are left out."""
    users = session.scalars(
        select(User).where(User.extension.in_(list(extensions))).order_by(User.active, User.id.desc())
    )
    return {user.extension: user.name for user in users}
