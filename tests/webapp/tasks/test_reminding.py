"""Reminders: before a task is due and when it is; once each, whatever happens to the worker; gone when acted upon."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp import worker
from webapp.accounts.models import User
from webapp.db import db
from webapp.feed import Feed
from webapp.tasks import reminding
from webapp.tasks.models import Task

SignIn = Callable[[str], FlaskClient]


def owe(session: Session, user: User, clock: Clock, **ahead: float) -> Task:
    task = Task(
        kind="next_touch",
        text="offer",
        user_id=user.id,
        number="+74951112233",
        due_at=clock() + timedelta(**ahead),
        created_at=clock() - timedelta(days=1),
    )
    session.add(task)
    session.commit()
    return task


def announced(session: Session) -> Counter[tuple[int | None, str]]:
    return Counter((row.user_id, row.ref) for row in session.scalars(select(Feed).where(Feed.kind == "remind")))


def minute(session: Session, clock: Clock, **by: float) -> int:
    clock.move(**by)
    told = reminding.remind(session, clock())
    session.commit()
    session.expire_all()
    return told


def test_each_is_reminded_before_and_at_the_time(session: Session, office: dict[str, User], clock: Clock) -> None:
    anna = office["anna"]
    anna.remind_minutes = 30
    task = owe(session, anna, clock, minutes=40)
    mark = (anna.id, str(task.id))
    assert minute(session, clock) == 0
    assert minute(session, clock, minutes=10) == 1 and announced(session)[mark] == 1
    assert minute(session, clock, minutes=29) == 0
    assert minute(session, clock, minutes=1) == 1 and announced(session)[mark] == 2
    assert minute(session, clock, hours=5) == 0


def test_who_makes_a_task_for_soon_is_reminded_at_the_time_alone(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    task = owe(session, office["anna"], clock, minutes=5)
    task.created_at = clock()
    session.commit()
    assert minute(session, clock, minutes=4) == 0
    assert minute(session, clock, minutes=1) == 1


def test_nobody_is_reminded_of_what_is_done_or_of_the_heads_inbox(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    done, inbox = owe(session, office["anna"], clock, minutes=-5), owe(session, office["anna"], clock, minutes=-5)
    done.done_at, inbox.user_id = clock(), None
    session.commit()
    assert minute(session, clock) == 0 and not announced(session)


def test_a_reminder_stands_until_it_is_acted_upon(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    task = owe(session, office["anna"], clock, minutes=5)
    anna, boris = sign_in("anna"), sign_in("boris")
    assert 'id="reminder-' not in anna.get("/tasks/reminders").get_data(as_text=True)
    minute(session, clock)
    for _reload in range(2):
        assert f'id="reminder-{task.id}"' in anna.get("/tasks/reminders").get_data(as_text=True)
    assert f'id="reminder-{task.id}"' not in boris.get("/tasks/reminders").get_data(as_text=True)
    assert boris.post(f"/tasks/{task.id}/reminder/later").status_code == 404
    assert sign_in("admin").get("/tasks/reminders").status_code == 403

    later = anna.post(f"/tasks/{task.id}/reminder/later")
    assert f'id="reminder-{task.id}"' not in later.get_data(as_text=True)
    assert minute(session, clock, minutes=9) == 0  # due meanwhile: the one he asked for comes in its place
    assert minute(session, clock, minutes=1) == 1
    assert f'id="reminder-{task.id}"' in anna.get("/tasks/reminders").get_data(as_text=True)

    opened = anna.post(f"/tasks/{task.id}/reminder/open", headers={"HX-Request": "true"})
    assert opened.headers["HX-Redirect"] == f"/tasks#task-{task.id}"
    assert f'id="reminder-{task.id}"' not in anna.get("/tasks/reminders").get_data(as_text=True)
    assert minute(session, clock, hours=1) == 0


def test_done_from_the_reminder_asks_what_was_done(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    task = owe(session, office["anna"], clock, minutes=5)
    minute(session, clock)
    anna = sign_in("anna")
    blank = anna.post(f"/tasks/{task.id}/done", data={"report": "", "reminder": "1"})
    assert blank.status_code == 422 and f'id="reminder-{task.id}"' in blank.get_data(as_text=True)
    assert anna.post(f"/tasks/{task.id}/done", data={"report": "called", "reminder": "1"}).get_data(as_text=True) == ""
    assert 'id="reminder-' not in anna.get("/tasks/reminders").get_data(as_text=True)


def test_of_many_three_are_shown_and_all_can_be_put_away(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock, count_queries: Callable[[], int]
) -> None:
    owe(session, office["anna"], clock, minutes=-1)
    minute(session, clock)
    anna = sign_in("anna")
    anna.get("/tasks/reminders")

    def queries() -> int:
        session.rollback()
        before = count_queries()
        anna.get("/tasks/reminders")
        return count_queries() - before

    few = queries()
    for n in range(6):
        owe(session, office["anna"], clock, minutes=-n)
    minute(session, clock)
    assert queries() == few
    page = anna.get("/tasks/reminders").get_data(as_text=True)
    assert page.count('id="reminder-') - page.count('id="reminder-report') == 3 and "and more" in page
    assert 'id="reminder-' not in anna.post("/tasks/reminders/away").get_data(as_text=True)


def test_the_head_reminds_once_however_often_he_clicks(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    task = owe(session, office["anna"], clock, hours=-5)
    head = sign_in("head")
    for _ in range(2):
        assert head.post(f"/tasks/{task.id}/remind").status_code == 200
    assert announced(session) == {(office["anna"].id, str(task.id)): 1}
    clock.move(minutes=2)
    head.post(f"/tasks/{task.id}/remind")
    assert announced(session) == {(office["anna"].id, str(task.id)): 2}
    assert sign_in("anna").post(f"/tasks/{task.id}/remind").status_code == 403
    assert head.post("/tasks/999/remind").status_code == 404


def test_the_worker_goes_on_until_none_is_due(
    session: Session, office: dict[str, User], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminding, "AT_ONCE", 2)
    for minutes in range(5):
        owe(session, office["anna"], clock, minutes=-minutes)
    worker.remind_all()
    session.rollback()
    assert sum(announced(session).values()) == 5
    worker.remind_all()
    assert sum(announced(session).values()) == 5


def test_a_worker_killed_again_and_again_loses_none_and_tells_none_twice(
    app: Flask, session: Session, office: dict[str, User], clock: Clock
) -> None:
    """300 reminders go out by real processes, two at once, each killed at a moment of its own."""
    for number in range(300):
        user = office["anna" if number % 3 else "boris"]
        session.add(Task(kind="next_touch", user_id=user.id, due_at=clock(), created_at=clock() - timedelta(days=1)))
    session.commit()
    owed = {(task.user_id, str(task.id)): 1 for task in session.scalars(select(Task))}
    session.rollback()
    settings = app.config["SETTINGS"]
    command = [sys.executable, "-m", "tests.webapp.tasks.reminder", str(settings.data), settings.database_url]
    command.append(clock().isoformat())
    ran = subprocess.run(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, timeout=120, check=True)
    db.session.remove()
    assert int(ran.stdout) >= 5
    assert dict(announced(db.session())) == owed
