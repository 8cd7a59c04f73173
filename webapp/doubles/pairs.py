"""What managers say of probable doubles: the same, another one, not sure; and taking it back."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from webapp.clients import verdicts
from webapp.clients.changes import Author
from webapp.clients.models import PairVerdict
from webapp.doubles import search
from webapp.doubles.models import DoublePair


def say(session: Session, one_id: int, other_id: int, verdict: str, author: Author) -> None:
    """Remember a verdict (`verdicts.VERDICTS`); cards told apart are no pair any more. Flushes.

    Raises ValueError for another word, or one card twice.
    """
    verdicts.say(session, one_id, other_id, verdict, author)
    if verdict == "other":
        low, high = sorted((one_id, other_id))
        session.execute(delete(DoublePair).where(DoublePair.low_id == low, DoublePair.high_id == high))


def take_back(session: Session, one_id: int, other_id: int, author: Author, country: str) -> None:
    """Forget what was said of two cards, and look for them anew."""
    low, high = sorted((one_id, other_id))
    session.execute(delete(PairVerdict).where(PairVerdict.low_id == low, PairVerdict.high_id == high))
    session.flush()
    search.look(session, (low, high), country, author.at)
