"""Who would ring for a number, on a line, at a time; and why."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("simulator", __name__)
