"""The manager's one page: the call at the top, who, what to say, result; or, when nobody calls, what is owed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, current_app, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_time
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.calls import missed, transfers
from webapp.calls.models import LIVE, PASSING, Call, Transfer
from webapp.clients import callers, fields
from webapp.clients.changes import Changed
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, Person
from webapp.db import db
from webapp.desk import bar as top
from webapp.desk import caller, owed, queries, talk, testcall, who
from webapp.desk.bar import epoch_ms
from webapp.office.models import Line
from webapp.office.queries import line_called, the_office
from webapp.rules import extra
from webapp.switchboard import passing
from webapp.touches import opening
from webapp.touches.models import Touch
from webapp.touches.queries import may_work_on
from webapp.touches.views import result_context
from webapp.typed import row_id

bp = Blueprint("desk", __name__)
bp.add_app_template_filter(epoch_ms)


@bp.app_template_global()
def card_url(client_id: int) -> str:
    """The page of a client's card."""
    return url_for("clients.card", client_id=client_id)


@bp.app_template_filter()
def seconds_time(at: datetime) -> str:
    """09:12:31, in the office's zone."""
    return format_time(at, "HH:mm:ss")


# The page, its bar, and the idle lists


@bp.get("/desk")
@allow(*SALES)
def page() -> ResponseReturnValue:
    """The whole page."""
    context = _front(_asked("touch"), request.args.get("pin") == "1")
    return render_template("desk/page.html", **context, **_panels(context["touch"]))


@bp.get("/desk/bar")
@allow(*SALES)
def bar() -> ResponseReturnValue:
    """The bar as it is now."""
    return bar_as_it_is()


def bar_as_it_is(status: int = 200, **more: Any) -> Response:
    """The bar; and when another touch comes first than the browser shows, its panels too, out of band.

    `more` is what only this answer says, such as what was typed and can't be taken.
    """
    shown, pinned = _asked("shown"), request.values.get("pin") == "1"
    context = _front(shown, pinned) | more
    touch = context["touch"]
    parts = render_template("desk/_call.html", **context)
    if (touch.id if touch else None) == shown:
        response = make_response(parts, status)
        if touch:  # the call's card may have been chosen in another tab
            response.headers["HX-Trigger"] = "desk:who"
        return response
    context |= _panels(touch)
    response = make_response(parts + render_template("desk/_panels.html", **context, oob=True), status)
    response.headers["HX-Replace-Url"] = url_for("desk.page", touch=touch.id) if touch else url_for("desk.page")
    return response


@bp.get("/desk/idle")
@allow(*SALES)
def idle() -> ResponseReturnValue:
    """The idle lists."""
    return render_template("desk/_idle_inner.html", **_idle_context(here.now()))


def _asked(name: str) -> int | None:
    return row_id(request.values.get(name, ""))


def _country() -> str:
    return str(current_app.config["SETTINGS"].country)


def _front(wanted: int | None, pinned: bool) -> dict[str, Any]:
    """The touch that comes first, and the bar above it."""
    session, now = db.session(), here.now()
    live = queries.live_calls(session, me(), now)
    touch = queries.choose(session, me(), live, wanted, pinned)
    context: dict[str, Any] = {"touch": touch, "pinned": pinned and touch is not None and touch.id == wanted}
    context["bar"] = top.of(session, me(), touch, live, wanted, now, here.zone())
    if touch and context["bar"].keys.keys and context["bar"].state == "talking":
        context |= _beside_the_keys(touch, context["bar"], now)
    return context


def _beside_the_keys(touch: Touch, bar: top.Bar, now: datetime) -> dict[str, Any]:
    """What is said before turning to a second caller, after a hold, or before one (D23, D28)."""
    words = touch.call.held_words if touch.call and not bar.keys.waits else ""
    name = "second_line" if bar.others else "back_from_hold" if words else "hold"
    return {"say": talk.phrase(db.session(), touch, name, me(), now, here.zone()), "say_name": name, "recall": words}


def _panels(touch: Touch | None) -> dict[str, Any]:
    """What stands under the bar: the three panels of a touch, or the idle lists."""
    if touch is None:
        return _idle_context(here.now())
    panels = {**_who(touch), **_script(touch), **result_context(touch, here.now())}
    return {name: value for name, value in panels.items() if name != "touch"}


def _idle_context(now: datetime) -> dict[str, Any]:
    return {
        "idle": owed.of(db.session(), me(), now, here.zone()),
        "may_test": me().has_role(Role.HEAD, Role.MANAGER, Role.SECRETARY),
        "test_kinds": testcall.KINDS,
    }


def _touch(touch_id: int) -> Touch:
    return load(select(Touch).where(Touch.id == touch_id), if_=lambda touch: may_work_on(db.session(), touch, me()))


# Who


def _midnight() -> datetime:
    return here.now().astimezone(here.zone()).replace(hour=0, minute=0, second=0, microsecond=0)


def _who(touch: Touch) -> dict[str, Any]:
    return {"touch": touch, "who": who.of(db.session(), touch, me(), _country(), _midnight())}


