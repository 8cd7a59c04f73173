"""Reminders on the page; when they come, and the hour of the daily digest."""

from __future__ import annotations

import re

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.db import db
from webapp.roster.wallclock import written
from webapp.tasks import reminding
from webapp.tasks.models import Task
from webapp.tasks.views.blueprint import bp

MOST_MINUTES = 24 * 60
_CLOCK = re.compile(r"([01]?\d|2[0-3])(?:[:.]?([0-5]\d))?")


@bp.get("/tasks/reminders")
@allow(*SALES)
def reminders() -> ResponseReturnValue:
    """The reminders that stand on my page until I act upon them."""
    return _reminders()


@bp.post("/tasks/reminders/away")
@allow(*SALES)
def put_away() -> ResponseReturnValue:
    """None of them stands there any more; the tasks stay in their lists."""
    reminding.answer_all(db.session(), me(), here.now())
    db.session.commit()
    return _reminders()


@bp.post("/tasks/<int:task_id>/reminder/<any(open, later):what>")
@allow(*SALES)
def answer(task_id: int, what: str) -> ResponseReturnValue:
    """Open what it is about, or be reminded again in ten minutes."""
    task = load(select(Task).where(Task.id == task_id, Task.user_id == me().id))
    reminding.answer(db.session(), task, here.now(), again=what == "later")
    db.session.commit()
    if what == "later":
        return _reminders()
    if task.client_id:
        return hx.go("clients.card", client_id=task.client_id)
    return hx.go("tasks.index", _anchor=f"task-{task.id}")


@bp.post("/tasks/digest")
@allow(*SALES)
def digest() -> ResponseReturnValue:
    """The hour of my daily mail, by the office's clock (empty for none), and how long before a task I am reminded."""
    text, minutes = request.form.get("digest_at", "").strip(), request.form.get("remind_minutes", "").strip()
    found, errors = _CLOCK.fullmatch(text), {}
    if text and found is None:
        errors["digest_error"] = _("Type an hour of the day: 8:30. Leave it empty for no digest.")
    if not (minutes.isascii() and minutes.isdecimal() and int(minutes) <= MOST_MINUTES):
        errors["remind_error"] = _("Type minutes, from 0 to %(most)d.", most=MOST_MINUTES)
    if errors:
        form = render_template("tasks/_digest.html", **errors, digest_typed=text, remind_typed=minutes, refused=True)
        return form, 422
    me().digest_at = int(found[1]) * 60 + int(found[2] or 0) if found else None
    me().remind_minutes = int(minutes)
    db.session.commit()
    if hx.asked_by_htmx():
        return render_template("tasks/_digest.html", digest_saved=True)
    flash(_("Saved."), "good")
    return hx.go("accounts.me")


@bp.app_template_global()
def digest_hour() -> str:
    """The hour of the reader's digest as it is typed; '' for none."""
    at = me().digest_at
    return written(at) if at is not None else ""


@bp.app_template_global()
def reminder_url(task: Task) -> str:
    """Where a notification of the browser leads."""
    return url_for("clients.card", client_id=task.client_id) if task.client_id else url_for("tasks.index")


def _reminders() -> str:
    found = reminding.standing(db.session(), me())
    shown = found[: reminding.ON_THE_PAGE]
    return render_template("tasks/_reminders.html", reminders=shown, more=len(found) > len(shown))
