"""The telephones page, the ladder of a past call, and the buttons that call out."""

from __future__ import annotations

import hashlib

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.calls import outbound
from webapp.calls import queries as calls
from webapp.clients import merged
from webapp.clients.contacts import office_country
from webapp.clients.keys import normal_phone
from webapp.clients.models import Client, Person
from webapp.db import db
from webapp.desk import testcall
from webapp.office import dialling
from webapp.office.queries import the_office
from webapp.telephones import ladder, queries, status, words

bp = Blueprint("telephones", __name__)
MAX_NUMBER = 120
KEEPERS = (Role.HEAD, Role.ADMIN)
"""Those who look after the telephones."""


@bp.get("/telephones")
@allow(*KEEPERS)
def index() -> ResponseReturnValue:
    """Lines, softphones, calls that go on and the bridges, as they are now. `have`: what the page shows already."""
    part = _now_part()
    version = hashlib.sha256(part.encode()).hexdigest()[:16]
    if hx.asked_by_htmx():
        if request.args.get("have") == version:
            return "", 204
        return render_template("telephones/_now.html", part=part, version=version)
    return render_template("telephones/index.html", part=part, version=version, test_kinds=testcall.KINDS)


def _now_part() -> str:
    session, now = db.session(), current_app.config["CLOCK"]()
    bridges = status.read(session)
    return render_template(
        "telephones/_state.html",
        bridges=bridges,
        silent=bridges.are_silent(now),
        lines=queries.lines(session, bridges),
        phones=queries.phones(session, bridges),
        live=queries.live(session, bridges),
        states=calls.STATES,
        words=words,
    )


@bp.get("/calls/<int:call_id>/ladder")
@allow(*KEEPERS)
def call_ladder(call_id: int) -> ResponseReturnValue:
    """The SIP messages of a past call, drawn between the caller, this desk and the telephones."""
    call = load(calls.one(call_id))
    session, days = db.session(), the_office(db.session()).ladder_days
    folder = current_app.config["SETTINGS"].data / "ladders"
    messages = ladder.read(folder, call.call_id, call.offered_at) if days else []
    columns = ladder.parties(messages)
    people = queries.names_of(session, columns)
    names = {name: _("Telephone of %(name)s", name=people.get(name, name)) for name in columns}
    names |= {
        ladder.CALLER: str(_("The client") if call.direction == "out" else _("The caller")),
        ladder.HERE: "Second Ring",
    }
    return render_template(
        "telephones/ladder.html",
        call=call,
        messages=messages,
        columns=columns,
        names=names,
        summary=words.summary(call, messages, people),
        meaning=words.meaning,
        days=days,
    )


@bp.app_template_global()
def may_call() -> dialling.Allowed:
    """Whom the reader may call; read once a request."""
    kept: dialling.Allowed | None = request.environ.get("secondring.may_call")
    if kept is None:
        allowed = dialling.of(db.session(), me()) if me().has_role(*SALES) else dialling.Allowed(())
        kept = request.environ["secondring.may_call"] = allowed
    return kept


@bp.app_template_filter()
def e164(number: str) -> str:
    """A number as written, in E.164 when it can be read."""
    return normal_phone(number, office_country())


@bp.post("/calls/dial")
@allow(*SALES)
def dial() -> ResponseReturnValue:
    """Call a number: the reader's own telephone rings first. Goes to the row of the call, or says why not."""
    client_id, person_id = request.form.get("client", type=int), request.form.get("person", type=int)
    client = load(select(Client).where(Client.id == client_id)) if client_id is not None else None
    if client and client.merged_into_id is not None:  # since the page was made
        client = db.session.get_one(Client, merged.lead(db.session(), client.id))
    person = None
    if person_id is not None:
        of_client = client.id if client else None
        person = load(select(Person).where(Person.id == person_id), if_=lambda one: one.client_id == of_client)
    number, line_id = request.form.get("number", "")[:MAX_NUMBER], request.form.get("line", type=int)
    wanted = outbound.Wanted(number, client, person, line_id)
    try:
        touch = outbound.dial(db.session(), me(), wanted, current_app.config["CLOCK"](), office_country())
    except outbound.Refused as refused:
        db.session.rollback()
        return render_template("telephones/_refused.html", why=str(refused)), 422
    db.session.commit()
    return hx.go("desk.page", touch=touch.id)
