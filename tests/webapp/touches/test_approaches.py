"""How often a client was approached in vain, and the reason that one more needs (D74)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.office.models import Office, Outcome, Purpose
from webapp.tasks.models import Task
from webapp.touches import approaches
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
NUMBER = "+74951234567"
Past = Callable[..., Touch]


def outcome(session: Session, key: str) -> int:
    return session.scalars(select(Outcome.id).where(Outcome.key == key)).one()


@pytest.fixture
def rassvet(session: Session, office: dict[str, User], clock: Clock) -> Client:
    client = Client(name="Rassvet", created_at=clock(), owner_id=office["anna"].id)
    session.add(client)
    session.commit()
    return client


@pytest.fixture
def past(session: Session, office: dict[str, User], rassvet: Client, clock: Clock) -> Past:
    """`past("not_reached")` is a finished touch of ours with that outcome, a minute after the one before."""

    def make(key: str, direction: str = "out", *, closed: bool = True, **values: Any) -> Touch:
        touch = Touch(
            direction=direction,
            started_at=clock.move(minutes=1),
            user_id=office["anna"].id,
            client_id=rassvet.id,
            outcome_id=outcome(session, key) if key else None,
            closed_at=clock() if closed else None,
        )
        for name, value in values.items():
            setattr(touch, name, value)
        session.add(touch)
        session.commit()
        return touch

    return make


def test_ours_count_until_a_result(session: Session, past: Past, rassvet: Client) -> None:
    def count() -> int:
        return approaches.of_client(session, rassvet.id)

    assert count() == 0
    for key in ("offer", "not_reached", "call_back"):
        past(key)
    assert count() == 3
    past("", closed=False)
    assert count() == 3, "a row that is still written is none yet"
    for result in ("meeting", "order", "refused", "answered"):
        past(result)
        assert count() == 0, result
        past("not_reached")
        assert count() == 1
    past("", "in", closed=False)
    assert count() == 0, "they turned to us"


@pytest.mark.parametrize(("rings", "count"), [(3, 1), (0, 0)])
def test_a_call_that_rang_at_his_telephone_is_one_though_nobody_has_written_it_up(
    session: Session, past: Past, rassvet: Client, clock: Clock, rings: int, count: int
) -> None:
    call = Call(call_id="out", direction="out", number=NUMBER, offered_at=clock(), state="ended", rings=rings)
    session.add(call)
    session.flush()
    past("", closed=False, call_id=call.id)
    assert approaches.of_client(session, rassvet.id) == count


def test_who_has_no_card_is_known_by_his_number(session: Session, past: Past, clock: Clock) -> None:
    for n in range(2):
        call = Call(call_id=f"out-{n}", direction="out", number=NUMBER, offered_at=clock(), state="ended", rings=2)
        session.add(call)
        session.flush()
        past("not_reached", call_id=call.id, client_id=None)
    assert approaches.of_number(session, NUMBER) == 2 and approaches.of_number(session, "") == 0


def test_the_fifth_asks_for_a_reason_and_keeps_what_was_typed(
    sign_in: SignIn, session: Session, past: Past, rassvet: Client, clock: Clock
) -> None:
    for _ in range(3):
        past("not_reached")
    fourth = past("not_reached", closed=False)
    fourth.purpose_id = session.scalars(select(Purpose.id)).first()
    fourth.next_at = clock() + timedelta(days=2)
    session.commit()
    anna, address = sign_in("anna"), f"/touches/{fourth.id}/close"
    assert "3 of 4 approaches" in anna.get(f"/desk/touches/{fourth.id}/who").get_data(as_text=True)
    card = f"/clients/{fourth.client_id}"
    assert "3 of 4 approaches" in anna.get(card).get_data(as_text=True)
    past("not_reached")
    page = anna.get(f"{card}/aside").get_data(as_text=True)
    assert "4 of 4 approaches" in page and "One more needs a reason." in page
    refused = anna.post(address, data={"note": "rang and rang"})
    page = refused.get_data(as_text=True)
    assert refused.status_code == 422 and "4 approaches came to nothing" in page
    assert "rang and rang" in page and 'name="approach_reason"' in page
    long = anna.post(address, data={"approach_reason": "x" * 401})
    assert long.status_code == 422 and "The reason is too long." in long.get_data(as_text=True)
    session.expire_all()
    assert fourth.closed_at is None and session.scalars(select(Task)).all() == []
    assert anna.post(address, data={"approach_reason": "Back from holiday on Monday"}).status_code == 303
    session.expire_all()
    assert fourth.closed_at == clock() and fourth.approach_reason == "Back from holiday on Monday"
    assert session.scalars(select(Task.kind)).all() == ["next_touch"]


def test_an_outcome_that_ends_it_needs_no_reason_nor_does_the_offices_higher_limit(
    sign_in: SignIn, session: Session, past: Past, clock: Clock
) -> None:
    for _ in range(3):
        past("not_reached")
    purpose = session.scalars(select(Purpose.id)).first()
    for key, limit in (("meeting", 4), ("not_reached", 5)):
        session.get_one(Office, 1).max_approaches = limit
        touch = past(key, closed=False, purpose_id=purpose, next_at=clock() + timedelta(days=2))
        assert sign_in("anna").post(f"/touches/{touch.id}/close").status_code == 303, key


def test_the_field_is_shown_when_one_more_would_need_it(
    sign_in: SignIn, session: Session, past: Past, clock: Clock
) -> None:
    for _ in range(2):
        past("not_reached")
    anna = sign_in("anna")
    third = past("", closed=False)
    assert 'name="approach_reason"' not in anna.get(f"/touches/{third.id}/result").get_data(as_text=True)
    third.closed_at = clock()
    session.commit()
    fourth = past("", closed=False)
    assert 'name="approach_reason"' in anna.get(f"/touches/{fourth.id}/result").get_data(as_text=True)
    saved = anna.post(f"/touches/{fourth.id}/result", data={"approach_reason": "He asked"})
    assert saved.status_code == 200
    session.expire_all()
    assert fourth.approach_reason == "He asked"
