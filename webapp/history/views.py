"""What happened with a client: the timeline of the card, and its change log; and everything about a number."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from htmx_flask import request as hx_request
from sqlalchemy import select

from webapp import hx
from webapp.access import SALES, allow, load
from webapp.calls.models import Call
from webapp.clients import queries
from webapp.clients.contacts import office_country
from webapp.clients.models import Client, ContactPoint
from webapp.db import db
from webapp.history import changelog, moments, number, timeline
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
    if person_id is not None and not 0 < person_id < 2**31:  # no column holds it
        abort(404)
    ids = timeline.family(session, client.id)
    log = changelog.read(session, ids, name, person_id, before)
    if before is not None:
        return render_template("history/_change_rows.html", client=client, log=log, name=name, person_id=person_id)
    names, people = changelog.choices(session, ids)
    return render_template(
        "history/changes.html", client=client, log=log, name=name, person_id=person_id, names=names, people=people
    )


# Everything about a number. Its address is a call or a contact point that has it: the number itself stays out of logs.


@bp.get("/numbers/<any(call, point):kind>/<int:row_id>")
@allow(*SALES)
def number_of(kind: str, row_id: int) -> ResponseReturnValue:
    """What became of the number of this call or contact point, and whose it is; `before`: older entries."""
    if kind == "call":
        normal = load(select(Call).where(Call.id == row_id)).number
    else:
        point = load(select(ContactPoint).where(ContactPoint.id == row_id))
        normal = point.normal if point.kind not in ("email", "site") else ""
    found = number.read(db.session(), normal or abort(404))
    page = number.happened(db.session(), found, _place("before"))
    changes = [entry.row for entry in page.entries if entry.source == "change"]
    return render_template(
        "history/_rows.html" if "before" in request.args else "history/number.html",
        found=found,
        page=page,
        words=changelog.words_for(db.session(), changes),
        doors=DOORS,
        onward=("history.number_of", {"kind": kind, "row_id": row_id}),
        with_client=True,
    )


@bp.post("/numbers")
@allow(*SALES)
def find_number() -> ResponseReturnValue:
    """Go to the page of a number typed in any form; a POST keeps it out of logs."""
    typed = request.form.get("text", "")[:120]
    found = number.somewhere(db.session(), typed, office_country())
    if found is None:
        return render_template("history/number.html", found=None, typed=typed), 404
    return hx.go("history.number_of", kind=found[0], row_id=found[1])
