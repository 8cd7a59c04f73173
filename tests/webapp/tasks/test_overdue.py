"""A promise that ran out is told to its maker at once, and to the head when it stays broken; each once (D26)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.tasks.models import Task
from webapp.tasks.overdue import tell_overdue

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def promise(session: Session, office: dict[str, User], clock: Clock) -> Task:
    """Anna has promised a call ten minutes ago."""
    task = Task(
        kind="promise", number="+74950000001", user_id=office["anna"].id, due_at=clock(), created_at=clock(), text="x"
    )
    session.add(task)
    session.commit()
    return task


def told(session: Session, clock: Clock, office: dict[str, User]) -> list[str]:
    last = session.scalars(select(Feed.id).order_by(Feed.id.desc())).first() or 0
    tell_overdue(session, clock())
    session.commit()
    logins = {user.id: login for login, user in office.items()}
    rows = session.scalars(select(Feed.user_id).where(Feed.id > last, Feed.kind == "tasks"))
    return sorted(logins[user_id] for user_id in rows if user_id)


def test_its_maker_at_once_the_head_after_as_long_again(
    session: Session, office: dict[str, User], promise: Task, clock: Clock
) -> None:
    assert told(session, clock, office) == ["anna"]
    assert told(session, clock, office) == []
    clock.move(minutes=9, seconds=59)
    assert told(session, clock, office) == []
    clock.move(seconds=1)
    assert told(session, clock, office) == ["head"]
    assert told(session, clock, office) == []
    session.refresh(promise)
    assert promise.head_told_at == clock() and promise.overdue_told_at == clock() - timedelta(minutes=10)


def test_a_kept_promise_is_told_to_nobody(
    session: Session, office: dict[str, User], promise: Task, clock: Clock
) -> None:
    promise.done_at = clock()
    session.commit()
    clock.move(hours=1)
    assert told(session, clock, office) == []


def test_nobodys_promise_is_the_heads_at_once(
    session: Session, office: dict[str, User], promise: Task, clock: Clock
) -> None:
    promise.user_id = None
    session.commit()
    assert told(session, clock, office) == ["head"]


def test_the_head_sees_what_he_was_told_of_with_its_maker(
    sign_in: SignIn, session: Session, office: dict[str, User], promise: Task, clock: Clock
) -> None:
    head, anna = sign_in("head"), sign_in("anna")
    assert "+7 495 000-00-01" not in head.get("/desk/idle").get_data(as_text=True)
    clock.move(minutes=10)
    told(session, clock, office)
    page = head.get("/desk/idle").get_data(as_text=True)
    assert "+7 495 000-00-01" in page and "Anna Petrova" in page and "promise-late" in page
    bar = anna.get("/desk/bar").get_data(as_text=True)
    assert "Promised:" in bar and "+7 495 000-00-01" in bar and "promise-late" in bar
    assert "+7 495 000-00-01" not in head.get("/desk/bar").get_data(as_text=True)
    promise.done_at = clock()
    session.commit()
    assert "000-00-01" not in head.get("/desk/idle").get_data(as_text=True)
    assert "Promised:" not in anna.get("/desk/bar").get_data(as_text=True)
