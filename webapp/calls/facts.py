"""The facts that routing looks at, gathered for a call that rings, for the standing plans and for the simulator alike.

Read only: what is asked here changes nothing, so the simulator may ask for calls that never come.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.calls.models import Call
from webapp.calls.routing import Facts, Hunt, Seat, Where
from webapp.clients import match
from webapp.clients.match import Candidate
from webapp.clients.models import Client
from webapp.deals.models import ENDED, Deal
from webapp.office.models import Line
from webapp.presence.whereabouts import Sheet
from webapp.roster import duty

Load = Mapping[int, tuple[int, str]]


@dataclass(frozen=True)
class Ring:
    """A call as far as routing cares. `number` and `dialed` in E.164 where they can be read, '' when hidden.

    `was_missed`: this number has a missed call that nobody has made good yet (D22).
    """

    number: str
    dialed: str
    line: Line | None
    at: datetime
    was_missed: bool = False


def gather(session: Session, ring: Ring, client: Client | None, sheet: Sheet) -> Facts:
    """All facts for one call. `sheet` is read for its moment."""
    found = for_anybody(ring.line, ring.at, sheet, load(session, ring.line, ring.at, sheet))
    deal: Deal | None = None
    region: tuple[Seat, ...] = ()
    if client is not None:
        deal = session.scalars(
            select(Deal)
            .where(Deal.client_id == client.id, Deal.stage.not_in(ENDED))
            .order_by(Deal.opened_at.desc(), Deal.id.desc())
            .limit(1)
        ).first()
        region = _region(client.region_id, ring, sheet)
    owner = _seat(sheet, client.owner_id if client else None)
    matter_owner = _seat(sheet, deal.owner_id if deal else None)
    asked = _seat(sheet, asked_for(ring.dialed, sheet))
    worked_with = _seat(sheet, _worked_with(session, ring, client))
    named = [one for one in (owner, matter_owner, asked, worked_with, *region) if one]
    return replace(
        found,
        client_known=client is not None,
        owner=owner,
        matter_owner=matter_owner,
        has_open_matter=deal is not None,
        asked_for=asked,
        worked_with=worked_with,
        region=region,
        states={**found.states, **_states(sheet, ring.at, named)},
        was_missed=ring.was_missed,
    )


def recognised(session: Session, number: str, country: str) -> tuple[Sequence[Candidate], Client | None]:
    """The cards that may be the caller's, and the one that surely is, where there is exactly one (D29, key 3)."""
    candidates = match.by_number(session, number, country) if number else []
    certain = match.certain(candidates)
    return candidates, session.get(Client, certain) if certain else None


def for_anybody(line: Line | None, at: datetime, sheet: Sheet, load: Load) -> Facts:
    """What counts for a caller of whom nothing is known, at any moment of the sheet."""
    line_id = line.id if line else None
    on_duty, backups = (_on_shift(sheet, at, rank, line_id, None) for rank in (duty.DUTY, duty.BACKUP))
    heads = tuple(seat(user) for user in sheet.users.values() if user.active and user.has_role(Role.HEAD))
    people = _line_people(line)
    everybody = (*on_duty, *backups, *heads, *itertools.chain(*people))
    return Facts(
        duty=on_duty,
        backups=backups,
        heads=heads,
        line_people=people,
        states=_states(sheet, at, everybody),
        is_open=sheet.is_open(at),
        hunt=tuple(Hunt(step["who"], step["seconds"]) for step in line.hunt) if line else (),
        spread=line.spread if line else "together",
        load=load,
    )


