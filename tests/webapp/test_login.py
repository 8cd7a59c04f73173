"""Signing in: works, refused with the words kept, slowed down for a guesser, no way around it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from tests.webapp.conftest import PASSWORD, Clock
from webapp.accounts.models import User


def test_a_user_signs_in(sign_in: Callable[[str], FlaskClient]) -> None:
    assert sign_in("anna").get("/").headers["Location"] in ("/desk", "/desk/")


def test_a_wrong_password_keeps_the_login_typed(app: Flask, office: dict[str, User]) -> None:
    answer = app.test_client().post("/login", data={"login": "anna", "password": "wrong"})
    assert answer.status_code == 422
    assert 'value="anna"' in answer.get_data(as_text=True)


def test_a_guesser_is_slowed_down_and_then_let_in(app: Flask, office: dict[str, User], clock: Clock) -> None:
    client = app.test_client()
    for _ in range(10):
        assert client.post("/login", data={"login": "anna", "password": "guess"}).status_code == 422
    assert client.post("/login", data={"login": "anna", "password": PASSWORD}).status_code == 429
    clock.move(minutes=16)
    assert client.post("/login", data={"login": "anna", "password": PASSWORD}).status_code == 303


def test_the_login_does_not_lead_to_strangers(app: Flask, office: dict[str, User]) -> None:
    for target in ("//evil.example", "https://evil.example", "/\\evil.example"):
        answer = app.test_client().post(
            "/login", query_string={"next": target}, data={"login": "anna", "password": PASSWORD}
        )
        assert answer.headers["Location"] == "/"


def test_an_inactive_user_stays_outside(app: Flask, office: dict[str, User]) -> None:
    from webapp.db import db

    office["anna"].active = False
    db.session.commit()
    assert app.test_client().post("/login", data={"login": "anna", "password": PASSWORD}).status_code == 422
