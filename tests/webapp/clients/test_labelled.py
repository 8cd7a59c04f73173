"""How many cards are found by what people type, how many strangers are taken for one: floors on the held-out set."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from bench import labelled, match
from webapp.accounts.models import User

CARDS = 400


def test_cards_are_found_and_strangers_are_not_taken_for_them(session: Session, office: dict[str, User]) -> None:
    book = labelled.cards(labelled.HELD_OUT, CARDS)
    found = match.recall(session, labelled.HELD_OUT, book)
    for name, kinds, aim in match.AIMS:
        assert found.share(kinds, "found") >= aim, (name, {kind: found.counts[kind] for kind in kinds})
    for kind, count in found.counts.items():
        assert count["found"] >= 0.9 * count["all"] > 0, (kind, found.lost[kind][:5])
    strangers = match.precision(session, labelled.HELD_OUT, book)
    assert strangers.share(strangers.counts, "same") <= match.MOST_TAKEN, strangers.lost


@pytest.mark.parametrize("seed", [labelled.DEV, labelled.HELD_OUT])
def test_a_set_is_made_of_its_seed_alone(seed: int) -> None:
    book = labelled.cards(seed, 20)
    assert book == labelled.cards(seed, 20) != labelled.cards(seed + 1, 20)
    assert list(labelled.same(seed, book)) == list(labelled.same(seed, book))
    kinds = {draft.kind for draft in labelled.same(seed, labelled.cards(seed, 60))}
    assert kinds == {*labelled.EXACT, *labelled.SLIPS, *labelled.ALPHABETS}
