"""Somebody is forgotten after a merge: the copy that the merge left behind goes as well, and no undo brings it back."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.clients.conftest import make_card as make_card
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import merged
from webapp.clients.changes import Author
from webapp.clients.models import Client, ContactPoint, Person
from webapp.doubles import merging, undoing
from webapp.doubles.merging import Wish
from webapp.doubles.models import Merge
from webapp.privacy import erasing, identifiers, scope

PHONE = "+7 495 123-45-67"


@pytest.fixture
def merge(session: Session, make_card: Maker, office: dict[str, User], clock: Clock) -> Merge:
    """Two cards with the same person, who has the full name on one only."""
    left = make_card("Rassvet", (PHONE,), surname="Zlatoust")
    right = make_card("Rassvet", (PHONE,), surname="Zlatoust", given_name="Dobrynya", patronymic="Nikitich")
    right.people.append(Person(surname="Belkin"))
    session.commit()
    by = Author(office["head"], clock(), "merge", "the same")
    row = merging.merge(session, left.id, right.id, Wish("left"), by)
    session.commit()
    return row


def test_one_person_is_forgotten_on_both_cards(
    session: Session, merge: Merge, office: dict[str, User], clock: Clock, tmp_path: Path
) -> None:
    survivor = session.get_one(Client, merge.survivor_id)
    zlatoust = next(person for person in survivor.people if person.surname == "Zlatoust")
    subject = scope.of_person(session, zlatoust)
    assert len(subject.person_ids) == len(subject.point_ids) == 2
    erasing.erase(session, subject, "asked for", office["head"], clock(), tmp_path)
    session.commit()
    assert session.scalars(select(Person.surname)).all() == ["Belkin"]
    assert session.scalars(select(ContactPoint)).all() == []
    assert identifiers.found(session, subject.texts | {"Dobrynya", "Nikitich"}) == {}
    undoing.undo(session, merge, Author(office["head"], clock.move(hours=1), "undo"))
    session.commit()
    assert session.scalars(select(Person.client_id)).all() == [merge.other_id]


def test_a_card_is_forgotten_with_all_that_was_merged_into_it(
    session: Session, merge: Merge, office: dict[str, User], clock: Clock, tmp_path: Path
) -> None:
    subject = scope.of_card(session, session.get_one(Client, merge.other_id))
    assert set(subject.client_ids) == {merge.survivor_id, merge.other_id}
    erasing.erase(session, subject, "asked for", office["head"], clock(), tmp_path)
    session.commit()
    assert session.scalars(select(Client)).all() == session.scalars(select(Merge)).all() == []
    assert merged.lead(session, 2) == 2
