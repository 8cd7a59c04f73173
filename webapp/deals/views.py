"""Deals on the card's page: opened, moved, changed in place, approved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here
from webapp.access import SALES, allow, author, load, me
from webapp.accounts.models import Role, User
from webapp.clients import queries
from webapp.clients.changes import Changed
from webapp.clients.contacts import BadValue, office_country
from webapp.db import db
from webapp.deals import holding, listing, stages, terms
from webapp.deals.models import STAGES, Deal
from webapp.exports import work as exports
from webapp.office import money
from webapp.office.models import PaymentScheme
from webapp.office.queries import items
from webapp.rules import transitions
from webapp.typed import row_id

bp = Blueprint("deals", __name__)


@bp.get("/deals")
@allow(*SALES)
def index() -> ResponseReturnValue:
    """Deals by stage with their sums: the open ones, or those at one stage; everybody's or one manager's."""
    stage, owner_id = _asked()
    page = min(max(request.args.get("page", 1, int), 1), listing.MOST_PAGES)
    return render_template(
        "deals/index.html",
        listed=listing.listed(db.session(), stage, owner_id, page),
        stage=stage,
        owner_id=owner_id,
        owners=queries.owners(db.session()),
        page=page,
        last_page=listing.MOST_PAGES,
        labels=stages.LABELS,
        money=_money(),
        holds=holding.holds,
        hold_words=holding.words,
        held=listing.HELD,
        waiting=holding.waiting(db.session()),
    )


@bp.get("/deals.<any(csv, xlsx):ending>")
@allow(*SALES)
def export(ending: str) -> ResponseReturnValue:
    """The list as shown as a file: everybody's deals for the head, one's own for others."""
    stage, owner_id = _asked()
    if not me().has_role(Role.HEAD):
        owner_id = me().id
    rows = listing.rows(db.session(), stage, owner_id, here.zone())
    name = ("deals", stage)
    return exports.hand_out(db.session(), "deals", ending, me(), here.now(), name, listing.columns(_currency()), rows)


def _asked() -> tuple[str, int | None]:
    """The stage ('' for all open ones, HELD for those that wait) and the manager of the address.

    What is neither is as good as nothing.
    """
    stage = request.args.get("stage", "")
    return stage if stage in (*STAGES, listing.HELD) else "", row_id(request.args.get("owner", ""))


@bp.post("/clients/<int:client_id>/deals")
@allow(*SALES)
def open_deal(client_id: int) -> ResponseReturnValue:
    """Open a deal with a client."""
    client = load(queries.card(client_id))
    title = request.form.get("title", "")
    try:
        stages.open_deal(db.session(), client, title, author())
    except BadValue as why:
        db.session.rollback()
        return _deals(client_id, error=str(why), typed=title), 422
    db.session.commit()
    return _deals(client_id)


@bp.post("/deals/<int:deal_id>/stage")
@allow(*SALES)
def move(deal_id: int) -> ResponseReturnValue:
    """Move a deal, or end it as won or lost; `why`: the head's reason for a step that the rules forbid."""
    deal = load(select(Deal).where(Deal.id == deal_id))
    client_id = deal.client_id
    stage, by = request.form.get("stage", ""), author(why=request.form.get("why", "").strip())
    try:
        stages.move(db.session(), deal, stage, by)
    except BadValue as why:
        db.session.rollback()
        ask_why = stage if isinstance(why, transitions.ReasonNeeded) else ""
        return _deals(client_id, error=str(why), of=deal_id, ask_why=ask_why), 422
    db.session.commit()
    return _deals(client_id)


@bp.post("/deals/<int:deal_id>/approve")
@allow(Role.HEAD)
def approve(deal_id: int) -> ResponseReturnValue:
    """Management lets a held deal go on; `why`: the reason, `seen`: what held it when the page was made.

    Asked for in the list of held deals (`listed`) its row comes back, else the deals of the card.
    """
    deal = load(select(Deal).where(Deal.id == deal_id))
    client_id, why = deal.client_id, request.form.get("why", "")
    try:
        holding.approve(db.session(), deal, request.form.get("seen", ""), author(why=why))
    except BadValue as bad:
        db.session.rollback()
        if "listed" in request.form:
            return _row(deal_id, str(bad), why), 422
        return _deals(client_id, error=str(bad), of=deal_id, typed_why=why), 422
    db.session.commit()
    return _row(deal_id) if "listed" in request.form else _deals(client_id)


