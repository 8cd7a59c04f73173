"""A new list: of lines that are pasted, of a file, or of cards."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from flask import abort, current_app, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp import here, hx
from webapp.access import allow, me
from webapp.accounts.models import Role
from webapp.clients import listing
from webapp.clients.contacts import office_country
from webapp.clients.listing_form import FilterForm
from webapp.db import db
from webapp.imports import files, reading
from webapp.imports.rows import MOST_COLUMNS
from webapp.office.models import Channel
from webapp.office.queries import items as list_items
from webapp.worklists import lines, making, meeting, queries
from webapp.worklists.making import CALLERS
from webapp.worklists.views.blueprint import bp

FROM_CARDS = 5000
"""So many cards of a filter become lines of a list at most."""


@bp.get("/new")
@allow(*CALLERS)
def new() -> ResponseReturnValue:
    """The form of a new list."""
    return _new({"agents": [str(me().id)] if me().has_role(Role.AGENT) else []}, {})


@bp.post("/from-cards")
@allow(Role.HEAD)
def from_cards() -> ResponseReturnValue:
    """The form of a new list with a line for each card that the filters of the cards' list show."""
    session, form = db.session(), FilterForm(db.session(), request.form)
    if not form.validate():
        abort(404)
    ids = listing.after(session, form.asked(here.zone()), 0, FROM_CARDS, office_country())
    pasted = "\n".join(line for client in listing.cards(session, ids) if (line := lines.of_card(client)))
    return _new({"lines": pasted}, {})


@bp.post("")
@allow(*CALLERS)
def create() -> ResponseReturnValue:
    """Make a list of pasted lines. Whoever is not the head makes lists for himself."""
    session, form = db.session(), request.form
    typed: dict[str, Any] = {name: form.get(name, "") for name in ("name", "channel", "manager", "lines")}
    typed["agents"] = form.getlist("agents")
    chosen = [one for one in queries.agents(session) if str(one.id) in typed["agents"]]
    if not me().has_role(Role.HEAD):
        chosen = [me()]
    try:
        worklist, told, job = making.make(
            session,
            typed["name"],
            _rows(typed["lines"]),
            chosen,
            me(),
            here.now(),
            office_country(),
            channel_id=_one_of(typed["channel"], list_items(session, Channel), "channel"),
            manager_id=_one_of(typed["manager"], meeting.managers(session), "manager"),
        )
    except making.BadList as bad:
        session.rollback()
        return _new(typed, {bad.field: str(bad)}), 422
    session.commit()
    flash(" · ".join(told.words()))
    return hx.go("worklists.page", worklist_id=worklist.id, job=job.id if job else None)


def _rows(pasted: str) -> list[list[str]]:
    """The cells of the lines: of the file, when there is one, else of what was pasted."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return lines.split(pasted)
    db.session.commit()  # nobody shall wait to write while a file is read
    data = current_app.config["SETTINGS"].data
    name = ""
    try:
        name = files.keep(data, upload.stream)
        path = files.path_of(data, name)
        rows = reading.rows(path, reading.look(path).form, MOST_COLUMNS)
        return [list(row.cells) for row in itertools.islice(rows, lines.MOST + 1)]
    except files.BadFile as bad:
        raise making.BadList("file", bad.message) from bad
    finally:
        files.delete(data, name)


def _one_of(value: str, rows: Any, field: str) -> int | None:
    if not value:
        return None
    found = next((row.id for row in rows if str(row.id) == value), None)
    if found is None:
        raise making.BadList(field, _("Choose one of the list."))
    return int(found)


def _new(typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    session = db.session()
    return render_template(
        "worklists/new.html",
        typed=typed,
        errors=errors,
        agents=queries.agents(session) if me().has_role(Role.HEAD) else [],
        managers=meeting.managers(session),
        channels=list_items(session, Channel),
        most=lines.MOST,
    )
