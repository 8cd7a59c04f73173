"""A new card: its form, the cards it may be already while it is typed, and what is said of them (D29)."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp import hx
from webapp.access import SALES, allow, author, load
from webapp.clients import cards, joining, offers, queries, verdicts
from webapp.clients.contacts import office_country
from webapp.clients.views.blueprint import bp
from webapp.db import db
from webapp.office.models import Channel
from webapp.office.queries import items
from webapp.rules import extra
from webapp.typed import row_id

NEW_CARD = ("name", "surname", "given_name", "position", "phone", "email", "website", "what_it_does", "reason")
KEYED = ("name", "surname", "given_name", "phone", "email", "website")
"""Fields of a new card that other cards are found by."""
LONGEST_TYPED = 400
MOST_SAID = 50


@bp.get("/new")
@allow(*SALES)
def new() -> ResponseReturnValue:
    """The form of a new card."""
    return _new_form({"phone": request.args.get("phone", "")[:40]}, {})


@bp.post("")
@allow(*SALES)
def create() -> ResponseReturnValue:
    """Save a new card and go to it."""
    typed = {name: request.form.get(name, "") for name in (*NEW_CARD, "kind", "channel", "deal", *_own_names())}
    try:
        client = cards.create(db.session(), typed, author(), office_country())
    except cards.BadCard as bad:
        db.session.rollback()
        return _new_form(typed, bad.errors), 422
    verdicts.say_all(db.session(), client, _said(), author())
    db.session.commit()
    return hx.go("clients.card", client_id=client.id)


@bp.post("/<int:client_id>/same")
@allow(*SALES)
def same(client_id: int) -> ResponseReturnValue:
    """What is being typed of a new card is this client: what the card lacks of it goes there."""
    session = db.session()
    client = load(queries.card(client_id))
    typed = {name: request.form.get(name, "")[:LONGEST_TYPED] for name in (*NEW_CARD, "channel", "deal", *_own_names())}
    joining.join(session, client, typed, author(), office_country())
    verdicts.say_all(session, client, _said(), author())
    session.commit()
    flash(_("This client was there already: what you typed has joined the card."), "good")
    return hx.go("clients.card", client_id=client.id)


def _own_names() -> list[str]:
    """The fields of the head's making, as they stand on the form of a new card."""
    return [extra.PREFIX + own.key for own in extra.fields(db.session())]


def _said() -> dict[int, str]:
    """What was said of the cards offered so far: id -> other or unsure; the last word counts."""
    said: dict[int, str] = {}
    for verdict in ("other", "unsure"):
        for text in request.form.getlist(verdict)[:MOST_SAID]:
            if (client_id := row_id(text)) is not None:
                said[client_id] = verdict
    return said


def _new_form(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    part = hx.asked_by_htmx() and request.method == "POST"
    return render_template(
        "clients/_new_form.html" if part else "clients/new.html",
        typed=typed,
        errors=errors,
        names=NEW_CARD,
        keyed=KEYED,
        said=_said(),
        channels=items(db.session(), Channel),
        extras=extra.fields(db.session()),
    )


@bp.post("/new/hits")
@allow(*SALES)
def hits() -> ResponseReturnValue:
    """Cards that may be the one being typed. Reads only; a POST keeps names out of logs and addresses."""
    said = _said()
    for verdict in ("other", "unsure"):
        client_id = request.form.get(f"say-{verdict}", type=int)
        if client_id is not None and said.pop(client_id, "") != verdict:  # a second time takes it back
            said[client_id] = verdict
    draft = {name: request.form.get(name, "")[:LONGEST_TYPED] for name in KEYED}
    apart = [client_id for client_id, verdict in said.items() if verdict == "other"]
    found = offers.find(db.session(), draft, said, office_country(), apart)
    return render_template("clients/_hits.html", offers=found, said=said, told_apart=len(apart))
