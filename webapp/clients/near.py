"""Words with one slip of the keyboard: one letter left out, added, another, or two exchanged (D29).

Two such words share one of the forms they have when a letter is left out (`keys.company_slips`). Those forms are rows
of `NearWord`, so that a slip costs a few exact look-ups however many cards there are, on every database alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from rapidfuzz.distance import OSA
from sqlalchemy.orm import Session

from webapp.clients import keys

SHORTEST = 3
LONGEST = 40
LONGEST_VARIANT = 80
LONG = 5
"""A slip in a word of so many sounds may change two of them."""
MOST_NEAR = 60
"""Words tried for one typed word."""

_THEIRS = "select variant, word from {asked} cross join near_word where kind = ? and variant = asked"
_KNOWN = "select word from {asked} cross join near_word where kind = ? and variant = asked and word = asked"
_INSERT = "insert into near_word (kind, variant, word) values (?, ?, ?) on conflict do nothing"


def is_near(one: str, other: str) -> bool:
    """True for two texts that differ by one slip. Digits never slip: Shop 12 is not Shop 13."""
    if abs(len(one) - len(other)) > 1 or min(len(one), len(other)) < SHORTEST:
        return False
    return OSA.distance(one, other, score_cutoff=1) == 1 and _figures(one) == _figures(other)


def _figures(word: str) -> str:
    return "".join(sign for sign in word if sign.isdigit())


def worth(word: str) -> bool:
    """True for the sounds of a word in which a slip is looked for: long enough, and of letters."""
    return SHORTEST <= len(word) <= LONGEST and word.isalpha()


def variants(text: str) -> set[str]:
    """A text and what it becomes when one letter is left out."""
    return {text, *(text[:place] + text[place + 1 :] for place in range(len(text)))}


def rows(kind: str, words: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(kind, variant, word) for words (sounds -> as written), in order: two writers must not wait for each other."""
    return [
        (kind, variant, word)
        for word in sorted(words)
        if worth(word)
        for variant in sorted(_SLIPS[kind](words[word]) | {word})
        if len(variant) <= LONGEST_VARIANT
    ]


def keep(session: Session, kind: str, words: Mapping[str, str]) -> None:
    """See to it that words (sounds -> as written) are found by their slips. Writes only what is not there yet."""
    wanted = {word for word in words if worth(word)}
    if not wanted:
        return
    known = {word for (word,) in Fetch(session).among(_KNOWN, sorted(wanted), (kind,))}
    if new := rows(kind, {word: words[word] for word in wanted - known}):
        write(session, _INSERT, new)


def find(fetch: Fetch, kind: str, words: Mapping[str, str]) -> dict[str, list[str]]:
    """The words of cards that are one slip from each of `words` (sounds -> as written); those that have any."""
    asked: dict[str, list[str]] = {}
    for word, written in words.items():
        if worth(word):
            for variant in _SLIPS[kind](written):
                asked.setdefault(variant, []).append(word)
    if not asked:
        return {}
    found: dict[str, list[str]] = {}
    rows = fetch.among(_THEIRS, list(asked), (kind,))
    for word, theirs in sorted({(word, theirs) for variant, theirs in rows for word in asked[variant]}):
        most = 2 if max(len(word), len(theirs)) >= LONG else 1
        if word != theirs and OSA.distance(word, theirs, score_cutoff=most) <= most:
            found.setdefault(word, []).append(theirs)
    return {word: theirs[:MOST_NEAR] for word, theirs in found.items()}


_SLIPS: dict[str, Callable[[str], Set[str]]] = {"company": keys.company_slips, "surname": keys.surname_slips}


class Fetch:
    """Rows of queries with ? for their values, by the driver itself: what stands between costs more than look-ups."""

    def __init__(self, session: Session) -> None:
        self._connection = session.connection()
        self._driver: Any = None
        if self._connection.dialect.name == "sqlite":
            self._driver = self._connection.connection.driver_connection

    def __call__(self, sql: str, values: Sequence[Any]) -> Sequence[Any]:
        """The rows of a query."""
        if self._driver is not None:
            return self._driver.execute(sql, values).fetchall()
        return self._connection.exec_driver_sql(sql.replace("?", "%s"), tuple(values)).all()

    def among(self, sql: str, some: list[str], values: Sequence[Any]) -> Sequence[Any]:
        """The rows of a query that has {asked} for a table of `some` texts, its only column `asked`."""
        if self._driver is not None:
            return self(sql.format(asked="(select value as asked from json_each(?))"), (json.dumps(some), *values))
        return self(sql.format(asked="unnest(?::text[]) as them(asked)"), (some, *values))


def write(session: Session, sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run a statement with ? for its values for each of many rows, by the driver itself; `rows` is not empty."""
    connection = session.connection()
    sql = sql if connection.dialect.name == "sqlite" else sql.replace("?", "%s")
    connection.exec_driver_sql(sql, list(rows))
