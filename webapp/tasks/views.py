"""Finishing a task with its report; all open ones as a file."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.db import db
from webapp.exports import work as exports
from webapp.tasks import listfile, work
from webapp.tasks.models import Task
from webapp.tasks.queries import may_finish, title

bp = Blueprint("tasks", __name__)
bp.add_app_template_global(title, "task_title")


@bp.post("/tasks/<int:task_id>/done")
@allow(*SALES)
def done(task_id: int) -> ResponseReturnValue:
    """It is done: what, and with what result (D72). The row goes from the list."""
    task = load(select(Task).where(Task.id == task_id), if_=lambda task: may_finish(task, me()))
    report = request.form.get("report", "")
    if not report.strip():
        problem = _("Say in a word what was done, or why nothing was.")
        return render_template("tasks/_task.html", task=task, task_error=problem, task_report=report), 422
    work.done(db.session(), task, me(), report, here.now())
    db.session.commit()
    return ""


@bp.post("/tasks/export.<any(csv, xlsx):ending>")
@allow(*SALES)
def export(ending: str) -> ResponseReturnValue:
    """Open tasks as a file: everybody's and the inbox for the head, one's own for others."""
    user = me()
    filters = {} if user.has_role(Role.HEAD) else {"mine": str(user.id)}
    count = listfile.count(db.session(), filters, exports.AT_ONCE + 1)
    return exports.deliver(db.session(), "tasks", ending, filters, count, user, here.now())