def _currency() -> str:
    return money.currency(db.session(), office_country())


def _money() -> Callable[[int | None], str]:
    """How amounts are shown."""
    return partial(money.shown, currency=_currency())


def _row(deal_id: int, error: str = "", typed: str = "") -> str:
    """A row of the held deals, and how many wait now."""
    return render_template(
        "deals/_held_row.html",
        deal=load(listing.one(deal_id)),
        labels=stages.LABELS,
        money=_money(),
        holds=holding.holds,
        hold_words=holding.words,
        waiting=holding.waiting(db.session()),
        error=error,
        typed=typed,
        fresh=True,
    )


@bp.post("/deals/<int:deal_id>/fields/<any(title, kind, amount, payment_scheme, owner):name>")
@allow(*SALES)
def change(deal_id: int, name: str) -> ResponseReturnValue:
    """Another title, amount, way of paying ... of a deal; `was`: what stood there when it was typed."""
    deal = load(select(Deal).where(Deal.id == deal_id))
    client_id, value, was = deal.client_id, request.form.get("value", ""), request.form.get("was")
    try:
        terms.change(db.session(), deal, name, value, author(), was)
    except BadValue as bad:
        db.session.rollback()
        return _deals(client_id, error=str(bad), of=deal_id, bad_field=name, typed=value, was=was), 422
    except Changed as changed:
        db.session.rollback()
        return _deals(client_id, of=deal_id, bad_field=name, typed=value, was=was, changed=changed), 409
    db.session.commit()
    return _deals(client_id, opened=deal_id)


def context(client_id: int) -> dict[str, Any]:
    """What the part of a card with its deals needs."""
    session = db.session()
    deals = queries.deals_of(session, client_id)
    return {
        "deals": deals,
        "holds": {deal.id: holding.holds(deal) for deal in deals},
        "hold_words": holding.words,
        "steps": transitions.steps(session, transitions.STAGE) if deals else {},
        "deal_kinds": terms.KINDS,
        "scheme_choices": partial(_scheme_choices, items(session, PaymentScheme) if deals else ()),
        "owner_choices": partial(_owner_choices, queries.owners(session) if deals else ()),
        "money": _money() if deals else str,
        "deal_shown": terms.shown,
    }


def _scheme_choices(schemes: Sequence[PaymentScheme], deal: Deal) -> list[tuple[str, str]]:
    """Ways of paying as (value, words), the deal's own among them when it was retired."""
    own = deal.payment_scheme
    found = [*schemes, own] if own and own not in schemes else schemes
    forbidden = _("forbidden")
    words = {one.id: f"{one.name} ({forbidden})" if one.forbidden else one.name for one in found}
    return [("", "—"), *((str(one), name) for one, name in words.items())]


def _owner_choices(owners: Sequence[User], deal: Deal) -> list[tuple[str, str]]:
    """Managers as (value, words), the deal's own among them when he is no longer there."""
    found = [*owners, deal.owner] if deal.owner and deal.owner not in owners else owners
    return [("", "—"), *((str(one.id), one.name) for one in found)]


def _deals(
    client_id: int,
    error: str = "",
    typed: str = "",
    of: int = 0,
    ask_why: str = "",
    typed_why: str = "",
    bad_field: str = "",
    was: str | None = None,
    changed: Changed | None = None,
    opened: int = 0,
) -> str:
    return render_template(
        "deals/_deals.html",
        client=load(queries.card(client_id)),
        error=error,
        typed=typed,
        error_of=of,
        ask_why=ask_why,
        typed_why=typed_why,
        bad_field=bad_field,
        was=was,
        changed=changed,
        opened=opened or (of if bad_field else 0),
        **context(client_id),
    )
