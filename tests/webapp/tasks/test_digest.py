"""The daily digest: once, at its hour, in the user's language, of what is owed; never of nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.mail.models import OutgoingMail
from webapp.roster.models import Absence
from webapp.tasks import digest
from webapp.tasks.models import Message, Task

SignIn = Callable[[str], FlaskClient]
MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")


@pytest.fixture
def anna(session: Session, office: dict[str, User]) -> User:
    """Anna wants her digest at 12:00, which it is now."""
    anna = office["anna"]
    anna.email, anna.digest_at = "anna@office.example", 12 * 60
    session.commit()
    return anna


def owe(session: Session, user: User, at: datetime, text: str, kind: str = "next_touch", **ahead: float) -> Task:
    due = at + timedelta(**ahead)
    task = Task(kind=kind, text=text, user_id=user.id, due_at=due, created_at=at - timedelta(days=3))
    session.add(task)
    session.commit()
    return task


def sent(session: Session, now: datetime, zone: ZoneInfo = MOSCOW) -> list[OutgoingMail]:
    digest.send(session, now, zone)
    session.commit()
    return list(session.scalars(select(OutgoingMail).order_by(OutgoingMail.id)))


def test_it_says_what_is_owed_once_a_day(session: Session, anna: User, office: dict[str, User], clock: Clock) -> None:
    owe(session, anna, clock(), "late one", hours=-30)
    owe(session, anna, clock(), "today one", hours=3)
    owe(session, anna, clock(), "tomorrow one", hours=23)
    owe(session, anna, clock(), "kept word", kind="promise", hours=1)
    unread = owe(session, anna, clock(), "from Orlov", kind="message", hours=-50)
    unread.message = Message(who="Orlov")
    owe(session, office["boris"], clock(), "only boris", hours=-1)
    session.commit()
    assert not sent(session, clock() - timedelta(minutes=1))
    mails = sent(session, clock())
    assert [mail.key for mail in mails] == [f"digest:{anna.id}:2026-03-10"]
    body = mails[0].body
    parts = ("Overdue (1)", "late one", "Promised calls (1)", "kept word", "Due today (1)", "today one", "Orlov")
    places = [body.index(words) for words in parts]
    assert places == sorted(places) and "tomorrow one" not in body and "only boris" not in body
    assert mails[0].subject.startswith("10 March: overdue: 1")
    assert len(sent(session, clock() + timedelta(minutes=1))) == 1
    assert [mail.key[-2:] for mail in sent(session, clock() + timedelta(days=1))] == ["10", "11"]


def test_not_of_nothing_nor_of_what_came_later(session: Session, anna: User, clock: Clock) -> None:
    assert not sent(session, clock())
    task = owe(session, anna, clock(), "new", hours=1)
    task.created_at = clock() + timedelta(minutes=20)
    session.commit()
    assert not sent(session, clock() + timedelta(minutes=30))


def test_a_worker_that_was_away_sends_it_late_but_not_in_the_evening(
    session: Session, anna: User, clock: Clock
) -> None:
    owe(session, anna, clock(), "late one", hours=-1)
    assert not sent(session, clock() + timedelta(hours=4))
    assert len(sent(session, clock() + timedelta(hours=2))) == 1


def test_in_his_language_and_not_while_he_is_absent(session: Session, anna: User, clock: Clock) -> None:
    owe(session, anna, clock(), "late one", hours=-1)
    anna.language = "ru"
    away = Absence(user_id=anna.id, starts_at=clock() - timedelta(hours=1), ends_at=clock() + timedelta(hours=1))
    session.add(away)
    session.commit()
    assert not sent(session, clock())
    session.delete(away)
    assert "Просрочено (1)" in sent(session, clock())[0].body


@pytest.mark.parametrize(
    ("day", "minutes", "at"),
    [
        ("2026-03-29", 150, datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),  # 2:30 is skipped: as the clocks change
        ("2026-10-25", 150, datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # 2:30 comes twice: the first
        ("2026-03-30", 510, datetime(2026, 3, 30, 6, 30, tzinfo=UTC)),
    ],
)
def test_also_in_the_nights_when_clocks_change(
    session: Session, anna: User, day: str, minutes: int, at: datetime
) -> None:
    anna.digest_at = minutes
    owe(session, anna, at, "late one", hours=-9)
    assert not sent(session, at - timedelta(minutes=1), BERLIN)
    for step in range(0, 170, 10):
        mails = sent(session, at + timedelta(minutes=step), BERLIN)
        assert [mail.key for mail in mails] == [f"digest:{anna.id}:{day}"]


def test_its_hour_is_set_on_ones_own_page(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    anna = sign_in("anna")
    assert "Reminders and the digest" in anna.get("/me").get_data(as_text=True)
    for typed, minutes in (("8:30", 510), ("8", 480), ("17.05", 1025), ("", None)):
        assert anna.post("/tasks/digest", data={"digest_at": typed, "remind_minutes": "30"}).status_code == 303
        session.expire_all()
        assert (office["anna"].digest_at, office["anna"].remind_minutes) == (minutes, 30)
    bad = anna.post("/tasks/digest", data={"digest_at": "25:00", "remind_minutes": "15"})
    assert bad.status_code == 422 and 'value="25:00"' in bad.text and 'value="15"' in bad.text
    for typed in ("", "-1", "9999", "ten"):
        bad = anna.post("/tasks/digest", data={"digest_at": "8", "remind_minutes": typed})
        assert bad.status_code == 422 and "Type minutes" in bad.text
    assert sign_in("admin").post("/tasks/digest", data={"digest_at": "8"}).status_code == 403
