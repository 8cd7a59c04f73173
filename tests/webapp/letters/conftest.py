"""A talk that is to be closed, at a client with an e-mail."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker, make_card
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.letters.models import Letter
from webapp.office.models import Outcome, Purpose
from webapp.touches import closing
from webapp.touches.models import Touch

__all__ = ["make_card"]


@pytest.fixture
def talk(session: Session, office: dict[str, User], make_card: Maker, clock: Clock) -> Touch:
    """Anna's talk with Pavel of Rassvet, not closed yet."""
    client = make_card(
        "Rassvet", ("+7 495 123-45-67",), email="pavel@rassvet.example", surname="Orlov", given_name="Pavel"
    )
    client.product, client.needed_by, client.volume = "Windows", "1 May", "40 pieces"
    office["anna"].email = "anna@northwind.example"
    call = Call(
        call_id="c1", number="+74951234567", offered_at=clock(), answered_at=clock(), ended_at=clock(), state="ended",
        client_id=client.id, answered_by_id=office["anna"].id,
    )  # fmt: skip
    session.add(call)
    session.flush()
    touch = Touch(
        started_at=clock(), call_id=call.id, client_id=client.id, person_id=client.people[0].id,
        user_id=office["anna"].id,
        purpose_id=session.scalars(select(Purpose.id).where(Purpose.key == "price")).one(),
        outcome_id=session.scalars(select(Outcome.id).where(Outcome.key == "offer")).one(),
        next_at=clock() + timedelta(days=1), next_kind="offer",
    )  # fmt: skip
    session.add(touch)
    session.commit()
    return touch


@pytest.fixture
def letter(session: Session, talk: Touch, office: dict[str, User], clock: Clock) -> Letter:
    """The letter that closing the talk has proposed."""
    assert closing.close(session, talk, office["anna"], clock()) == {}
    session.commit()
    return session.scalars(select(Letter)).one()
