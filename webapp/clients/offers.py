"""Whether what is typed of a client is on a card already: the hits of the six keys (D29) and what was said of each.

"The same", "another one" and "not sure" are said while there is no card yet; they are remembered of the pair once
there is one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.clients import match, queries, verdicts
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.typed import row_id

SAID = ("same", "other", "unsure")
ASKED = ("same", "likely")
"""Hits so sure that no second card is made before somebody has said what it is."""
MOST_SAID = 30

Said = Mapping[int, str]
"""Card's id -> one of SAID."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A card that may be the one typed. `why`: what they share, `field`: where; `said`: one of SAID, or ''."""

    client: Client
    certainty: str
    why: str
    field: str
    said: str

    @property
    def asked(self) -> bool:
        """Somebody must say what this card is before a new one is made."""
        return self.certainty in ASKED and not self.said


def find(
    session: Session, draft: Mapping[str, str], said: Said, country: str, exclude: Collection[int] = ()
) -> list[Offer]:
    """The cards that may be the draft's (fields as in `match.find`), best first; two queries."""
    hits = match.find(session, draft, country, exclude)
    query = (
        select(Client)
        .where(Client.id.in_([hit.client_id for hit in hits]))
        .options(joinedload(Client.owner), selectinload(Client.people))
    )
    cards = {client.id: client for client in session.scalars(query)} if hits else {}
    return [
        Offer(
            cards[hit.client_id],
            hit.certainty,
            ", ".join(match.reason_text(reason) for reason in hit.reasons),
            hit.field,
            said.get(hit.client_id, ""),
        )
        for hit in hits
        if hit.client_id in cards
    ]


def read(text: str) -> dict[int, str]:
    """What was said, as a form carries it: `12:same,15:other`. What can't be read is left out."""
    found: dict[int, str] = {}
    for pair in text.split(",")[:MOST_SAID]:
        number, _colon, word = pair.partition(":")
        if (client_id := row_id(number)) is not None and word in SAID:
            found[client_id] = word
    return found


def written(said: Said) -> str:
    """The other way round."""
    return ",".join(f"{client_id}:{word}" for client_id, word in said.items())


def chosen(session: Session, said: Said) -> Client | None:
    """The card that is said to be the same; None when none is, or it is there no more."""
    client_id = next((client_id for client_id, word in said.items() if word == "same"), None)
    return session.scalars(queries.card(client_id)).one_or_none() if client_id is not None else None


def remember(session: Session, client: Client, offers: Sequence[Offer], author: Author) -> None:
    """Keep of the new card what was said of those it is like: asked once, not asked again."""
    for offer in offers:
        if offer.said in ("other", "unsure") and offer.client.id != client.id:
            verdicts.say(session, client.id, offer.client.id, offer.said, author)
