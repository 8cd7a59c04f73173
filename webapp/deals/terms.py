"""What a deal is about: its title, deal or order, the amount, how it is paid, whose it is. Each is changed in place."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.clients import changes
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.deals.models import Deal
from webapp.deals.stages import clean_title
from webapp.office import money
from webapp.office.models import PaymentScheme
from webapp.rules import reading
from webapp.typed import row_of

KINDS = {"deal": _l("Deal"), "order": _l("Order")}
FIELDS = ("title", "kind", "amount", "payment_scheme", "owner")
MOST = Decimal(10) ** 13


def change(session: Session, deal: Deal, field: str, text: str, author: Author, was: str | None = None) -> None:
    """Change one field; flushes, tells everybody. Raises BadValue, and KeyError for an unknown field.

    A forbidden way of paying holds the deal (`deals/holding.py`). Another's deal is reassigned by the head alone.
    `was`: what the writer saw there; raises `changes.Changed` when somebody has changed it meanwhile.
    """
    changes.hold(session, deal.client, deal)
    text = text.strip()
    if was is not None:
        stands, seen, mine = shown(deal, field), _as_shown(field, was), _as_shown(field, text)
        changes.compare(session, deal.client, _noted(field), stands, seen, mine, deal_id=deal.id)
    if field == "title":
        new: object = clean_title(text)
    elif field == "kind":
        if text not in KINDS:
            raise BadValue(_l("Choose one of the list."))
        new = text
    elif field == "amount":
        new = amount(text)
    elif field == "payment_scheme":
        new = _scheme(session, deal, text)
    elif field == "owner":
        new = _owner(session, deal, text, author)
    else:
        raise KeyError(field)
    old = getattr(deal, field)
    if old == new:
        return
    setattr(deal, field, new)
    session.flush()
    if field == "amount":
        old, new = money.shown(old), money.shown(deal.amount)
    changes.note(session, deal.client, _noted(field), old, new, author, deal_id=deal.id)
    feed.announce_all(session, "card", deal.client_id, author.at)


def shown(deal: Deal, field: str) -> str:
    """The text that a form sends of a field: an item of a list by its id. Raises KeyError for an unknown field."""
    if field not in FIELDS:
        raise KeyError(field)
    if field == "amount":
        return money.shown(deal.amount)
    return str(getattr(deal, f"{field}_id") or "") if field in ("payment_scheme", "owner") else getattr(deal, field)


def _as_shown(field: str, text: str) -> str:
    """An amount as the reader writes it, however it was typed; other texts as they are."""
    try:
        return money.shown(amount(text.strip())) if field == "amount" else text
    except BadValue:
        return text


def _noted(field: str) -> str:
    """What the change log calls a field."""
    return "deal_kind" if field == "kind" else field


def amount(text: str) -> int | None:
    """Hundredths in 12 500,50; None for nothing. Raises BadValue."""
    if not text:
        return None
    value = reading.number(text)
    if value is None or value < 0 or value >= MOST or value != value.quantize(Decimal("0.01")):
        raise BadValue(_l("Type an amount, for example 12 500.50."))
    return int(value * 100)


def _scheme(session: Session, deal: Deal, text: str) -> PaymentScheme | None:
    if not text:
        return None
    scheme = row_of(session, PaymentScheme, text)
    if scheme is None or not (scheme.active or scheme.id == deal.payment_scheme_id):
        raise BadValue(_l("Choose one of the list."))
    return scheme


def _owner(session: Session, deal: Deal, text: str, author: Author) -> User | None:
    owner = row_of(session, User, text)
    if text and (owner is None or not owner.active or owner.role == Role.ADMIN):
        raise BadValue(_l("Choose one of the list."))
    mine = author.user is None or deal.owner_id in (None, author.user.id, owner and owner.id)
    if author.user and not mine and not author.user.has_role(Role.HEAD):
        raise BadValue(_l("The head of sales reassigns deals of a colleague."))
    return owner
