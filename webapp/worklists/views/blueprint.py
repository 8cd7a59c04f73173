"""Where the pages of lists to call through are hung up."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("worklists", __name__, url_prefix="/clients/lists")
