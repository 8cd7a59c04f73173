"""Reads about doubles: what hangs on two cards, what was merged, the pairs still to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.deals.models import Deal
from webapp.doubles.models import Merge
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
