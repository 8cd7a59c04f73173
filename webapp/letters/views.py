"""The result letter of a talk: proposed, edited, sent or left out (D73)."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("letters", __name__)
