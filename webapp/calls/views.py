"""The list of calls, one call with its trace, and closing a missed one."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import format_time
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.calls import listfile, missed, queries, trace, transfers
from webapp.calls.models import Call
from webapp.db import db
from webapp.exports import work as exports
from webapp.recordings import picture
from webapp.touches.forms import NEXT_LABELS
from webapp.touches.models import Touch

bp = Blueprint("calls", __name__)

SHOW = ("all", "answered", "ours")
MAY_CLOSE = (Role.HEAD, Role.MANAGER, Role.SECRETARY)
MAX_SEARCH = 60
MAX_PAGE = 10_000


@bp.get("/calls")
@allow(*SALES)
def index() -> ResponseReturnValue:
    """Calls, newest first. The missed ones have a page of their own."""
    show = request.args.get("show", "all")
    show = show if show in SHOW else "all"
    search = request.args.get("q", "").replace("\0", "").strip()[:MAX_SEARCH]
    page = min(max(request.args.get("page", 1, type=int), 1), MAX_PAGE)
    session = db.session()
    return render_template(
        "calls/index.html",
        show=show,
        search=search,
        page_number=page,
        listed=queries.listed(session, show, search, page),
        waiting_count=queries.count_missed(session),
        queries=queries,
    )


@bp.post("/calls/export.<any(csv, xlsx):ending>")
@allow(*SALES)
def export(ending: str) -> ResponseReturnValue:
    """The calls as shown as a file: all for the head and the secretary, one's own for others."""
    session, user = db.session(), me()
    show = request.form.get("show", "all")
    filters = {"show": show if show in SHOW else "all", "q": request.form.get("q", "").strip()[:MAX_SEARCH]}
    if not user.has_role(Role.HEAD, Role.SECRETARY):
        filters["mine"] = str(user.id)
    count = listfile.count(session, filters, exports.AT_ONCE + 1)
    return exports.deliver(session, "calls", ending, filters, count, user, here.now())


@bp.get("/calls/<int:call_id>")
@allow(*SALES)
def page(call_id: int) -> ResponseReturnValue:
    """One call: what became of it, the whole trace, its recording, and everything about its number."""
    return _page(load(queries.one(call_id)))


@bp.post("/calls/<int:call_id>/close")
@allow(*MAY_CLOSE)
def close(call_id: int) -> ResponseReturnValue:
    """Close a missed call with a written reason (D22)."""
    call = load(queries.one(call_id))
    reason = request.form.get("reason", "")
    if error := missed.close(db.session(), call, reason, me(), current_app.config["CLOCK"]()):
        db.session.rollback()
        return _page(call, reason, str(error)), 422
    db.session.commit()
    flash(_("The missed call is closed."))
    return hx.go("calls.page", call_id=call.id)


def _page(call: Call, reason: str = "", error: str = "") -> str:
    session = db.session()
    touch = session.scalars(
        select(Touch)
        .where(Touch.call_id == call.id)
        .options(
            joinedload(Touch.person),
            joinedload(Touch.purpose),
            joinedload(Touch.outcome),
            joinedload(Touch.channel),
            joinedload(Touch.user),
        )
    ).one_or_none()
    return render_template(
        "calls/page.html",
        call=call,
        touch=touch,
        sentences=[(at, format_time(at, "HH:mm:ss"), sentence) for at, sentence in trace.sentences(session, call)],
        others=queries.same_number(session, call),
        passed=transfers.of_call(session, call),
        may_close=me().has_role(*MAY_CLOSE),
        reason=reason,
        error=error,
        queries=queries,
        next_labels=NEXT_LABELS,
        **picture.facts(session, call, me()),
    )
