"""Finishing a task with its report."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp.access import SALES, allow, load, me
from webapp.db import db
from webapp.tasks import work
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
    work.done(db.session(), task, me(), report, current_app.config["CLOCK"]())
    db.session.commit()
    return ""
