"""One card: everything on it, each field saved as it is typed, who decides what."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp import here
from webapp.access import SALES, allow, author, load, me
from webapp.accounts.models import Role
from webapp.clients import cards, deciding, fields, queries, vcard
from webapp.clients.changes import Changed
from webapp.clients.contacts import BadValue, office_country
from webapp.clients.models import Client, Person
from webapp.clients.people import PERSON_FIELDS
from webapp.clients.views.blueprint import bp
from webapp.db import db
from webapp.deals.views import context as deal_parts
from webapp.history import views as history
from webapp.letters import queries as letters
from webapp.office.models import Channel, ClientStatus, ClientType, Region
from webapp.office.queries import items
from webapp.rules import categories, extra, transitions
from webapp.tasks.queries import open_for_client
from webapp.touches import approaches

HEAD = ("status", "category", "type", "region", "owner", "channel")
FIRM = ("name", "kind", "what_it_does", "website", "management")
NEED = (
    *("reason", "product", "volume", "needed_by", "exact_variant", "decides_alone"),
    *("how_often", "order_size", "delivery", "storage", "caller_kind"),
)


@bp.get("/<int:client_id>")
@allow(*SALES)
def card(client_id: int) -> ResponseReturnValue:
    """The card: who, how to reach them, what they need, and all that has happened."""
    db.session()
    client = load(queries.card(client_id))
    return render_template(
        "clients/card.html",
        client=client,
        lists=_lists(client),
        **_fields_of(client),
        **_aside(client),
        **history.parts_of(client),
    )


@bp.get("/<int:client_id>.vcf")
@allow(*SALES)
def as_vcard(client_id: int) -> ResponseReturnValue:
    """The card for an address book: a vCard for each of its people."""
    client = load(queries.card(client_id))
    called = vcard.file_name(client, cards.title(client))
    headers = {"Content-Disposition": f'attachment; filename="{called}"', "Cache-Control": "no-store"}
    return Response(vcard.of(client), mimetype=vcard.MIMETYPE, headers=headers)


@bp.get("/<int:client_id>/aside")
@allow(*SALES)
def aside(client_id: int) -> ResponseReturnValue:
    """What to ask next, what is owed and the deals: the part of a card that changes by itself."""
    client = load(queries.card(client_id))
    return render_template("clients/_aside.html", client=client, **_aside(client))


def _aside(client: Client) -> dict[str, Any]:
    session = db.session()
    person = client.people[0] if client.people else None
    return {
        "missing": fields.next_missing(session, client, person),
        "missing_person": person,
        "owed": open_for_client(session, client.id),
        "approaches": approaches.of_client(session, client.id),
        "most_approaches": approaches.most(session),
        "letters": letters.drafts_of(session, client.id, me()),
        "does": categories.of(session, client.category),
        "questions": deciding.questions(client),
        **deal_parts(client.id),
    }


def _lists(client: Client, only: str = "") -> dict[str, list[tuple[str, str]]]:
    """Choices by field, as (value, label), an empty one first."""
    session = db.session()
    lists: dict[str, list[tuple[str, str]]] = {}
    for name, model in (("status", ClientStatus), ("type", ClientType), ("region", Region), ("channel", Channel)):
        if only in ("", name):
            rows = items(session, model, getattr(client, f"{name}_id"))
            if name == "status" and not me().has_role(Role.HEAD):
                onward = _onward(client)
                rows = [row for row in rows if row.id == client.status_id or str(row.id) in onward]
            lists[name] = [("", "—"), *[(str(row.id), row.name) for row in rows]]
    if only in ("", "owner"):
        lists["owner"] = [("", "—"), *[(str(user.id), user.name) for user in queries.owners(session)]]
    return lists


def _onward(client: Client) -> list[str]:
    """The statuses the rules let a client have next."""
    return transitions.steps(db.session(), transitions.STATUS).get(str(client.status_id or ""), [])


@bp.post("/<int:client_id>/fields/<name>")
@bp.post("/<int:client_id>/people/<int:person_id>/fields/<name>")
@allow(*SALES)
def save_field(client_id: int, name: str, person_id: int | None = None) -> ResponseReturnValue:
    """Save one field as it is typed; a value that doesn't fit comes back with its words and the reason.

    `why`: the head's reason for a step that the rules forbid.
    """
    client, person = card_and_person(client_id, person_id)
    value, was = request.form.get("value", ""), request.form.get("was")
    by = author(why=request.form.get("why", "").strip())
    try:
        cards.update_field(db.session(), client, person, name, value, by, office_country(), was)
    except KeyError:
        abort(404)
    except BadValue as why:
        db.session.rollback()
        ask_why = isinstance(why, transitions.ReasonNeeded)
        return _field(client_id, person_id, name, value, str(why), ask_why), 422
    except Changed as changed:
        db.session.rollback()
        return _field(client_id, person_id, name, value, changed=changed), 409
    db.session.commit()
    return _field(client_id, person_id, name)


@bp.get("/<int:client_id>/fresh")
@allow(*SALES)
def fresh(client_id: int) -> ResponseReturnValue:
    """Every field of the card as it stands now; the page takes those that nobody types in."""
    client = load(queries.card(client_id))
    return render_template("clients/_fresh.html", client=client, lists=_lists(client), **_fields_of(client))


def _fields_of(client: Client) -> dict[str, Any]:
    """Which fields the card's page has, part by part."""
    return {
        "head": HEAD,
        "firm": FIRM if client.kind == "organisation" else ("name", "kind", "website"),
        "need": NEED,
        "person_fields": PERSON_FIELDS,
        "extras": extra.of_card(db.session(), client),
    }


def _field(
    client_id: int,
    person_id: int | None,
    name: str,
    typed: str | None = None,
    error: str = "",
    ask_why: bool = False,
    changed: Changed | None = None,
) -> str:
    client, person = card_and_person(client_id, person_id)
    own = extra.called(db.session(), name.removeprefix(extra.PREFIX)) if name.startswith(extra.PREFIX) else None
    return render_template(
        "clients/_field.html",
        client=client,
        person=person,
        name=name,
        lists=_lists(client, name),
        typed=typed,
        error=error,
        ask_why=ask_why,
        own=own,
        changed=changed,
        was=request.form.get("was"),
        saved=not error and not changed,
    )


def card_and_person(client_id: int, person_id: int | None) -> tuple[Client, Person | None]:
    """The card, and the one of its people who is meant; else 404."""
    client = load(queries.card(client_id))
    if person_id is None:
        return client, None
    return client, load(select(Person).where(Person.id == person_id, Person.client_id == client.id))


@bp.post("/<int:client_id>/decides")
@allow(*SALES)
def decides(client_id: int) -> ResponseReturnValue:
    """Who decides a question (`person`: the id, '' for nobody known)."""
    person_id = request.form.get("person", type=int)
    client, person = card_and_person(client_id, person_id)
    question = request.form.get("question", "")
    try:
        deciding.decide(db.session(), client, question, person, author())
    except BadValue as why:
        db.session.rollback()
        return _deciding(client_id, str(why), question), 422
    cards.announce_card(db.session(), client, here.now())
    db.session.commit()
    return _deciding(client_id)


def _deciding(client_id: int, error: str = "", typed: str = "") -> str:
    client = load(queries.card(client_id))
    return render_template(
        "clients/_deciding.html", client=client, questions=deciding.questions(client), error=error, typed=typed
    )
