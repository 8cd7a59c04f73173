"""The pages of the roster: `week` with its shifts, `absences`; all of them give back the `page`."""

from __future__ import annotations

from webapp.roster.views import absences, week
from webapp.roster.views.blueprint import bp

__all__ = ["absences", "bp", "week"]
