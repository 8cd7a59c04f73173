"""The pages of cards: the `lists` of them, a `new` one with the cards it may be, one `card` with its fields saved in
place, and its `people` with their addresses."""

from __future__ import annotations

from webapp.clients.views import card, lists, new, people
from webapp.clients.views.blueprint import bp

__all__ = ["bp", "card", "lists", "new", "people"]
