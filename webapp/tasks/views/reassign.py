"""The hand-over of everything somebody owes (D14): chosen, shown, done."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here
from webapp.access import allow, author, load
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.tasks import forms, reassigning
from webapp.tasks.views.blueprint import bp
from webapp.typed import row_id


@bp.get("/tasks/reassign")
@allow(Role.HEAD)
def reassign() -> ResponseReturnValue:
    """From whom (`person`), what, to whom."""
    return render_template("tasks/reassign.html", **_form(what=reassigning.AT_FIRST))


@bp.post("/tasks/reassign/preview")
@allow(Role.HEAD)
def reassign_preview() -> ResponseReturnValue:
    """Which row would go to whom; nothing is written."""
    context, errors = _asked(), {}
    ill, to, what, rule = context["ill"], context["to"], context["what"], context["rule"]
    if ill is None:
        errors["person"] = _("Who is away?")
    if not what:
        errors["what"] = _("Choose what is handed over.")
    if not to:
        errors["to"] = _("Choose at least one colleague who takes it.")
    if errors:
        return render_template("tasks/reassign.html", **_form(**context, errors=errors)), 422
    lines, more = reassigning.plan(db.session(), ill, what, to, rule)
    counts = Counter(line.move.to_id for line in lines)
    return render_template("tasks/reassign.html", **_form(**context, lines=lines, more=more, counts=counts))


@bp.post("/tasks/reassign")
@allow(Role.HEAD)
def reassign_do() -> ResponseReturnValue:
    """Do what was shown, all of it or nothing; rows that changed meanwhile are left and named."""
    session, now = db.session(), here.now()
    ill = load(select(User).where(User.id == (row_id(request.form.get("person", "")) or 0)))
    takers = {user.id: user for user in forms.colleagues(session, ill)}
    moves = reassigning.read(request.form.get("plan", ""))
    done = reassigning.hand_over(session, ill, moves, takers, author("reassign"))
    session.commit()
    names = {user.id: user.name for user in forms.colleagues(session)}
    return render_template("tasks/reassign.html", **_form(done=done, names=names, ill=ill, now_at=now))


def _asked() -> dict[str, Any]:
    session = db.session()
    people = {user.id: user for user in forms.colleagues(session)}
    chosen = request.form.get("person", "")
    ill = session.get(User, row_id(chosen) or 0)
    to = [people[one] for one in map(row_id, request.form.getlist("to")) if one in people and one != (ill and ill.id)]
    rule = request.form.get("rule", "")
    return {
        "ill": ill,
        "what": [name for name in reassigning.WHAT if name in request.form.getlist("what")],
        "to": to,
        "rule": rule if rule in reassigning.RULES else "evenly",
    }


def _form(**more: Any) -> dict[str, Any]:
    session = db.session()
    people = forms.colleagues(session)
    ill = more.pop("ill", None) or session.get(User, row_id(request.args.get("person", "")) or 0)
    return {
        "people": people,
        "ill": ill,
        "labels": reassigning.WHAT,
        "rules": reassigning.RULES,
        "rule": "evenly",
        "what": (),
        "to": (),
        "errors": {},
        "lines": None,
        "done": None,
        **more,
    }