def _who_panel(touch: Touch, tell: str = "desk:card, desk:result, desk:look") -> Response:
    """The panel, and word to the others that the card behind this touch is another now."""
    response = make_response(render_template("desk/_who_inner.html", **_who(touch)))
    response.headers["HX-Trigger"] = tell
    return response


@bp.get("/desk/touches/<int:touch_id>/who", endpoint="who")
@allow(*SALES)
def who_panel(touch_id: int) -> ResponseReturnValue:
    """Who is calling."""
    return render_template("desk/_who_inner.html", **_who(_touch(touch_id)))


@bp.post("/desk/touches/<int:touch_id>/choose/<int:client_id>")
@allow(*SALES)
def choose(touch_id: int, client_id: int) -> ResponseReturnValue:
    """It is this client."""
    touch = _touch(touch_id)
    client = load(select(Client).where(Client.id == client_id))
    caller.choose(db.session(), touch, client, me(), here.now(), _country())
    db.session.commit()
    return _who_panel(touch)


@bp.post("/desk/touches/<int:touch_id>/not-this-one")
@allow(*SALES)
def not_this_one(touch_id: int) -> ResponseReturnValue:
    """It is not the client shown."""
    touch = _touch(touch_id)
    if touch.call and touch.client:
        callers.not_this_one(db.session(), touch.call, touch.client, me(), here.now())
    db.session.commit()
    return _who_panel(touch)


@bp.post("/desk/touches/<int:touch_id>/none-of-these")
@allow(*SALES)
def none_of_these(touch_id: int) -> ResponseReturnValue:
    """None of the candidates: the fields of a new card."""
    touch = _touch(touch_id)
    if touch.call:
        touch.call.candidates = []
    db.session.commit()
    return _who_panel(touch)


@bp.post("/desk/touches/<int:touch_id>/speaks/<int:person_id>")
@allow(*SALES)
def speaks(touch_id: int, person_id: int) -> ResponseReturnValue:
    """It is this person of the client who speaks."""
    touch = _touch(touch_id)
    person = load(select(Person).where(Person.id == person_id, Person.client_id == touch.client_id))
    touch.person_id = person.id
    db.session.flush()
    db.session.expire(touch, ["person"])
    touch.name_known = caller.is_named(touch)
    db.session.commit()
    return _who_panel(touch)


@bp.post("/desk/touches/<int:touch_id>/draft/<name>")
@allow(*SALES)
def draft(touch_id: int, name: str) -> ResponseReturnValue:
    """Keep one field of a card that isn't made yet; answers with the cards it brings to light."""
    touch = _touch(touch_id)
    if touch.client is not None:  # another tab has made or chosen the card meanwhile
        panel = _who_panel(touch)
        panel.headers.update({"HX-Retarget": "#who", "HX-Reswap": "innerHTML"})
        return panel
    caller.put(db.session(), touch, _field(touch, name), request.form.get(name, ""), me(), here.now(), _country())
    db.session.commit()
    return _hits(touch, name)


@bp.post("/desk/touches/<int:touch_id>/hits/<int:client_id>")
@allow(*SALES)
def say_of_hit(touch_id: int, client_id: int) -> ResponseReturnValue:
    """The card being typed is another than this one that was offered, or perhaps not (`verdict`, "" takes it back).

    The whole panel comes back: leaving a field to click saves it, and that replaces the buttons beneath it.
    """
    touch, verdict = _touch(touch_id), request.form.get("verdict", "")
    if verdict not in ("other", "unsure", ""):
        abort(404)
    if touch.client is None:
        load(select(Client).where(Client.id == client_id))
        caller.say(db.session(), touch, client_id, verdict, me(), here.now())
        db.session.commit()
    return _who_panel(touch)


def _hits(touch: Touch, name: str) -> ResponseReturnValue:
    have = caller.known(touch)
    hits = who.found_for(db.session(), touch, have, _country()).get(name, ())
    doubt = who.doubt_of(name, have.get(name, ""), _country())
    response = make_response(render_template("desk/_hits.html", touch=touch, name=name, hits=hits, doubt=doubt))
    response.headers["HX-Trigger"] = "desk:card"
    return response


@bp.post("/desk/touches/<int:touch_id>/fill/<name>")
@allow(*SALES)
def fill(touch_id: int, name: str) -> ResponseReturnValue:
    """Keep one field of the card that is open."""
    touch, now = _touch(touch_id), here.now()
    text, was = request.form.get(name, ""), request.form.get("was")
    try:
        caller.put(db.session(), touch, _field(touch, name), text, me(), now, _country(), was)
    except BadValue as bad:
        db.session.rollback()
        return render_template("desk/_filled.html", name=name, fill_error=str(bad)), 422
    except Changed as changed:
        db.session.rollback()
        return render_template("desk/_filled.html", name=name, changed=changed), 409
    db.session.commit()
    response = make_response(render_template("desk/_filled.html", name=name, filled_at=now))
    response.headers["HX-Trigger"] = "desk:card, desk:who" if name in who.CONTACT_FIELDS else "desk:card"
    return response


