"""What SQLite keeps and PostgreSQL would not: found before anything is moved, and said with table, row and column."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Date, Float, Integer, String, Text

from webapp.db import UtcDateTime, db
from webapp.safekeeping import Refused
from webapp.safekeeping.bases import Sqlite

SHOWN = 10


def refuse(source: Sqlite) -> None:
    """Raises Refused when something can't be kept. NULs in texts can be left out, and are: see `notes`."""
    wrong = [
        *_dangling(source),
        *(found for table in db.metadata.sorted_tables for found in _in_table(source, table.name)),
    ]
    if wrong:
        more = f"\n  and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise Refused(
            "PostgreSQL would not keep what is in these places; correct them, then start again. Nothing was changed\n  "
            + "\n  ".join(wrong[:SHOWN])
            + more
        )


def notes(source: Sqlite) -> list[str]:
    """What was left out, for people."""
    return [
        f"{table}.{column}: NUL characters, which PostgreSQL can't keep, were left out"
        for table, column in sorted(source.cleaned)
    ]


def _in_table(source: Sqlite, name: str) -> list[str]:
    table, run = db.metadata.tables[name], source.connection.execute
    key = " || '/' || ".join(f'"{column.name}"' for column in table.primary_key)
    wrong = []
    for column in table.columns:
        value, kind = f'"{column.name}"', column.type
        if isinstance(kind, JSON):
            condition, why = f"json_valid({value}) = 0 or typeof({value}) <> 'text'", "is no JSON"
        elif isinstance(kind, UtcDateTime):
            condition, why = f"strftime('%s', {value}) is null", "is no time"
        elif isinstance(kind, Date):
            condition, why = f"date({value}) is null or length({value}) <> 10", "is no day"
        elif isinstance(kind, Boolean):
            condition, why = f"{value} not in (0, 1)", "is neither yes nor no"
        elif isinstance(kind, Float):
            condition, why = f"typeof({value}) not in ('real', 'integer')", "is no number"
        elif isinstance(kind, Integer):
            largest = (1 << (63 if isinstance(kind, BigInteger) else 31)) - 1
            condition, why = f"typeof({value}) <> 'integer' or abs({value}) > {largest}", "is no number of this size"
        elif isinstance(kind, String):
            longest = kind.length if not isinstance(kind, Text) else None
            condition = f"typeof({value}) <> 'text'" + (f" or length({value}) > {longest}" if longest else "")
            why = f"is no text of at most {longest} letters" if longest else "is no text"
            if run(f"select 1 from \"{name}\" where instr(cast({value} as blob), x'00') limit 1").fetchone():  # noqa: S608
                source.cleaned.add((name, column.name))
        else:
            continue
        query = f'select {key} from "{name}" where {value} is not null and ({condition}) limit {SHOWN}'  # noqa: S608
        wrong += [f"{name} {row}: {column.name} {why}" for (row,) in run(query)]
    return wrong


def _dangling(source: Sqlite) -> list[str]:
    return [
        f"{table} {row}: refers to a row of {other} that is not there"
        for table, row, other, _ in source.connection.execute("pragma foreign_key_check")
    ]
