"""What each category of clients calls for (D36): its meaning, and the actions prescribed for it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.rules.models import Category

LETTERS = ("A", "B", "C")
LONGEST = 400


def all_of_them(session: Session) -> dict[str, Category]:
    """The three categories by letter; one of which nothing is written is empty."""
    rows = {row.letter: row for row in session.scalars(select(Category))}
    return {letter: rows.get(letter) or Category(letter=letter, meanings={}, actions={}) for letter in LETTERS}


def of(session: Session, letter: str) -> Category | None:
    """What this category calls for; None for no category."""
    return session.get(Category, letter) if letter else None


def save(session: Session, letter: str, meanings: Mapping[str, str], actions: Mapping[str, str]) -> None:
    """Other words for a category, by language. Flushes."""
    row = session.get(Category, letter)
    if row is None:
        row = Category(letter=letter)
        session.add(row)
    row.meanings = {code: text for code, text in meanings.items() if text}
    row.actions = {code: text for code, text in actions.items() if text}
    session.flush()
