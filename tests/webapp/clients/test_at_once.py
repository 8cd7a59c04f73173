"""Several at one card in the same moment: nobody's words are lost, and nobody is told of a broken page."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import joining, verdicts
from webapp.clients.changes import Author
from webapp.clients.models import Client, PairVerdict
from webapp.db import db

Do = Callable[[Session, Author, int], None]
TOGETHER = 6


@pytest.fixture
def at_once(
    app: Flask, office: dict[str, User], clock: Clock
) -> Callable[[Callable[[Session, Author, int], None]], None]:
    """`at_once(do)`: `do(session, author, number)` on several threads that begin together, each with its commit."""
    user_id = office["anna"].id
    db.session.commit()
    start = threading.Barrier(TOGETHER)

    def run(do: Do) -> None:
        def one(number: int) -> None:
            with app.app_context():
                session = db.session()
                start.wait(20)
                try:
                    do(session, Author(session.get_one(User, user_id), clock()), number)
                    session.commit()
                finally:
                    db.session.remove()

        with ThreadPoolExecutor(TOGETHER) as pool:
            list(pool.map(one, range(TOGETHER)))

    return run


def test_what_several_join_to_a_card_all_stands_there(
    session: Session, make_card: Maker, at_once: Callable[[Do], None]
) -> None:
    client = make_card("Rassvet")
    client.product = "windows"
    client_id = client.id
    session.commit()
    read = threading.Barrier(TOGETHER)

    def join(session: Session, author: Author, number: int) -> None:
        if session.get_bind().dialect.name == "postgresql":  # SQLite lets one begin after the other
            session.get_one(Client, client_id)
            read.wait(20)
        joining.join(session, session.get_one(Client, client_id), {"product": f"door {number}"}, author, "RU")

    at_once(join)
    session.expire_all()
    assert sorted(session.get_one(Client, client_id).note.splitlines()) == [
        f"Product or brand: door {number}" for number in range(TOGETHER)
    ]


def test_several_may_say_what_two_cards_are(
    session: Session, make_card: Maker, at_once: Callable[[Do], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = make_card("Rassvet").id, make_card("Rassvet Ltd").id
    session.commit()
    read, look, first = threading.Barrier(TOGETHER), verdicts._of_both, threading.local()

    def looked(session: Session, low: int, high: int) -> PairVerdict | None:
        found = look(session, low, high)
        if session.get_bind().dialect.name == "postgresql" and not hasattr(first, "past"):
            first.past = read.wait(20)  # all have seen that nothing was said yet
        return found

    monkeypatch.setattr(verdicts, "_of_both", looked)
    at_once(lambda session, author, number: verdicts.say(session, high, low, verdicts.VERDICTS[number % 3], author))
    session.expire_all()
    assert len(session.scalars(select(PairVerdict)).all()) == 1
