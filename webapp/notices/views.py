"""What calls for attention: reminders, sounds, desktop notifications, each user's choice."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("notices", __name__)
