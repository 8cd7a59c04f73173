"""Passing a matter on (D72): to whom, until when, and the third hand-over that loses the caller (D17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.desk.conftest import Phone
from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.feed import Feed
from webapp.tasks.models import Task

SignIn = Callable[[str], FlaskClient]
MakeClient = Callable[..., Client]


def form(to: User, **more: str) -> dict[str, str]:
    return {"to": str(to.id), "when": "tomorrow 10", "words": "Count the stock for him.", **more}


def newest(session: Session) -> Task:
    return session.scalars(select(Task).order_by(Task.id.desc()).limit(1)).one()


def test_a_matter_goes_from_a_card_with_a_deadline(
    sign_in: SignIn, session: Session, office: dict[str, User], client_with: MakeClient
) -> None:
    client = client_with("+74950000001", "Rassvet")
    anna, address = sign_in("anna"), f"/tasks/pass-on?client={client.id}"
    assert "Rassvet" in anna.get(address).get_data(as_text=True)
    assert anna.post(address, data=form(office["boris"])).headers["Location"].endswith("/tasks/given")
    task = newest(session)
    assert (task.kind, task.user_id, task.assigned_by_id) == ("matter", office["boris"].id, office["anna"].id)
    assert task.due_at == datetime(2026, 3, 11, 7, tzinfo=UTC) and task.client_id == client.id
    assert set(session.scalars(select(Feed.user_id).where(Feed.kind == "tasks"))) >= {task.user_id}
    assert "Count the stock" in sign_in("boris").get("/tasks").get_data(as_text=True)
    assert "Count the stock" in anna.get(f"/clients/{client.id}").get_data(as_text=True)


def test_bad_input_is_said_and_kept(
    sign_in: SignIn, session: Session, office: dict[str, User], client_with: MakeClient
) -> None:
    address = f"/tasks/pass-on?client={client_with('+74950000001', 'Rassvet').id}"
    anna = sign_in("anna")
    bad = anna.post(address, data={"to": str(office["anna"].id), "when": "yesterday 10", "words": " "})
    words = bad.get_data(as_text=True)
    assert bad.status_code == 422 and "To whom?" in words and "has passed" in words and 'value="yesterday 10"' in words
    kept = anna.post(address, data=form(office["boris"], when="some day"))
    assert kept.status_code == 422 and "Count the stock for him." in kept.get_data(as_text=True)
    for nobody in ("", "999", "x", str(office["admin"].id)):
        assert anna.post(address, data={**form(office["boris"]), "to": nobody}).status_code == 422
    assert not session.scalars(select(Task)).all()
    for nothing in ("", "?client=999", "?touch=999", "?task=999", "?client=x"):
        assert anna.get(f"/tasks/pass-on{nothing}").status_code == 404
    assert sign_in("admin").get(address).status_code == 403


def test_a_task_that_is_passed_on_is_done_with_that_word(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    task = Task(kind="next_touch", text="offer", user_id=office["anna"].id, due_at=clock(), created_at=clock())
    session.add(task)
    session.commit()
    address = f"/tasks/pass-on?task={task.id}"
    assert sign_in("boris").get(address).status_code == 404
    anna = sign_in("anna")
    assert "offer" in anna.get(address).get_data(as_text=True)
    anna.post(address, data=form(office["boris"]))
    session.expire_all()
    assert task.report == "Passed on to Boris Ivanov." and task.done_at == clock()
    assert newest(session).user_id == office["boris"].id
    assert anna.get(address).status_code == 404  # it is done


def test_the_second_hand_over_and_the_third_are_thought_about_first(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, office: dict[str, User]
) -> None:
    touch, anna = phone.ring(), sign_in("anna")
    address = f"/tasks/pass-on?touch={touch.id}"
    assert sign_in("vera").get(address).status_code == 404
    assert anna.post(address, data=form(office["boris"])).status_code == 303
    for before, said in ((1, "once already"), (2, "2 times")):
        warned = anna.post(address, data=form(office["vera"]))
        assert warned.status_code == 422 and said in warned.get_data(as_text=True)
        assert "Count the stock for him." in warned.get_data(as_text=True)
        assert len(session.scalars(select(Task)).all()) == before
        assert anna.post(address, data=form(office["vera"], anyway="1")).status_code == 303


def test_of_a_card_only_late_matters_count(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock, client_with: MakeClient
) -> None:
    client = client_with("+74950000001", "Rassvet")
    old = Task(kind="matter", client_id=client.id, due_at=clock(), created_at=clock() - timedelta(days=20))
    session.add(old)
    session.commit()
    address, anna = f"/tasks/pass-on?client={client.id}", sign_in("anna")
    assert "handed over" not in anna.get(address).get_data(as_text=True)
    anna.post(address, data=form(office["boris"]))
    assert "once already" in anna.get(address).get_data(as_text=True)
