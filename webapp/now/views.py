"""The head's page of this moment."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from webapp import here, hx
from webapp.access import allow
from webapp.accounts.models import Role
from webapp.db import db
from webapp.now import board as boards
from webapp.now import people

bp = Blueprint("now", __name__)


@bp.get("/now")
@allow(Role.HEAD)
def board() -> ResponseReturnValue:
    """Calls, people and what is owed at this moment; for htmx what is inside the frame alone."""
    now = here.now()
    shown = boards.of(db.session(), now, here.zone())
    template = "now/_board.html" if hx.asked_by_htmx() else "now/page.html"
    return render_template(template, board=shown, at=now, states=people.STATES, day_long=timedelta(days=1))
