"""One key says that somebody is away or back."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("presence", __name__)
