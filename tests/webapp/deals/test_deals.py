"""Deals move forward only, and end as won or lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client
from webapp.deals import stages
from webapp.deals.models import ENDED, STAGES, Deal

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def deal(session: Session, office: dict[str, User], clock: Clock) -> Deal:
    client = Client(name="Rassvet", created_at=clock())
    session.add(client)
    session.flush()
    deal = stages.open_deal(session, client, " Forty   windows ", Author(office["anna"], clock()))
    session.commit()
    return deal


def test_a_deal_is_opened_by_its_manager(deal: Deal, office: dict[str, User], clock: Clock) -> None:
    assert (deal.title, deal.stage, deal.owner_id) == ("Forty windows", "found", office["anna"].id)
    assert (deal.opened_at, deal.ended_at) == (clock(), None)


@pytest.mark.parametrize("start", STAGES)
@pytest.mark.parametrize("target", [*STAGES, "sideways"])
def test_forward_only(session: Session, deal: Deal, clock: Clock, start: str, target: str) -> None:
    deal.stage = start
    session.commit()
    allowed = start not in ENDED and target in STAGES and STAGES.index(target) > STAGES.index(start)
    if allowed:
        stages.move(session, deal, target, Author(None, clock.move(days=1)))
        assert (deal.stage, deal.ended_at) == (target, clock() if target in ENDED else None)
    else:
        with pytest.raises(BadValue):
            stages.move(session, deal, target, Author(None, clock()))
        assert deal.stage == start


def test_from_the_card(sign_in: SignIn, deal: Deal, session: Session) -> None:
    browser = sign_in("boris")
    answer = browser.post(f"/deals/{deal.id}/stage", data={"stage": "offer_sent"})
    assert answer.status_code == 200 and "Offer sent" in answer.get_data(as_text=True)
    answer = browser.post(f"/deals/{deal.id}/stage", data={"stage": "found"})
    assert answer.status_code == 422 and "don&#39;t allow this step" in answer.get_data(as_text=True)
    answer = browser.post(f"/clients/{deal.client_id}/deals", data={"title": "A door"})
    assert answer.status_code == 200 and "A door" in answer.get_data(as_text=True)
    answer = browser.post(f"/clients/{deal.client_id}/deals", data={"title": "w" * 201})
    assert answer.status_code == 422 and "w" * 201 in answer.get_data(as_text=True)
    assert browser.post(f"/clients/{deal.client_id}/deals", data={"title": " "}).status_code == 422
    assert len(session.scalars(select(Deal)).all()) == 2
