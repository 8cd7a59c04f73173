"""Deals that the head's lists forbid (D82): held, until management lets them go on with a reason.

Nothing is marked on the deal: it is held as long as its client's type or its way of paying is forbidden and nobody has
approved just that. So a type forbidden today holds the deals of yesterday, and an approval covers nothing that comes
later.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp import feed
from webapp.accounts.models import Role
from webapp.clients import changes
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client
from webapp.deals.models import ENDED, Deal
from webapp.office.models import ClientType, PaymentScheme

Item = ClientType | PaymentScheme
LONGEST_WHY = 400


def codes(deal: Deal) -> dict[str, Item]:
    """All that is forbidden about a deal: a code for `approved_for`, and the item of the list."""
    found: dict[str, Item] = {}
    if deal.client.type is not None and deal.client.type.forbidden:
        found[f"type:{deal.client.type.id}"] = deal.client.type
    if deal.payment_scheme is not None and deal.payment_scheme.forbidden:
        found[f"scheme:{deal.payment_scheme.id}"] = deal.payment_scheme
    return found


def holds(deal: Deal) -> dict[str, Item]:
    """What holds an open deal: forbidden, and not approved; {} when it may go on."""
    approved = deal.approved_for.split()
    return {} if deal.stage in ENDED else {code: item for code, item in codes(deal).items() if code not in approved}


def held() -> ColumnElement[bool]:
    """The deals that `holds` finds something for, as a condition of a query on deals."""
    by_type = (
        select(ClientType.id)
        .join(Client, Client.type_id == ClientType.id)
        .where(Client.id == Deal.client_id, ClientType.forbidden, _not_approved("type", ClientType.id))
    )
    by_scheme = select(PaymentScheme.id).where(
        PaymentScheme.id == Deal.payment_scheme_id,
        PaymentScheme.forbidden,
        _not_approved("scheme", PaymentScheme.id),
    )
    return and_(Deal.stage.not_in(ENDED), or_(by_type.exists(), by_scheme.exists()))


def _not_approved(kind: str, item_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    code = literal(f"% {kind}:") + cast(item_id, String(12)) + literal(" %")
    return (literal(" ") + Deal.approved_for + literal(" ")).not_like(code)


def waiting(session: Session) -> int:
    """How many deals wait for management."""
    return session.scalar(select(func.count(Deal.id)).where(held())) or 0


def words(items: Sequence[Item]) -> str:
    """Why a deal is held, for the reader."""
    said = [
        _("forbidden type of client: %(name)s", name=item.name)
        if isinstance(item, ClientType)
        else _("forbidden way of paying: %(name)s", name=item.name)
        for item in items
    ]
    return "; ".join(said)


def check(deal: Deal) -> None:
    """Raises BadValue when something holds the deal."""
    if holding := holds(deal):
        why = words(list(holding.values()))
        raise BadValue(_l("The deal is held until management approves it (%(why)s).", why=why))


def approve(session: Session, deal: Deal, seen: str, author: Author) -> None:
    """Management lets the deal go on in spite of what holds it, with a reason (`author.why`). Flushes.

    `seen`: the codes that stood on the page, with blanks between. Raises BadValue for anybody but the head, without a
    reason, and when nothing or something else holds the deal by now.
    """
    changes.hold(session, deal.client, deal)
    if author.user is None or not author.user.has_role(Role.HEAD):
        raise BadValue(_l("Only the head of sales approves a deal."))
    if not author.why.strip():
        raise BadValue(_l("Say why the deal may go on."))
    holding = holds(deal)
    if not holding:
        raise BadValue(_l("Nothing holds this deal any more."))
    if set(seen.split()) != set(holding):
        raise BadValue(_l("The deal is held for something else by now. Look again."))
    deal.approved_for = " ".join(codes(deal))
    deal.approved_by, deal.approved_at, deal.approved_why = author.user, author.at, author.why.strip()[:LONGEST_WHY]
    session.flush()
    changes.note(session, deal.client, "approved", "", words(list(holding.values())), author, deal_id=deal.id)
    feed.announce_all(session, "card", deal.client_id, author.at)
