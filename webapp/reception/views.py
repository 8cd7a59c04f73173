"""The secretary's page: every call that rings or waits, who is where, and passing the own caller on (D4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from webapp import here, hx
from webapp.access import allow, me
from webapp.accounts.models import Role
from webapp.calls import control, transfers
from webapp.db import db
from webapp.desk import bar as bars
from webapp.desk import queries as desk
from webapp.desk.queries import Mine
from webapp.now import people
from webapp.reception import board as boards
from webapp.switchboard import passing
from webapp.switchboard.views import my_call

bp = Blueprint("reception", __name__)
MAY_LOOK = (Role.SECRETARY, Role.HEAD)


@bp.get("/reception")
@allow(*MAY_LOOK)
def page() -> ResponseReturnValue:
    """Every call that rings or waits, and who is where; the page has the reader's own talk, too."""
    now, own = here.now(), _own()
    call = own.call if own and own.taken else None
    shown = boards.of(db.session(), me(), call, now, here.zone())
    context: dict[str, Any] = {"board": shown, "at": now, "states": people.STATES, "day_long": timedelta(days=1)}
    if hx.asked_by_htmx():
        return render_template("reception/_lists.html", **context, own=own)
    return render_template("reception/page.html", **context | _talk(own))


@bp.get("/reception/own")
@allow(*MAY_LOOK)
def own() -> ResponseReturnValue:
    """The reader's own call, with the briefing for whoever gets it."""
    return render_template("reception/_own.html", **_talk(_own()))


@bp.post("/reception/calls/<int:call_id>/pass")
@allow(*MAY_LOOK)
def pass_on(call_id: int) -> ResponseReturnValue:
    """Pass the caller on with the briefing: at once, or (how=attended) after a word with the colleague."""
    session, now = db.session(), here.now()
    control.one_after_the_other(session, me())
    call, _touch = my_call(call_id)
    typed = {name: request.form.get(name, "") for name in ("to", "briefing")}
    if refused := passing.pass_on(session, call, me(), typed, request.form.get("how") == "attended", now):
        return render_template("reception/_own.html", **_talk(_own(), typed["briefing"], refused)), 422
    session.commit()
    return render_template("reception/_own.html", **_talk(_own()))


def _own() -> Mine | None:
    """The reader's call that comes first, if there is one."""
    return next(iter(desk.live_calls(db.session(), me(), here.now())), None)


def _talk(own: Mine | None, briefing: str | None = None, error: str = "") -> dict[str, Any]:
    """What the part with the reader's own call shows; `briefing`: as it was typed, else what is known."""
    session, now = db.session(), here.now()
    bar = bars.of(session, me(), own.touch if own else None, [own] if own else [], None, now, here.zone())
    can_pass = any(key.what == "pass" for key in bar.keys.keys)
    if briefing is None and own and can_pass:
        # Back from a colleague who did not take the caller: what was written for him goes on.
        last = transfers.latest(session, own.call)
        briefing = (last.briefing if last and last.from_user_id == me().id else "") or passing.briefing(own.touch)
    return {"own": own, "bar": bar, "can_pass": can_pass, "briefing": briefing or "", "error": error, "at": now}
