"""The pages of files that are taken in: `lists` of them and the upload, a file's `columns`, its `run`, and its `rows`
that wait for a person or were refused."""

from __future__ import annotations

from webapp.imports.views import columns, lists, rows, run
from webapp.imports.views.blueprint import bp

__all__ = ["bp", "columns", "lists", "rows", "run"]
