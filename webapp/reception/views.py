"""The secretary's page: every call that rings or waits, and who is where (D4)."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("reception", __name__)
