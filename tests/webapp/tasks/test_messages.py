"""Messages for the absent (D58): taken in the call, delivered, read, chasing until then; the head sees it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.desk.conftest import Phone
from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.mail.models import OutgoingMail
from webapp.roster.models import Absence
from webapp.tasks import chasing, messages
from webapp.tasks.models import Message, Task
from webapp.touches.models import Touch

SignIn = Callable[[str], FlaskClient]
MOSCOW = ZoneInfo("Europe/Moscow")
WORDS = "The lorry is late, and I want to know by whom.\nSay it to him."


def form(to: User, **more: str) -> dict[str, str]:
    return {"to": str(to.id), "who": "Orlov, Rassvet", "words": WORDS, "mood": "annoyed", "read_back": "1", **more}


def taken(session: Session, phone: Phone, on_duty: User, to: User, promised: datetime | None = None) -> Task:
    touch = phone.ring()
    draft = messages.Draft(to, "Orlov", WORDS, "annoyed", True, promised)
    task = messages.take(session, touch, draft, on_duty, phone.clock())
    session.commit()
    return task


def told(session: Session) -> Counter[tuple[int | None, str]]:
    return Counter((row.user_id, row.kind) for row in session.scalars(select(Feed)))


def chase(session: Session, clock: Clock, **by: float) -> int:
    clock.move(**by)
    count = chasing.chase(session, clock(), MOSCOW)
    session.commit()
    session.expire_all()
    return count


def test_a_message_is_taken_in_the_call(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    vera = office["vera"]
    vera.email = "vera@office.example"
    away = Absence(user_id=vera.id, starts_at=clock() - timedelta(hours=1), ends_at=clock() + timedelta(hours=2))
    session.add(away)
    session.commit()
    touch, anna = phone.ring(), sign_in("anna")
    shown = anna.get(f"/touches/{touch.id}/message").get_data(as_text=True)
    assert "Vera Sokolova · away until today 14:00" in shown
    answer = anna.post(f"/touches/{touch.id}/message", data=form(vera, promised="tomorrow 10"))
    assert answer.status_code == 200 and "kept for Vera Sokolova" in answer.get_data(as_text=True)
    task = session.scalars(select(Task).where(Task.kind == "message")).one()
    message = task.message
    assert message and (message.who, message.mood, message.read_back) == ("Orlov, Rassvet", "annoyed", True)
    assert (task.text, task.user_id, task.touch_id, task.number) == (WORDS, vera.id, touch.id, "+74951234567")
    assert task.due_at == datetime(2026, 3, 11, 7, tzinfo=UTC) and message.taken_by_id == on_duty.id
    mail = session.scalars(select(OutgoingMail)).one()
    assert mail.key == f"message:{task.id}" and mail.to_address == "vera@office.example"
    assert WORDS in mail.body and "annoyed" in mail.body and "Orlov" in mail.subject
    seen = told(session)
    assert seen[vera.id, "tasks"] and seen[office["head"].id, "tasks"]


def test_what_is_missing_is_said_and_every_word_stays(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, office: dict[str, User]
) -> None:
    touch, anna = phone.ring(), sign_in("anna")
    address = f"/touches/{touch.id}/message"
    bad = anna.post(
        address, data={"to": str(on_duty.id), "who": " ", "words": "", "mood": "odd", "promised": "9.03.26"}
    )
    words = bad.get_data(as_text=True)
    assert bad.status_code == 422 and 'value="9.03.26"' in words
    for said in ("For whom is it?", "Who called?", "word for word?", "How did they sound?", "has passed"):
        assert said in words
    data = form(office["vera"])
    del data["read_back"]
    once = anna.post(address, data=data)
    assert once.status_code == 422 and "Read it back to the caller" in once.get_data(as_text=True)
    assert "I want to know by whom" in once.get_data(as_text=True)
    assert not session.scalars(select(Task)).all()
    assert anna.post(address, data={**data, "asked": "read"}).status_code == 200
    session.expire_all()
    assert not session.scalars(select(Message)).one().read_back


def test_a_promise_outside_the_hours_is_asked_once(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, office: dict[str, User]
) -> None:
    touch, anna = phone.ring(), sign_in("anna")
    data = form(office["vera"], promised="sat 10")
    once = anna.post(f"/touches/{touch.id}/message", data=data)
    assert once.status_code == 422 and "The office is closed" in once.get_data(as_text=True)
    assert 'name="asked" value="hours"' in once.get_data(as_text=True)
    assert anna.post(f"/touches/{touch.id}/message", data={**data, "asked": "hours"}).status_code == 200


def test_whose_call_it_is_not_takes_no_message_of_it(
    sign_in: SignIn, phone: Phone, on_duty: User, office: dict[str, User]
) -> None:
    touch = phone.ring()
    for login, status in (("vera", 404), ("admin", 403)):
        client = sign_in(login)
        assert client.get(f"/touches/{touch.id}/message").status_code == status
        assert client.post(f"/touches/{touch.id}/message", data=form(office["boris"])).status_code == status
    assert sign_in("anna").get("/touches/999/message").status_code == 404


def test_what_the_script_began_is_completed_not_doubled(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    touch = phone.ring()
    messages.begin(session, touch, "He wants his samples.", None, on_duty, clock())
    session.commit()
    anna = sign_in("anna")
    assert "He wants his samples." in anna.get(f"/touches/{touch.id}/message").get_data(as_text=True)
    assert "begun: key E completes it" in anna.get(f"/touches/{touch.id}/result").get_data(as_text=True)
    anna.post(f"/touches/{touch.id}/message", data=form(office["vera"]))
    session.expire_all()
    task = session.scalars(select(Task).where(Task.kind == "message")).one()
    assert task.user_id == office["vera"].id and task.text == WORDS
    anna.post(f"/touches/{touch.id}/message", data=form(office["boris"]))  # another one, for another colleague
    assert len(session.scalars(select(Task).where(Task.kind == "message")).all()) == 2


def test_delivered_when_his_page_shows_it_and_read_when_he_says_so(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    task = taken(session, phone, on_duty, office["vera"])
    vera, anna = sign_in("vera"), sign_in("anna")
    message = task.message
    assert message
    for address in ("/desk", "/tasks"):
        shown = vera.get(address).get_data(as_text=True)
        assert "The lorry is late" in shown and f"/tasks/{task.id}/shown" in shown and ">Read</button>" in shown
    assert anna.post(f"/tasks/{task.id}/shown").status_code == 404 and message.delivered_at is None
    assert "not delivered" in anna.get("/tasks/messages").get_data(as_text=True)
    assert vera.post(f"/tasks/{task.id}/shown").status_code == 204
    session.expire_all()
    assert message.delivered_at == clock()
    assert f"/tasks/{task.id}/shown" not in vera.get("/desk").get_data(as_text=True)
    clock.move(minutes=3)
    for login, status in (("anna", 404), ("head", 404), ("admin", 403)):
        assert sign_in(login).post(f"/tasks/{task.id}/read").status_code == status
    before = told(session)
    read = vera.post(f"/tasks/{task.id}/read")
    assert (read.status_code, read.get_data(as_text=True)) == (200, "")
    session.expire_all()
    assert message.read_at == clock() and task.done_at == clock() and message.delivered_at < clock()
    after = told(session)
    assert after[on_duty.id, "tasks"] > before[on_duty.id, "tasks"]
    assert after[office["head"].id, "tasks"] > before[office["head"].id, "tasks"]
    assert vera.post(f"/tasks/{task.id}/read").status_code == 200  # a double click
    for login in ("anna", "head", "vera"):
        assert "today 12:03" in sign_in(login).get("/tasks/messages").get_data(as_text=True)
    assert "Orlov" not in sign_in("boris").get("/tasks/messages").get_data(as_text=True)


def test_what_was_promised_with_it_is_owed_after_it_was_read(
    sign_in: SignIn, session: Session, phone: Phone, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    task = taken(session, phone, on_duty, office["vera"], clock() + timedelta(hours=3))
    row = sign_in("vera").post(f"/tasks/{task.id}/read").get_data(as_text=True)
    assert f'id="task-{task.id}"' in row and ">Read</button>" not in row
    session.expire_all()
    assert task.done_at is None and task.message and task.message.read_at


def test_unread_it_chases_him_then_the_head(
    session: Session, phone: Phone, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    task = taken(session, phone, on_duty, office["vera"])
    message = task.message
    assert message
    mark = (office["vera"].id, "remind")
    assert chase(session, clock, minutes=29) == 0
    assert chase(session, clock, minutes=1) == 1 and told(session)[mark] == 1
    assert chase(session, clock, minutes=59) == 0
    assert chase(session, clock, minutes=1) == 1
    assert chase(session, clock, minutes=60) == 1 and message.chases == 3
    assert task.head_told_at is None
    assert chase(session, clock, minutes=60) == 1 and task.head_told_at == clock()
    assert chase(session, clock, minutes=60) == 0 and told(session)[mark] == 3


def test_it_waits_while_he_is_away_and_finds_him_on_his_return(
    session: Session, phone: Phone, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    vera = office["vera"]
    session.add(Absence(user_id=vera.id, starts_at=clock(), ends_at=clock() + timedelta(hours=3)))
    taken(session, phone, on_duty, vera)
    assert chase(session, clock, hours=2) == 0
    assert chase(session, clock, minutes=59) == 0
    assert chase(session, clock, minutes=1) == 1
    assert chase(session, clock, minutes=30) == 0
    assert chase(session, clock, hours=8) == 0  # in the evening nobody is chased
    assert chase(session, clock, hours=12) == 1


def test_what_nobody_completed_is_mailed_as_it_is(
    session: Session, phone: Phone, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    vera = office["vera"]
    vera.email, vera.language = "vera@office.example", "ru"
    task = messages.begin(session, phone.ring(), "He wants his samples.", vera.id, on_duty, clock())
    session.commit()
    chase(session, clock, minutes=4)
    assert not session.scalars(select(OutgoingMail)).all()
    for _twice in range(2):
        chase(session, clock, minutes=1)
    mail = session.scalars(select(OutgoingMail)).one()
    assert mail.key == f"message:{task.id}" and "He wants his samples." in mail.body and "Принял" in mail.body


def test_the_row_and_its_message_are_one_transaction(
    session: Session, phone: Phone, on_duty: User, office: dict[str, User]
) -> None:
    touch = phone.ring()
    draft = messages.Draft(office["vera"], "Orlov", WORDS, "calm", True, None)
    messages.take(session, touch, draft, on_duty, phone.clock())
    session.rollback()
    assert not session.scalars(select(Task)).all() and not session.scalars(select(OutgoingMail)).all()
    assert session.scalars(select(Touch)).one()
