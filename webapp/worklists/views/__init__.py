"""The pages of lists to call through (D3, D74): `lists` and `new` for whoever minds them, `calling` and `meeting` for
the agent's next number and what its call came to."""

from __future__ import annotations

from webapp.worklists.views import calling, lists, meeting, new
from webapp.worklists.views.blueprint import bp

__all__ = ["bp", "calling", "lists", "meeting", "new"]
