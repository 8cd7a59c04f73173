"""The page as it opens: who sees which call, and what stands on it."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient

from tests.webapp.desk.conftest import NUMBER, Phone
from webapp.accounts.models import User
from webapp.clients.models import Client

SignIn = Callable[[str], FlaskClient]


def test_a_known_number_opens_its_card(
    sign_in: SignIn, phone: Phone, on_duty: User, client_with: Callable[..., Client]
) -> None:
    client_with(NUMBER, "Rassvet")
    phone.ring()
    page = sign_in("anna").get("/desk").get_data(as_text=True)
    assert "Rassvet" in page and "Orlov Pavel" in page and "same phone" in page
    assert "Ringing" in page and "+7 495 123-45-67" in page
