"""The secretary's page: every call that rings or waits, and who is where (D4)."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from webapp.access import allow
from webapp.accounts.models import Role

bp = Blueprint("reception", __name__)
MAY_LOOK = (Role.SECRETARY, Role.HEAD)


@bp.get("/reception")
@allow(*MAY_LOOK)
def page() -> ResponseReturnValue:
    """Every call that rings or waits, who is where, and the reader's own talk."""
    return ""
