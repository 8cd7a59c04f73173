"""Programs with tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.api import tokens
from webapp.office.models import Outcome, Purpose

TokenOf = Callable[..., str]


@pytest.fixture
def token_of(session: Session, office: dict[str, User], clock: Clock) -> TokenOf:
    """`token_of("anna")` is the text of a token that acts as anna and may write."""

    def make(login: str, may_write: bool = True) -> str:
        _token, secret = tokens.make(session, "website", office[login], may_write, office["head"], clock())
        session.commit()
        return secret

    return make


class Program:
    """A program with a token of `login`: sends JSON, shows answers."""

    def __init__(self, app: Flask, secret: str) -> None:
        self._app, self.secret = app, secret

    def get(self, path: str, **query: Any) -> TestResponse:
        return self._app.test_client(use_cookies=False).get(
            f"/api/v1{path}", query_string=query, headers={"Authorization": f"Bearer {self.secret}"}
        )

    def post(self, path: str, body: Any, key: str | None = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.secret}"} | ({"Idempotency-Key": key} if key else {})
        return self._app.test_client(use_cookies=False).post(f"/api/v1{path}", json=body, headers=headers)

    def patch(self, path: str, body: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.secret}"}
        return self._app.test_client(use_cookies=False).patch(f"/api/v1{path}", json=body, headers=headers)


@pytest.fixture
def program(app: Flask, token_of: TokenOf) -> Callable[..., Program]:
    return lambda login="anna", may_write=True: Program(app, token_of(login, may_write))


@pytest.fixture
def ids(session: Session, office: dict[str, User]) -> dict[str, int]:
    """Purposes and outcomes of the office by their keys."""
    found = {one.key: one.id for one in session.scalars(select(Purpose))}
    return found | {one.key: one.id for one in session.scalars(select(Outcome))}
