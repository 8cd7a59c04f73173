"""The pages of cards: search, the card itself with everything editable in place, a new card with its hits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, abort, flash, make_response, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Select, select

from webapp import here, hx
from webapp.access import SALES, allow, author, load, me
from webapp.accounts.models import Role
from webapp.clients import (
    cards,
    changes,
    contacts,
    deciding,
    fields,
    joining,
    listfile,
    listing,
    match,
    queries,
    vcard,
    verdicts,
)
from webapp.clients.changes import Changed
from webapp.clients.contacts import BadValue, office_country
from webapp.clients.listing_form import FilterForm
from webapp.clients.models import Client, ContactPoint, Person
from webapp.db import db
from webapp.deals import stages
from webapp.deals.models import STAGES
from webapp.deals.views import context as deal_parts
from webapp.exports import work as exports
from webapp.history import views as history
from webapp.office.models import Channel, ClientStatus, ClientType, Region
from webapp.office.queries import items
from webapp.pages import moment
from webapp.rules import categories, extra, transitions
from webapp.tasks.queries import open_for_client

bp = Blueprint("clients", __name__, url_prefix="/clients")

HEAD = ("status", "category", "type", "region", "owner", "channel")
FIRM = ("name", "kind", "what_it_does", "website", "management")
NEED = (
    *("reason", "product", "volume", "needed_by", "exact_variant", "decides_alone"),
    *("how_often", "order_size", "delivery", "storage", "caller_kind"),
)
PERSON = ("surname", "given_name", "patronymic", "position", "decides")
NEW_CARD = ("name", "surname", "given_name", "position", "phone", "email", "website", "what_it_does", "reason")
KEYED = ("name", "surname", "given_name", "phone", "email", "website")
"""Fields of a new card that other cards are found by."""
LONGEST_TYPED = 400
MOST_SAID = 50


@bp.record_once
def _names_for_templates(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals.update(
        CARD_FIELDS=fields.BY_NAME | cards.MORE_FIELDS,
        CARD_CHOICES={
            "kind": tuple(fields.CLIENT_KINDS.items()),
            "caller_kind": tuple(fields.CALLER_KINDS.items()),
            "category": tuple((one, one) for one in cards.CATEGORIES),
        },
        CONTACT_KINDS=contacts.KINDS,
        STAGE_LABELS=stages.LABELS,
        STAGES=STAGES,
        EXTRA_PREFIX=extra.PREFIX,
        extra_values=extra.values,
        extra_shown=extra.shown,
        extra_choices=extra.choices,
        is_readable=contacts.is_readable,
        card_title=cards.title,
        card_shown=cards.shown,
        changed_words=_changed_words,
    )


def _changed_words(changed: Changed) -> str:
    """Who has changed a field meanwhile, and when."""
    last = changed.last
    if last is None or last.user is None:
        return _("This has been changed meanwhile:")
    when = moment(last.at)
    if last.user_id == me().id:
        return _("You have changed this yourself meanwhile, %(when)s:", when=when)
    return _("%(name)s has changed this meanwhile, %(when)s:", name=last.user.name, when=when)


@bp.get("")
@allow(*SALES)
def index() -> ResponseReturnValue:
    """The list of cards: the newest, or those the search box and the filters ask for."""
    session, form = db.session(), FilterForm(db.session(), request.args)
    part = hx.asked_by_htmx()
    template = "clients/_results.html" if part else "clients/index.html"
    if not form.validate():
        return render_template(template, form=form, found=None), 422
    found = listing.page(session, form.asked(here.zone()), request.args.get("page", 1, int), office_country())
    answer = make_response(render_template(template, form=form, found=found))
    if part:
        answer.headers["HX-Replace-Url"] = url_for("clients.index", **_turned(form, found))
    return answer


def _turned(form: FilterForm, found: listing.Page) -> dict[str, Any]:
    return form.address(page=found.number if found.number > 1 else None)


@bp.post("/export.<any(csv, xlsx):ending>")
@allow(*SALES)
def export(ending: str) -> ResponseReturnValue:
    """The list as shown as a file: all of it for the head, one's own cards for others. A long one takes a while."""
    session, user, now = db.session(), me(), here.now()
    form = FilterForm(session, request.form)
    if not form.validate():
        abort(404)
    filters = form.address() | ({} if user.has_role(Role.HEAD) else {"mine": str(user.id)})
    asked = listfile.asked(form, filters, here.zone())
    count = listing.count(session, asked, exports.AT_ONCE + 1, office_country())
    return exports.deliver(session, "clients", ending, filters, count, user, now)


