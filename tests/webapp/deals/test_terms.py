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
    assert deal.amount == kept and terms.shown_amount(kept) == shown
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
