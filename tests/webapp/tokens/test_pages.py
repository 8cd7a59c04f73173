"""The pages of tokens and of the API's reference."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.api.models import ApiToken

SignIn = Callable[[str], FlaskClient]


@pytest.mark.parametrize(("login", "status"), [("head", 200), ("admin", 200), ("anna", 403), ("secretary", 403)])
def test_tokens_are_for_the_head_and_the_administrator(sign_in: SignIn, login: str, status: int) -> None:
    someone = sign_in(login)
    assert someone.get("/settings/api").status_code == status
    if status == 403:
        assert someone.post("/settings/api").status_code == someone.post("/settings/api/1/end").status_code == 403


def test_nobody_sees_them_without_signing_in(app: Flask, office: dict[str, User]) -> None:
    g.pop("_login_user", None)
    for path in ("/settings/api", "/api"):
        assert "/login" in app.test_client().get(path).headers["Location"]


def test_a_token_is_made_shown_once_used_and_ended(
    app: Flask, sign_in: SignIn, office: dict[str, User], session: Session
) -> None:
    head = sign_in("head")
    page = head.post("/settings/api", data={"name": " Web  site ", "user": office["anna"].id, "may_write": "1"})
    secret = re.search(r"srt_[\w-]{43}", page.get_data(as_text=True))
    assert page.status_code == 200 and secret
    token = session.scalars(select(ApiToken)).one()
    assert (token.name, token.user_id, token.may_write, token.made_by_id) == (
        "Web site", office["anna"].id, True, office["head"].id,
    )  # fmt: skip
    assert secret[0] not in head.get("/settings/api").get_data(as_text=True)

    def ask() -> int:
        return app.test_client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret[0]}"}).status_code

    assert ask() == 200
    assert "today 12:00" in head.get("/settings/api").get_data(as_text=True)
    assert head.post(f"/settings/api/{token.id}/end").status_code == 303
    assert ask() == 401
    assert head.post("/settings/api/99/end").status_code == 404


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": "", "user": "1"}, "Say which program uses it."),
        ({"name": "x" * 81, "user": "1"}, "At most 80 characters."),
        ({"name": "site", "user": ""}, "Choose one of the list."),
        ({"name": "site", "user": "999"}, "Choose one of the list."),
        ({"name": "site", "user": "nobody"}, "Choose one of the list."),
    ],
)
def test_a_token_that_can_not_be_made(sign_in: SignIn, session: Session, form: dict[str, str], words: str) -> None:
    answer = sign_in("admin").post("/settings/api", data={**form, "may_write": "1"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in page
    assert f'value="{form["name"]}"' in page and "checked" in page, "what was typed stays"
    assert session.scalars(select(ApiToken)).all() == []


def test_no_token_acts_as_the_administrator(sign_in: SignIn, office: dict[str, User]) -> None:
    answer = sign_in("head").post("/settings/api", data={"name": "site", "user": office["admin"].id})
    assert answer.status_code == 422


def test_the_reference_shows_every_operation(app: Flask, sign_in: SignIn) -> None:
    page = sign_in("anna").get("/api").get_data(as_text=True)
    for path in app.test_client().get("/api/v1/openapi.json").json["paths"]:
        assert f"/api/v1{path}" in page
    assert 'id="NewClient"' in page and "even_if_found" in page