# A new card


@bp.get("/new")
@allow(*SALES)
def new() -> ResponseReturnValue:
    """The form of a new card."""
    return _new_form({"phone": request.args.get("phone", "")[:40]}, {})


@bp.post("")
@allow(*SALES)
def create() -> ResponseReturnValue:
    """Save a new card and go to it."""
    typed = {name: request.form.get(name, "") for name in (*NEW_CARD, "kind", "channel", "deal")}
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
    typed = {name: request.form.get(name, "")[:LONGEST_TYPED] for name in (*NEW_CARD, "channel", "deal")}
    joining.join(session, client, typed, author(), office_country())
    verdicts.say_all(session, client, _said(), author())
    session.commit()
    flash(_("This client was there already: what you typed has joined the card."), "good")
    return hx.go("clients.card", client_id=client.id)


def _said() -> dict[int, str]:
    """What was said of the cards offered so far: id -> other or unsure; the last word counts."""
    said: dict[int, str] = {}
    for verdict in ("other", "unsure"):
        for text in request.form.getlist(verdict)[:MOST_SAID]:
            if text.isascii() and text.isdigit() and len(text) < 10:
                said[int(text)] = verdict
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
    apart = [client_id for client_id, verdict in said.items() if verdict == "other"]
    draft = {name: request.form.get(name, "")[:LONGEST_TYPED] for name in KEYED}
    found = match.find(db.session(), draft, office_country(), apart)
    named = {client.id: client for client in queries.named(db.session(), [hit.client_id for hit in found])}
    return render_template(
        "clients/_hits.html",
        hits=[(named[hit.client_id], hit) for hit in found if hit.client_id in named],
        said=said,
        told_apart=len(apart),
        why=lambda hit: ", ".join(match.reason_text(one) for one in hit.reasons),
    )


# The card


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
    client, person = _card_and_person(client_id, person_id)
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
        "person_fields": PERSON,
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
    client, person = _card_and_person(client_id, person_id)
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


def _card_and_person(client_id: int, person_id: int | None) -> tuple[Client, Person | None]:
    client = load(queries.card(client_id))
    if person_id is None:
        return client, None
    return client, load(select(Person).where(Person.id == person_id, Person.client_id == client.id))


@bp.post("/<int:client_id>/decides")
@allow(*SALES)
def decides(client_id: int) -> ResponseReturnValue:
    """Who decides a question (`person`: the id, '' for nobody known)."""
    person_id = request.form.get("person", type=int)
    client, person = _card_and_person(client_id, person_id)
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


@bp.post("/<int:client_id>/people")
@allow(*SALES)
def add_person(client_id: int) -> ResponseReturnValue:
    """Add somebody at the client."""
    client = load(queries.card(client_id))
    try:
        cards.add_person(db.session(), client, request.form, author())
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
    client, person = _card_and_person(client_id, person_id)
    kind, value = request.form.get("kind", ""), request.form.get("value", "")
    try:
        cards.add_contact_point(db.session(), client, kind, value, office_country(), author(), person)
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
        cards.change_contact_point(db.session(), point, value, office_country(), author(), was)
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
    cards.prefer(db.session(), load(_points(client_id, point_id)), author())
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
        person_fields=PERSON,
        errors=errors or {},
        typed=typed or {},
        conflicts=conflicts or {},
        form=form or (request.form if errors or conflicts else {}),
    )
