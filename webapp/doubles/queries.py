"""Reads about doubles: what hangs on two cards, what was merged, the pairs still to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client, PairVerdict
from webapp.deals.models import Deal
from webapp.doubles.models import DoublePair, Merge
from webapp.tasks.models import Task
from webapp.touches.models import Touch

MOST_MERGES = 20


def whole(*ids: int) -> Select[tuple[Client]]:
    """The query of cards with all that a merge compares."""
    lists = (Client.owner, Client.status, Client.type, Client.region, Client.channel)
    return (
        select(Client)
        .where(Client.id.in_(ids))
        .options(
            *(joinedload(one) for one in lists),
            *(selectinload(one) for one in (Client.people, Client.contact_points, Client.extra_values)),
        )
    )


def counts(session: Session, *ids: int) -> dict[int, dict[str, int]]:
    """How many touches, calls, deals and tasks each card has."""
    found: dict[int, dict[str, int]] = {one: {} for one in ids}
    for name, model in (("touches", Touch), ("calls", Call), ("deals", Deal), ("tasks", Task)):
        query = select(model.client_id, func.count()).where(model.client_id.in_(ids)).group_by(model.client_id)
        for client_id, count in session.execute(query):
            found[client_id][name] = count
    return found


def merges(session: Session, client_id: int) -> Sequence[Merge]:
    """The merges and splits of a card, undone ones too, the newest first."""
    mine = or_(Merge.survivor_id == client_id, Merge.other_id == client_id)
    people = (joinedload(Merge.by), joinedload(Merge.undone_by))
    both = [joinedload(one).selectinload(Client.people) for one in (Merge.survivor, Merge.other)]
    query = select(Merge).where(mine).options(*people, *both)
    return session.scalars(query.order_by(Merge.id.desc()).limit(MOST_MERGES)).all()


# Probable doubles

ON_A_PAGE = 25
MOST_PAGES = 400
SHOWS = ("open", "unsure", "same")
"""Pairs nobody has said anything of; those somebody was not sure of; those proposed to the head as one client."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two cards that may be one. `low` was made first; `said` is who called them unsure or the same, '' for nobody."""

    low: Client
    high: Client
    reasons: Sequence[str]
    said: str
    at: datetime | None


def pairs(session: Session, show: str, page: int) -> tuple[list[Pair], bool]:
    """One page of pairs, the surest first or the last said first, and whether more follow. Six queries at most."""
    low, high = aliased(Client), aliased(Client)
    query = select(low, high, DoublePair.reasons, PairVerdict).select_from(
        DoublePair if show == "open" else PairVerdict
    )
    if show == "open":
        query = query.outerjoin(PairVerdict, same_pair()).where(PairVerdict.id.is_(None))
        query = query.join(low, low.id == DoublePair.low_id).join(high, high.id == DoublePair.high_id)
        query = query.order_by(DoublePair.score.desc(), DoublePair.id.desc())
    else:
        query = query.outerjoin(DoublePair, same_pair()).where(PairVerdict.verdict == show)
        query = query.join(low, low.id == PairVerdict.low_id).join(high, high.id == PairVerdict.high_id)
        query = query.order_by(PairVerdict.at.desc(), PairVerdict.id.desc())
    query = query.where(low.merged_into_id.is_(None), high.merged_into_id.is_(None))
    page = min(max(page, 1), MOST_PAGES)
    found = session.execute(query.offset((page - 1) * ON_A_PAGE).limit(ON_A_PAGE + 1)).all()
    ids = {client.id for row in found for client in row[:2]}
    parts = (joinedload(Client.owner), selectinload(Client.people), selectinload(Client.contact_points))
    session.scalars(select(Client).where(Client.id.in_(ids)).options(*parts)).all()
    said = {verdict.user_id for *_pair, verdict in found if verdict}
    names = {user.id: user.name for user in session.scalars(select(User).where(User.id.in_(said)))} if said else {}
    rows = [
        Pair(one, other, reasons or (), names.get(verdict.user_id, "") if verdict else "", verdict and verdict.at)
        for one, other, reasons, verdict in found[:ON_A_PAGE]
    ]
    return rows, len(found) > ON_A_PAGE


def same_pair() -> ColumnElement[bool]:
    return and_(PairVerdict.low_id == DoublePair.low_id, PairVerdict.high_id == DoublePair.high_id)


# A card to be split

MOST_TICKS = 100


@dataclass(frozen=True, slots=True)
class Ticks:
    """What of a card's past can be given to another client, the newest first, MOST_TICKS of each at most."""

    touches: Sequence[Touch]
    calls: Sequence[Call]
    deals: Sequence[Deal]
    tasks: Sequence[Task]


def ticks(session: Session, client_id: int) -> Ticks:
    """The touches, the calls without one, the deals and the tasks without either; four queries."""
    touches = select(Touch).where(Touch.client_id == client_id).order_by(Touch.started_at.desc(), Touch.id.desc())
    with_it = (joinedload(Touch.purpose), joinedload(Touch.outcome), joinedload(Touch.person), joinedload(Touch.call))
    has_touch = exists().where(Touch.call_id == Call.id, Touch.client_id == client_id)
    calls = select(Call).where(Call.client_id == client_id, ~has_touch).order_by(Call.offered_at.desc(), Call.id.desc())
    deals = select(Deal).where(Deal.client_id == client_id).order_by(Deal.opened_at.desc(), Deal.id.desc())
    loose = Task.touch_id.is_(None) & Task.call_id.is_(None)
    tasks = select(Task).where(Task.client_id == client_id, loose).order_by(Task.created_at.desc(), Task.id.desc())
    return Ticks(
        session.scalars(touches.options(*with_it).limit(MOST_TICKS)).all(),
        session.scalars(calls.limit(MOST_TICKS)).all(),
        session.scalars(deals.limit(MOST_TICKS)).all(),
        session.scalars(tasks.limit(MOST_TICKS)).all(),
    )
