"""The queue of outgoing mail, to see and to decide."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("mail", __name__)
