"""Which card a row is about: known from an earlier list, found by the keys of D29, doubtful, or new.

`match.find` knows the cards of the database; rows taken as new a moment ago are weighed here by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.clients import match, near, weigh
from webapp.clients.models import Client, MatchKey
from webapp.clients.weigh import Asked, Key
from webapp.imports import taking
from webapp.imports.entries import Entry
from webapp.imports.models import ImportRow

_MOST_WEIGHED = 20
MOST_SLIPS = 1_000_000
"""About 130 megabytes, of some forty thousand rows."""


class Outcome(NamedTuple):
    """`state`: new, matched, doubtful or refused. `known`: this very row was taken in before, nothing is left to do.

    `reason` as in `ImportRow`; for a doubtful row the kinds of `match.reason_text` are in `why`.
    """

    state: str
    client_id: int | None = None
    why: tuple[str, ...] = ()
    known: bool = False


def decide(session: Session, entry: Entry, country: str, exclude: Collection[int] = ()) -> Outcome:
    """What `match.find` says of a row: the same client, one that may be it, or none.

    Two cards that are both "the same" are doubtful: a person chooses.
    """
    hits = match.look(session, entry.draft, entry.asked(country), exclude)
    if not hits or hits[0].certainty == "maybe":
        return Outcome("new")
    alone = hits[0].certainty == "same" and (len(hits) == 1 or hits[1].certainty != "same")
    return Outcome("matched" if alone else "doubtful", hits[0].client_id, hits[0].reasons)


def by_number(session: Session, entries: Sequence[Entry]) -> dict[int, int]:
    """Rows of a file of ours that are still about the card of their number: that number -> the card it is on now.

    A number alone proves nothing, for the file may be another office's: the name must be the card's, and where there
    is none, the person or an address.
    """
    numbers = {entry.card for entry in entries if entry.card}
    if not numbers:
        return {}
    now = survivors(session, numbers)
    there = taking.load(session, list(now.values()))
    return {
        entry.card: now[entry.card] for entry in entries if entry.card in now and _is_of(there[now[entry.card]], entry)
    }


def _is_of(client: Client, entry: Entry) -> bool:
    name = entry.client.get("name", "")
    if " ".join(name.casefold().split()) != " ".join(client.name.casefold().split()):
        return False
    return bool(name) or taking.knows(client, entry)


def taken_before(session: Session, digests: Collection[str]) -> dict[str, int]:
    """Rows that an earlier list brought in already: digest -> the card they are on now."""
    query = (
        select(ImportRow.digest, ImportRow.client_id)
        .where(ImportRow.digest.in_(digests), ImportRow.state.in_(("new", "matched")), ImportRow.client_id.is_not(None))
        .order_by(ImportRow.id)
    )
    found = {digest: client_id for digest, client_id in session.execute(query) if client_id is not None}
    now = survivors(session, set(found.values()))
    return {digest: now[client_id] for digest, client_id in found.items() if client_id in now}


def survivors(session: Session, client_ids: Collection[int]) -> dict[int, int]:
    """Each card that is there -> itself, or the card it was merged into."""
    found: dict[int, int] = {}
    asked = {client_id: client_id for client_id in client_ids}
    while asked:
        query = select(Client.id, Client.merged_into_id).where(Client.id.in_(set(asked.values())))
        merged = dict(session.execute(query).tuples().all())
        found |= {start: at for start, at in asked.items() if at in merged and merged[at] is None}
        asked = {start: into for start, at in asked.items() if (into := merged.get(at)) is not None}
    return found


def newest_key(session: Session) -> int:
    """Where the search keys end now: those written later are past it."""
    return session.scalar(select(func.coalesce(func.max(MatchKey.id), 0))) or 0


def keys_since(session: Session, after: int, most: int = 2_000) -> set[tuple[str, str]] | None:
    """The search keys written since; None when they are too many to look through."""
    query = select(MatchKey.kind, MatchKey.key).where(MatchKey.id > after).limit(most + 1)
    rows = session.execute(query).tuples().all()
    return set(rows) if len(rows) <= most else None


def weighed(found: Iterable[Key]) -> set[Key]:
    """Those of a card's keys that are weighed."""
    return {key for key in found if key.kind in weigh.GROUP_OF_KEY}


def certainty(asked: Sequence[Asked], cards: Iterable[set[Key]]) -> str:
    """How sure it is that a row is one of these cards: same, likely, or '' for neither."""
    best = ""
    for card in cards:
        if found := weigh.reasons(asked, card):
            sure = weigh.certainty(found, asked, card)
            if sure == "same":
                return sure
            best = sure if sure == "likely" else best
    return best


class Fresh:
    """Cards that are about to be made, found by what is asked of the database's: exact keys, and one slip in a name."""

    def __init__(self) -> None:
        self._cards: list[set[Key]] = []
        self._by_key: dict[tuple[str, str], list[int]] = {}

    def add(self, card: set[Key]) -> None:
        """A card that will be made."""
        place = len(self._cards)
        self._cards.append(card)
        for key in card:
            for index in _places(key.kind, key.key):
                self._by_key.setdefault(index, []).append(place)

    def certainty(self, asked: Sequence[Asked]) -> str:
        """How sure it is that a row is one of these."""
        if not self._cards:
            return ""
        places = dict.fromkeys(
            place for one in asked for index in _places(one.kind, one.key) for place in self._by_key.get(index, ())
        )
        return certainty(asked, [self._cards[place] for place in list(places)[:_MOST_WEIGHED]])


class Seen:
    """All rows of a list that will be cards, in little memory: by hashes of their keys, and read again when one meets.

    So that a preview says what the run will, a company's name is found with one slip too; past MOST_SLIPS such keys,
    in lists of more than some forty thousand rows, by exact keys alone.
    """

    def __init__(self, card_at: Callable[[int], set[Key]]) -> None:
        self._card_at = card_at
        self._first: dict[int, int] = {}
        self._slips: dict[int, int] = {}

    def add(self, card: set[Key], place: int) -> None:
        """The row at `place` will be a card."""
        for key in card:
            if key.kind in _TELLING:
                self._first.setdefault(hash((_TELLING[key.kind], key.key)), place)
        if len(self._slips) < MOST_SLIPS:
            for index in _slips(card):
                self._slips.setdefault(index, place)

    def certainty(self, asked: Sequence[Asked]) -> str:
        """How sure it is that a row is one of these."""
        telling = [hash((_TELLING[one.kind], one.key)) for one in asked if one.kind in _TELLING]
        places = dict.fromkeys(self._first[index] for index in telling if index in self._first)
        places |= dict.fromkeys(self._slips[index] for index in _slips(asked) if index in self._slips)
        return certainty(asked, (self._card_at(place) for place in places))


def _slips(keys: Iterable[Asked | Key]) -> list[int]:
    """What names of companies share that are one slip from each other."""
    names = [one.key for one in keys if one.kind == "company" and len(one.key) <= near.LONGEST]
    return [hash(variant) for name in names for variant in near.variants(name)]


_TELLING = {"email": "email", "phone": "phone", "company": "company", "site": "net", "domain": "net"}


def _places(kind: str, key: str) -> Sequence[tuple[str, str]]:
    """Where a key is kept: under itself, and a name also under what it becomes without one of its letters."""
    if kind in ("domain", "site"):
        return [("net", key)]
    if kind == "phone":
        return [("phone", key[-5:])]
    if kind == "company" and len(key) <= near.LONGEST:
        return [("company", variant) for variant in near.variants(key)]
    return [(kind, key)]
