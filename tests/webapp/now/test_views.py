"""The head's page of this moment: everything that goes on and all that is owed, and for nobody else."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import (
    BridgeStarted,
    CallAnswered,
    CallEnded,
    CallHeld,
    EndReason,
    HeldBy,
    LegRinging,
    LineChanged,
)
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.office.models import Line
from webapp.roster.models import Absence, Shift
from webapp.tasks.models import Message, Task

SignIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


def look(client: FlaskClient) -> str:
    answer = client.get("/now", headers=HTMX)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def tile(page: str, name: str) -> str:
    """The words of one count, without tags."""
    found = re.search(rf'id="tile-{name}".*?</a>', page, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[0].split(">", 1)[1]).split())


def ringing(office: dict[str, User], clock: Clock, call_id: str = "one", login: str = "anna") -> LegRinging:
    return LegRinging(call_id, office[login].extension, 0, clock())


def test_the_head_alone(sign_in: SignIn) -> None:
    assert "<html" in sign_in("head").get("/now").get_data(as_text=True)
    for login in ("anna", "secretary", "agent", "admin", "expert"):
        assert sign_in(login).get("/now").status_code == 403, login


def test_a_stranger_is_led_to_the_door(app: Flask) -> None:
    assert "/login" in app.test_client().get("/now").headers["Location"]


def test_a_calm_office_says_so(on_duty: dict[str, User], sign_in: SignIn) -> None:
    page = look(sign_in("head"))
    assert "<html" not in page
    assert "Nobody is calling." in page and "Every promise is kept." in page and "Nobody waits for a call back." in page
    assert tile(page, "ringing") == "0 Calls ringing" and tile(page, "missed") == "0 Not rung back"
    assert tile(page, "duty") == "1 On duty now Anna Petrova"


def test_a_call_from_its_first_ring_to_its_end(
    on_duty: dict[str, User],
    bridge: Bridge,
    sign_in: SignIn,
    clock: Clock,
    make_client: Callable[..., Client],
    session: Session,
) -> None:
    make_client("Rassvet", "+7 495 123-45-67")
    head = sign_in("head")
    bridge.offer("one")
    bridge.send(ringing(on_duty, clock))
    page = look(head)
    assert tile(page, "ringing") == "1 Calls ringing"
    assert "Rassvet" in page and "rings: Anna Petrova" in page and "+7 495 123-45-67" in page
    assert f'data-since="{int(clock().timestamp() * 1000)}"' in page
    clock.move(seconds=6)
    bridge.send(CallAnswered("one", on_duty["anna"].extension, 2, 6.0, clock()))
    page = look(head)
    assert tile(page, "ringing").startswith("0") and tile(page, "talking") == "1 Talks"
    assert f'data-since="{int(clock().timestamp() * 1000)}"' in page, "the talk's seconds count from its first word"
    assert "in a talk" in page
    clock.move(seconds=30)
    bridge.send(CallHeld("one", HeldBy.PAGE, clock()))
    page = look(head)
    assert tile(page, "waiting") == "1 Callers waiting" and "on hold" in page and tile(page, "talking").startswith("0")
    bridge.send(CallEnded("one", EndReason.COMPLETED, 2, 6.0, 30.0, clock()))
    assert "Nobody is calling." in look(head)
    assert session.scalars(select(Call.state)).all() == ["ended"]


def test_a_call_that_rings_nobody_says_so(
    office: dict[str, User], bridge: Bridge, sign_in: SignIn, session: Session
) -> None:
    for user in office.values():
        user.extension = ""
    session.commit()
    bridge.offer("one")
    assert "rings nobody" in look(sign_in("head"))


def test_what_is_owed_with_its_age(
    on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    head = sign_in("head")
    bridge.offer("one")
    bridge.send(CallEnded("one", EndReason.ABANDONED, 3, 15.0, 0.0, clock()))
    promise = Task(
        kind="promise",
        user_id=on_duty["anna"].id,
        number="+74951234567",
        due_at=clock() + timedelta(minutes=10),
        created_at=clock(),
    )
    kept = Task(kind="promise", due_at=clock(), created_at=clock(), done_at=clock())
    session.add_all((promise, kept))
    session.commit()
    clock.move(minutes=5)
    page = look(head)
    assert tile(page, "missed") == "1 Not rung back 5 min" and "state-warn" in page
    assert tile(page, "promises") == "0 Promises broken"
    clock.move(minutes=20)
    page = look(head)
    assert tile(page, "missed") == "1 Not rung back 25 min"
    assert tile(page, "promises") == "1 Promises broken 15 min"
    assert "Anna Petrova" in page.split("Broken promises")[1]


def test_hours_that_nobody_covers(office: dict[str, User], sign_in: SignIn, clock: Clock, session: Session) -> None:
    head = sign_in("head")
    page = look(head)
    assert not tile(page, "gaps").startswith("0 ") and "Hours with nobody on duty" in page
    assert tile(page, "duty") == "0 On duty now nobody"
    session.add(Shift(user_id=office["anna"].id, starts_at=clock(), ends_at=clock() + timedelta(days=8)))
    session.commit()
    page = look(head)
    assert tile(page, "gaps") == "0 Hours uncovered in 7 days" and "Every hour of the next 7 days is covered." in page


def test_hours_in_which_a_line_has_nobody_of_its_own(
    office: dict[str, User], sign_in: SignIn, clock: Clock, session: Session
) -> None:
    session.add(Shift(user_id=office["anna"].id, starts_at=clock(), ends_at=clock() + timedelta(days=8)))
    head = sign_in("head")
    line = session.scalars(select(Line)).first()
    assert line is not None
    own = {
        "line_id": line.id,
        "starts_at": clock() + timedelta(days=1),
        "ends_at": clock() + timedelta(days=1, hours=2),
    }
    session.add(Shift(user_id=office["vera"].id, **own))
    session.commit()
    page = look(head)
    assert "Nobody of the line itself" in page and f"{line.title or line.name}: " in page
    assert "Nobody of the line itself" in head.get("/desk").get_data(as_text=True)
    assert tile(page, "gaps") == "0 Hours uncovered in 7 days"
    assert "Nobody of the line itself" not in sign_in("anna").get("/desk").get_data(as_text=True)


def test_nobody_on_duty_is_an_alarm_within_working_hours_alone(
    office: dict[str, User], sign_in: SignIn, clock: Clock
) -> None:
    def look_of_duty() -> str:
        return re.findall(r"now-tile-(\w+)\" id=\"tile-duty", look(head))[0]

    head = sign_in("head")
    assert look_of_duty() == "bad"
    clock.move(hours=12)
    assert look_of_duty() == "quiet"


def test_who_is_gone_and_until_when(on_duty: dict[str, User], sign_in: SignIn, clock: Clock, session: Session) -> None:
    away = {"user_id": on_duty["vera"].id, "starts_at": clock(), "ends_at": clock() + timedelta(hours=2)}
    session.add(Absence(kind="meeting", **away))
    session.commit()
    page = look(sign_in("head"))
    vera = page.split("Vera Sokolova")[1].split("</li>")[0]
    assert "absent" in vera and "until 14:00" in vera


def test_lines_and_the_bridge(office: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock) -> None:
    head = sign_in("head")
    assert tile(look(head), "lines") == "! Telephones silent"
    bridge.send(BridgeStarted("", clock()), LineChanged("desk", False, "503", clock()))
    page = look(head)
    assert tile(page, "lines") == "1 Lines down" and "Lines not registered" in page
    bridge.send(LineChanged("desk", True, "", clock()))
    assert tile(look(head), "lines") == "0 Lines down"
    clock.move(minutes=1)
    assert tile(look(head), "lines") == "! Telephones silent"


def test_messages_that_were_chased_in_vain(
    on_duty: dict[str, User], sign_in: SignIn, clock: Clock, session: Session
) -> None:
    head = sign_in("head")
    task = Task(kind="message", user_id=on_duty["vera"].id, text="Call Orlov", due_at=clock(), created_at=clock())
    task.message = Message(who="Orlov", chases=0)
    session.add(task)
    session.commit()
    assert "Messages nobody has read" not in look(head)
    task.message.chases = 1
    session.commit()
    assert "for Vera Sokolova" in look(head)
    task.message.read_at = clock()
    session.commit()
    assert "Messages nobody has read" not in look(head)


def test_more_calls_and_people_ask_no_more_queries(
    on_duty: dict[str, User],
    bridge: Bridge,
    sign_in: SignIn,
    clock: Clock,
    session: Session,
    count_queries: Callable[[], int],
) -> None:
    head = sign_in("head")

    def asked() -> int:
        before = count_queries()
        look(head)
        return count_queries() - before

    def ring(number: int) -> None:
        bridge.offer(f"call-{number}", f"+7495000{number:04}")
        bridge.send(ringing(on_duty, clock, f"call-{number}"))
        bridge.offer(f"gone-{number}", f"+7495111{number:04}")
        bridge.send(CallEnded(f"gone-{number}", EndReason.ABANDONED, 3, 15.0, 0.0, clock()))
        due = {"due_at": clock(), "created_at": clock()}
        session.add(Task(kind="promise", user_id=on_duty["anna"].id, number=f"+7495{number:07}", **due))
        session.commit()

    ring(1)
    one = asked()
    for number in range(2, 12):
        ring(number)
    assert asked() == one <= 32
