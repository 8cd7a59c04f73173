"""Verbs of cards: a call becomes a card, a candidate is chosen or refused, and each change reaches keys and pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls import trace
from webapp.calls.models import Call, CallAudience
from webapp.clients import callers, cards, contacts, fields, match, people
from webapp.clients.cards import BadCard
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, NotSame
from webapp.deals.models import Deal
from webapp.feed import Feed
from webapp.office.models import Channel
from webapp.touches.models import Touch

MOBILE = "+79161234567"
MakeCall = Callable[..., tuple[Call, Touch]]


@pytest.fixture
def make_call(session: Session, office: dict[str, User], clock: Clock) -> MakeCall:
    """`make_call(number)` gives a call that rings at anna's, with its candidates and its touch."""

    def make(number: str = MOBILE) -> tuple[Call, Touch]:
        call = Call(call_id=f"call-{number}", number=number, offered_at=clock(), situation="new_caller")
        candidates = match.by_number(session, number, "RU") if number else []
        call.candidates = [{"client_id": c.client_id, "reason": c.reason, "sure": c.sure} for c in candidates]
        call.client_id = match.certain(candidates)
        session.add(call)
        session.flush()
        session.add(CallAudience(call_id=call.id, user_id=office["anna"].id, state="rung"))
        touch = Touch(call_id=call.id, client_id=call.client_id, started_at=clock(), user_id=office["anna"].id)
        touch.draft = {"surname": "Orlov"}
        session.add(touch)
        session.commit()
        return call, touch

    return make


def told(session: Session, kind: str, at: datetime) -> set[int | None]:
    return set(session.scalars(select(Feed.user_id).where(Feed.kind == kind, Feed.at == at)))


def test_an_unknown_caller_becomes_a_card_with_a_deal(
    session: Session, office: dict[str, User], make_call: MakeCall, clock: Clock
) -> None:
    call, touch = make_call()
    values = {
        "surname": "Орлов",
        "given_name": "Павел",
        "name": "Рассвет",
        "phone": "8 916 123-45-67",
        "deal": "Windows",
    }
    client = callers.open_from_call(session, call, values, Author(office["anna"], clock()), "RU")
    session.commit()
    assert (call.client_id, touch.client_id, touch.person_id) == (client.id, client.id, client.people[0].id)
    assert call.why_client == {"reason": "made"} and touch.draft == {}
    assert [(point.kind, point.value) for point in client.contact_points] == [("mobile", "8 916 123-45-67")]
    assert match.certain(match.by_number(session, MOBILE, "RU")) == client.id
    assert session.scalars(select(Deal)).one().client_id == client.id
    assert told(session, "call", clock()) == {office["anna"].id}
    assert told(session, "card", clock()) == {user.id for user in office.values()}
    assert "Anna Petrova made the card Рассвет." in [text for _, text in trace.sentences(session, call)]


def test_a_second_click_makes_no_second_card(
    session: Session, office: dict[str, User], make_call: MakeCall, clock: Clock
) -> None:
    call, _ = make_call()
    first = callers.open_from_call(session, call, {"surname": "Orlov"}, Author(office["anna"], clock()), "RU")
    session.commit()
    assert callers.open_from_call(session, call, {"surname": "Orlov"}, Author(office["anna"], clock()), "RU") is first
    assert session.scalar(select(func.count(Client.id))) == 1


def test_one_click_is_enough_and_a_hidden_number_is_no_obstacle(
    session: Session, office: dict[str, User], make_call: MakeCall, clock: Clock
) -> None:
    call, _ = make_call()
    client = callers.open_from_call(session, call, {}, Author(office["anna"], clock()), "RU")
    assert [(point.kind, point.normal) for point in client.contact_points] == [("mobile", MOBILE)]
    call, touch = make_call("")
    client = callers.open_from_call(session, call, {"given_name": "Pavel"}, Author(office["anna"], clock()), "RU")
    assert client.contact_points == [] and touch.client_id == client.id


