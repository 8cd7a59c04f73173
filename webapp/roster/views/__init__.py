"""The pages of the roster: `week` with its shifts and `absences`, which give back the `page`; the `month`, the
`patterns`, the public `holidays`, the latest `changes`, and the `swaps`."""

from __future__ import annotations

from webapp.roster.views import absences, changes, holidays, month, patterns, swaps, week
from webapp.roster.views.blueprint import bp

__all__ = ["absences", "bp", "changes", "holidays", "month", "patterns", "swaps", "week"]
