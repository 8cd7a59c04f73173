"""Merging: everything follows, nothing is there twice, and an undo finds both cards as they were."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, func, select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.clients.conftest import make_card as make_card
from tests.webapp.conftest import Clock
from tests.webapp.doubles.conftest import RichMaker, snapshot
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients import cards, match, merged, people
from webapp.clients.changes import Author
from webapp.clients.models import CardChange, Client, ContactPoint, MatchKey, NotSame, PairVerdict
from webapp.db import db
from webapp.deals.models import Deal
from webapp.doubles import choices, links, merging, undoing
from webapp.doubles.choices import BadMerge
from webapp.doubles.merging import Wish
from webapp.doubles.models import Merge
from webapp.office.models import ClientStatus
from webapp.touches.models import Touch

QUICK = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.generate],  # cards made by dice do not get simpler
)


@pytest.fixture
def head(office: dict[str, User], clock: Clock) -> Author:
    return Author(office["head"], clock(), "merge", "same phone")


def later(author: Author, **by: float) -> Author:
    return Author(author.user, author.at + timedelta(**by), "undo", author.why)


# What refers to a card


def test_every_column_that_refers_to_a_card_or_a_person_has_its_way() -> None:
    assert links.unhandled(db.metadata) == []
    referring = {str(column) for column in links.referring(db.metadata)}
    assert set(links.OWN_WAY) <= referring, "something is said of a column that is gone"
    assert {"touch.client_id", "deal.client_id", "task.client_id", "call.client_id", "card_change.client_id"} <= {
        str(column) for column in links.followers(db.metadata)
    }


def test_a_table_that_comes_later_follows_or_is_named() -> None:
    metadata = MetaData()
    Table("client", metadata, Column("id", Integer, primary_key=True))
    Table("person", metadata, Column("id", Integer, primary_key=True))
    to_client, to_person = ForeignKey("client.id"), ForeignKey("person.id")
    plain = Table("visit", metadata, Column("id", Integer, primary_key=True), Column("client_id", Integer, to_client))
    Table("guest", metadata, Column("id", Integer, primary_key=True), Column("person_id", Integer, to_person))
    card = Column("client_id", Integer, ForeignKey("client.id"))
    Table(
        "badge",
        metadata,
        Column("id", Integer, primary_key=True),
        card,
        Column("no", String),
        Index("u", card, "no", unique=True),
    )
    assert plain.c.client_id in links.followers(metadata)
    assert links.unhandled(metadata) == ["badge.client_id", "guest.person_id"]


def test_every_column_of_a_card_is_chosen_or_kept() -> None:
    named = {choices.column(name) for name in choices.ORDER}
    assert named | set(choices.KEPT) == set(Client.__table__.columns.keys())
    assert not named & set(choices.KEPT)


def test_all_that_hangs_on_a_card_follows(session: Session, rich_card: RichMaker, head: Author) -> None:
    stranger = rich_card(random.Random(1))
    survivor, other = rich_card(random.Random(2)), rich_card(random.Random(3), stranger, bare=False)
    columns = links.followers(db.metadata)
    before = {
        str(column): session.scalar(select(func.count()).where(column.in_((survivor.id, other.id))))
        for column in columns
    }
    assert all(before.values()), "the test forgets a table: give the rich card a row of it"
    merging.merge(session, survivor.id, other.id, Wish("left"), head)
    for column in columns:
        assert session.scalar(select(func.count()).where(column == other.id)) == 0, column
        extra = (
            0
            if str(column) != "card_change.client_id"
            else session.scalar(select(func.count()).where(CardChange.source == "merge"))
        )
        assert session.scalar(select(func.count()).where(column == survivor.id)) == before[str(column)] + extra, column
    assert session.scalar(select(func.count()).where(MatchKey.client_id == other.id)) == 0
    assert merged.lead(session, other.id) == survivor.id
    told = select(PairVerdict).where(PairVerdict.low_id == stranger.id, PairVerdict.high_id == survivor.id)
    assert session.scalars(told).one()
    assert not any(one["client_id"] == other.id for call in session.scalars(select(Call)) for one in call.candidates)


@settings(QUICK, max_examples=40)
@given(dice=st.randoms(use_true_random=False), side=st.sampled_from(("left", "right")), data=st.data())
def test_an_undo_restores_both_cards_exactly(
    session: Session, rich_card: RichMaker, head: Author, dice: random.Random, side: str, data: st.DataObject
) -> None:
    stranger = rich_card(dice)
    left, right = rich_card(dice, stranger), rich_card(dice, stranger)
    before = snapshot(session, left.id, right.id, stranger.id)
    differ = choices.differing(session, left, right, side, {})
    picks = {one.name: data.draw(st.sampled_from(choices.SIDES if one.both else choices.SIDES[:2])) for one in differ}
    apart = [person.id for person in right.people if data.draw(st.booleans())]
    row = merging.merge(session, left.id, right.id, Wish(side, picks, apart), head)
    session.commit()
    assert snapshot(session, row.other_id)["keys"] == []
    assert undoing.undo(session, row, later(head, days=29)) == []
    session.commit()
    assert snapshot(session, left.id, right.id, stranger.id) == before


@settings(QUICK, max_examples=10)
@given(dice=st.randoms(use_true_random=False))
def test_chains_are_undone_the_last_first(
    session: Session, rich_card: RichMaker, head: Author, dice: random.Random
) -> None:
    one, two, three, four = (rich_card(dice) for _ in range(4))
    before = snapshot(session, one.id, two.id, three.id, four.id)
    first = merging.merge(session, two.id, one.id, Wish("left"), head)
    second = merging.merge(session, three.id, two.id, Wish("left"), head)
    third = merging.merge(session, three.id, four.id, Wish("left"), head)
    session.commit()
    assert {merged.lead(session, card.id) for card in (one, two, three, four)} == {three.id}
    for row in (first, second):
        with pytest.raises(BadMerge) as refused:
            undoing.undo(session, row, later(head, days=1))
        assert "First undo the later merge" in refused.value.errors[""]
        session.rollback()
    for row in (third, second, first):
        undoing.undo(session, row, later(head, days=1))
    session.commit()
    assert snapshot(session, one.id, two.id, three.id, four.id) == before


# Field by field


def test_people_and_numbers_that_are_the_same_are_kept_once(
    session: Session, make_card: Maker, head: Author, clock: Clock
) -> None:
    left = make_card("Rassvet", ("+7 495 123-45-67",), surname="Orlov", given_name="Pavel")
    right = make_card("Рассвет", ("8 (495) 123-45-67", "+7 812 765-43-21"), surname="Орлов", email="p@rassvet.example")
    right.people[0].position = "Director"
    touch = Touch(started_at=clock(), client_id=right.id, person_id=right.people[0].id)
    session.add(touch)
    session.commit()
    merging.merge(session, left.id, right.id, Wish("left", {"name": "left"}), head)
    person = left.people[0]
    assert [(one.surname, one.given_name, one.position) for one in left.people] == [("Orlov", "Pavel", "Director")]
    values = [point.value for point in left.contact_points]
    assert values == ["+7 495 123-45-67", "+7 812 765-43-21", "p@rassvet.example"]
    assert {point.person_id for point in left.contact_points} == {person.id}
    session.refresh(touch)
    assert (touch.client_id, touch.person_id) == (left.id, person.id)
    assert [hit.client_id for hit in match.by_number(session, "+78127654321", "RU")] == [left.id]


def test_people_of_one_name_can_be_kept_apart(session: Session, make_card: Maker, head: Author) -> None:
    left, right = make_card("Rassvet", surname="Orlov"), make_card("Rassvet", surname="Orlov")
    merging.merge(session, left.id, right.id, Wish("left", {}, [right.people[0].id]), head)
    assert [person.surname for person in left.people] == ["Orlov", "Orlov"]


def test_a_field_is_the_left_one_the_right_one_or_both(session: Session, make_card: Maker, head: Author) -> None:
    left = make_card("Rassvet", note="calls in May", product="windows", volume="10")
    right = make_card("Rassvet Ltd", note="pays late", product="doors", volume="")
    picks = {"note": "both", "product": "right", "name": "left"}
    row = merging.merge(session, left.id, right.id, Wish("left", picks), head)
    assert (left.name, left.product, left.volume, left.note) == ("Rassvet", "doors", "10", "calls in May\npays late")
    assert row.fields == {"product": ["windows", "doors"], "note": ["calls in May", "calls in May\npays late"]}
    logged = select(CardChange).where(CardChange.client_id == left.id, CardChange.field == "product")
    line = session.scalars(logged).one()
    assert (line.old, line.new, line.source, line.why, line.user_id) == (
        *("windows", "doors", "merge", "same phone"),
        row.by_id,
    )


def test_both_that_are_too_long_together_are_refused_and_nothing_changes(
    session: Session, make_card: Maker, head: Author
) -> None:
    left, right = make_card("A", product="a" * 150, note="x"), make_card("A", product="b" * 150, note="y")
    picks = {"product": "both", "note": "both"}
    with pytest.raises(BadMerge) as refused:
        merging.merge(session, left.id, right.id, Wish("left", picks), head)
    session.rollback()
    assert list(refused.value.errors) == ["product"] and "at most 200" in refused.value.errors["product"]
    assert (left.note, right.merged_into_id) == ("x", None)


def test_who_is_never_recorded_stays_so(session: Session, make_card: Maker, head: Author) -> None:
    left, right = make_card("A"), make_card("A", never_record=True)
    row = merging.merge(session, left.id, right.id, Wish("left"), head)
    assert left.never_record
    undoing.undo(session, row, later(head, days=1))
    assert not left.never_record and right.never_record


def test_the_survivor_s_status_obeys_the_rules(
    session: Session, make_card: Maker, head: Author, office: dict[str, User], clock: Clock
) -> None:
    low, high = list(session.scalars(select(ClientStatus).order_by(ClientStatus.rank)))[:2]
    left, right = make_card("A", status=high), make_card("A", status=low)
    session.commit()
    anna = Author(office["anna"], clock(), "merge", "the same")
    with pytest.raises(BadMerge) as refused:
        merging.merge(session, left.id, right.id, Wish("left", {"status": "right"}), anna)
    session.rollback()
    assert list(refused.value.errors) == ["status"]
    merging.merge(session, left.id, right.id, Wish("left", {"status": "right"}), head)
    assert left.status_id == low.id


def test_a_number_told_apart_from_one_card_only(session: Session, make_card: Maker, head: Author) -> None:
    left, right = make_card("A", ("+7 495 123-45-67",)), make_card("A", ("+7 812 765-43-21",))
    session.add_all(NotSame(number=number, client_id=left.id) for number in ("+78127654321", "+70000000001"))
    session.add_all(NotSame(number=number, client_id=right.id) for number in ("+74951234567", "+70000000002"))
    session.commit()
    row = merging.merge(session, left.id, right.id, Wish("left"), head)
    numbers = select(NotSame.number).where(NotSame.client_id == left.id).order_by(NotSame.number)
    assert list(session.scalars(numbers)) == ["+70000000001", "+70000000002"]
    assert match.certain(match.by_number(session, "+78127654321", "RU")) == left.id
    undoing.undo(session, row, later(head, days=1))
    assert list(session.scalars(numbers)) == ["+70000000001", "+78127654321"]


# Who may, and what is told


def test_a_colleague_s_client_needs_the_head(
    session: Session, make_card: Maker, office: dict[str, User], clock: Clock
) -> None:
    left, right = make_card("A", owner_id=office["anna"].id), make_card("A", owner_id=office["boris"].id)
    anna = Author(office["anna"], clock(), "merge", "the same")
    with pytest.raises(BadMerge) as refused:
        merging.merge(session, left.id, right.id, Wish("left"), anna)
    assert "Propose it" in refused.value.errors[""]
    session.rollback()
    right.owner_id = None
    session.commit()
    assert merging.merge(session, left.id, right.id, Wish("left"), anna).by_id == office["anna"].id


@pytest.mark.parametrize("why", ["", "  ", "x" * 401])
def test_a_merge_needs_a_reason(session: Session, make_card: Maker, head: Author, why: str) -> None:
    left, right = make_card("A"), make_card("A")
    with pytest.raises(BadMerge) as refused:
        merging.merge(session, left.id, right.id, Wish("left"), Author(head.user, head.at, "merge", why))
    assert list(refused.value.errors) == ["why"]


def test_who_merges_second_is_told(session: Session, make_card: Maker, head: Author) -> None:
    one, two, three = make_card("Rassvet"), make_card("Rassvet Ltd"), make_card("Rassvet LLC")
    merging.merge(session, one.id, two.id, Wish("left"), head)
    session.commit()
    with pytest.raises(BadMerge) as refused:
        merging.merge(session, three.id, two.id, Wish("left"), head)
    assert "Rassvet Ltd" in refused.value.errors[""] and "Helen Markova" in refused.value.errors[""]
    with pytest.raises(BadMerge):
        merging.merge(session, one.id, one.id, Wish("left"), head)


def test_a_card_that_changed_under_the_form_is_looked_at_again(
    session: Session, make_card: Maker, head: Author
) -> None:
    left, right = make_card("Rassvet"), make_card("Rassvet Ltd")
    seen = merging.digest(left, right)
    cards.update_field(session, right, None, "product", "doors", head, "RU")
    session.commit()
    with pytest.raises(BadMerge) as refused:
        merging.merge(session, left.id, right.id, Wish("left", {}, (), seen), head)
    assert "changed meanwhile" in refused.value.errors[""]
    session.rollback()
    merging.merge(session, left.id, right.id, Wish("left", {}, (), merging.digest(left, right)), head)


# Undo


def test_after_thirty_days_an_undo_is_refused(session: Session, make_card: Maker, head: Author) -> None:
    left, right = make_card("A"), make_card("A")
    row = merging.merge(session, left.id, right.id, Wish("left"), head)
    with pytest.raises(BadMerge) as refused:
        undoing.undo(session, row, later(head, days=30, seconds=1))
    assert "30 days" in refused.value.errors[""]
    undoing.undo(session, row, later(head, days=30))
    with pytest.raises(BadMerge) as refused:
        undoing.undo(session, row, later(head, days=30))
    assert "undone already" in refused.value.errors[""]


def test_what_came_since_stays_and_what_was_edited_since_is_kept_and_told(
    session: Session, make_card: Maker, head: Author, clock: Clock
) -> None:
    left = make_card("Rassvet", product="windows", volume="10")
    right = make_card("Rassvet", ("+7 812 765-43-21",), surname="Orlov", product="doors", volume="20")
    picks = {"product": "right", "volume": "right"}
    row = merging.merge(session, left.id, right.id, Wish("left", picks), head)
    session.commit()
    edit = Author(head.user, clock.move(hours=1), "form")
    cards.update_field(session, left, None, "product", "doors and gates", edit, "RU")
    cards.update_field(session, left, left.people[0], "surname", "Orlova", edit, "RU")
    people.add_contact_point(session, left, "email", "new@x.example", "RU", edit)
    session.add(Deal(client_id=left.id, title="gates", opened_at=clock()))
    session.commit()
    assert undoing.undo(session, row, later(edit, days=1)) == ["Product or brand", "Surname"]
    session.commit()
    assert (left.product, left.volume, right.product, right.volume) == ("doors and gates", "10", "doors", "20")
    assert [person.surname for person in right.people] == ["Orlova"] and not left.people
    assert [point.value for point in left.contact_points] == ["new@x.example"]
    assert session.scalars(select(Deal.client_id)).all() == [left.id]
    assert session.scalars(select(ContactPoint.client_id).where(ContactPoint.kind == "phone")).all() == [right.id]


def test_an_undo_is_written_down(session: Session, make_card: Maker, head: Author) -> None:
    left, right = make_card("Rassvet"), make_card("Rassvet Ltd")
    row = merging.merge(session, left.id, right.id, Wish("left"), head)
    undoing.undo(session, row, later(head, days=1))
    kept = session.scalars(select(Merge)).one()
    assert (kept.by_id, kept.undone_by_id, kept.why) == (
        head.user and head.user.id,
        head.user and head.user.id,
        "same phone",
    )
    assert kept.undone_at == head.at + timedelta(days=1)
    assert [hit.client_id for hit in session.scalars(select(MatchKey).where(MatchKey.client_id == right.id))]
