"""Opening deals and moving them forward, from the card's page."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp.access import SALES, allow, author, load
from webapp.clients import queries
from webapp.clients.contacts import BadValue
from webapp.db import db
from webapp.deals import stages
from webapp.deals.models import Deal
from webapp.rules import transitions

bp = Blueprint("deals", __name__)


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


def _deals(client_id: int, error: str = "", typed: str = "", of: int = 0, ask_why: str = "") -> str:
    return render_template(
        "deals/_deals.html",
        client=load(queries.card(client_id)),
        deals=queries.deals_of(db.session(), client_id),
        error=error,
        typed=typed,
        error_of=of,
        ask_why=ask_why,
        steps=transitions.steps(db.session(), transitions.STAGE),
    )
