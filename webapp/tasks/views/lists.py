"""What is owed and what was done: the page of tasks, a task made, put off, finished; what is late; all as a file."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.clients import queries as clients
from webapp.db import db
from webapp.exports import work as exports
from webapp.tasks import forms, handing, listfile, listing, reminding, times, work
from webapp.tasks.models import Task
from webapp.tasks.views.blueprint import bp, mine
from webapp.touches.typedtime import BadTime
from webapp.typed import row_id


@bp.get("/tasks")
@allow(*SALES)
def index() -> ResponseReturnValue:
    """What I owe, or for a head what anybody does; by lateness, or what was done."""
    template = "tasks/_list.html" if hx.asked_by_htmx() else "tasks/index.html"
    return render_template(template, **_listed())


@bp.get("/tasks/new")
@allow(*SALES)
def new() -> ResponseReturnValue:
    """The form of a task made by hand, for the card in `client` or for whom is typed."""
    chosen = row_id(request.args.get("client", ""))
    client = load(clients.card(chosen)) if chosen is not None else None
    return render_template("tasks/new.html", form=forms.Form({}), client=client)


@bp.post("/tasks/new")
@allow(*SALES)
def make() -> ResponseReturnValue:
    """A task made by hand; what can't be read is said beside its field, and every word stays."""
    session, now = db.session(), here.now()
    read = forms.owed(session, request.form, now, here.zone(), str(current_app.config["SETTINGS"].country))
    if isinstance(read, forms.Form):
        chosen = row_id(request.form.get("client", ""))
        client = session.scalars(clients.card(chosen)).one_or_none() if chosen is not None else None
        return render_template("tasks/new.html", form=read, client=client), 422
    task = work.by_hand(session, me(), read, now)
    session.commit()
    if read.client_id and request.args.get("from") == "card":
        return hx.go("clients.card", client_id=read.client_id)
    return hx.go("tasks.index", _anchor=f"task-{task.id}")


@bp.post("/tasks/<int:task_id>/done")
@allow(*SALES)
def done(task_id: int) -> ResponseReturnValue:
    """It is done: what, how, and with what result (D72). The row goes from the list, and its reminder from the page."""
    task = mine(task_id)
    report = work.Report(*(request.form.get(name, "") for name in ("report", "report_how", "report_result")))
    if not report.what.strip():
        problem = _("Say in a word what was done, or why nothing was.")
        return _row(task, task_error=problem, task_report=report), 422
    work.done(db.session(), task, me(), report, here.now())
    db.session.commit()
    return ""


@bp.post("/tasks/<int:task_id>/move")
@allow(*SALES)
def move(task_id: int) -> ResponseReturnValue:
    """Another time: a shortcut (`to`) or typed (`when`), counted from the time that was shown (`was`)."""
    task, now = mine(task_id), here.now()
    if not times.may_move(task, me()):
        abort(404)
    typed = request.form.get("when", "")
    try:
        was = datetime.fromisoformat(request.form.get("was", ""))
        at = times.quick(request.form.get("to", ""), now, here.zone()) or times.ahead(typed, now, here.zone())
        times.move(db.session(), task, at, was, me(), now)
    except BadTime as why:
        return _row(task, move_error=str(why), move_typed=typed), 422
    except times.Meanwhile:
        db.session.commit()
        return _row(mine(task_id), move_error=_("Somebody has changed this task meanwhile: look at it again.")), 409
    except (ValueError, TypeError):
        abort(404)
    db.session.commit()
    return _row(mine(task_id), moved=True)


@bp.get("/tasks/given")
@allow(*SALES)
def given() -> ResponseReturnValue:
    """What I have passed on: what waits, and what was reported (D72)."""
    template = "tasks/_given.html" if hx.asked_by_htmx() else "tasks/given.html"
    return render_template(template, given=handing.given(db.session(), me(), here.now()))


@bp.get("/tasks/overdue")
@allow(Role.HEAD)
def overdue() -> ResponseReturnValue:
    """What is late, by who owes it (D72)."""
    template = "tasks/_overdue.html" if hx.asked_by_htmx() else "tasks/overdue.html"
    return render_template(template, late=listing.overdue(db.session(), here.now()), most=listing.LISTED)


@bp.post("/tasks/<int:task_id>/remind")
@allow(Role.HEAD)
def remind(task_id: int) -> ResponseReturnValue:
    """Remind him now."""
    task, now = load(select(Task).where(Task.id == task_id)), here.now()
    reminding.nudge(db.session(), task, now)
    db.session.commit()
    db.session.refresh(task)
    return render_template("tasks/_reminded.html", task=task)


@bp.post("/tasks/export.<any(csv, xlsx):ending>")
@allow(*SALES)
def export(ending: str) -> ResponseReturnValue:
    """Open tasks as a file: everybody's and the inbox for the head, one's own for others."""
    user = me()
    filters = {} if user.has_role(Role.HEAD) else {"mine": str(user.id)}
    count = listfile.count(db.session(), filters, exports.AT_ONCE + 1)
    return exports.deliver(db.session(), "tasks", ending, filters, count, user, here.now())


def _row(task: Task, **more: Any) -> str:
    """One row of a list; or, when its reminder asks, that reminder."""
    template = "tasks/_reminder.html" if request.form.get("reminder") else "tasks/_task.html"
    return render_template(template, task=task, **more)


def _listed() -> dict[str, Any]:
    session, args = db.session(), request.args
    asked = listing.asked_by(
        me(), args.get("person", ""), args.getlist("kind"), args.get("show") == "done", args.get("page", "1")
    )
    return {
        "asked": asked,
        "listed": listing.listed(session, asked, here.now(), here.zone()),
        "people": forms.colleagues(session) if me().has_role(Role.HEAD) else (),
        "kinds": listing.KINDS,
        "groups": listing.GROUPS,
        "last_page": listing.MOST_PAGES,
    }
