"""What a deal is about is changed in place, field by field."""

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
from webapp.clients.models import CardChange, Client
from webapp.deals import stages, terms
from webapp.deals.models import Deal
from webapp.office import money
from webapp.office.models import PaymentScheme

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def deal(session: Session, office: dict[str, User], clock: Clock) -> Deal:
    client = Client(name="Rassvet", created_at=clock())
    session.add(client)
    session.flush()
    deal = stages.open_deal(session, client, "Forty windows", Author(office["anna"], clock()))
    session.commit()
    return deal


@pytest.mark.parametrize(
    "typed, kept, shown",
    [
        ("12 500,50", 1250050, "12,500.50"), ("12,500.50", 1250050, "12,500.50"), ("0", 0, "0"), ("", None, ""),
        ("1 000 000", 100000000, "1,000,000"), ("9999999999999.99", 999999999999999, "9,999,999,999,999.99"),
    ],
)  # fmt: skip
def test_an_amount_is_read_as_typed(session: Session, deal: Deal, typed: str, kept: int | None, shown: str) -> None:
    terms.change(session, deal, "amount", typed, Author(None, deal.opened_at))
    assert deal.amount == kept and money.shown(kept) == shown
    terms.change(session, deal, "amount", shown, Author(None, deal.opened_at))
    assert deal.amount == kept


@pytest.mark.parametrize(
    "field, value",
    [("amount", "much"), ("amount", "-1"), ("amount", "0.001"), ("amount", "10000000000000"), ("kind", "gift"),
     ("payment_scheme", "999"), ("payment_scheme", "x"), ("owner", "999"), ("title", " "), ("title", "w" * 201)],
)  # fmt: skip
def test_what_does_not_fit_comes_back_with_its_words(
    sign_in: SignIn, session: Session, deal: Deal, field: str, value: str
) -> None:
    answer = sign_in("anna").post(f"/deals/{deal.id}/fields/{field}", data={"value": value})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and f'id="deal-{deal.id}-{field}-error"' in page
    assert field not in ("amount", "title") or f'value="{value}"' in page
    session.expire_all()
    assert (deal.title, deal.amount, deal.kind, deal.payment_scheme_id) == ("Forty windows", None, "deal", None)


def test_each_field_is_changed_and_written_down(
    sign_in: SignIn, session: Session, deal: Deal, office: dict[str, User]
) -> None:
    scheme = session.scalars(select(PaymentScheme).order_by(PaymentScheme.rank)).first()
    assert scheme is not None
    browser = sign_in("anna")
    values = {"title": "Fifty windows", "kind": "order", "amount": "12 500,50", "payment_scheme": str(scheme.id)}
    for field, value in values.items():
        assert browser.post(f"/deals/{deal.id}/fields/{field}", data={"value": value}).status_code == 200
    session.expire_all()
    assert (deal.title, deal.kind, deal.amount, deal.payment_scheme) == ("Fifty windows", "order", 1250050, scheme)
    noted = session.scalars(select(CardChange).where(CardChange.deal_id == deal.id).order_by(CardChange.id)).all()
    assert [(one.field, one.new) for one in noted[1:]] == [
        ("title", "Fifty windows"), ("deal_kind", "order"), ("amount", "12,500.50"),
        ("payment_scheme", "Paid in advance"),
    ]  # fmt: skip
    assert sign_in("admin").post(f"/deals/{deal.id}/fields/title").status_code == 403
    assert browser.post("/deals/999/fields/title").status_code == 404
    assert browser.post(f"/deals/{deal.id}/fields/stage").status_code == 404


def test_a_colleagues_deal_is_reassigned_by_the_head(
    session: Session, deal: Deal, office: dict[str, User], clock: Clock
) -> None:
    boris, head = office["boris"], office["head"]
    with pytest.raises(BadValue):
        terms.change(session, deal, "owner", str(boris.id), Author(boris, clock()))
    terms.change(session, deal, "owner", str(boris.id), Author(head, clock()))
    assert deal.owner == boris
    with pytest.raises(BadValue):
        terms.change(session, deal, "owner", str(office["admin"].id), Author(head, clock()))


@pytest.mark.parametrize(
    "field, first, second",
    [("title", "Fifty windows", "Sixty windows"), ("amount", "12 500,50", "900"), ("kind", "order", "deal"),
     ("payment_scheme", "first", "last"), ("owner", "boris", "head")],
)  # fmt: skip
def test_two_who_change_a_field_at_once_are_told_of_each_other(
    sign_in: SignIn, session: Session, deal: Deal, office: dict[str, User], field: str, first: str, second: str
) -> None:
    schemes = session.scalars(select(PaymentScheme).order_by(PaymentScheme.rank)).all()
    ids = {"first": schemes[0].id, "last": schemes[-1].id, "boris": office["boris"].id, "head": office["head"].id}
    first, second = str(ids.get(first, first)), str(ids.get(second, second))
    address = f"/deals/{deal.id}/fields/{field}"
    seen = terms.shown(deal, field)
    head, anna = sign_in("head"), sign_in("anna")
    assert head.post(address, data={"value": first, "was": seen}).status_code == 200
    session.expire_all()
    stands = terms.shown(deal, field)
    if field == "kind":  # of two kinds a third one can't be meant: the other page is older still
        seen, second = "", "deal"
    answer = anna.post(address, data={"value": second, "was": seen})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "Helen Markova has changed this meanwhile" in page
    assert f'data-theirs="{stands}"' in page and 'data-choice="mine"' in page and f'data-was="{seen}"' in page
    session.expire_all()
    assert terms.shown(deal, field) == stands
    # What both want is no conflict, however it is written, and "put mine" goes on from what stands.
    assert anna.post(address, data={"value": first, "was": seen}).status_code == 200
    assert head.post(address, data={"value": second, "was": stands}).status_code == 200
    session.expire_all()
    assert terms.shown(deal, field) == second


def test_another_deals_change_is_not_told(
    sign_in: SignIn, session: Session, deal: Deal, office: dict[str, User], clock: Clock
) -> None:
    other = stages.open_deal(session, deal.client, "Doors", Author(office["anna"], clock()))
    session.commit()
    head = sign_in("head")
    assert head.post(f"/deals/{other.id}/fields/title", data={"value": "Oak doors", "was": "Doors"}).status_code == 200
    answer = head.post(f"/deals/{deal.id}/fields/title", data={"value": "Gates", "was": "Forty"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "This has been changed meanwhile:" in page and "Oak doors" in page
    deal_page = head.post(f"/deals/{deal.id}/fields/title", data={"value": "Gates", "was": "Forty windows"})
    assert deal_page.status_code == 200
