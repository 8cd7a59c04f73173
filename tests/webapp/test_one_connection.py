"""Several requests on one connection, as a proxy sends those of different people: none knows of the one before."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.webapp.test_feed import address, cookie_of
from webapp.accounts.models import User

__all__ = ["address"]
LARGE = "x" * 900_000
"""More than the server reads at once."""


@pytest.fixture
def ask(address: tuple[str, int]) -> Iterator[Callable[..., tuple[int, str]]]:
    """Send a request on the one connection; its status and page."""
    connection = http.client.HTTPConnection(*address, timeout=20)

    def ask(method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    yield ask
    connection.close()


def test_a_large_body_leaves_nothing_behind_for_whoever_comes_next(
    app: Flask,
    office: dict[str, User],
    sign_in: Callable[[str], FlaskClient],
    session: Session,
    ask: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heads_name = office["head"].name
    anna, head = (cookie_of(sign_in(login), app) for login in ("anna", "head"))
    session.rollback()  # the server shall not wait for the lock
    # What the tests do so that their own requests forget each other would hide it here.
    hooks = [hook for hook in app.before_request_funcs[None] if hook.__name__ != "forget_who_asked_last"]
    monkeypatch.setitem(app.before_request_funcs, None, hooks)
    form = {"Cookie": anna, "Content-Type": "application/x-www-form-urlencoded", "HX-Request": "true"}
    for _ in range(3):
        assert ask("POST", "/clients/new/hits", urlencode({"name": LARGE}), **form)[0] == 200
        assert ask("GET", "/clients")[0] == 302
        assert ask("POST", "/clients/new/hits", urlencode({"name": LARGE}), **form)[0] == 200
        status, page = ask("GET", "/clients", Cookie=head)
        assert status == 200
        assert heads_name in page