def test_a_value_that_does_not_fit_is_named_and_nothing_is_made(
    session: Session, office: dict[str, User], make_call: MakeCall, clock: Clock
) -> None:
    call, _ = make_call()
    with pytest.raises(BadCard) as bad:
        callers.open_from_call(
            session, call, {"surname": "o" * 81, "email": "e" * 201}, Author(office["anna"], clock()), "RU"
        )
    assert set(bad.value.errors) == {"surname", "email"}
    session.rollback()
    assert session.scalar(select(func.count(Client.id))) == 0


def test_a_candidate_is_chosen_and_known_the_next_time(
    session: Session, office: dict[str, User], make_card: Maker, make_call: MakeCall, clock: Clock
) -> None:
    first = make_card("First", (MOBILE,), surname="Orlov")
    second = make_card("Second", ("+78121234567",))
    call, touch = make_call()
    assert call.client_id == first.id
    callers.choose(session, call, second, office["anna"], clock(), "RU")
    session.commit()
    assert (call.client_id, touch.client_id, touch.person_id) == (second.id, second.id, None)
    assert call.situation == "known_client" and call.why_client == {"reason": "phone_tail"}
    assert {one.client_id for one in match.by_number(session, MOBILE, "RU") if one.sure} == {first.id, second.id}
    callers.not_this_one(session, call, first, office["anna"], clock())
    session.commit()
    assert match.certain(match.by_number(session, MOBILE, "RU")) == second.id


def test_a_colleagues_client_starts_the_colleagues_branch(
    session: Session, office: dict[str, User], make_card: Maker, make_call: MakeCall, clock: Clock
) -> None:
    card = make_card("Boris' own", owner_id=office["boris"].id)
    call, _ = make_call()
    callers.choose(session, call, card, office["anna"], clock(), "RU")
    assert call.situation == "colleagues_client"


def test_a_refused_card_is_taken_off_and_never_opens_for_this_number_again(
    session: Session, office: dict[str, User], make_card: Maker, make_call: MakeCall, clock: Clock
) -> None:
    card = make_card("Wrong", (MOBILE,))
    call, touch = make_call()
    assert call.client_id == card.id
    for _ in range(2):  # twice by mistake
        callers.not_this_one(session, call, card, office["anna"], clock())
        session.commit()
    assert (call.client_id, touch.client_id, call.candidates) == (None, None, [])
    assert call.why_client == {"reason": "unknown"}
    assert session.scalar(select(func.count(NotSame.id))) == 1
    found = match.by_number(session, MOBILE, "RU")
    assert [one.sure for one in found] == [False] and match.certain(found) is None
    callers.choose(session, call, card, office["anna"], clock(), "RU")
    assert match.certain(match.by_number(session, MOBILE, "RU")) == card.id


def test_a_hidden_number_is_not_remembered_as_anybodys(
    session: Session, office: dict[str, User], make_card: Maker, make_call: MakeCall, clock: Clock
) -> None:
    card = make_card("Somebody")
    call, touch = make_call("")
    callers.choose(session, call, card, office["anna"], clock(), "RU")
    callers.not_this_one(session, call, card, office["anna"], clock())
    assert session.scalar(select(func.count(NotSame.id))) == 0
    assert touch.client_id is None and card.contact_points == []


# Fields


def test_what_a_talk_teaches_lands_on_the_card(
    session: Session, office: dict[str, User], make_card: Maker, clock: Clock
) -> None:
    card = make_card("")

    def fill(field: str, value: str) -> None:
        fields.fill(session, card, None, field, value, Author(office["anna"], clock()), "RU")

    for field, value in (
        ("given_name", "Pavel"),
        ("surname", "Orlov"),
        ("email", "p@rassvet.ru"),
        ("mobile", "8 916 123 45 67"),
        ("mobile", "+7 916 123-45-67"),
        ("name", "Rassvet"),
        ("volume", " forty \n pieces "),
        ("channel", "website"),
        ("caller_kind", "now"),
    ):
        fill(field, value)
    session.commit()
    person = card.people[0]
    assert len(card.people) == 1 and len(card.contact_points) == 2
    known = fields.known(card, person)
    assert known["given_name"] == "Pavel" and known["mobile"] == "8 916 123 45 67"
    assert known["volume"] == "forty pieces" and known["channel"] == "Website"
    assert match.certain(match.by_number(session, MOBILE, "RU")) == card.id
    with pytest.raises(KeyError):
        fill("purpose", "price")
    with pytest.raises(KeyError):
        fill("shoe_size", "45")
    for field, value in (("channel", "pigeon post"), ("kind", "robot"), ("surname", "x" * 81), ("email", "x" * 201)):
        with pytest.raises(BadValue):
            fill(field, value)


