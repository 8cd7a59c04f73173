"""The result of a touch: every field saved alone, nothing missing at the close, nothing doubled, nothing lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.desk.conftest import NUMBER, Phone
from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.office.models import Channel, Outcome, Purpose, TouchClass
from webapp.tasks import work
from webapp.tasks.models import Task
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def touch(phone: Phone, on_duty: User) -> Touch:
    """A talk of Anna's that has ended."""
    touch = phone.ring()
    phone.answer(touch, on_duty)
    phone.end(touch)
    return touch


def item(session: Session, model: type[Purpose] | type[Outcome], key: str) -> int:
    return session.scalars(select(model.id).where(model.key == key)).one()


def test_the_blank_behind_a_word_stays_while_the_next_one_is_typed(
    sign_in: SignIn, session: Session, touch: Touch
) -> None:
    answer = sign_in("anna").post(f"/touches/{touch.id}/result", data={"note": "before, ", "was": ""})
    session.refresh(touch)
    assert touch.note == "before, " and 'data-note="before, "' in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "stands, was, sent, kept",
    [
        ("before, ", "", "before, and after", "before, and after"),  # the answer to the first words never came
        ("wants oak", "wants", "wants oak and ash", "wants oak and ash"),
        ("wants oak\nProduct: bay", "wants oak", "wants oak, soon", "wants oak, soon\nProduct: bay"),
        ("wants oak", "", "for a hotel", "for a hotel\nwants oak"),
    ],
)
def test_the_writers_own_words_are_not_taken_for_a_colleagues(
    sign_in: SignIn, session: Session, touch: Touch, stands: str, was: str, sent: str, kept: str
) -> None:
    touch.note = stands
    session.commit()
    sign_in("anna").post(f"/touches/{touch.id}/result", data={"note": sent, "was": was})
    session.refresh(touch)
    assert touch.note == kept


def test_each_field_is_saved_alone(sign_in: SignIn, session: Session, touch: Touch, clock: Clock) -> None:
    anna, address = sign_in("anna"), f"/touches/{touch.id}/result"
    channel = session.scalars(select(Channel.id)).all()[2]
    class_ = session.scalars(select(TouchClass.id)).all()[3]
    typed = {
        "purpose_id": item(session, Purpose, "price"),
        "outcome_id": item(session, Outcome, "offer"),
        "channel_id": channel,
        "class_id": class_,
        "next_kind": "offer",
        "next_at": "2026-03-12T10:30",
        "note": "Wants it blue.\nAsks for a discount",
    }
    for name, value in typed.items():
        clock.move(seconds=1)
        answer = anna.post(address, data={name: value})
        assert answer.status_code == 200 and "saved 12:0" in answer.get_data(as_text=True), name
    session.expire_all()
    assert (touch.purpose_id, touch.outcome_id) == (typed["purpose_id"], typed["outcome_id"])
    assert (touch.channel_id, touch.class_id, touch.next_kind) == (channel, class_, "offer")
    assert touch.next_at == datetime(2026, 3, 12, 7, 30, tzinfo=UTC)  # 10:30 in Moscow
    assert touch.note == typed["note"]
    assert touch.saved_at == clock() and touch.closed_at is None and touch.next_step_agreed


def test_a_field_can_be_cleared_again(sign_in: SignIn, session: Session, touch: Touch) -> None:
    anna, address = sign_in("anna"), f"/touches/{touch.id}/result"
    anna.post(address, data={"next_at": "2026-03-12T10:30", "purpose_id": item(session, Purpose, "price")})
    anna.post(address, data={"next_at": ""})
    anna.post(address, data={"purpose_id": ""})
    session.expire_all()
    assert touch.next_at is None and touch.purpose_id is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("purpose_id", "999999"),
        ("purpose_id", "drop table"),
        ("outcome_id", "9" * 40),
        ("next_kind", "party"),
        ("next_at", "the day after"),
        ("next_at", "0001-01-01T00:00"),
        ("next_at", "9999-12-31T23:59"),
        ("note", "x" * 9000),
    ],
)
def test_nonsense_is_refused_in_words_and_changes_nothing(
    sign_in: SignIn, session: Session, touch: Touch, name: str, value: str
) -> None:
    before = getattr(touch, name)
    answer = sign_in("anna").post(f"/touches/{touch.id}/result", data={name: value})
    assert answer.status_code == 422
    assert "saved-not" in answer.get_data(as_text=True)
    session.expire_all()
    assert getattr(touch, name) == before


