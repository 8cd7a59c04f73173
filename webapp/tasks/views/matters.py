"""Passing a matter on: from a card, a row of the ledger or a task (D72)."""

from __future__ import annotations

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.clients.models import Client
from webapp.db import db
from webapp.tasks import forms, handing
from webapp.tasks.views.blueprint import bp, mine
from webapp.touches.models import Touch
from webapp.touches.queries import may_work_on
from webapp.typed import row_id


@bp.get("/tasks/pass-on")
@allow(*SALES)
def pass_on_form() -> ResponseReturnValue:
    """To whom, until when, in which words; about the `client`, `touch` or `task` of the address."""
    about = _about()
    words = about.task.text if about.task else ""
    return _page(about, forms.Form({"words": words}))


@bp.post("/tasks/pass-on")
@allow(*SALES)
def pass_on() -> ResponseReturnValue:
    """Give it to the colleague; before the second and the third hand-over it is asked whether that must be."""
    about, session, now = _about(), db.session(), here.now()
    warned = handing.warning(handing.times(session, about, now))
    read = forms.matter(session, request.form, me(), now, here.zone(), warned)
    if isinstance(read, forms.Form):
        return _page(about, read), 422
    to, due_at, words = read
    handing.pass_on(session, about, me(), to, due_at, words, now)
    session.commit()
    flash(_("Passed on to %(name)s. The report comes back here.", name=to.name), "good")
    return hx.go("tasks.given")


def _about() -> handing.About:
    """What the address names; 404 for nothing, and for what isn't mine."""
    task_id, touch_id, client_id = (row_id(request.args.get(name, "")) for name in ("task", "touch", "client"))
    if task_id is not None:
        task = mine(task_id)
        return handing.of_task(task) if task.done_at is None else abort(404)
    if touch_id is not None:
        return handing.of_touch(
            load(select(Touch).where(Touch.id == touch_id), if_=lambda touch: may_work_on(db.session(), touch, me()))
        )
    if client_id is None:
        abort(404)
    return handing.About(client_id=load(select(Client).where(Client.id == client_id)).id)


def _page(about: handing.About, form: forms.Form) -> str:
    session = db.session()
    client = session.get(Client, about.client_id) if about.client_id else None
    warning = handing.warning(handing.times(session, about, here.now()))
    people = forms.colleagues(session, me())
    return render_template("tasks/pass_on.html", about=about, client=client, form=form, people=people, warning=warning)
