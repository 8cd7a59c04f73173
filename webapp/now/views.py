"""The head's page of this moment."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("now", __name__)
