"""Forbidden types of client and ways of paying hold a deal until management approves just that (D82)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import cards
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import CardChange, Client
from webapp.deals import holding, stages, terms
from webapp.deals.models import Deal
from webapp.office.models import ClientType, ListItem, PaymentScheme

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def deal(session: Session, office: dict[str, User], clock: Clock) -> Deal:
    client = Client(name="Rassvet", created_at=clock())
    session.add(client)
    session.flush()
    deal = stages.open_deal(session, client, "Forty windows", Author(office["anna"], clock()))
    session.commit()
    return deal


def named(session: Session, model: type[ListItem], name: str) -> str:
    return str(next(row.id for row in session.scalars(select(model)) if row.names["en"] == name))


def become(session: Session, deal: Deal, kind: str, author: Author) -> None:
    type_id = named(session, ClientType, kind)
    cards.update_field(session, deal.client, None, "type", type_id, author, "RU")


def pay(session: Session, deal: Deal, scheme: str, author: Author) -> None:
    terms.change(session, deal, "payment_scheme", named(session, PaymentScheme, scheme), author)


def test_a_deal_is_held_until_the_head_says_why_it_may_go_on(
    session: Session, deal: Deal, office: dict[str, User], clock: Clock
) -> None:
    anna, head = Author(office["anna"], clock()), Author(office["head"], clock(), why="Paid in advance, in full")
    stages.move(session, deal, "offer_sent", anna)
    become(session, deal, "Competitor", anna)
    (code,) = holding.holds(deal)
    for author in (anna, head, Author(None, clock(), "merge")):
        with pytest.raises(BadValue, match="Competitor"):
            stages.move(session, deal, "contract", author)
    for author, seen in (
        (Author(office["anna"], clock(), why="please"), code),
        (Author(office["head"], clock(), why=" "), code),
        (head, ""),
        (head, "type:999"),
    ):
        with pytest.raises(BadValue):
            holding.approve(session, deal, seen, author)
    assert holding.holds(deal)
    holding.approve(session, deal, code, head)
    assert holding.holds(deal) == {}
    stages.move(session, deal, "contract", anna)
    assert (deal.approved_by, deal.approved_at, deal.approved_why) == (office["head"], clock(), head.why)
    noted = session.scalars(select(CardChange).where(CardChange.field == "approved")).one()
    assert (noted.deal_id, noted.why, noted.user) == (deal.id, head.why, office["head"]) and "Competitor" in noted.new


def test_what_is_counted_as_held_is_what_is_held(
    session: Session, deal: Deal, office: dict[str, User], clock: Clock
) -> None:
    """The condition of the list agrees with `holds` at every turn."""
    anna, head = Author(office["anna"], clock()), Author(office["head"], clock(), why="Our oldest client")

    def agree(held: bool) -> None:
        session.flush()
        assert bool(holding.holds(deal)) is held is bool(holding.waiting(session))

    agree(False)
    become(session, deal, "Competitor", anna)
    agree(True)
    holding.approve(session, deal, " ".join(holding.holds(deal)), head)
    agree(False)
    pay(session, deal, "Later than 60 days", anna)
    agree(True)
    deal.approved_for += f" scheme:{deal.payment_scheme_id}1"  # another one whose number begins alike
    agree(True)
    deal.stage = "lost"
    agree(False)


def test_the_head_finds_all_held_deals_in_one_place_and_approves_them_there(
    sign_in: SignIn, session: Session, deal: Deal, office: dict[str, User], clock: Clock
) -> None:
    anna, head = sign_in("anna"), sign_in("head")
    assert "wait for approval" not in head.get("/desk").get_data(as_text=True)
    assert "No deal waits for approval" in head.get("/deals?stage=held").get_data(as_text=True)
    become(session, deal, "Competitor", Author(office["anna"], clock()))
    session.commit()
    assert "/deals?stage=held" in head.get("/desk").get_data(as_text=True)
    assert "/deals?stage=held" not in anna.get("/desk").get_data(as_text=True)
    assert "1 deal waits for approval" in head.get("/deals").get_data(as_text=True)
    page = anna.get("/deals?stage=held").get_data(as_text=True)
    assert "Forty windows" in page and "forbidden type of client: Competitor" in page and 'name="why"' not in page
    assert 'name="why"' in head.get("/deals?stage=held").get_data(as_text=True)
    (code,) = holding.holds(deal)
    at, form = f"/deals/{deal.id}/approve", {"listed": "1", "seen": code, "why": "They <b>paid</b>"}
    assert anna.post(at, data=form).status_code == 403
    assert head.post("/deals/999/approve", data=form).status_code == 404
    answer = head.post(at, data={**form, "seen": "type:999"})
    assert answer.status_code == 422 and "They &lt;b&gt;paid&lt;/b&gt;" in answer.get_data(as_text=True)
    answer = head.post(at, data={**form, "why": " "})
    assert answer.status_code == 422 and "Say why" in answer.get_data(as_text=True)
    answer = head.post(at, data=form)
    assert answer.status_code == 200 and "approved" in answer.get_data(as_text=True)
    assert "waits for approval" not in answer.get_data(as_text=True)
    session.expire_all()
    assert holding.holds(deal) == {} and deal.approved_why == "They <b>paid</b>"
    assert "Forty windows" not in head.get("/deals?stage=held").get_data(as_text=True)
    assert head.get("/deals.csv?stage=held", buffered=True).status_code == 200
    assert "Deals: held · CSV" in head.get("/exports").get_data(as_text=True)


def test_an_approval_is_for_its_reason_only(
    session: Session, deal: Deal, office: dict[str, User], clock: Clock
) -> None:
    anna, head = Author(office["anna"], clock()), Author(office["head"], clock(), why="Our oldest client")
    pay(session, deal, "Later than 60 days", anna)
    (late,) = holding.holds(deal)
    holding.approve(session, deal, late, head)
    pay(session, deal, "Through a third party", anna)
    (third,) = holding.holds(deal)
    assert third != late
    pay(session, deal, "Later than 60 days", anna)
    assert holding.holds(deal) == {}  # that was approved
    become(session, deal, "Insolvent firm", anna)
    (insolvent,) = holding.holds(deal)
    with pytest.raises(BadValue, match="something else"):  # a page made before
        holding.approve(session, deal, late, head)
    holding.approve(session, deal, insolvent, head)
    assert holding.holds(deal) == {} and set(deal.approved_for.split()) == {late, insolvent}


def test_what_is_forbidden_later_holds_the_open_deals(
    session: Session, deal: Deal, office: dict[str, User], clock: Clock
) -> None:
    anna = Author(office["anna"], clock())
    become(session, deal, "Dealer", anna)
    other = stages.open_deal(session, deal.client, "Ten doors", anna)
    stages.move(session, other, "won", anna)
    session.get_one(ClientType, deal.client.type_id).forbidden = True
    session.flush()
    assert holding.holds(deal) and not holding.holds(other)
    with pytest.raises(BadValue):
        stages.move(session, deal, "won", anna)
    stages.move(session, deal, "lost", anna)
    assert deal.stage == "lost" and not holding.holds(deal)


def test_a_second_click_finds_it_approved(
    sign_in: SignIn, session: Session, deal: Deal, office: dict[str, User]
) -> None:
    become(session, deal, "Competitor", Author(office["anna"], deal.opened_at))
    (code,) = holding.holds(deal)
    session.commit()
    head = sign_in("head")
    page = head.get(f"/clients/{deal.client_id}").get_data(as_text=True)
    assert f'name="seen" value="{code}"' in page and "Forbidden type of client: Competitor" in page
    address = f"/deals/{deal.id}/approve"
    assert "Approve</button>" not in sign_in("anna").get(f"/clients/{deal.client_id}").get_data(as_text=True)
    assert sign_in("anna").post(address, data={"seen": code, "why": "x"}).status_code == 403
    answer = head.post(address, data={"seen": code, "why": ""})
    assert answer.status_code == 422 and "Say why" in answer.get_data(as_text=True)
    assert head.post(address, data={"seen": code, "why": "An old friend"}).status_code == 200
    answer = head.post(address, data={"seen": code, "why": "Once more"})
    assert answer.status_code == 422 and "Nothing holds" in answer.get_data(as_text=True)
    session.expire_all()
    assert deal.approved_why == "An old friend"
    assert head.post("/deals/999/approve").status_code == 404
