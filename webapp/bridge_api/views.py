"""What the bridge talks to: events in, plans out."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("bridge_api", __name__, url_prefix="/bridge")
