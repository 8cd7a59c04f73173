"""The list of cards: search, filters, and the list as a file."""

from __future__ import annotations

from typing import Any

from flask import abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp import here, hx
from webapp.access import SALES, allow, me
from webapp.accounts.models import Role
from webapp.clients import listfile, listing
from webapp.clients.contacts import office_country
from webapp.clients.listing_form import FilterForm
from webapp.clients.views.blueprint import bp
from webapp.db import db
from webapp.exports import work as exports


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
