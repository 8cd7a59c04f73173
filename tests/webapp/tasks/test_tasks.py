"""Tasks: done once, with a report, by the one who owes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.desk.conftest import Phone
from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.tasks import queries, work
from webapp.tasks.models import Task

SignIn = Callable[[str], FlaskClient]


@pytest.fixture
def task(session: Session, office: dict[str, User], clock: Clock) -> Task:
    task = Task(kind="next_touch", text="offer", user_id=office["anna"].id, due_at=clock(), created_at=clock())
    session.add(task)
    session.commit()
    return task


def test_a_task_is_done_with_a_report(sign_in: SignIn, session: Session, task: Task, clock: Clock) -> None:
    anna, address = sign_in("anna"), f"/tasks/{task.id}/done"
    blank = anna.post(address, data={"report": "  "})
    assert blank.status_code == 422 and "Say in a word what was done" in blank.get_data(as_text=True)
    done = anna.post(address, data={"report": "Sent, they will read it"})
    assert (done.status_code, done.get_data(as_text=True)) == (200, "")
    session.expire_all()
    assert (task.done_at, task.report) == (clock(), "Sent, they will read it")


def test_the_first_report_stands(sign_in: SignIn, session: Session, task: Task, clock: Clock) -> None:
    anna, address = sign_in("anna"), f"/tasks/{task.id}/done"
    anna.post(address, data={"report": "first"})
    first = clock()
    clock.move(minutes=1)
    assert anna.post(address, data={"report": "second"}).status_code == 200
    session.expire_all()
    assert (task.report, task.done_at) == ("first", first)


def test_a_task_is_its_owners_and_the_heads(sign_in: SignIn, session: Session, task: Task) -> None:
    address = f"/tasks/{task.id}/done"
    for login, status in (("boris", 404), ("admin", 403)):
        assert sign_in(login).post(address, data={"report": "x"}).status_code == status
    assert sign_in("anna").post("/tasks/999/done", data={"report": "x"}).status_code == 404
    assert sign_in("head").post(address, data={"report": "reassigned"}).status_code == 200


def test_the_list_ends_with_the_office_day(session: Session, office: dict[str, User], task: Task, clock: Clock) -> None:
    assert list(queries.due(session, office["anna"], clock() + timedelta(minutes=1))) == [task]
    assert list(queries.due(session, office["anna"], clock())) == []
    assert list(queries.due(session, office["boris"], clock() + timedelta(days=1))) == []


def test_an_inbox_task_tells_every_head(session: Session, phone: Phone, on_duty: User, office: dict[str, User]) -> None:
    touch = phone.ring()
    work.to_inbox(session, touch, "boats?", phone.clock())
    session.commit()
    told = session.scalars(select(Feed.user_id).where(Feed.kind == "tasks")).all()
    assert told == [office["head"].id]
