"""What managers said of two cards: the same, another one (never asked again), not sure."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.clients.changes import Author
from webapp.clients.models import Client, PairVerdict

VERDICTS = ("same", "other", "unsure")


def say(session: Session, one_id: int, other_id: int, verdict: str, author: Author) -> None:
    """Remember what the author said of two cards; a later word counts instead. Flushes.

    Raises ValueError for another word than those of VERDICTS, or one card twice.
    """
    if verdict not in VERDICTS or one_id == other_id:
        raise ValueError(verdict)
    low, high = sorted((one_id, other_id))
    said = _of_both(session, low, high)
    if said is None:
        try:
            with session.begin_nested():
                said = PairVerdict(low_id=low, high_id=high, verdict=verdict, at=author.at)
                session.add(said)
        except IntegrityError:  # a colleague said something of the same two a moment ago
            said = _of_both(session, low, high)
    if said is not None:
        said.verdict, said.at = verdict, author.at
        said.user_id = author.user.id if author.user else None
    session.flush()


def _of_both(session: Session, low: int, high: int) -> PairVerdict | None:
    return session.scalars(
        select(PairVerdict).where(PairVerdict.low_id == low, PairVerdict.high_id == high)
    ).one_or_none()


def say_all(session: Session, client: Client, said: Mapping[int, str], author: Author) -> None:
    """Remember what was said of the cards offered while `client` was typed (id -> verdict); those gone are left out."""
    there = session.scalars(select(Client.id).where(Client.id.in_(said), Client.merged_into_id.is_(None)))
    for other_id in sorted(set(there) - {client.id}):
        say(session, client.id, other_id, said[other_id], author)


def others(session: Session, client_id: int) -> set[int]:
    """The cards that are told apart from this one for good: never offered for it again."""
    pairs = select(PairVerdict.low_id, PairVerdict.high_id).where(
        PairVerdict.verdict == "other", or_(PairVerdict.low_id == client_id, PairVerdict.high_id == client_id)
    )
    return {low if high == client_id else high for low, high in session.execute(pairs)}
