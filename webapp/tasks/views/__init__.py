"""The pages of what is owed: the `lists`, one's `reminders`, `messages` for the absent, `matters` passed on, and the
hand-over of everything (`reassign`)."""

from __future__ import annotations

from webapp.tasks.views import lists, matters, messages, reassign, reminders
from webapp.tasks.views.blueprint import bp

__all__ = ["bp", "lists", "matters", "messages", "reassign", "reminders"]
