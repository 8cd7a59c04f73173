"""What happened with a client: the timeline of the card, and its change log."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request as hx_request

from webapp.access import SALES, allow, load
from webapp.clients import queries
from webapp.clients.models import Client
from webapp.db import db
from webapp.history import changelog, moments, timeline
from webapp.reports.labels import DOORS

bp = Blueprint("history", __name__)


@bp.get("/clients/<int:client_id>/history")
@allow(*SALES)
def of_client(client_id: int) -> ResponseReturnValue:
    """The timeline with its filters (`show`, several); `before`: what follows a place; `until`: as far as shown."""
    client = load(queries.card(client_id))
    part = "history/_rows.html" if "before" in request.args else "history/_timeline.html"
    answer: Response = make_response(render_template(part, client=client, **parts_of(client)))
    if hx_request.htmx and hx_request.htmx.trigger == "history-filters":
        shown = request.args.getlist("show")
        answer.headers["HX-Replace-Url"] = url_for("clients.card", client_id=client.id, show=shown)
    return answer


def parts_of(client: Client) -> dict[str, Any]:
    """What the templates of a card's timeline need; the filters stand in the address."""
    session = db.session()
    kinds = timeline.chosen(request.args.getlist("show"))
    page = timeline.of_client(session, client.id, kinds, _place("before"), _place("until"))
    changes = [entry.row for entry in page.entries if entry.source == "change"]
    return {
        "page": page,
        "shown": kinds,
        "kinds": timeline.KINDS,
        "words": changelog.words_for(session, changes),
        "doors": DOORS,
        "onward": ("history.of_client", {"client_id": client.id, "show": kinds}),
    }


def _place(name: str) -> moments.Place | None:
    """The last place of this name in the address: a page that was unfolded several times sends several."""
    texts = request.args.getlist(name)
    return (moments.read(texts[-1]) or abort(404)) if texts else None


@bp.get("/clients/<int:client_id>/changes")
@allow(*SALES)
def changes(client_id: int) -> ResponseReturnValue:
    """The change log of a card; `field` and `person` choose among its lines."""
    client = load(queries.card(client_id))
    session = db.session()
    name, person_id, before = request.args.get("field", "")[:60], request.args.get("person", type=int), _place("before")
    ids = timeline.family(session, client.id)
    log = changelog.read(session, ids, name, person_id, before)
    if before is not None:
        return render_template("history/_change_rows.html", client=client, log=log, name=name, person_id=person_id)
    names, people = changelog.choices(session, ids)
    return render_template(
        "history/changes.html", client=client, log=log, name=name, person_id=person_id, names=names, people=people
    )
