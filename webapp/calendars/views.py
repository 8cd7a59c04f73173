"""A person's shifts and tasks as an iCalendar feed at a secret address."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("calendars", __name__)
