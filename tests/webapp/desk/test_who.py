"""Who is calling: chosen, refused, made; typed once and kept, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sipbridge.events import EndReason
from tests.webapp.desk.conftest import NUMBER, Phone
from webapp.accounts.models import User
from webapp.clients.models import Client, NotSame, PairVerdict, Person
from webapp.deals.models import Deal
from webapp.desk import caller

SignIn = Callable[[str], FlaskClient]
MakeClient = Callable[..., Client]


def test_a_candidate_is_chosen_with_one_key(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client_with(NUMBER, "Rassvet")
    second = client_with(NUMBER, "Zakat")
    touch = phone.ring()
    answer = sign_in("anna").post(f"/desk/touches/{touch.id}/choose/{second.id}")
    assert "Zakat" in answer.get_data(as_text=True) and "Rassvet" not in answer.get_data(as_text=True)
    assert "desk:card" in answer.headers["HX-Trigger"]
    session.expire_all()
    assert touch.client_id == second.id and touch.call and touch.call.client_id == second.id


def test_not_this_one_takes_the_card_off_and_is_remembered(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client = client_with(NUMBER, "Rassvet")
    touch = phone.ring()
    anna = sign_in("anna")
    for _ in range(2):  # a double click
        page = anna.post(f"/desk/touches/{touch.id}/not-this-one").get_data(as_text=True)
    assert "New card" in page and 'id="card-surname"' in page
    assert f"/choose/{client.id}" in page  # a slip can be undone: the number's field still names the card
    session.expire_all()
    assert touch.client_id is None
    assert session.scalar(select(func.count(NotSame.id))) == 1
    assert session.scalars(select(NotSame.client_id)).one() == client.id


def test_none_of_these_gives_a_new_card(sign_in: SignIn, phone: Phone, on_duty: User, client_with: MakeClient) -> None:
    client_with(NUMBER, "Rassvet")
    client_with(NUMBER, "Zakat")
    touch = phone.ring()
    page = sign_in("anna").post(f"/desk/touches/{touch.id}/none-of-these").get_data(as_text=True)
    assert 'id="card-surname"' in page and "Who is it?" not in page


def test_what_is_typed_is_kept_and_brings_the_cards_that_share_it(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client = client_with("+74950000001", "Rassvet")
    touch = phone.ring()
    anna = sign_in("anna")
    answer = anna.post(f"/desk/touches/{touch.id}/draft/name", data={"name": "OOO Rassvet"})
    page = answer.get_data(as_text=True)
    assert 'id="hits-name"' in page and "same company name" in page and f"/choose/{client.id}" in page
    assert 'value="OOO Rassvet"' in anna.get("/desk").get_data(as_text=True)  # a reload loses nothing
    session.expire_all()
    assert touch.draft == {"name": "OOO Rassvet"} and touch.client_id is None


def test_a_draft_joins_the_card_chosen_and_contradictions_go_into_the_note(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client = client_with("+74950000001", "Rassvet")
    touch = phone.ring()
    anna = sign_in("anna")
    for name, text in (("name", "Rassvet and Sons"), ("product", "bay window"), ("email", "orlov@rassvet.example")):
        anna.post(f"/desk/touches/{touch.id}/draft/{name}", data={name: text})
    anna.post(f"/desk/touches/{touch.id}/choose/{client.id}")
    session.expire_all()
    assert (client.name, client.product) == ("Rassvet", "bay window")
    assert "orlov@rassvet.example" in [point.value for point in client.contact_points]
    assert "Company: Rassvet and Sons" in touch.note


def test_one_click_makes_card_and_deal(sign_in: SignIn, session: Session, phone: Phone, on_duty: User) -> None:
    touch = phone.ring()
    anna, typed = sign_in("anna"), {"surname": "Orlov", "given_name": "Pavel", "name": "Rassvet", "deal": "1"}
    for _ in range(2):  # a double click
        answer = anna.post(f"/desk/touches/{touch.id}/card", data=typed)
        assert answer.status_code == 200 and "Rassvet" in answer.get_data(as_text=True)
    client = session.scalars(select(Client)).one()
    assert client.owner_id == on_duty.id and client.people[0].full_name == "Orlov Pavel"
    assert [point.normal for point in client.contact_points] == [NUMBER]
    assert session.scalars(select(Deal)).one().client_id == client.id
    session.expire_all()
    assert touch.client_id == client.id and touch.name_known and touch.draft == {}


def test_a_hidden_number_makes_a_card_without_one(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User
) -> None:
    touch = phone.ring(number="")
    answer = sign_in("anna").post(f"/desk/touches/{touch.id}/card", data={"given_name": "Pavel"})
    assert answer.status_code == 200
    assert session.scalars(select(Client)).one().contact_points == []


def test_a_card_that_cant_be_saved_says_why_and_keeps_the_words(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User
) -> None:
    touch = phone.ring()
    answer = sign_in("anna").post(f"/desk/touches/{touch.id}/card", data={"surname": "O" * 300, "name": "Rassvet"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "At most 80 characters." in page
    assert 'value="Rassvet"' in page and "O" * 300 in page
    assert session.scalar(select(func.count(Client.id))) == 0


def test_the_next_missing_field_is_filled_in_place(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client = client_with(NUMBER, "Rassvet", on_duty)
    touch = phone.ring()
    anna = sign_in("anna")
    assert 'id="card-reason"' in anna.get(f"/desk/touches/{touch.id}/who").get_data(as_text=True)
    answer = anna.post(f"/desk/touches/{touch.id}/fill/reason", data={"reason": "moves house"})
    assert answer.status_code == 200 and "saved 12:00:00" in answer.get_data(as_text=True)
    anna.post(f"/desk/touches/{touch.id}/fill/email", data={"email": "orlov@rassvet.example"})
    long = anna.post(f"/desk/touches/{touch.id}/fill/volume", data={"volume": "x" * 500})
    assert long.status_code == 422 and "At most 200 characters." in long.get_data(as_text=True)
    session.expire_all()
    assert (client.reason, client.volume) == ("moves house", "")
    assert "orlov@rassvet.example" in [point.value for point in client.contact_points]
    seen = anna.get(f"/desk/touches/{touch.id}/who").get_data(as_text=True)
    assert 'id="card-reason"' not in seen and 'id="card-volume"' in seen


@pytest.mark.parametrize("name", ["purpose", "outcome", "promise", "id", "owner_id", "password"])
def test_only_fields_of_a_card_can_be_filled(
    sign_in: SignIn, phone: Phone, on_duty: User, client_with: MakeClient, name: str
) -> None:
    client_with(NUMBER, "Rassvet")
    touch = phone.ring()
    for what in ("fill", "draft"):
        assert sign_in("anna").post(f"/desk/touches/{touch.id}/{what}/{name}", data={name: "1"}).status_code in (
            200,
            404,
        )
    assert sign_in("anna").post(f"/desk/touches/{touch.id}/fill/{name}", data={name: "1"}).status_code == 404


def test_a_new_caller_who_was_missed_today_is_known_for_it(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User
) -> None:
    phone.end(phone.ring(), EndReason.ABANDONED)
    phone.clock.move(minutes=5)
    touch = phone.ring()
    anna, said = sign_in("anna"), "missed</span> <span>once today, at 12:00"
    assert said in anna.get(f"/desk/touches/{touch.id}/who").get_data(as_text=True)
    bad = anna.post(f"/desk/touches/{touch.id}/card", data={"surname": "O" * 300})
    assert bad.status_code == 422 and said in bad.get_data(as_text=True)
    other = phone.ring("+74957654321")
    assert "once today" not in anna.get(f"/desk/touches/{other.id}/who").get_data(as_text=True)


def test_an_address_that_cant_be_read_is_kept_and_marked(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User
) -> None:
    touch = phone.ring()
    anna, email, telephone = sign_in("anna"), "as an e-mail; kept as written", "as a phone number; kept as written"
    draft = f"/desk/touches/{touch.id}/draft"
    assert email in anna.post(f"{draft}/email", data={"email": "orlov at home"}).get_data(as_text=True)
    assert email not in anna.post(f"{draft}/email", data={"email": "orlov@home.example"}).get_data(as_text=True)
    anna.post(f"{draft}/email", data={"email": "orlov at home"})
    assert telephone in anna.post(f"{draft}/phone", data={"phone": "ask Olga"}).get_data(as_text=True)
    again = anna.get(f"/desk/touches/{touch.id}/who").get_data(as_text=True)
    assert email in again and telephone in again
    card = anna.post(f"/desk/touches/{touch.id}/card", data={"surname": "Orlov"}).get_data(as_text=True)
    assert "orlov at home <span" in card and email in card
    session.expire_all()
    assert touch.client_id
    assert "kept as written" in anna.get(f"/clients/{touch.client_id}").get_data(as_text=True)
    client = session.scalars(select(Client)).one()
    assert {point.value for point in client.contact_points} == {"orlov at home", "ask Olga", NUMBER}


def test_who_of_them_speaks_is_one_click_or_key(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client, stranger = client_with(NUMBER, "Rassvet"), client_with("+74950000001", "Zakat")
    client.people.append(Person(surname="Sidorova", given_name="Olga", position="director"))
    session.commit()
    touch = phone.ring()
    anna = sign_in("anna")
    asked = anna.get(f"/desk/touches/{touch.id}/who").get_data(as_text=True)
    assert "Who of them is calling?" in asked and 'data-key="Shift+2"' in asked
    olga = client.people[1].id
    page = anna.post(f"/desk/touches/{touch.id}/speaks/{olga}").get_data(as_text=True)
    assert "<b>Sidorova Olga</b>, director" in page
    assert anna.post(f"/desk/touches/{touch.id}/speaks/{stranger.people[0].id}").status_code == 404
    session.expire_all()
    assert touch.person_id == olga


def test_the_card_says_what_was_last_and_what_is_promised(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client_with(NUMBER, "Rassvet", on_duty)
    missed = phone.ring()
    phone.end(missed, EndReason.ABANDONED)
    phone.clock.move(minutes=30)
    first = phone.ring()
    anna = sign_in("anna")
    assert "missed</span> <span>once today, at 12:00" in anna.get(f"/desk/touches/{first.id}/who").get_data(
        as_text=True
    )
    phone.answer(first, on_duty)
    anna.post(f"/touches/{first.id}/promise")
    from webapp.office.models import Outcome, Purpose

    purpose = session.scalars(select(Purpose.id).where(Purpose.key == "price")).one()
    outcome = session.scalars(select(Outcome.id).where(Outcome.key == "refused")).one()
    phone.end(first)
    anna.post(f"/touches/{first.id}/close", data={"purpose_id": purpose, "outcome_id": outcome})
    phone.clock.move(minutes=30)
    second = phone.ring()
    page = anna.get(f"/desk/touches/{second.id}/who").get_data(as_text=True)
    assert "10 Mar, Price: Refused" in page
    assert "promised" in page and "today 12:40" in page and "yours" in page


@pytest.mark.parametrize(
    ("shown", "field"),
    [
        ("Pavel Orlov", "surname"),
        ("ООО Рассвет", "name"),
        ("Northern Lights Ltd", "name"),
        ("Anonymous", ""),
        ("+7 495 123-45-67", ""),
        ("WIRELESS CALLER", ""),
        ("x", ""),
    ],
)
def test_the_networks_name_is_filled_in_where_it_belongs(
    sign_in: SignIn, phone: Phone, on_duty: User, shown: str, field: str
) -> None:
    touch = phone.ring(name=shown)
    assert {name: text for name, text in caller.known(touch).items() if name != "phone"} == (
        {field: shown} if field else {}
    )
    if field:
        assert f'value="{shown}"' in sign_in("anna").get("/desk").get_data(as_text=True)


def test_a_name_cleared_by_hand_stays_cleared(sign_in: SignIn, session: Session, phone: Phone, on_duty: User) -> None:
    touch = phone.ring(name="Pavel Orlov")
    sign_in("anna").post(f"/desk/touches/{touch.id}/draft/surname", data={"surname": ""})
    session.expire_all()
    assert "surname" not in caller.known(touch)


def test_a_card_told_apart_is_offered_no_more_and_the_pair_is_remembered(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    rassvet, sons = client_with("+74950000001", "Rassvet"), client_with("+74950000002", "Rassvet")
    touch = phone.ring()
    anna = sign_in("anna")
    at, said_at = f"/desk/touches/{touch.id}/draft/name", f"/desk/touches/{touch.id}/hits"
    page = anna.post(at, data={"name": "OOO Rassvet"}).get_data(as_text=True)
    assert f"/choose/{rassvet.id}" in page and f"/choose/{sons.id}" in page
    page = anna.post(f"{said_at}/{rassvet.id}", data={"verdict": "other"}).get_data(as_text=True)
    assert f"/choose/{rassvet.id}" not in page and f"/choose/{sons.id}" in page
    page = anna.post(f"{said_at}/{sons.id}", data={"verdict": "unsure"}).get_data(as_text=True)
    assert f"/choose/{sons.id}" in page and 'aria-pressed="true"' in page
    assert f"/choose/{rassvet.id}" not in anna.post(at, data={"name": "Rassvet"}).get_data(as_text=True)
    assert anna.post(f"{said_at}/{sons.id}", data={"verdict": "maybe"}).status_code == 404
    assert anna.post(f"{said_at}/9999", data={"verdict": "other"}).status_code == 404
    assert anna.post(f"/desk/touches/{touch.id}/card").status_code == 200
    session.expire_all()
    assert touch.client_id not in (None, rassvet.id, sons.id) and touch.draft == {}
    said = session.execute(select(PairVerdict.low_id, PairVerdict.high_id, PairVerdict.verdict)).all()
    assert sorted(said) == [(rassvet.id, touch.client_id, "other"), (sons.id, touch.client_id, "unsure")]


def test_a_card_told_apart_stays_so_when_the_number_rings_again_before_there_is_a_card(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    rassvet, sons = client_with("+74950000001", "Rassvet"), client_with("+74950000002", "Rassvet")
    anna, first = sign_in("anna"), phone.ring()
    for card in (rassvet, sons):
        anna.post(f"/desk/touches/{first.id}/hits/{card.id}", data={"verdict": "other"})
    anna.post(f"/desk/touches/{first.id}/hits/{sons.id}", data={"verdict": "unsure"})  # thought better of it
    phone.answer(first, on_duty)  # else it were one matter, and all that was said of it would stand
    phone.end(first)
    phone.clock.move(minutes=5)
    again = phone.ring()
    page = anna.post(f"/desk/touches/{again.id}/draft/name", data={"name": "OOO Rassvet"}).get_data(as_text=True)
    assert f"/choose/{rassvet.id}" not in page and f"/choose/{sons.id}" in page
    stranger = phone.ring("+74957777777")
    page = anna.post(f"/desk/touches/{stranger.id}/draft/name", data={"name": "OOO Rassvet"}).get_data(as_text=True)
    assert f"/choose/{rassvet.id}" in page, "it was said of one number alone"
    assert anna.post(f"/desk/touches/{again.id}/card").status_code == 200
    session.expire_all()
    said = session.execute(select(PairVerdict.low_id, PairVerdict.high_id, PairVerdict.verdict)).all()
    assert said == [(rassvet.id, again.client_id, "other")]


def test_a_card_refused_for_its_own_number_is_offered_again_with_what_was_said(
    sign_in: SignIn, phone: Phone, on_duty: User, client_with: MakeClient
) -> None:
    client = client_with(NUMBER, "Rassvet")
    anna, first = sign_in("anna"), phone.ring()
    page = anna.post(f"/desk/touches/{first.id}/not-this-one").get_data(as_text=True)
    assert f"/choose/{client.id}" in page and "same phone, said to be another client" in page
    phone.end(first)
    phone.ring()
    page = anna.get("/desk").get_data(as_text=True)
    assert f"/choose/{client.id}" in page and "same phone, said to be another client" in page