def test_the_shortcuts_set_the_offices_time(sign_in: SignIn, session: Session, touch: Touch, clock: Clock) -> None:
    anna = sign_in("anna")
    page = anna.post(f"/touches/{touch.id}/next/tomorrow").get_data(as_text=True)
    assert 'value="2026-03-11T10:00"' in page
    session.expire_all()
    assert touch.next_at == datetime(2026, 3, 11, 7, 0, tzinfo=UTC) and touch.next_kind == "call_back"
    anna.post(f"/touches/{touch.id}/next/in_2h")
    session.expire_all()
    assert touch.next_at == clock() + timedelta(hours=2)
    assert anna.post(f"/touches/{touch.id}/next/someday").status_code == 404


def test_a_shortcut_proposes_the_step_that_the_outcome_promises(
    sign_in: SignIn, session: Session, touch: Touch
) -> None:
    anna = sign_in("anna")
    anna.post(f"/touches/{touch.id}/result", data={"outcome_id": item(session, Outcome, "meeting")})
    anna.post(f"/touches/{touch.id}/next/tomorrow")
    session.expire_all()
    assert touch.next_kind == "meeting_ours"
    anna.post(f"/touches/{touch.id}/result", data={"next_kind": "meeting_theirs"})
    anna.post(f"/touches/{touch.id}/next/in_2h")
    session.expire_all()
    assert touch.next_kind == "meeting_theirs"


