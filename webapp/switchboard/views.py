"""What a manager presses during a talk: hold, take back, pass on, pause the recording, hang up."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp import here
from webapp.access import SALES, allow, load, me
from webapp.calls import control
from webapp.calls.models import Call
from webapp.db import db
from webapp.desk import talk
from webapp.desk.views import bar_as_it_is
from webapp.switchboard import keys, passing
from webapp.touches.models import Touch

bp = Blueprint("switchboard", __name__)


def my_call(call_id: int) -> tuple[Call, Touch]:
    """A live call that I have, and its row; who doesn't have it may not touch it (404)."""
    call = load(select(Call).where(Call.id == call_id), if_=lambda call: control.has_it(db.session(), call, me()))
    return call, load(select(Touch).where(Touch.call_id == call.id))


@bp.post("/desk/calls/<int:call_id>/<any(hold, resume, connect, cancel, pause, record, hangup):what>")
@allow(*SALES)
def press(call_id: int, what: str) -> ResponseReturnValue:
    """One key of the talk. The bar says that it was asked; what comes of it comes with the telephones' answer."""
    control.one_after_the_other(db.session(), me())
    (call, touch), now = my_call(call_id), here.now()
    words = talk.stopped_at(db.session(), touch, me(), now, here.zone()) if what == "hold" else ""
    keys.press(db.session(), call, what, me(), words, now)
    db.session.commit()
    return bar_as_it_is()


@bp.post("/desk/calls/<int:call_id>/words")
@allow(*SALES)
def words(call_id: int) -> ResponseReturnValue:
    """Where the talk stopped, in the manager's own words."""
    call, _touch = my_call(call_id)
    control.note_words(db.session(), call, request.form.get("words", ""))
    db.session.commit()
    return "", 204


@bp.get("/desk/calls/<int:call_id>/pass")
@allow(*SALES)
def panel(call_id: int) -> ResponseReturnValue:
    """The panel for passing the caller on, opened."""
    return _panel(*my_call(call_id), {})


@bp.get("/desk/calls/<int:call_id>/pass/closed")
@allow(*SALES)
def closed(call_id: int) -> ResponseReturnValue:
    """The panel closed: the script comes to light again."""
    my_call(call_id)
    return ""


@bp.get("/desk/calls/<int:call_id>/pass/people")
@allow(*SALES)
def people(call_id: int) -> ResponseReturnValue:
    """The colleagues who fit what is typed, and the phrase for the one that is marked."""
    typed = {name: request.args[name] for name in ("q", "to") if name in request.args}
    return _panel(*my_call(call_id), typed, "desk/_pass_people.html")


@bp.post("/desk/calls/<int:call_id>/pass")
@allow(*SALES)
def pass_on(call_id: int) -> ResponseReturnValue:
    """Pass the caller on: at once (how=blind), or after a word with the colleague (how=attended)."""
    control.one_after_the_other(db.session(), me())
    (call, touch), now, session = my_call(call_id), here.now(), db.session()
    typed = {name: request.form.get(name, "") for name in ("q", "to", "briefing")}
    if refused := passing.pass_on(session, call, me(), typed, request.form.get("how") != "blind", now):
        return _panel(call, touch, typed, error=refused), 422
    session.commit()
    response = make_response("")
    response.headers["HX-Trigger"] = "desk:talk"
    return response


def _panel(call: Call, touch: Touch, typed: dict[str, str], template: str = "desk/_pass.html", error: str = "") -> str:
    shown = passing.of(db.session(), touch, call, me(), typed, here.now(), here.zone())
    context: dict[str, Any] = {"touch": touch, "call": call, "panel": shown, "pass_error": error}
    return render_template(template, **context, states=passing.STATES)
