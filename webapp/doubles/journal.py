"""Changes of single values that remember what was there, so that they can be taken back one by one.

An entry is [table, column, ids, before, after]: `column` of these rows was `before` and became `after`. With the
column "+" the rows are new, with the values `after`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Table, delete, select, update
from sqlalchemy.orm import Session

from webapp.db import db

Entry = list[Any]
AT_ONCE = 500
NEW = "+"


class Journal:
    """Collects the entries of one change."""

    def __init__(self, session: Session) -> None:
        self.session, self.entries = session, list[Entry]()

    def put(self, column: Column[Any], before: Any, after: Any, *conditions: ColumnElement[bool]) -> list[int]:
        """Make `column` `after` wherever it is `before` and the conditions hold; the ids of those rows."""
        table: Table = column.table
        found = self.session.scalars(select(table.c.id).where(column == before, *conditions).order_by(table.c.id))
        ids = list(found)
        for some in _chunks(ids):
            self.session.execute(update(table).where(table.c.id.in_(some)).values({column.name: after}))
        if ids:
            self.entries.append([table.name, column.name, ids, before, after])
        return ids

    def put_json(self, column: Column[Any], row_id: int, before: Any, after: Any) -> None:
        """Make the JSON `column` of one row `after`; no database compares JSON the same way."""
        table: Table = column.table
        self.session.execute(update(table).where(table.c.id == row_id).values({column.name: after}))
        self.entries.append([table.name, column.name, [row_id], before, after])

    def new(self, table: str, row_id: int, values: dict[str, Any]) -> None:
        """This row was added; it is nobody else's as long as it has these `values`."""
        self.entries.append([table, NEW, [row_id], None, values])


def back(session: Session, entries: Sequence[Entry]) -> None:
    """Take everything back, the last first; what somebody has changed since, or removed, stays as it is."""
    for name, column_name, ids, before, after in reversed(entries):
        table = db.metadata.tables[name]
        for some in _chunks(ids):
            rows = table.c.id.in_(some)
            if column_name == NEW:
                session.execute(delete(table).where(rows, *[table.c[key] == value for key, value in after.items()]))
                continue
            column = table.c[column_name]
            if isinstance(column.type, JSON):
                found = session.execute(select(table.c.id, column).where(rows)).all()
                rows = table.c.id.in_([row_id for row_id, value in found if value == after])
            else:
                rows = rows & (column == after)
            session.execute(update(table).where(rows).values({column_name: before}))


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
