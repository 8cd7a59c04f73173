"""Splitting: what belongs to another client goes to a card of its own, and comes back by an undo."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.clients.conftest import make_card as make_card
from tests.webapp.conftest import Clock
from tests.webapp.doubles.conftest import RichMaker, snapshot
from tests.webapp.doubles.test_merging import QUICK, later
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients import cards, contacts, match, merged, people, verdicts
from webapp.clients.changes import Author
from webapp.clients.models import Client, ContactPoint, Person
from webapp.deals.models import Deal
from webapp.doubles import merging, splitting, undoing
from webapp.doubles.choices import BadMerge
from webapp.doubles.merging import Wish
from webapp.doubles.splitting import Part
from webapp.tasks.models import Task
from webapp.touches.models import Touch


@pytest.fixture
def head(office: dict[str, User], clock: Clock) -> Author:
    return Author(office["head"], clock(), "split", "two firms at one number")


@pytest.fixture
def two(session: Session, make_card: Maker, clock: Clock) -> Client:
    """Orlov and Belkin on one card, each with a number, a call of his own, and a deal."""
    client = make_card("Rassvet", ("+7 495 123-45-67",), surname="Orlov", owner_id=None)
    client.people.append(Person(surname="Belkin", given_name="Ivan"))
    session.flush()
    contacts.add(session, client, "phone", "+7 812 765-43-21", "RU", client.people[1])
    for number in ("+74951234567", "+78127654321"):
        call = Call(call_id=number, number=number, offered_at=clock(), state="ended", client_id=client.id)
        session.add(call)
        session.flush()
        session.add(Touch(started_at=clock(), call_id=call.id, client_id=client.id))
        due = {"due_at": clock(), "created_at": clock()}
        session.add(Task(kind="promise", client_id=client.id, call_id=call.id, text=number, **due))
        session.add(Deal(client_id=client.id, title=number, opened_at=clock()))
    match.index(session, client)
    session.commit()
    return client


def test_a_person_takes_numbers_calls_touches_and_tasks_along(session: Session, two: Client, head: Author) -> None:
    belkin = two.people[1]
    deal = session.scalars(select(Deal).where(Deal.title == "+78127654321")).one()
    row = splitting.split(session, two.id, Part("Granit", [belkin.id], deals=[deal.id]), head)
    session.commit()
    other = row.other
    assert (other.name, [person.surname for person in other.people]) == ("Granit", ["Belkin"])
    assert [person.surname for person in two.people] == ["Orlov"]
    for model in (Call, Touch, Task, Deal, ContactPoint):
        clients = session.scalars(select(model.client_id).order_by(model.id)).all()  # type: ignore[attr-defined]
        assert clients == [two.id, other.id], model
    assert match.certain(match.by_number(session, "+78127654321", "RU")) == other.id
    assert match.certain(match.by_number(session, "+74951234567", "RU")) == two.id
    assert verdicts.others(session, two.id) == {other.id}


def test_a_single_touch_or_number_can_go(session: Session, two: Client, head: Author) -> None:
    belkin = two.people[1]
    first = session.scalars(select(Touch).order_by(Touch.id)).first()
    assert first
    first.person_id = belkin.id
    session.commit()
    row = splitting.split(session, two.id, Part("Granit", touches=[first.id], points=[two.contact_points[1].id]), head)
    assert (first.client_id, first.person_id) == (row.other_id, None)
    assert [(point.value, point.person_id) for point in row.other.contact_points] == [("+7 812 765-43-21", None)]
    assert len(two.people) == 2 and not row.other.people


@settings(QUICK, max_examples=25)
@given(dice=st.randoms(use_true_random=False), data=st.data())
def test_an_undo_restores_the_card_exactly(
    session: Session, rich_card: RichMaker, head: Author, dice: random.Random, data: st.DataObject
) -> None:
    client = rich_card(dice, bare=False)
    before = snapshot(session, client.id)

    def some(model: type[Person | ContactPoint | Touch | Deal | Task]) -> list[int]:
        ids = session.scalars(select(model.id).where(model.client_id == client.id).order_by(model.id))
        return [one for one in ids if data.draw(st.booleans())]

    part = Part("Other", some(Person), some(ContactPoint), some(Touch), (), some(Deal), some(Task))
    if not any((part.people, part.points, part.touches, part.deals, part.tasks)):
        return
    row = splitting.split(session, client.id, part, head)
    session.commit()
    assert undoing.undo(session, row, later(head, days=29)) == []
    session.commit()
    assert snapshot(session, client.id) == before
    assert merged.lead(session, row.other_id) == client.id
    assert not row.other.people and not row.other.contact_points


def test_what_came_to_the_new_card_comes_along(session: Session, two: Client, head: Author, clock: Clock) -> None:
    row = splitting.split(session, two.id, Part("Granit", [two.people[1].id]), head)
    session.commit()
    session.add(Deal(client_id=row.other_id, title="gates", opened_at=clock()))
    people.add_contact_point(session, row.other, "email", "b@x.example", "RU", later(head, hours=1))
    session.commit()
    undoing.undo(session, row, later(head, days=1))
    session.commit()
    assert set(session.scalars(select(Deal.client_id))) == {two.id}
    assert "b@x.example" in [point.value for point in two.contact_points]
    assert verdicts.others(session, two.id) == set()


def test_a_new_card_that_was_filled_in_is_merged_instead(session: Session, two: Client, head: Author) -> None:
    row = splitting.split(session, two.id, Part("Granit", [two.people[1].id]), head)
    cards.update_field(session, row.other, None, "product", "gates", later(head, hours=1), "RU")
    session.commit()
    with pytest.raises(BadMerge) as refused:
        undoing.undo(session, row, later(head, days=1))
    assert "Merge the two cards instead" in refused.value.errors[""]
    session.rollback()
    merging.merge(session, two.id, row.other_id, Wish("left"), later(head, days=1))
    assert two.product == "gates" and len(two.people) == 2


def test_a_split_after_a_merge_is_undone_first(session: Session, two: Client, make_card: Maker, head: Author) -> None:
    merge = merging.merge(session, two.id, make_card("Rassvet 2").id, Wish("left"), head)
    split = splitting.split(session, two.id, Part("Granit", [two.people[1].id]), head)
    with pytest.raises(BadMerge) as refused:
        undoing.undo(session, merge, later(head, days=1))
    assert "First undo the later split of “Granit” from “Rassvet”" in refused.value.errors[""]
    undoing.undo(session, split, later(head, days=1))
    undoing.undo(session, merge, later(head, days=1))


@pytest.mark.parametrize(
    ("part", "field"),
    [(Part("Granit"), ""), (Part("", points=[1]), "name"), (Part("x" * 201, points=[1]), "name")],
)
def test_what_can_not_be_split(session: Session, two: Client, head: Author, part: Part, field: str) -> None:
    with pytest.raises(BadMerge) as refused:
        splitting.split(session, two.id, part, head)
    assert list(refused.value.errors) == [field]


def test_another_card_s_rows_stay_where_they_are(session: Session, two: Client, make_card: Maker, head: Author) -> None:
    strange = make_card("Granit", ("+7 495 765-43-21",), surname="Serova")
    before = snapshot(session, strange.id)
    part = Part("Other", [two.people[1].id, strange.people[0].id], [strange.contact_points[0].id])
    splitting.split(session, two.id, part, head)
    assert snapshot(session, strange.id) == before


def test_a_colleague_s_client_is_split_by_the_head(
    session: Session, two: Client, head: Author, office: dict[str, User]
) -> None:
    two.owner_id = office["boris"].id
    session.commit()
    anna = Author(office["anna"], head.at + timedelta(hours=1), "split")
    with pytest.raises(BadMerge) as refused:
        splitting.split(session, two.id, Part("Granit", [two.people[1].id]), anna)
    assert "The head of sales" in refused.value.errors[""]
