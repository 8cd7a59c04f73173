"""The facts about people that routing needs: who is on duty, who is away, who stands behind them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.calls.models import LIVE, Call, CallAudience
from webapp.calls.routing import Facts, Seat
from webapp.office.models import Line, Office
from webapp.roster import duty
from webapp.roster.models import Absence


def seat(user: User, until: datetime | None = None) -> Seat:
    """The user as routing sees him."""
    return Seat(user.id, user.name, user.extension, until.isoformat() if until else "")


def duty_facts(session: Session, at: datetime) -> Facts:
    """Duty, backups and heads at `at`: all that counts for a caller nobody knows, on a line without its own people."""
    on_duty = duty.on_duty(session, at)
    heads = session.scalars(select(User).where(User.role == Role.HEAD, User.active).order_by(User.id))
    return Facts(
        duty=tuple(seat(entry.user, entry.until) for entry in on_duty if entry.rank == 0),
        backups=tuple(seat(entry.user, entry.until) for entry in on_duty if entry.rank > 0),
        heads=tuple(seat(user) for user in heads if not duty.absence_of(session, user, at)),
    )


def line_people(session: Session, line: Line | None, at: datetime) -> tuple[tuple[Seat, ...], ...]:
    """Those who take this line's calls and are here, a step a rank; () when it has none of its own."""
    own = line.people if line else []
    people = [one for one in own if one.user.active and not duty.absence_of(session, one.user, at)]
    ranks = itertools.groupby(people, key=lambda one: one.rank)
    return tuple(tuple(seat(one.user) for one in same) for _, same in ranks)


def talking(session: Session, ids: Sequence[int]) -> set[int]:
    """Those of the users `ids` who are in a talk now, or who are about to be: an outbound call of theirs goes out."""
    everybody = session.scalars(  # of the live calls, which are few; their seats of old are not
        select(CallAudience.user_id)
        .join(Call, Call.id == CallAudience.call_id)
        .where(CallAudience.state == "taken", Call.state.in_(LIVE))
    )
    return set(everybody) & set(ids)


def away(session: Session, users: list[User], office: Office, zone: ZoneInfo, at: datetime) -> frozenset[int]:
    """Those of `users` who can't take a call at `at`: absent, in a talk, or off work and not on a shift."""
    ids = [user.id for user in users]
    absent = session.scalars(
        select(Absence.user_id).where(Absence.user_id.in_(ids), Absence.starts_at <= at, Absence.ends_at > at)
    )
    gone = {*absent, *talking(session, ids)}
    if not office_is_open(office, zone, at):
        on_shift = {entry.user.id for entry in duty.on_duty(session, at)}
        gone |= set(ids) - on_shift
    return frozenset(gone | {user.id for user in users if not user.active or not user.extension})


def office_is_open(office: Office, zone: ZoneInfo, at: datetime) -> bool:
    """True within the office's working hours, in its own zone."""
    local = at.astimezone(zone)
    return local.weekday() in office.workdays and office.opens <= local.hour * 60 + local.minute < office.closes
