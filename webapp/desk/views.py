"""Pages of the package (see the blueprint's routes)."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("desk", __name__)
