"""Quick entry: rows are kept as they are typed, saved each on its own, never twice, and never over what is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients.models import CardChange, Client, ContactPoint, PairVerdict
from webapp.office.models import Channel, Outcome, Purpose
from webapp.quick import rows, saving
from webapp.quick.models import QuickRow
from webapp.reports import ledger
from webapp.tasks.models import Task
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}
A, B, C = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def words(session: Session, office: dict[str, User]) -> dict[str, str]:
    """A row that lacks nothing."""
    purpose = session.scalars(select(Purpose).where(Purpose.key == "price")).one()
    outcome = session.scalars(select(Outcome).where(Outcome.key == "offer")).one()
    channel = session.scalars(select(Channel).order_by(Channel.rank)).first()
    assert channel
    return {
        "name": "Rassvet", "surname": "Orlov", "given_name": "Pavel", "phone": "+7 495 123-45-67",
        "email": "pavel@rassvet.example", "purpose": str(purpose.id), "outcome": str(outcome.id), "next": "завтра 10",
        "channel": str(channel.id), "note": "came to the stand", "door": "visit",
    }  # fmt: skip


def sent(*pairs: tuple[str, dict[str, str]]) -> dict[str, Any]:
    """Rows as the page sends them."""
    form: dict[str, Any] = {"key": [key for key, _ in pairs]}
    for name in rows.FIELDS:
        form[name] = [typed.get(name, "") for _, typed in pairs]
    return form


def count(session: Session, model: Any) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.mark.parametrize(("verb", "address"), [("get", ""), ("post", f"/rows/{A}"), ("post", "/save")])
def test_for_those_who_sell(app: Flask, sign_in: SignIn, verb: str, address: str) -> None:
    assert getattr(sign_in("admin"), verb)("/clients/quick" + address).status_code == 403
    g.pop("_login_user", None)
    assert "/login" in getattr(app.test_client(), verb)("/clients/quick" + address).headers["Location"]
    assert getattr(sign_in("secretary"), verb)("/clients/quick" + address).status_code == 200


def test_a_row_becomes_card_touch_and_task(
    sign_in: SignIn, words: dict[str, str], session: Session, office: dict[str, User], clock: Clock
) -> None:
    answer = sign_in("anna").post("/clients/quick/save", data=sent((A, words), (B, {"door": "visit", "day": "today"})))
    assert answer.status_code == 200
    client = session.scalars(select(Client)).one()
    assert f'href="/clients/{client.id}"' in answer.get_data(as_text=True)
    assert (client.name, client.owner_id, client.people[0].full_name) == ("Rassvet", office["anna"].id, "Orlov Pavel")
    touch = session.scalars(select(Touch)).one()
    assert (touch.direction, touch.door, touch.client_id, touch.person_id) == (
        "in",
        "visit",
        client.id,
        client.people[0].id,
    )
    assert (touch.next_at, touch.next_kind, touch.closed_at) == (datetime(2026, 3, 11, 7, tzinfo=UTC), "offer", clock())
    task = session.scalars(select(Task)).one()
    assert (task.kind, task.user_id, task.client_id, task.due_at) == (
        "next_touch",
        office["anna"].id,
        client.id,
        touch.next_at,
    )
    change = session.scalars(select(CardChange).where(CardChange.field == "card")).one()
    assert (change.source, change.user_id) == ("quick", office["anna"].id)
    (row,) = ledger.rows(session, datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 11, tzinfo=UTC))
    assert (row.client, row.phone, row.state, row.finished) == ("Rassvet", "+7 495 123-45-67", "visit", True)
    kept = session.scalars(select(QuickRow)).one()
    assert (kept.typed, kept.client_id, kept.made) == ({}, client.id, True)


def test_twice_makes_nothing_twice(sign_in: SignIn, words: dict[str, str], session: Session) -> None:
    anna = sign_in("anna")
    for _ in range(2):
        assert anna.post("/clients/quick/save", data=sent((A, words))).status_code == 200
    assert anna.post(f"/clients/quick/rows/{A}", data=words).status_code == 204  # words that arrive late
    assert (count(session, Client), count(session, Touch), count(session, Task)) == (1, 1, 1)
    assert session.scalars(select(QuickRow)).one().typed == {}


def test_each_row_on_its_own(sign_in: SignIn, words: dict[str, str], session: Session) -> None:
    bad = {"name": "Granit", "phone": "+7 495 765-43-21", "next": "sometime", "day": "tomorrow"}
    answer = sign_in("anna").post("/clients/quick/save", data=sent((A, bad), (B, words)))
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert session.scalars(select(Client.name)).all() == ["Rassvet"]
    for text in ('value="Granit"', 'value="sometime"', f'id="{A}-next-error"', f'id="{A}-day-error"',
                 f'id="{A}-purpose-error"', f'id="{A}-outcome-error"', "still to come"):  # fmt: skip
        assert text in page, text
    assert f'id="row-{B}"' not in page
    assert f'id="row-{A}"' in sign_in("anna").get("/clients/quick").get_data(as_text=True), "a reload finds it"


def test_what_is_typed_is_kept_for_its_user_alone(sign_in: SignIn, office: dict[str, User], session: Session) -> None:
    anna, boris = sign_in("anna"), sign_in("boris")
    assert anna.post(f"/clients/quick/rows/{A}", data={"name": "Rass"}, headers=HTMX).status_code == 200
    assert boris.post(f"/clients/quick/rows/{A}", data={"name": "Granit"}, headers=HTMX).status_code == 200
    assert 'value="Rass"' in anna.get("/clients/quick").get_data(as_text=True)
    page = boris.get("/clients/quick").get_data(as_text=True)
    assert 'value="Granit"' in page and "Rass" not in page
    anna.post(f"/clients/quick/rows/{A}", data={"name": " ", "door": "visit"})
    assert session.scalars(select(QuickRow.user_id)).all() == [office["boris"].id], "an emptied row is forgotten"
    for key in ("x", "A" * 32, "a" * 33):
        assert anna.post(f"/clients/quick/rows/{key}", data={"name": "x"}).status_code == 404
    assert anna.post("/clients/quick/save", data={"key": [A, B], "name": ["x"]}).status_code == 400


def test_words_that_were_overtaken_on_their_way_change_nothing(
    sign_in: SignIn, office: dict[str, User], session: Session
) -> None:
    anna = sign_in("anna")
    for turn, name in (("5", "Rassvet"), ("4", "Rass"), ("", "R"), ("6x", "Ra")):
        anna.post(f"/clients/quick/rows/{A}", data={"name": name, "turn": turn}, headers=HTMX)
    assert session.scalars(select(QuickRow)).one().typed == {"name": "Rassvet", "turn": "5"}
    anna.post(f"/clients/quick/rows/{A}", data={"name": "Rassvet LLC", "turn": "6"}, headers=HTMX)
    session.expire_all()
    assert session.scalars(select(QuickRow)).one().typed["name"] == "Rassvet LLC"


def test_hits_appear_while_a_row_is_typed(sign_in: SignIn, make_card: Maker, count_queries: Callable[[], int]) -> None:
    card = make_card("Рассвет", ("+7 495 123-45-67",), surname="Орлов")
    anna = sign_in("anna")
    before = count_queries()
    found = anna.post(f"/clients/quick/rows/{A}", data={"phone": "8 495 123 45 67", "next": "tomorrow 9"}, headers=HTMX)
    assert count_queries() - before <= 12
    text = found.get_data(as_text=True)
    assert f'data-client="{card.id}"' in text and "same phone" in text and "tomorrow 09:00" in text
    assert "<html" not in text


def test_a_card_that_is_there_is_asked_about_before_another_is_made(
    sign_in: SignIn,
    words: dict[str, str],
    make_card: Maker,
    session: Session,
) -> None:
    card = make_card("Rassvet", ("+7 495 123-45-67",))
    anna = sign_in("anna")
    answer = anna.post("/clients/quick/save", data=sent((A, words)))
    assert answer.status_code == 422 and "Is this Rassvet" in answer.get_data(as_text=True)
    assert count(session, Client) == 1
    assert anna.post("/clients/quick/save", data=sent((A, words | {"said": f"{card.id}:other"}))).status_code == 200
    new = session.scalars(select(Client).where(Client.id != card.id)).one()
    verdict = session.scalars(select(PairVerdict)).one()
    assert (verdict.low_id, verdict.high_id, verdict.verdict) == (card.id, new.id, "other")


def test_the_same_fills_what_is_empty_and_writes_nothing_over(
    sign_in: SignIn,
    words: dict[str, str],
    make_card: Maker,
    session: Session,
) -> None:
    card = make_card("Рассвет", ("+7 495 123-45-67",), surname="Орлов")
    channels = session.scalars(select(Channel).order_by(Channel.rank)).all()
    card.channel_id = channels[3].id
    session.commit()
    said = words | {"said": f"{card.id}:same", "phone": "8 916 000-00-01", "surname": "Orlov"}
    assert sign_in("anna").post("/clients/quick/save", data=sent((A, said))).status_code == 200
    session.expire_all()
    assert count(session, Client) == 1
    assert (card.name, card.channel_id) == ("Рассвет", channels[3].id)
    (person,) = card.people
    assert (person.surname, person.given_name) == ("Орлов", "Pavel")
    points = {(point.kind, point.value) for point in session.scalars(select(ContactPoint))}
    assert points == {
        ("phone", "+7 495 123-45-67"), ("mobile", "8 916 000-00-01"), ("email", "pavel@rassvet.example"),
    }  # fmt: skip
    touch = session.scalars(select(Touch)).one()
    assert (touch.client_id, touch.person_id) == (card.id, person.id)
    assert session.scalars(select(QuickRow)).one().made is False


def test_somebody_new_at_a_client_that_is_there(
    sign_in: SignIn,
    words: dict[str, str],
    make_card: Maker,
    session: Session,
) -> None:
    card = make_card("Rassvet", ("+7 495 123-45-67",), surname="Belkina", given_name="Olga")
    sign_in("anna").post("/clients/quick/save", data=sent((A, words | {"said": f"{card.id}:same"})))
    session.expire_all()
    assert [person.surname for person in card.people] == ["Belkina", "Orlov"]


def test_a_phone_that_is_none_is_kept_as_written(sign_in: SignIn, words: dict[str, str], session: Session) -> None:
    odd = words | {"phone": "ask at the desk"}
    anna = sign_in("anna")
    assert "kept as written" in anna.post(f"/clients/quick/rows/{A}", data=odd, headers=HTMX).get_data(as_text=True)
    assert anna.post("/clients/quick/save", data=sent((A, odd))).status_code == 200
    points = {point.kind: (point.value, point.normal) for point in session.scalars(select(ContactPoint))}
    assert points["phone"] == ("ask at the desk", "")


def test_a_dot_behind_an_e_mail_is_asked_about(sign_in: SignIn, words: dict[str, str], session: Session) -> None:
    answer = sign_in("anna").post("/clients/quick/save", data=sent((A, words | {"email": "pavel@rassvet.example."})))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "take it off" in page and "pavel@rassvet.example." in page
    assert session.scalars(select(ContactPoint)).all() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"next": "yesterday 10"}, "next"), ({"next": ""}, "next"), ({"outcome": ""}, "outcome"),
        ({"purpose": "99999"}, "purpose"), ({"channel": "x"}, "channel"), ({"door": "window"}, "door"),
        ({"name": "x" * 201}, "name"), ({"day": "1.1.1990"}, "day"), ({"phone": "1" * 201}, "phone"),
        (dict.fromkeys(("name", "surname", "given_name", "phone", "email"), ""), "name"),
        ({"said": "1:same"}, ""), ({"said": "x:y,,:,-1:same,99999999999:same"}, ""),
        ({"name": "<script>alert(1)</script>"}, ""),
    ],
)  # fmt: skip
def test_bad_words(
    sign_in: SignIn, words: dict[str, str], session: Session, change: dict[str, str], field: str
) -> None:
    answer = sign_in("anna").post("/clients/quick/save", data=sent((A, words | change)))
    page = answer.get_data(as_text=True)
    assert "<script>alert" not in page
    if field:
        assert answer.status_code == 422 and f'id="{A}-{field}-error"' in page
        assert (count(session, Client), count(session, Touch), count(session, Task)) == (0, 0, 0)
    else:
        assert answer.status_code == 200


def test_a_contact_of_another_day(sign_in: SignIn, words: dict[str, str], session: Session) -> None:
    sign_in("anna").post("/clients/quick/save", data=sent((A, words | {"day": "вчера"})))
    assert session.scalars(select(Touch.started_at)).one() == datetime(2026, 3, 9, 9, tzinfo=UTC)


def test_an_outcome_that_closes_owes_nothing(sign_in: SignIn, words: dict[str, str], session: Session) -> None:
    refused = session.scalars(select(Outcome).where(Outcome.key == "refused")).one()
    row = words | {"outcome": str(refused.id), "next": ""}
    assert sign_in("anna").post("/clients/quick/save", data=sent((A, row))).status_code == 200
    assert (count(session, Touch), count(session, Task)) == (1, 0)


def test_more_rows_than_anybody_types(
    sign_in: SignIn, words: dict[str, str], session: Session, clock: Clock, office: dict[str, User]
) -> None:
    session.add_all(
        QuickRow(user_id=office["anna"].id, key=f"{number:032x}", typed={"name": "x"}, begun_at=clock())
        for number in range(rows.MOST)
    )
    session.commit()
    answer = sign_in("anna").post("/clients/quick/save", data=sent((A, words)))
    assert answer.status_code == 422 and 'value="Rassvet"' in answer.get_data(as_text=True)


def test_what_was_saved_long_ago_is_forgotten(
    sign_in: SignIn, words: dict[str, str], session: Session, clock: Clock
) -> None:
    anna = sign_in("anna")
    anna.post("/clients/quick/save", data=sent((A, words)))
    clock.move(days=8)
    anna.post("/clients/quick/save", data=sent((B, {"name": "Granit"})))
    assert session.scalars(select(QuickRow.key)).all() == [B]
    assert saving.DOORS.keys() >= {"paper", "visit", "letter"}
