"""The agent's pages: the next number, the call to it, and what it came to by one key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import Response, abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp import here, hx
from webapp.access import allow, load, me
from webapp.calls import outbound
from webapp.clients.contacts import office_country
from webapp.db import db
from webapp.touches import approaches, typedtime
from webapp.touches.forms import NEXT_LABELS
from webapp.worklists import calling, queries, results
from webapp.worklists.making import CALLERS
from webapp.worklists.models import Worklist, WorklistItem
from webapp.worklists.views.blueprint import bp

TYPED = 4000
"""So many signs of a field are read at most."""


@bp.get("/call")
@bp.get("/<int:worklist_id>/call")
@allow(*CALLERS)
def call(worklist_id: int | None = None) -> ResponseReturnValue:
    """The next number to call, of one list or of all; or when the next falls due."""
    session, now = db.session(), here.now()
    worklist = load(queries.visible(me()).where(Worklist.id == worklist_id)) if worklist_id is not None else None
    item = calling.following(session, me(), worklist_id, now)
    if item is not None:
        return hx.go("worklists.item", item_id=item.id)
    return render_template(
        "worklists/nothing.html", worklist=worklist, next_at=calling.next_due(session, me(), worklist_id)
    )


def mine(item_id: int) -> WorklistItem:
    """The reader's own number of this id; else 404."""
    return load(queries.item(item_id), if_=lambda item: item.agent_id == me().id)


def done_with(item: WorklistItem) -> Response | None:
    """Where to go when a number is not to be called any more."""
    if item.state == "open" and item.worklist.closed_at is None:
        return None
    flash(_("This number has been dealt with meanwhile."), "warning")
    return hx.go("worklists.call")


@bp.get("/items/<int:item_id>")
@allow(*CALLERS)
def item(item_id: int) -> ResponseReturnValue:
    """One number big enough to read: who, what about, what was before, and the keys of the results."""
    item = mine(item_id)
    return done_with(item) or _item(item)


def _item(item: WorklistItem, panel: str = "", typed: Mapping[str, str] | None = None, **errors: str) -> str:
    session, now = db.session(), here.now()
    return render_template(
        "worklists/item.html",
        item=item,
        approaches=calling.approaches(session, item),
        touch=calling.open_call(session, item, me()),
        needs_reason=calling.needs_reason(session, item),
        most=approaches.most(session),
        results=results.RESULTS,
        proposal=calling.proposal(session, now, here.zone()).astimezone(here.zone()).strftime("%d.%m.%Y %H:%M"),
        usual_next={result: calling.usual_next(item, result) for result in ("not_reached", "call_later")},
        next_labels={kind: NEXT_LABELS[kind] for kind in results.NEXT},
        left=queries.counts(session, [item.worklist_id], me()).get(item.worklist_id, [queries.Count()])[0].left,
        panel=panel,
        typed=typed or {},
        errors=errors,
    )


@bp.get("/items/<int:item_id>/state")
@allow(*CALLERS)
def call_state(item_id: int) -> ResponseReturnValue:
    """How the call to this number goes: a part that asks again when something happens to it."""
    item = mine(item_id)
    touch = calling.open_call(db.session(), item, me())
    return render_template(
        "worklists/_call.html", item=item, touch=touch, needs_reason=calling.needs_reason(db.session(), item)
    )


@bp.post("/items/<int:item_id>/dial")
@allow(*CALLERS)
def dial(item_id: int) -> ResponseReturnValue:
    """Call the number: the reader's own telephone rings first; the page stays."""
    item = mine(item_id)
    if gone := done_with(item):
        return gone
    try:
        calling.dial(db.session(), item, me(), here.now(), office_country())
    except (outbound.Refused, calling.BadResult) as refused:
        db.session.rollback()
        return render_template("telephones/_refused.html", why=str(refused)), 422
    db.session.commit()
    touch = calling.open_call(db.session(), item, me())
    answer = render_template("worklists/_call.html", item=item, touch=touch, needs_reason=False)
    return Response(answer, headers={"HX-Retarget": "#call-state", "HX-Reswap": "outerHTML"})


@bp.post("/items/<int:item_id>/why")
@allow(*CALLERS)
def why(item_id: int) -> ResponseReturnValue:
    """After four calls in vain: the reason for one more, or giving up."""
    item = mine(item_id)
    if gone := done_with(item):
        return gone
    typed = request.form.get("why", "")[:TYPED]
    if request.form.get("do") == "give_up":
        results.give_up(db.session(), item, here.now())
        db.session.commit()
        return hx.go("worklists.call", worklist_id=item.worklist_id)
    try:
        calling.go_on(db.session(), item, typed)
    except calling.BadResult as bad:
        db.session.rollback()
        return _item(mine(item_id), "why", {"why": typed}, **{bad.field: str(bad)}), 422
    db.session.commit()
    return hx.go("worklists.item", item_id=item.id)


@bp.post("/items/<int:item_id>/results/<result>")
@allow(*CALLERS)
def result(item_id: int, result: str) -> ResponseReturnValue:
    """What the call came to; on to the next number."""
    if result not in results.RESULTS or result == "meeting":
        abort(404)
    item, form, now = mine(item_id), request.form, here.now()
    if gone := done_with(item):
        return gone
    typed = {name: form.get(name, "")[:TYPED] for name in ("when", "next_kind", "note", "never")}
    seen = form.get("seen", -1, int)
    worklist_id = item.worklist_id
    try:
        next_at = _moment("when", typed["when"], now) if result in ("not_reached", "call_later") else None
        written = results.record(
            db.session(),
            item,
            result,
            seen,
            me(),
            now,
            note=typed["note"],
            next_at=next_at,
            next_kind=typed["next_kind"],
            never=bool(typed["never"]),
        )
    except calling.BadResult as bad:
        db.session.rollback()
        return _item(mine(item_id), "why" if bad.field == "why" else result, typed, **{bad.field: str(bad)}), 422
    db.session.commit()
    if written is None:
        flash(_("This call was written down already."), "warning")
    return hx.go("worklists.call", worklist_id=worklist_id)


def _moment(field: str, text: str, now: datetime) -> datetime | None:
    try:
        return typedtime.moment(text, now, here.zone())
    except typedtime.BadTime as bad:
        raise calling.BadResult(field, str(bad)) from bad
