"""What no table can hold or compare (NUL, numbers past any id) is turned away alike on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import PASSWORD
from webapp.accounts.models import User
from webapp.clients.models import Client


def test_a_nul_is_left_out_of_what_is_saved(session: Session, sign_in: Callable[[str], FlaskClient]) -> None:
    client = sign_in("anna")
    assert client.post("/clients", data={"name": "Vos\0tok", "phone": "+7 495 \x00123 45 67"}).status_code == 303
    card = session.scalars(select(Client)).one()
    assert (card.name, card.contact_points[0].value) == ("Vostok", "+7 495 123 45 67")
    assert "Vostok" in client.get("/clients", query_string={"q": "vos\0tok"}).get_data(as_text=True)


def test_a_nul_in_a_login_is_no_way_in_and_no_fault(app: Flask, office: dict[str, User]) -> None:
    client = app.test_client()
    assert client.post("/login", data={"login": "nobody\0", "password": PASSWORD}).status_code == 422


@pytest.mark.parametrize("number", [2**31, 2**63, 10**30])
@pytest.mark.parametrize(
    ("login", "page"),
    [("head", "/roster?shift={}"), ("head", "/roster?absence={}"), ("head", "/settings/lines?line={}")],
)
def test_an_id_past_any_column_is_nothing(
    sign_in: Callable[[str], FlaskClient], login: str, page: str, number: int
) -> None:
    assert sign_in(login).get(page.format(number)).status_code == 404
