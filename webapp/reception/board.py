"""What the secretary needs at hand (D4, D58): who rings or waits, who has worked with them, who is where."""

from __future__ import annotations

import collections
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts import softphones
from webapp.accounts.models import User
from webapp.calls import transfers
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.now import live, people
from webapp.now.live import LiveCall
from webapp.presence.whereabouts import Whereabouts
from webapp.telephones import status

COLLEAGUES = 3
"""How many of those who spoke with a client last are named."""
TAKEN_LETTERS = "BEFJMQSUZ"
"""Letters that mean something else on the page: keys of the talk, the briefing, a message, speaking first."""
KEYS = string.digits[1:] + "".join(sorted(set(string.ascii_uppercase) - set(TAKEN_LETTERS)))


@dataclass(frozen=True)
class Knows:
    """Somebody who knows a client: the client's own manager (`at` None), or who spoke with him last, and when."""

    where: Whereabouts
    at: datetime | None = None


@dataclass(frozen=True)
class Colleague:
    """One row of who is where. `key` chooses it and stays the same however the rows move; '' when none is left.

    `number` is what is dialled inside the office. `silent`: the softphone is not registered. `knows` is set when the
    reader speaks with a client whom this colleague knows.
    """

    where: Whereabouts
    key: str
    number: str
    silent: bool
    knows: Knows | None

    @property
    def can(self) -> bool:
        """There is a telephone to ring."""
        return bool(self.where.user.extension)


@dataclass(frozen=True)
class Board:
    """The page: `waiting` calls of all lines with those who know the caller, `talking` the count of the others."""

    waiting: Sequence[tuple[LiveCall, Sequence[Knows]]]
    talking: int
    colleagues: Sequence[Colleague]


def of(session: Session, user: User, own: Call | None, now: datetime, zone: ZoneInfo) -> Board:
    """The page as `user` sees it at `now`; `own` is the call he speaks in."""
    calls = live.of(session, now)
    waiting = [one for one in calls if one.group in ("ringing", "waiting")]
    everybody = people.of(session, now, zone)
    by_id = {one.user.id: one for one in everybody}
    clients = {one.call.client for one in waiting} | {own.client if own else None}
    known = who_knows(session, [client for client in clients if client is not None], by_id)
    mine = {one.where.user.id: one for one in known.get(own.client_id, ())} if own and own.client_id else {}
    return Board(
        waiting=[(one, known.get(one.call.client_id, ()) if one.call.client_id else ()) for one in waiting],
        talking=sum(one.group == "talking" for one in calls),
        colleagues=_colleagues(session, [one for one in everybody if one.user.id != user.id], mine),
    )


def who_knows(
    session: Session, clients: Collection[Client], people: Mapping[int, Whereabouts]
) -> dict[int, list[Knows]]:
    """By client's id: the client's own manager, then those of `people` who spoke with him last."""
    known: dict[int, list[Knows]] = collections.defaultdict(list)
    for client in clients:
        if client.owner_id is not None and client.owner_id in people:
            known[client.id].append(Knows(people[client.owner_id]))
    last = func.max(Call.answered_at).label("last")
    rows = session.execute(
        select(Call.client_id, Call.answered_by_id, last)
        .where(Call.client_id.in_([client.id for client in clients]), Call.answered_by_id.is_not(None))
        .group_by(Call.client_id, Call.answered_by_id)
        .order_by(last.desc())
    ).tuples()
    for client_id, user_id, at in rows:
        if client_id is None or user_id is None or user_id not in people:
            continue
        found = known[client_id]
        if len(found) <= COLLEAGUES and all(one.where.user.id != user_id for one in found):
            found.append(Knows(people[user_id], at))
    return known


def _colleagues(session: Session, found: Sequence[Whereabouts], mine: Mapping[int, Knows]) -> list[Colleague]:
    """Who knows the caller and who is free come first."""
    keys = dict(zip((one.user.id for one in sorted(found, key=_by_name)), KEYS, strict=False))
    bridges = status.read(session)
    rows = []
    for where in found:
        user = where.user
        number = transfers.number_of(user)
        silent = softphones.is_registered(user) and not bridges.phones_of(user.login)
        shown = number if number.lstrip("+").isdigit() else ""
        rows.append(Colleague(where, keys.get(user.id, ""), shown, silent, mine.get(user.id)))
    order = list(people.STATES)
    return sorted(rows, key=lambda one: (one.knows is None, not one.can, order.index(one.where.state)))


def _by_name(one: Whereabouts) -> tuple[str, int]:
    return one.user.name.casefold(), one.user.id
