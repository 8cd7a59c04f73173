"""Where the pages of tasks are hung up, and what every template knows of tasks."""

from __future__ import annotations

from flask import Blueprint
from flask.blueprints import BlueprintSetupState
from sqlalchemy import select

from webapp.access import load, me
from webapp.tasks import messages, times
from webapp.tasks.listing import with_all
from webapp.tasks.models import Task
from webapp.tasks.queries import may_finish, title

bp = Blueprint("tasks", __name__)
bp.add_app_template_global(title, "task_title")
bp.add_app_template_global(times.may_move, "may_move")


@bp.record_once
def _names_for_templates(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals["MOODS"] = messages.MOODS


def mine(task_id: int) -> Task:
    """A task I may work on: it is mine, I passed it on, or I am a head; else 404."""
    return load(with_all(select(Task).where(Task.id == task_id)), if_=lambda task: may_finish(task, me()))
