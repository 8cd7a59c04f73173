"""Lists that may be long, each given a batch at a time: a million rows take no more memory than ten."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy.orm import Session

from webapp.sheets import Column, Row


class Batch(NamedTuple):
    """Rows, how many things of the list they are, and where the next batch begins; None at the end."""

    rows: Sequence[Row]
    things: int
    after: int | None


@dataclass(frozen=True)
class List:
    """A list for a file. `name`: what tells such files apart; `batch(session, after)` begins after 0."""

    name: tuple[str, ...]
    columns: Sequence[Column]
    batch: Callable[[Session, int], Batch]

    def rows(self, session: Session) -> Iterator[Row]:
        """All rows, one after the other."""
        after: int | None = 0
        while after is not None:
            found = self.batch(session, after)
            yield from found.rows
            after = found.after


MAKERS: dict[str, str] = {
    "clients": "webapp.clients.listfile:whole",
    "calls": "webapp.calls.listfile:whole",
    "doubles": "webapp.doubles.listfile:whole",
    "tasks": "webapp.tasks.listfile:whole",
}
"""What lists there are -> "module:function", called as `function(session, filters, zone, country)` for its `List`."""


def make(session: Session, what: str, filters: Mapping[str, Any]) -> List:
    """The list called `what`, with its filters as they were asked for."""
    module, _colon, name = MAKERS[what].partition(":")
    settings = current_app.config["SETTINGS"]
    found: List = getattr(importlib.import_module(module), name)(session, filters, settings.timezone, settings.country)
    return found
