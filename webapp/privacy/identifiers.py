"""What names a person in a text: numbers as people write them, addresses, full names; and finding them anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import phonenumbers
from sqlalchemy import JSON, Column, ColumnElement, String, Table, Text, cast, func, or_, select
from sqlalchemy.orm import Session

from webapp.clients import keys
from webapp.db import db

INSTEAD = "…"
SHORTEST = 5
"""Letters below which a text names nobody: it would be found in every second row."""
LEFT_ALONE = frozenset(
    {"user", "erasure", "near_word", "match_key", "feed", "failed_login", "line_state", "bridge_event"}
)
"""Tables without the words of clients; keys go with their cards."""


def of_number(normal: str, written: str = "") -> set[str]:
    """The forms in which a number stands in notes and files, longest of all its E.164 one."""
    forms = {normal, normal.removeprefix("+"), written.strip()}
    try:
        parsed = phonenumbers.parse(normal, None)
    except phonenumbers.NumberParseException:
        return _long_enough(forms)
    national = phonenumbers.national_significant_number(parsed)
    formats = phonenumbers.PhoneNumberFormat
    for one in (formats.INTERNATIONAL, formats.NATIONAL, formats.RFC3966):
        text = phonenumbers.format_number(parsed, one)
        forms |= {text, text.replace("-", " "), text.replace(" ", ""), text.removeprefix("tel:")}
    if len(national) >= 8:
        forms |= {national, f"8{national}", f"0{national}"}
    return _long_enough(forms)


def of_name(surname: str, given: str, patronymic: str = "") -> set[str]:
    """A full name in either order; a surname or a first name alone names too many."""
    if not surname or not given:
        return set()
    pairs = {f"{surname} {given}", f"{given} {surname}"}
    if patronymic:
        pairs |= {f"{surname} {given} {patronymic}", f"{given} {patronymic} {surname}", f"{given} {patronymic}"}
    return _long_enough(pairs)


def of_text(text: str, country: str) -> set[str]:
    """What somebody typed to be found: as it is, and when it is a number in its other forms."""
    text = " ".join(text.split())
    normal = keys.normal_phone(text, country) if sum(sign.isdigit() for sign in text) >= SHORTEST else ""
    return _long_enough({text}) | (of_number(normal, text) if normal else set())


def _long_enough(texts: Iterable[str]) -> set[str]:
    return {text for text in texts if len(text) >= SHORTEST}


# In the database


def columns() -> Iterator[tuple[Table, list[Column[Any]]]]:
    """Every table with its columns of text and of JSON that may hold words about a client."""
    for table in db.metadata.sorted_tables:
        found = [one for one in table.columns if isinstance(one.type, (String, Text, JSON)) and not one.foreign_keys]
        if table.name not in LEFT_ALONE and found:
            yield table, found


def holding(session: Session, column: ColumnElement[Any], texts: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a column holds one of these texts; JSON keeps other letters than Latin ones escaped."""
    words = set(texts)
    if isinstance(column.type, JSON):
        words |= {json.dumps(text)[1:-1] for text in words}
    where = func.instr if session.get_bind().dialect.name == "sqlite" else func.strpos
    return or_(*(where(cast(column, Text), text) > 0 for text in sorted(words)))


def found(session: Session, texts: set[str]) -> dict[str, int]:
    """How many rows of each table hold one of these texts."""
    counts: dict[str, int] = {}
    for table, its in columns() if texts else ():
        conditions = [holding(session, column, texts) for column in its]
        if number := session.scalar(select(func.count()).select_from(table).where(or_(*conditions))):
            counts[table.name] = number
    return counts


def redact(session: Session, texts: set[str], now: datetime) -> dict[str, int]:
    """Put INSTEAD for these texts wherever they still stand; '' where a column holds nothing else. Rows by table.

    Rows that never change otherwise, mails, are marked as erased in the same statement: only so may their words go.
    """
    longest_first = sorted(texts, key=len, reverse=True)
    counts: dict[str, int] = {}
    for table, its in columns() if texts else ():
        key = list(table.primary_key.columns)
        marked = {"erased_at": now} if "erased_at" in table.columns else {}
        rows = session.execute(select(*key, *its).where(or_(*(holding(session, one, texts) for one in its)))).all()
        for row in rows:
            here = [one == part for one, part in zip(key, row[: len(key)], strict=True)]
            held = {one.name: value for one, value in zip(its, row[len(key) :], strict=True)}
            values = {name: _without(value, longest_first) for name, value in held.items()}
            changed = {name: value for name, value in values.items() if value != held[name]}
            if changed:
                session.execute(table.update().where(*here).values({**changed, **marked}))
        if rows:
            counts[table.name] = len(rows)
    return counts


def _without(value: Any, texts: list[str]) -> Any:
    if isinstance(value, str):
        if value in texts:
            return ""
        for text in texts:
            value = value.replace(text, INSTEAD)
        return value
    if isinstance(value, list):
        return [_without(one, texts) for one in value]
    if isinstance(value, dict):
        return {_without(name, texts): _without(one, texts) for name, one in value.items()}
    return value