def test_the_order_of_asking_is_that_of_least_resistance(make_card: Maker, session: Session) -> None:
    card = make_card("")
    asked = []
    while (field := fields.next_missing(session, card, card.people[0] if card.people else None)) is not None:
        asked.append(field.name)
        value = session.scalars(select(Channel)).first() if field.name == "channel" else None
        text = str(value.id) if value else "8 495 123-45-67" if field.name == "phone" else f"{field.name} x"
        fields.fill(session, card, None, field.name, text, Author(None, card.created_at), "RU")
        assert asked.count(field.name) == 1
    place = {name: number for number, name in enumerate(asked)}
    assert asked[0] == "given_name"
    assert (
        place["email"] < place["mobile"] < place["surname"] < place["name"] < place["what_it_does"] < place["channel"]
    )
    assert fields.next_missing(session, None, None) == fields.FIELDS[0]
    assert fields.known(None, None) == {}


def test_a_private_person_is_not_asked_for_a_company(make_card: Maker, session: Session) -> None:
    card = make_card("", kind="private")
    for name in ("reason", "product"):
        setattr(card, name, "x")
    person_fields = {"given_name", "surname", "email", "mobile", "phone"}
    asked = {field.name for field in fields.FIELDS if field.prompt}
    assert {"name", "what_it_does", "website", "management", "position"} <= asked
    field = fields.next_missing(session, card, None)
    assert field is not None and field.name in person_fields


def test_every_field_has_a_place_and_a_name() -> None:
    from webapp.clients.models import Person

    for field in fields.FIELDS:
        assert str(field.label)
        if field.kind == "contact":
            assert field.name in contacts.KINDS
        elif field.holder == "client":
            assert hasattr(Client, field.name)
        elif field.holder == "person":
            assert hasattr(Person, field.name)
        else:
            assert field.holder == "touch" and not field.prompt


def test_phones_are_kept_as_written_and_marked_when_unreadable(make_card: Maker, session: Session) -> None:
    card = make_card("Rassvet", ("ask the porter", "123-45-67", "8 (495) 123-45-67"))
    readable = {point.value: contacts.is_readable(point) for point in card.contact_points}
    assert readable == {"ask the porter": False, "123-45-67": True, "8 (495) 123-45-67": True}


def test_several_numbers_of_one_field_become_contact_points(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    author = Author(office["anna"], clock())
    typed = "+7 495 123-45-67 доб. 12; 8-916-765-43-21, 8 (812) 345-67-89"
    client = cards.create(session, {"name": "Рассвет", "phone": typed, "email": "a@x.ru, b@x.ru"}, author, "RU")
    points = [(point.kind, point.value, point.normal) for point in client.contact_points]
    assert points == [
        ("phone", "+7 495 123-45-67 доб. 12", "+74951234567"),
        ("mobile", "8-916-765-43-21", "+79167654321"),
        ("phone", "8 (812) 345-67-89", "+78123456789"),
        ("email", "a@x.ru", "a@x.ru"),
        ("email", "b@x.ru", "b@x.ru"),
    ]
    people.add_contact_point(session, client, "phone", "8 495 123-45-67 доб. 15 / 8 495 123 45 67", "RU", author)
    assert [point.value for point in client.contact_points[5:]] == ["8 495 123-45-67 доб. 15"]
    people.change_contact_point(session, client.contact_points[1], "8 916 000-11-22; 8 916 000-11-33", "RU", author)
    assert [point.value for point in client.contact_points if point.kind == "mobile"] == [
        "8 916 000-11-22",
        "8 916 000-11-33",
    ]
    with pytest.raises(BadValue, match="ends with a dot"):
        people.add_contact_point(session, client, "email", "pavel@rassvet.ru.", "RU", author)
    with pytest.raises(BadCard) as bad:
        cards.create(session, {"email": "pavel@rassvet.ru."}, author, "RU")
    assert list(bad.value.errors) == ["email"]
