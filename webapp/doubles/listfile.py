"""The list of probable doubles as a file: a row for each pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, aliased, selectinload

from webapp.clients import cards, match
from webapp.clients.models import Client, PairVerdict
from webapp.doubles.models import DoublePair
from webapp.doubles.queries import same_pair
from webapp.exports.lists import Batch, List
from webapp.sheets import Column, Row, on_the_wall

AT_A_TIME = 500
_low, _high = aliased(Client), aliased(Client)


def whole(session: Session, filters: Mapping[str, str], zone: ZoneInfo, country: str) -> List:
    """The pairs that the page shows with `show`, oldest first; `mine`: those with a card of this manager's alone."""
    at = DoublePair if filters["show"] == "open" else PairVerdict

    def batch(session: Session, after: int) -> Batch:
        query = _which(filters).where(at.id > after).order_by(at.id).limit(AT_A_TIME)
        found = session.execute(query).all()
        ids = {client.id for row in found for client in row[1:3]}
        parts = (selectinload(Client.people), selectinload(Client.contact_points), selectinload(Client.owner))
        session.scalars(select(Client).where(Client.id.in_(ids)).options(*parts)).all()
        rows = [_row(low, high, reasons or (), verdict, zone) for _id, low, high, reasons, verdict in found]
        return Batch(rows, len(rows), found[-1][0] if len(found) == AT_A_TIME else None)

    return List(("doubles", filters["show"]), columns(), batch)


def count(session: Session, filters: Mapping[str, str], most: int) -> int:
    """How many pairs the file has, `most` at most."""
    at = DoublePair if filters["show"] == "open" else PairVerdict
    return len(session.scalars(_which(filters).with_only_columns(at.id).limit(most)).all())


def _which(filters: Mapping[str, str]) -> Select[Any]:
    if filters["show"] == "open":
        query = select(DoublePair.id, _low, _high, DoublePair.reasons, PairVerdict)
        query = query.select_from(DoublePair).outerjoin(PairVerdict, same_pair()).where(PairVerdict.id.is_(None))
        query = query.join(_low, _low.id == DoublePair.low_id).join(_high, _high.id == DoublePair.high_id)
    else:
        query = select(PairVerdict.id, _low, _high, DoublePair.reasons, PairVerdict)
        query = query.select_from(PairVerdict).outerjoin(DoublePair, same_pair())
        query = query.where(PairVerdict.verdict == filters["show"])
        query = query.join(_low, _low.id == PairVerdict.low_id).join(_high, _high.id == PairVerdict.high_id)
    if mine := filters.get("mine"):
        query = query.where(or_(_low.owner_id == int(mine), _high.owner_id == int(mine)))
    return query.where(_low.merged_into_id.is_(None), _high.merged_into_id.is_(None))


def columns() -> list[Column]:
    """The columns."""
    one = [Column(_("Card"), 8), Column(_("Name"), 30), Column(_("Contacts"), 30), Column(_("Manager"), 20)]
    return [*one, Column(_("May be the same as"), 8), *one[1:], Column(_("Why"), 40), Column(_("Said on"), 17)]


def _row(low: Client, high: Client, reasons: Sequence[str], verdict: PairVerdict | None, zone: ZoneInfo) -> Row:
    why = ", ".join(match.reason_text(one) for one in reasons)
    return [*_about(low), *_about(high), why, on_the_wall(verdict.at if verdict else None, zone)]


def _about(client: Client) -> Row:
    points = "\n".join(point.value for point in client.contact_points)
    return [client.id, cards.title(client), points, client.owner.name if client.owner else ""]