def load(session: Session, line: Line | None, at: datetime, sheet: Sheet) -> Load:
    """How many calls each took since the office's midnight, and when the last; {} where calls are not spread evenly."""
    if line is None or line.spread != "evenly":
        return {}
    midnight = at.astimezone(sheet.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = session.execute(
        select(Call.answered_by_id, func.count(), func.max(Call.answered_at))
        .where(Call.offered_at >= midnight, Call.offered_at <= at, Call.direction == "in")
        .where(Call.answered_by_id.is_not(None))
        .group_by(Call.answered_by_id)
    ).tuples()
    return {user_id: (count, last.isoformat()) for user_id, count, last in rows if user_id and last}


def asked_for(dialed: str, sheet: Sheet) -> int | None:
    """Whose own number was dialled (D13)."""
    whose = (user.id for user in sheet.users.values() if dialed and user.active and user.direct_number == dialed)
    return next(whose, None)


def seat(user: User, until: datetime | None = None) -> Seat:
    """The user as routing sees him."""
    return Seat(user.id, user.name, user.extension, until.isoformat() if until else "")


def reachable(sheet: Sheet, at: datetime) -> dict[int, str]:
    """The extensions of those who may be rung at `at` by a digit of a menu: who works here and is not away."""
    return {
        user.id: user.extension
        for user in sheet.users.values()
        if user.active and user.extension and not sheet.gone(user, at)
    }


def _seat(sheet: Sheet, user_id: int | None) -> Seat | None:
    user = sheet.users.get(user_id) if user_id else None
    return seat(user) if user else None


def _states(sheet: Sheet, at: datetime, seats: Iterable[Seat]) -> dict[int, Where]:
    found: dict[int, Where] = {}
    for user_id in {one.user_id for one in seats}:
        user = sheet.users[user_id]
        one = sheet.gone(user, at) or sheet.of(user, at)  # who leaves after this talk can't be rung for the next
        if not user.active:
            found[user_id] = Where("left")
        elif one.state != "here":
            found[user_id] = Where(one.state, one.until.isoformat() if one.until else "")
    return found


def _on_shift(sheet: Sheet, at: datetime, rank: int, line_id: int | None, region_id: int | None) -> tuple[Seat, ...]:
    """Who takes calls by the roster, and after them who would, were he not absent or away: he is passed over."""
    found: dict[int, Seat] = {}
    for shifts in (sheet.counting, sheet.planned):
        for span, until in duty.nearest(shifts, at, line_id, region_id):
            if span.rank == rank and (region_id is None or span.region_id == region_id) and span.user_id in sheet.users:
                found.setdefault(span.user_id, seat(sheet.users[span.user_id], until))
    return tuple(found.values())


def _region(region_id: int | None, ring: Ring, sheet: Sheet) -> tuple[Seat, ...]:
    """Those on duty for the client's region; its managers where none of them is here."""
    if region_id is None:
        return ()
    on_duty = _on_shift(sheet, ring.at, duty.DUTY, ring.line.id if ring.line else None, region_id)
    if not all(sheet.gone(sheet.users[one.user_id], ring.at) for one in on_duty):
        return on_duty
    managers = (
        seat(user)
        for user in sheet.users.values()
        if user.active and user.region_id == region_id and user.has_role(Role.MANAGER)
    )
    return (*on_duty, *managers)


def _line_people(line: Line | None) -> tuple[tuple[Seat, ...], ...]:
    """Those who take this line's calls, a step a rank; () when it has none of its own."""
    people = sorted((one.rank, one.user_id, one.user) for one in line.people if one.user.active) if line else []
    ranks = itertools.groupby(people, key=lambda one: one[0])
    return tuple(tuple(seat(user) for _rank, _id, user in same) for _, same in ranks)


def _worked_with(session: Session, ring: Ring, client: Client | None) -> int | None:
    """Who spoke with this client last, or with this number when nobody knows it (D13)."""
    if client is None and not ring.number:
        return None
    whose = Call.client_id == client.id if client else Call.number == ring.number
    return session.scalar(
        select(Call.answered_by_id)
        .where(whose, Call.answered_by_id.is_not(None), Call.offered_at < ring.at)
        .order_by(Call.offered_at.desc(), Call.id.desc())
        .limit(1)
    )
