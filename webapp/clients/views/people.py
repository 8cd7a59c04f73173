"""The people of a card, and the telephones and addresses of them and of the client."""

from __future__ import annotations

from collections.abc import Mapping

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select, select

from webapp.access import SALES, allow, author, load
from webapp.clients import cards, changes, people, queries
from webapp.clients.changes import Changed
from webapp.clients.contacts import BadValue, office_country
from webapp.clients.models import ContactPoint
from webapp.clients.people import PERSON_FIELDS
from webapp.clients.views.blueprint import bp
from webapp.clients.views.card import card_and_person
from webapp.db import db


@bp.post("/<int:client_id>/people")
@allow(*SALES)
def add_person(client_id: int) -> ResponseReturnValue:
    """Add somebody at the client."""
    client = load(queries.card(client_id))
    try:
        people.add_person(db.session(), client, request.form, author())
    except cards.BadCard as bad:
        db.session.rollback()
        return _people(client_id, errors=bad.errors), 422
    db.session.commit()
    return _people(client_id)


@bp.post("/<int:client_id>/contacts")
@allow(*SALES)
def add_contact(client_id: int) -> ResponseReturnValue:
    """Add an address to the card, or to one of its people (`person`: the id)."""
    person_id = request.form.get("person", type=int)
    client, person = card_and_person(client_id, person_id)
    kind, value = request.form.get("kind", ""), request.form.get("value", "")
    try:
        people.add_contact_point(db.session(), client, kind, value, office_country(), author(), person)
    except BadValue as why:
        db.session.rollback()
        return _people(client_id, errors={f"contact-{person_id or 0}": str(why)}), 422
    db.session.commit()
    return _people(client_id)


@bp.post("/<int:client_id>/contacts/<int:point_id>")
@allow(*SALES)
def change_contact(client_id: int, point_id: int) -> ResponseReturnValue:
    """Write an address anew; an empty one is taken off."""
    value, was = request.form.get("value", ""), request.form.get("was")
    point = db.session.scalars(_points(client_id, point_id)).one_or_none()
    if point is None:
        return _taken_off(client_id, value, was or abort(404))
    try:
        people.change_contact_point(db.session(), point, value, office_country(), author(), was)
    except BadValue as why:
        db.session.rollback()
        return _people(client_id, errors={f"point-{point_id}": str(why)}, typed={point_id: value}), 422
    except Changed as changed:
        db.session.rollback()
        if db.session.scalar(_points(client_id, point_id)) is None:
            return _taken_off(client_id, value, was or "")
        return _people(client_id, typed={point_id: value}, conflicts={point_id: changed}), 409
    db.session.commit()
    return _people(client_id)


@bp.post("/<int:client_id>/contacts/<int:point_id>/prefer")
@allow(*SALES)
def prefer_contact(client_id: int, point_id: int) -> ResponseReturnValue:
    """Mark the way this person likes to be reached."""
    people.prefer(db.session(), load(_points(client_id, point_id)), author())
    db.session.commit()
    return _people(client_id)


def _points(client_id: int, point_id: int) -> Select[tuple[ContactPoint]]:
    return select(ContactPoint).where(ContactPoint.id == point_id, ContactPoint.client_id == client_id)


def _taken_off(client_id: int, value: str, was: str) -> tuple[str, int]:
    """A colleague has taken off the address meanwhile: what was typed waits in the form that would add it."""
    client = load(queries.card(client_id))
    gone = changes.taken_off(db.session(), client, was) or abort(404)
    person_id = gone.person_id if gone.person_id in {person.id for person in client.people} else None
    name = gone.user.name if gone.user else _("Somebody")
    said = _("%(name)s has taken this address off meanwhile. Add puts yours there.", name=name)
    form = {"kind": gone.field, "value": value}
    return _people(client_id, errors={f"contact-{person_id or 0}": said}, form=form), 409


def _people(
    client_id: int,
    errors: Mapping[str, str] | None = None,
    typed: Mapping[int, str] | None = None,
    conflicts: Mapping[int, Changed] | None = None,
    form: Mapping[str, str] | None = None,
) -> str:
    return render_template(
        "clients/_people.html",
        client=load(queries.card(client_id).execution_options(populate_existing=True)),
        person_fields=PERSON_FIELDS,
        errors=errors or {},
        typed=typed or {},
        conflicts=conflicts or {},
        form=form or (request.form if errors or conflicts else {}),
    )
