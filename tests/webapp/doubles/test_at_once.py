"""Two at once: a second merge of the same card is told, and whatever comes in during a merge finds the survivor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.calls.conftest import Bridge
from tests.webapp.calls.conftest import bridge as bridge
from tests.webapp.calls.conftest import on_duty as on_duty
from tests.webapp.clients.conftest import Maker
from tests.webapp.clients.conftest import make_card as make_card
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call, CallAudience
from webapp.clients import match, merged
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.db import db
from webapp.doubles import merging, undoing
from webapp.doubles.choices import BadMerge
from webapp.doubles.merging import Wish
from webapp.doubles.models import Merge
from webapp.feed import Feed
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
PHONE = "+7 495 123-45-67"


@pytest.fixture
def three(make_card: Maker) -> list[int]:
    """Three cards of one name; the second has the phone."""
    return [make_card("Rassvet").id, make_card("Rassvet Ltd", (PHONE,)).id, make_card("Rassvet LLC").id]


@pytest.fixture
def meanwhile(
    app: Flask, session: Session, office: dict[str, User], clock: Clock
) -> Callable[[int, int, Callable[[], Any], threading.Event], Any]:
    """`meanwhile(1, 2, do, seen)`: merge 2 into 1, and before the commit begin to `do` something on another thread.

    The commit waits for `seen`, where the database lets `do` go so far; the answer is what `do` returned.
    """

    def run(left: int, right: int, do: Callable[[], Any], seen: threading.Event) -> Any:
        head_id = office["head"].id
        session.commit()
        began = threading.Event()

        def other() -> Any:
            with app.app_context():
                began.set()
                try:
                    return do()
                finally:
                    db.session.remove()

        with ThreadPoolExecutor(1) as pool:
            by = Author(session.get_one(User, head_id), clock(), "merge", "the same")
            merging.merge(session, left, right, Wish("left"), by)
            answer: Future[Any] = pool.submit(other)
            assert began.wait(5)
            if db.engine.dialect.name == "postgresql":
                assert seen.wait(5), "it should have come so far"
            session.commit()
            return answer.result(20)

    return run


def test_the_second_of_two_merges_is_told(
    app: Flask, session: Session, three: list[int], office: dict[str, User], clock: Clock, meanwhile: Any
) -> None:
    head_id, seen = office["head"].id, threading.Event()

    def merge_too() -> str:
        by = Author(db.session.get_one(User, head_id), clock(), "merge", "the same")
        seen.set()
        try:
            merging.merge(db.session(), three[2], three[1], Wish("left"), by)
        except BadMerge as bad:
            return bad.errors[""]
        db.session.commit()
        return ""

    told = meanwhile(three[0], three[1], merge_too, seen)
    assert "“Rassvet Ltd” was merged into another card meanwhile: Helen Markova" in told
    session.expire_all()
    assert len(session.scalars(select(Merge)).all()) == 1


def test_a_call_that_comes_during_a_merge_opens_the_survivor(
    app: Flask,
    session: Session,
    three: list[int],
    on_duty: dict[str, User],
    bridge: Bridge,
    meanwhile: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen, by_number = threading.Event(), match.by_number

    def look(*words: Any) -> Any:
        found = by_number(*words)
        seen.set()
        return found

    monkeypatch.setattr(match, "by_number", look)
    meanwhile(three[0], three[1], lambda: bridge.offer("c1") and None, seen)
    session.expire_all()
    assert session.scalars(select(Call.client_id)).all() == [three[0]]
    assert session.scalars(select(Touch.client_id)).all() == [three[0]]


def test_what_is_typed_during_a_merge_is_saved_on_the_survivor(
    app: Flask, session: Session, three: list[int], sign_in: SignIn, meanwhile: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, lead, boris = threading.Event(), merged.lead, sign_in("boris")

    def look(*words: Any, **more: Any) -> int:
        seen.set()
        return lead(*words, **more)

    monkeypatch.setattr(merged, "lead", look)

    def save() -> int:
        return boris.post(f"/clients/{three[1]}/fields/delivery", data={"value": "by rail"}).status_code

    assert meanwhile(three[0], three[1], save, seen) == 200
    session.expire_all()
    assert [session.get_one(Client, one).delivery for one in three] == ["by rail", "", ""]


def test_a_card_is_merged_while_its_call_rings(
    session: Session, three: list[int], on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock
) -> None:
    bridge.offer("c1")
    call = session.scalars(select(Call)).one()
    assert call.client_id == three[1]
    last = session.scalars(select(Feed.id).order_by(Feed.id.desc())).first() or 0
    by = Author(on_duty["head"], clock(), "merge", "the same")
    row = merging.merge(session, three[0], three[1], Wish("left"), by)
    session.commit()
    assert call.client_id == three[0]
    told = select(Feed.user_id).where(Feed.id > last, Feed.kind == "call", Feed.ref == str(call.id))
    rung = select(CallAudience.user_id).where(CallAudience.state == "rung")
    assert list(session.scalars(told)) == list(session.scalars(rung)) == [on_duty["anna"].id]
    touch = session.scalars(select(Touch)).one()
    page = sign_in("anna").get(f"/desk/touches/{touch.id}/who").get_data(as_text=True)
    assert "Rassvet" in page
    undoing.undo(session, row, Author(on_duty["head"], clock.move(hours=1), "undo"))
    session.commit()
    assert call.client_id == three[1]


def test_a_candidate_that_was_merged_is_asked_for_once(
    session: Session, make_card: Maker, on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock
) -> None:
    one, two, three = (make_card(name, (PHONE,)).id for name in ("Rassvet", "Rassvet Ltd", "Granit"))
    bridge.offer("c1")
    call = session.scalars(select(Call)).one()
    assert [asked["client_id"] for asked in call.candidates] == [one, two, three]
    by = Author(on_duty["head"], clock(), "merge", "the same")
    merging.merge(session, one, two, Wish("left"), by)
    session.commit()
    assert [asked["client_id"] for asked in call.candidates] == [one, three]
    anna, touch = sign_in("anna"), session.scalars(select(Touch)).one()
    answer = anna.post(f"/desk/touches/{touch.id}/choose/{two}")  # her page still shows the other one
    assert answer.status_code == 200
    session.expire_all()
    assert (call.client_id, touch.client_id) == (one, one)