@bp.post("/desk/touches/<int:touch_id>/card")
@allow(*SALES)
def save_card(touch_id: int) -> ResponseReturnValue:
    """Make the card of what was typed, with a deal when asked for (D39)."""
    touch, now = _touch(touch_id), here.now()
    for name in caller.NEW_CARD:
        if name in request.form and touch.client is None:
            caller.put(db.session(), touch, name, request.form[name], me(), now, _country())
    errors = caller.make_card(db.session(), touch, me(), now, _country(), deal="deal" in request.form)
    db.session.commit()
    if errors:
        panel = who.new(db.session(), touch, _country(), _midnight(), errors)
        return render_template("desk/_who_inner.html", touch=touch, who=panel), 422
    return _who_panel(touch)


def _field(touch: Touch, name: str) -> str:
    """The name of a card's field, as its address says it; 404 for another. The head's own need a card."""
    if name.startswith(extra.PREFIX) and touch.client is not None:
        if extra.called(db.session(), name.removeprefix(extra.PREFIX)) is None:
            abort(404)
    elif name not in fields.FIELD_NAMES or fields.BY_NAME[name].holder == "touch":
        abort(404)
    return name


# What to say


def _script(touch: Touch) -> dict[str, Any]:
    passed = transfers.latest(db.session(), touch.call) if touch.call and touch.call.state in LIVE else None
    if passed and (passed.to_user_id != me().id or passed.state not in (*PASSING, "done")):
        passed = None
    return {
        "touch": touch,
        "talk": talk.of(db.session(), touch, me(), here.now(), here.zone()),
        **_briefing(touch, passed),
    }


def _briefing(touch: Touch, passed: Transfer | None) -> dict[str, Any]:
    """What who passed the caller on wrote for me; a softphone writes nothing, so then what the card knows."""
    if passed is None:
        return {}
    words = passed.briefing or passing.briefing(touch)
    return {"passed": passed, "briefing": words}


@bp.get("/desk/touches/<int:touch_id>/script")
@allow(*SALES)
def script(touch_id: int) -> ResponseReturnValue:
    """The sentence to say now."""
    return render_template("desk/_script_inner.html", **_script(_touch(touch_id)))


@bp.post("/desk/touches/<int:touch_id>/script/<any(answer, branch, back, ask):what>/<key>")
@allow(*SALES)
def press(touch_id: int, what: str, key: str) -> ResponseReturnValue:
    """One key of the script. A key that came twice or too late changes nothing and shows where the talk stands."""
    touch = _touch(touch_id)
    at = request.form.get("at", "")
    moved = talk.press(
        db.session(),
        touch,
        talk.Key(what, key, request.form.get("text", ""), int(at) if at.isdecimal() and len(at) < 6 else -1),
        me(),
        here.now(),
        _country(),
    )
    db.session.commit()
    response = make_response(render_template("desk/_script_inner.html", **_script(touch)))
    if moved and what != "ask":
        response.headers["HX-Trigger"] = "desk:who, desk:result, desk:talk"
    return response


# Missed calls and test calls


@bp.post("/desk/missed/<int:call_id>/close")
@allow(*SALES)
def close_missed(call_id: int) -> ResponseReturnValue:
    """No call back is needed: the reason in writing (D22), for all the calls of the row, which goes from the list."""
    call = load(select(Call).where(Call.id == call_id))
    reason = request.form.get("reason", "")
    if problem := missed.close(db.session(), call, reason, me(), here.now()):
        db.session.rollback()
        if row := missed.of_call(db.session(), call):
            return render_template("desk/_missed.html", waiting=row, missed_error=problem, missed_reason=reason), 422
    db.session.commit()
    return ""


@bp.post("/desk/missed/<int:call_id>/rang-back")
@allow(*SALES)
def rang_back(call_id: int) -> ResponseReturnValue:
    """We rang back and spoke: the row of that talk is opened (D22)."""
    call = load(select(Call).where(Call.id == call_id), if_=lambda call: call.is_missed and bool(call.number))
    touch = opening.rang_back(db.session(), call, me(), here.now())
    db.session.commit()
    return hx.go("desk.page", touch=touch.id)


def _spoken(line: Line) -> str:
    """What test callers speak: the line's language when there is speech in it, else English."""
    language = line.language or the_office(db.session()).language
    return language if language in ("en", "ru") else "en"


@bp.post("/desk/test-call/<kind>")
@allow(Role.HEAD, Role.MANAGER, Role.SECRETARY, Role.ADMIN)
def test_call(kind: str) -> ResponseReturnValue:
    """Have a separate program ring this office."""
    if kind not in dict(testcall.KINDS):
        abort(404)
    context: dict[str, Any] = {"test_kinds": testcall.KINDS}
    found = testcall.caller_of(db.session(), kind, me())
    line = line_called(db.session(), "desk")
    if found is None or line is None:
        context["test_error"] = _("There is no such number among the cards yet.")
    elif not testcall.start(line.name, current_app.config["SETTINGS"].sip, _spoken(line), *found):
        context["test_error"] = _("Three test calls are under way; wait for one to end.")
    else:
        context["test_said"] = _("The call is on its way.")
    return render_template("desk/_test_call.html", **context), 422 if "test_error" in context else 200
