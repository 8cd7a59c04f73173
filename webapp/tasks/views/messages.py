"""Messages for absent colleagues: taken during a call, shown, receipted, and seen by the head with their states."""

from __future__ import annotations

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.db import db
from webapp.desk import talk
from webapp.presence import whereabouts
from webapp.tasks import forms, messages
from webapp.tasks.models import Task
from webapp.tasks.views.blueprint import bp
from webapp.touches.models import Touch
from webapp.touches.queries import may_work_on


def _touch(touch_id: int) -> Touch:
    return load(select(Touch).where(Touch.id == touch_id), if_=lambda touch: may_work_on(db.session(), touch, me()))


@bp.get("/touches/<int:touch_id>/message")
@allow(*SALES)
def message(touch_id: int) -> ResponseReturnValue:
    """The form, over the script: what the script has begun is there already."""
    touch = _touch(touch_id)
    return _panel(touch, forms.Form(_proposed(touch)))


@bp.get("/touches/<int:touch_id>/message/closed")
@allow(*SALES)
def message_closed(touch_id: int) -> ResponseReturnValue:
    """The form put away: the script comes to light again."""
    _touch(touch_id)
    return ""


@bp.post("/touches/<int:touch_id>/message")
@allow(*SALES)
def take(touch_id: int) -> ResponseReturnValue:
    """The message is taken, in one transaction with its row; what is missing is said, and every word stays."""
    touch, session, now = _touch(touch_id), db.session(), here.now()
    asked = request.form.get("asked", "")
    read = forms.message(session, request.form, me(), now, here.zone(), asked)
    if isinstance(read, forms.Form):
        names = [name for name, field in (("read", "read_back"), ("hours", "promised")) if field in read.errors]
        return _panel(touch, read, " ".join({*asked.split(), *names})), 422
    task = messages.take(session, touch, read, me(), now)
    touch.saved_at = now
    session.commit()
    response = make_response(render_template("tasks/_message_taken.html", task=task, touch=touch))
    response.headers["HX-Trigger"] = "desk:result"
    return response


@bp.post("/tasks/<int:task_id>/shown")
@allow(*SALES)
def message_shown(task_id: int) -> ResponseReturnValue:
    """The page that shows a message for the first time says so."""
    task = load(select(Task).where(Task.id == task_id, Task.kind == "message", Task.user_id == me().id))
    messages.shown(db.session(), task, me(), here.now())
    db.session.commit()
    return "", 204


@bp.post("/tasks/<int:task_id>/read")
@allow(*SALES)
def message_read(task_id: int) -> ResponseReturnValue:
    """The receipt: I have read it. With a promised time the row stays until it is done."""
    task = load(select(Task).where(Task.id == task_id, Task.kind == "message", Task.user_id == me().id))
    messages.read(db.session(), task, me(), here.now())
    db.session.commit()
    if task.done_at:
        return ""
    db.session.refresh(task)
    return render_template("tasks/_task.html", task=task)


@bp.get("/tasks/messages")
@allow(*SALES)
def message_list() -> ResponseReturnValue:
    """Messages with how far they went: everybody's for the head, else those I took or was left."""
    text = request.args.get("page", "1")
    page = min(max(int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 1, 1), 200)
    rows, more = messages.listed(db.session(), me(), page)
    template = "tasks/_messages.html" if hx.asked_by_htmx() else "tasks/messages.html"
    return render_template(template, rows=rows, more=more, page=page)


def _proposed(touch: Touch) -> dict[str, str]:
    """What is known already: from the script, the card and the absent colleague it is about."""
    begun = messages.unfinished(db.session(), touch, me())
    keeper = talk.keeper_of(db.session(), touch)
    to = begun.user_id if begun and begun.user_id else keeper.id if keeper and keeper.id != me().id else ""
    who = begun.message.who if begun and begun.message else messages.caller_of(touch)
    return {"to": str(to), "who": who, "words": begun.text if begun else "", "mood": "calm"}


def _panel(touch: Touch, form: forms.Form, asked: str = "") -> str:
    session, now = db.session(), here.now()
    people = forms.colleagues(session, me())
    where = whereabouts.of(session, people, now, here.zone())
    absent = {one.user.id: one.until for one in where if one.state == "absent"}
    return render_template(
        "tasks/_message_form.html", touch=touch, form=form, people=people, absent=absent, asked=asked
    )
