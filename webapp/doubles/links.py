"""What refers to a card: found in the tables themselves, so that a table added later follows a merge without a word.

A table that can't simply follow, since one card may have one such row only, has its way in `OWN_WAY`, or
`unhandled` names it and a test fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, UniqueConstraint

OWN_WAY = {
    "client.merged_into_id": "a chain of merges stays as it is; `clients.merged.lead` follows it",
    "match_key.client_id": "written anew from the card",
    "person.client_id": "all but those who are on the survivor already (`gathering.py`)",
    "contact_point.client_id": "all but those that are on the survivor already (`gathering.py`)",
    "contact_point.person_id": "when two people are one (`gathering.py`)",
    "touch.person_id": "when two people are one (`gathering.py`)",
    "extra_value.client_id": "chosen field by field (`choices.py`)",
    "not_same.client_id": "unless the number is the survivor's now (`gathering.py`)",
    "pair_verdict.low_id": "written for the survivor as well (`gathering.py`)",
    "pair_verdict.high_id": "written for the survivor as well (`gathering.py`)",
    "double_pair.low_id": "looked for anew (`search.py`)",
    "double_pair.high_id": "looked for anew (`search.py`)",
    "merge.survivor_id": "says what was done to which card",
    "merge.other_id": "says what was done to which card",
}
"""Columns that refer to a card or a person and do not just follow: why."""
OWNED = ("client", "person", "contact_point")


def referring(metadata: MetaData, tables: Sequence[str] = OWNED) -> list[Column[Any]]:
    """Every column with a foreign key to one of `tables`, by name."""
    found = [
        column
        for table in metadata.tables.values()
        for column in table.columns
        if any(key.column.table.name in tables for key in column.foreign_keys)
    ]
    return sorted(found, key=str)


def followers(metadata: MetaData) -> list[Column[Any]]:
    """The columns that just follow the card they refer to."""
    return [column for column in referring(metadata, ("client",)) if str(column) not in OWN_WAY]


def unhandled(metadata: MetaData) -> list[str]:
    """Columns that a merge would forget or trip over: they need a way of their own."""
    following = {str(column) for column in followers(metadata)}
    return [
        str(column)
        for column in referring(metadata)
        if str(column) not in OWN_WAY and (str(column) not in following or not _may_follow(column))
    ]


def _may_follow(column: Column[Any]) -> bool:
    table: Table = column.table
    ids = list(table.primary_key.columns)
    single = [one.name for one in ids] == ["id"] and isinstance(ids[0].type, Integer)
    unique = [index.columns for index in table.indexes if index.unique]
    unique += [one.columns for one in table.constraints if isinstance(one, UniqueConstraint)]
    return single and not column.unique and not any(column.name in columns for columns in unique)