def test_what_is_missing_is_said_beside_its_field_and_words_stay(
    sign_in: SignIn, session: Session, touch: Touch
) -> None:
    answer = sign_in("anna").post(f"/touches/{touch.id}/close", data={"note": "He will think"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Why did they call?" in page and "How did it end?" in page and "When is the next touch?" in page
    assert "He will think" in page
    session.expire_all()
    assert touch.closed_at is None and touch.note == "He will think"


def test_an_open_outcome_needs_a_next_touch_in_the_future(
    sign_in: SignIn, session: Session, touch: Touch, clock: Clock
) -> None:
    anna, address = sign_in("anna"), f"/touches/{touch.id}/close"
    result = {"purpose_id": item(session, Purpose, "price"), "outcome_id": item(session, Outcome, "offer")}
    assert "leaves the matter open" in anna.post(address, data=result).get_data(as_text=True)
    past = anna.post(address, data={**result, "next_at": "2026-03-10T11:59"})
    assert past.status_code == 422 and "This time has passed" in past.get_data(as_text=True)
    assert anna.post(address, data={**result, "next_at": "2026-03-10T12:01"}).status_code == 303
    session.expire_all()
    assert touch.closed_at == clock()


def test_an_outcome_that_closes_the_matter_needs_no_next_touch(sign_in: SignIn, session: Session, touch: Touch) -> None:
    result = {"purpose_id": item(session, Purpose, "price"), "outcome_id": item(session, Outcome, "refused")}
    assert sign_in("anna").post(f"/touches/{touch.id}/close", data=result).status_code == 303
    session.expire_all()
    assert touch.closed_at is not None
    assert session.scalars(select(Task)).all() == []


def test_closing_owes_the_next_touch_once_however_often_it_is_sent(
    sign_in: SignIn, session: Session, touch: Touch, on_duty: User
) -> None:
    anna, address = sign_in("anna"), f"/touches/{touch.id}/close"
    result = {
        "purpose_id": item(session, Purpose, "price"),
        "outcome_id": item(session, Outcome, "offer"),
        "next_at": "2026-03-11T10:00",
        "note": "Send the offer",
    }
    for _ in range(3):
        assert anna.post(address, data=result).status_code == 303
    task = session.scalars(select(Task)).one()
    assert (task.kind, task.user_id, task.touch_id) == ("next_touch", on_duty.id, touch.id)
    assert task.due_at == datetime(2026, 3, 11, 7, 0, tzinfo=UTC)
    assert (task.number, task.text) == (NUMBER, "Send the offer")


def test_a_closed_row_changes_no_more(sign_in: SignIn, session: Session, touch: Touch) -> None:
    anna = sign_in("anna")
    result = {"purpose_id": item(session, Purpose, "price"), "outcome_id": item(session, Outcome, "refused")}
    anna.post(f"/touches/{touch.id}/close", data=result)
    answer = anna.post(f"/touches/{touch.id}/result", data={"note": "later"})
    assert answer.status_code == 422 and "closed" in answer.get_data(as_text=True)
    anna.post(f"/touches/{touch.id}/next/tomorrow")
    session.expire_all()
    assert touch.note == "" and touch.next_at is None


def test_after_the_close_comes_the_next_unfinished_row(
    sign_in: SignIn, session: Session, touch: Touch, phone: Phone, on_duty: User, clock: Clock
) -> None:
    clock.move(minutes=5)
    second = phone.ring("+74957654321")
    phone.answer(second, on_duty)
    phone.end(second)
    anna = sign_in("anna")
    result = {"purpose_id": item(session, Purpose, "price"), "outcome_id": item(session, Outcome, "refused")}
    first = anna.post(f"/touches/{second.id}/close", data=result)
    assert first.headers["Location"] == f"/desk?touch={touch.id}"
    last = anna.post(f"/touches/{touch.id}/close", data=result, headers={"HX-Request": "true"})
    assert (last.status_code, last.headers["HX-Redirect"]) == (204, "/desk")


def test_a_row_may_be_closed_while_they_say_goodbye(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User
) -> None:
    talk = phone.ring()
    phone.answer(talk, on_duty)
    anna = sign_in("anna")
    result = {"purpose_id": item(session, Purpose, "price"), "outcome_id": item(session, Outcome, "refused")}
    assert anna.post(f"/touches/{talk.id}/close", data=result).headers["Location"] == "/desk"
    assert "No call" in anna.get("/desk").get_data(as_text=True)


def test_a_promise_starts_one_clock(
    sign_in: SignIn, session: Session, touch: Touch, clock: Clock, on_duty: User
) -> None:
    anna, start = sign_in("anna"), clock()
    assert "promised by 12:10" in anna.post(f"/touches/{touch.id}/promise").get_data(as_text=True)
    clock.move(minutes=3)
    anna.post(f"/touches/{touch.id}/promise")
    task = session.scalars(select(Task)).one()
    assert (task.kind, task.user_id, task.due_at) == ("promise", on_duty.id, start + timedelta(minutes=10))


def test_the_minutes_of_a_promise_may_be_chosen_up_to_the_offices_longest(
    sign_in: SignIn, session: Session, touch: Touch, clock: Clock
) -> None:
    anna, address, start = sign_in("anna"), f"/touches/{touch.id}/promise", clock()
    for typed, words in (
        ("241", "From 1 to 240 minutes"),
        ("0", "From 1 to 240 minutes"),
        ("soon", "Type a whole number of minutes."),
        ("-5", "Type a whole number of minutes."),
    ):
        refused = anna.post(address, data={"minutes": typed})
        page = refused.get_data(as_text=True)
        assert refused.status_code == 422 and words in page and f'value="{typed}"' in page
    assert session.scalars(select(Task)).all() == []
    assert "promised by 12:30" in anna.post(address, data={"minutes": " 30 "}).get_data(as_text=True)
    clock.move(minutes=20)
    assert "promised by 12:30" in anna.post(address, data={"minutes": "30"}).get_data(as_text=True)
    late = anna.post(address, data={"minutes": "20"})
    assert late.status_code == 422 and "That time has passed" in late.get_data(as_text=True)
    assert "promised by 13:00" in anna.post(address, data={"minutes": "60"}).get_data(as_text=True)
    task = session.scalars(select(Task)).one()
    assert (task.created_at, task.due_at) == (start, start + timedelta(minutes=60))


def test_a_row_without_a_call_has_no_promise_of_another(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    session.add(Task(kind="promise", user_id=office["boris"].id, due_at=clock(), created_at=clock()))
    mine = Touch(started_at=clock(), user_id=office["anna"].id)
    session.add(mine)
    session.commit()
    assert work.promise_of(session, mine) is None


def test_a_card_that_was_only_typed_is_made_at_the_close(
    sign_in: SignIn, session: Session, touch: Touch, clock: Clock
) -> None:
    anna = sign_in("anna")
    for name, value in (("surname", "Orlov"), ("given_name", "Pavel"), ("name", "Rassvet")):
        anna.post(f"/desk/touches/{touch.id}/draft/{name}", data={name: value})
    result = {"purpose_id": item(session, Purpose, "price"), "outcome_id": item(session, Outcome, "refused")}
    assert anna.post(f"/touches/{touch.id}/close", data=result).status_code == 303
    card = session.scalars(select(Client)).one()
    assert card.name == "Rassvet" and card.people[0].full_name == "Orlov Pavel"
    session.expire_all()
    assert touch.client_id == card.id


@pytest.mark.parametrize("address", ["/touches/{}/result", "/touches/{}/close", "/touches/{}/promise"])
def test_the_row_is_its_managers_alone(sign_in: SignIn, touch: Touch, address: str) -> None:
    for login, status in (("boris", 404), ("secretary", 404), ("admin", 403)):
        assert sign_in(login).post(address.format(touch.id), data={"note": "x"}).status_code == status
    assert sign_in("anna").post(address.format(touch.id + 100)).status_code == 404


def test_strangers_get_the_login_page(app: object, sign_in: SignIn, touch: Touch) -> None:
    anna = sign_in("anna")
    assert anna.get(f"/touches/{touch.id}/result").status_code == 200
    anna.post("/logout")
    answer = anna.get(f"/touches/{touch.id}/result")
    assert answer.status_code == 302 and "/login" in answer.headers["Location"]
