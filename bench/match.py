"""How many cards are found by what people type of them, and how many strangers are taken for one (D29).

Run as `python -m bench.match [--short] [--dev] [--show KIND]`, on the held-out set unless `--dev`. Found: the card is
among those offered; first: it is the first of them; same: it is taken for the one meant without asking anybody.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from bench import labelled
from bench.labelled import Card, Draft
from webapp import config, create_app
from webapp.clients import contacts, match
from webapp.clients.models import Client, Person
from webapp.db import db
from webapp.office import defaults

COUNTRY = "RU"
AIMS = (
    ("exact after normalising", labelled.EXACT, 0.99),
    ("one letter", labelled.SLIPS, 0.95),
    ("across alphabets", labelled.ALPHABETS, 0.95),
)
MOST_TAKEN = 0.01


@dataclass
class Result:
    """Counts by kind of change: all, found, first, same; of strangers: all, shown, likely, same. `lost` are drafts."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    lost: dict[str, list[Draft]] = field(default_factory=lambda: defaultdict(list))

    def share(self, kinds: Iterable[str], what: str) -> float:
        """The share of `what` among all drafts of these kinds."""
        together = sum((self.counts[kind] for kind in kinds), Counter[str]())
        return together[what] / max(together["all"], 1)


def main() -> None:
    """Build, ask and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="300 cards instead of 1,500")
    parser.add_argument("--dev", action="store_true", help="the set that was looked at")
    parser.add_argument("--show", default="", help="print drafts of this kind that went wrong")
    asked = parser.parse_args()
    seed = labelled.DEV if asked.dev else labelled.HELD_OUT
    with tempfile.TemporaryDirectory(prefix="secondring-bench-") as folder:
        app = create_app(config.load({"SECONDRING_DATA": str(Path(folder))}))
        with app.app_context():
            db.create_all()
            defaults.create(db.session(), "Bench", "en")
            book = labelled.cards(seed, 300 if asked.short else 1500)
            found = recall(db.session(), seed, book)
            strangers = precision(db.session(), seed, book)
            db.session.remove()
            db.engine.dispose()
    print(f"{len(book)} cards, seed {seed}\n{'':36} drafts  found  first   same")
    for kind, count in found.counts.items():
        print(f"{kind:36} {count['all']:6}" + "".join(f"{count[what] / count['all']:7.3f}" for what in ORDER))
    for name, kinds, aim in AIMS:
        print(f"{name:36}        {found.share(kinds, 'found'):6.3f}  (aim {aim})")
    print(f"\n{'strangers':36} drafts  shown likely   same")
    for kind, count in strangers.counts.items():
        print(f"{kind:36} {count['all']:6}" + "".join(f"{count[what] / count['all']:7.3f}" for what in BAD))
    print(f"{'all strangers taken for a card':36}        {strangers.share(strangers.counts, 'same'):6.4f}")
    for draft in (found.lost[asked.show] or strangers.lost[asked.show])[:40] if asked.show else ():
        print(book[draft.card if draft.card is not None else draft.near or 0], "<-", draft.fields)


ORDER = ("found", "first", "same")
BAD = ("shown", "likely", "same")


def recall(session: Session, seed: int, book: list[Card]) -> Result:
    """Put the cards into the database and look for each by what was made of it."""
    ids = store(session, book)
    result = Result()
    for draft in labelled.same(seed, book):
        hits = match.find(session, draft.fields, COUNTRY)
        wanted = ids[draft.card or 0]
        result.counts[draft.kind]["all"] += 1
        hit = next((one for one in hits if one.client_id == wanted), None)
        if hit is None:
            result.lost[draft.kind].append(draft)
            continue
        result.counts[draft.kind]["found"] += 1
        result.counts[draft.kind]["first"] += hits[0] is hit
        result.counts[draft.kind]["same"] += hit.certainty == "same"
    return result


def precision(session: Session, seed: int, book: list[Card]) -> Result:
    """Look for clients that are not there; the cards must be in the database already."""
    result = Result()
    for draft in labelled.unrelated(seed, book):
        hits = match.find(session, draft.fields, COUNTRY)
        count = result.counts[draft.kind]
        count["all"] += 1
        count["shown"] += bool(hits)
        count["likely"] += any(hit.certainty == "likely" for hit in hits)
        if any(hit.certainty == "same" for hit in hits):
            count["same"] += 1
            result.lost[draft.kind].append(draft)
    return result


def store(session: Session, book: list[Card]) -> list[int]:
    """The cards in the database, with their keys; their ids."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    clients = []
    for card in book:
        client = Client(name=card.name, website=card.website, created_at=at)
        client.people = [Person(surname=card.surname, given_name=card.given_name)]
        session.add(client)
        session.flush()
        contacts.add(session, client, "phone", card.phone, COUNTRY)
        contacts.add(session, client, "email", card.email, COUNTRY)
        clients.append(client)
    match.index_all(session, clients)
    return [client.id for client in clients]


if __name__ == "__main__":
    main()
