"""The list of deals: by stage, the sums of each, whose they are; a page of it and all of it for a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.clients import cards
from webapp.clients.models import Client
from webapp.deals import holding, stages
from webapp.deals.models import ENDED, STAGES, Deal
from webapp.sheets import Column, Row, on_the_wall

ON_A_PAGE = 50
MOST_PAGES = 200
OPEN = tuple(stage for stage in STAGES if stage not in ENDED)
HELD = "held"
"""In place of a stage: the open deals that wait for management (D82)."""
AT_A_TIME = 500


@dataclass(frozen=True, slots=True)
class Sum:
    """How many deals stand at a stage, and what they come to in hundredths."""

    stage: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of deals, and the sums of all that fit."""

    deals: Sequence[Deal]
    sums: Sequence[Sum]
    more: bool

    @property
    def count(self) -> int:
        """Deals in all."""
        return sum(one.count for one in self.sums)

    @property
    def amount(self) -> int:
        """What they come to, in hundredths."""
        return sum(one.amount for one in self.sums)


def _which(stage: str, owner_id: int | None) -> Select[tuple[Deal]]:
    """Deals at a stage, '' for all that are open; of one manager, 0 for those of nobody, None for everybody's."""
    at = holding.held() if stage == HELD else Deal.stage == stage if stage else Deal.stage.in_(OPEN)
    query = select(Deal).where(at)
    if owner_id is not None:
        query = query.where(Deal.owner_id == owner_id if owner_id else Deal.owner_id.is_(None))
    return query


def listed(session: Session, stage: str, owner_id: int | None, page: int) -> Listed:
    """A page of the list, the furthest stage first, the newest deal first within it."""
    which = _which(stage, owner_id)
    counted = which.with_only_columns(Deal.stage, func.count(Deal.id), func.coalesce(func.sum(Deal.amount), 0))
    found = {one: (int(count), int(amount)) for one, count, amount in session.execute(counted.group_by(Deal.stage))}
    furthest = case({one: place for place, one in enumerate(STAGES)}, value=Deal.stage)
    query = which.order_by(furthest.desc(), Deal.id.desc()).options(*_SHOWN)
    rows = session.scalars(query.offset((page - 1) * ON_A_PAGE).limit(ON_A_PAGE + 1)).all()
    sums = [Sum(one, *found[one]) for one in STAGES if one in found]
    return Listed(rows[:ON_A_PAGE], sums, len(rows) > ON_A_PAGE)


def one(deal_id: int) -> Select[tuple[Deal]]:
    """A deal with all that its row shows."""
    return select(Deal).where(Deal.id == deal_id).options(*_SHOWN)


_SHOWN = (
    joinedload(Deal.owner),
    joinedload(Deal.client).options(selectinload(Client.people), joinedload(Client.type)),
    joinedload(Deal.payment_scheme),
)


def columns(currency: str) -> list[Column]:
    """The columns of the file."""
    return [
        Column(_("Deal"), 8),
        Column(_("Title"), 40),
        Column(_("Client"), 30),
        Column(_("Stage"), 20),
        Column(_("Amount, %(currency)s", currency=currency) if currency else _("Amount"), 14),
        Column(_("Manager"), 20),
        Column(_("Payment"), 20),
        Column(_("Opened"), 17),
        Column(_("Closed on"), 17),
    ]


def rows(session: Session, stage: str, owner_id: int | None, zone: ZoneInfo) -> Iterator[Row]:
    """All rows of the file, oldest deal first, read a few hundred at a time."""
    options = (joinedload(Deal.owner), joinedload(Deal.payment_scheme))
    clients = joinedload(Deal.client).options(selectinload(Client.people))
    query = _which(stage, owner_id).order_by(Deal.id).options(*options, clients)
    for deal in session.scalars(query.execution_options(yield_per=AT_A_TIME)):
        yield [
            deal.id,
            deal.title,
            cards.title(deal.client),
            str(stages.LABELS[deal.stage]),
            None if deal.amount is None else deal.amount / 100,
            deal.owner.name if deal.owner else "",
            deal.payment_scheme.name if deal.payment_scheme else "",
            on_the_wall(deal.opened_at, zone),
            on_the_wall(deal.ended_at, zone),
        ]
