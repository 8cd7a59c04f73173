"""The secretary's page: all who ring and wait with those who know them, who is where, her caller passed on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import CallAnswered, CallEnded, CallHeld, EndReason, HeldBy, LegRinging, TransferStarted
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import BridgeCommand, Call, Transfer
from webapp.clients.models import Client
from webapp.reception.board import KEYS, TAKEN_LETTERS
from webapp.roster.models import Absence
from webapp.switchboard.keys import LETTERS

SignIn = Callable[[str], FlaskClient]
MakeClient = Callable[..., Client]
HTMX = {"HX-Request": "true"}
SOFIA = "sip:sofia@127.0.0.1:5998"


@pytest.fixture
def sofia(on_duty: dict[str, User], session: Session) -> User:
    """The secretary, with a telephone."""
    on_duty["secretary"].extension = SOFIA
    session.commit()
    return on_duty["secretary"]


def lists(client: FlaskClient) -> str:
    answer = client.get("/reception", headers=HTMX)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def own(client: FlaskClient) -> str:
    return client.get("/reception/own").get_data(as_text=True)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def row(page: str, name: str) -> str:
    """A colleague's row."""
    found = [part for part in page.split("<label")[1:] if name in part]
    assert len(found) == 1
    return found[0].split("</label>")[0]


def talk(bridge: Bridge, clock: Clock, call_id: str = "own", extension: str = SOFIA, **offer: str) -> None:
    """A caller whom `extension` takes."""
    bridge.offer(call_id, **offer)
    bridge.send(CallAnswered(call_id, extension, 1, 3.0, clock()))


def test_secretary_and_head_only(sign_in: SignIn, app: Flask) -> None:
    for login in ("secretary", "head"):
        page = sign_in(login).get("/reception").get_data(as_text=True)
        assert "<html" in page and "Nobody waits." in page and "No call of mine" in page
    for login in ("anna", "agent", "expert", "admin"):
        client = sign_in(login)
        assert client.get("/reception").status_code == 403
        assert client.get("/reception/own").status_code == 403
        assert client.post("/reception/calls/1/pass").status_code == 403
    assert "/login" in app.test_client().get("/reception").headers["Location"]


def test_a_call_elsewhere_with_those_who_know_the_caller(
    on_duty: dict[str, User],
    bridge: Bridge,
    sign_in: SignIn,
    clock: Clock,
    make_client: MakeClient,
    session: Session,
) -> None:
    make_client("Rassvet", "+7 495 123-45-67", owner_id=on_duty["vera"].id)
    talk(bridge, clock, "before", on_duty["boris"].extension)
    bridge.send(CallEnded("before", EndReason.COMPLETED, 1, 3.0, 60.0, clock()))
    clock.move(days=1)
    bridge.offer("one")
    bridge.send(LegRinging("one", on_duty["anna"].extension, 0, clock()))
    page = lists(sign_in("secretary"))
    waiting = words(page.split("Who is where")[0])
    assert "Rassvet" in waiting and "+7 495 123-45-67" in waiting and "rings: " in waiting
    known = waiting.split("Has worked with:")[1]
    assert known.index("Vera Sokolova") < known.index("Boris Ivanov")
    assert "own client" in known and "spoke 10 Mar" in known


def test_who_holds_the_line_waits_and_who_talks_is_counted(
    on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock
) -> None:
    sofia = sign_in("secretary")
    talk(bridge, clock, "one", on_duty["anna"].extension)
    assert "1 talk goes on." in words(lists(sofia))
    bridge.send(CallHeld("one", HeldBy.PAGE, clock()))
    page = words(lists(sofia))
    assert "on hold" in page and "+7 495 123-45-67" in page and "Nobody waits." not in page


def test_where_everybody_is_the_free_first(
    on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    gone = {"user_id": on_duty["vera"].id, "starts_at": clock(), "ends_at": clock() + timedelta(hours=2)}
    session.add(Absence(kind="meeting", **gone))
    on_duty["boris"].extension = "sip:102@127.0.0.1:5999"
    session.commit()
    talk(bridge, clock, "one", on_duty["anna"].extension)
    page = lists(sign_in("secretary"))
    assert "102" in row(page, "Boris Ivanov") and "free" in row(page, "Boris Ivanov")
    assert "in a talk" in row(page, "Anna Petrova") and "on duty" in row(page, "Anna Petrova")
    assert "absent" in row(page, "Vera Sokolova") and "until 14:00" in row(page, "Vera Sokolova")
    assert "disabled" in row(page, "Egor Lavrov"), "who has no telephone can't be rung"
    assert page.index("Boris Ivanov") < page.index("Anna Petrova") < page.index("Vera Sokolova")
    assert "Sofia Belova" not in page.split("Who is where")[1], "nobody passes a caller on to herself"


def test_a_colleagues_key_stays_however_the_rows_move(
    on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock
) -> None:
    def keys() -> dict[str, str]:
        rows = lists(sofia).split("<label")[1:]
        return {re.findall(r'value="(user-\d+)"', one)[0]: re.findall(r'data-key="(.)"', one)[0] for one in rows}

    sofia = sign_in("secretary")
    before = keys()
    assert before[f"user-{on_duty['anna'].id}"] == "1" and len(set(before.values())) == len(before)
    talk(bridge, clock, "one", on_duty["anna"].extension)
    assert keys() == before


def test_no_colleagues_key_is_one_of_the_talk() -> None:
    assert not set(KEYS) & ({*LETTERS.values()} | set(TAKEN_LETTERS))


def test_the_briefing_is_ready_and_goes_along(
    sofia: User,
    on_duty: dict[str, User],
    bridge: Bridge,
    sign_in: SignIn,
    clock: Clock,
    make_client: MakeClient,
    session: Session,
) -> None:
    make_client("Rassvet", "+7 495 123-45-67", owner_id=on_duty["vera"].id)
    client = sign_in("secretary")
    talk(bridge, clock)
    page = own(client)
    assert "Rassvet" in page and "+7 495 123-45-67" in page.split("<textarea")[1]
    assert "own client" in row(lists(client), "Vera Sokolova"), "who knows her caller is marked"
    call = session.scalars(select(Call)).one()
    typed = {"to": f"user-{on_duty['vera'].id}", "briefing": "Orlov asks when the windows come", "how": "blind"}
    answer = client.post(f"/reception/calls/{call.id}/pass", data=typed, headers=HTMX)
    assert answer.status_code == 200
    transfer = session.scalars(select(Transfer)).one()
    assert (transfer.to_user_id, transfer.briefing) == (on_duty["vera"].id, "Orlov asks when the windows come")
    assert not transfer.attended
    command = session.scalars(select(BridgeCommand)).one()
    assert command.kind == "Transfer" and command.made_by_id == sofia.id
    bridge.send(TransferStarted("own", on_duty["vera"].extension, False, clock()))
    page = own(client)
    assert "Vera Sokolova is being rung" in page and "<textarea" not in page
    assert "is being passed on" in lists(client) and "→ Vera Sokolova" in lists(client)


def test_speaking_first(
    sofia: User, on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    client = sign_in("secretary")
    talk(bridge, clock)
    call = session.scalars(select(Call)).one()
    typed = {"to": f"user-{on_duty['vera'].id}", "briefing": "", "how": "attended"}
    assert client.post(f"/reception/calls/{call.id}/pass", data=typed).status_code == 200
    assert session.scalars(select(Transfer.attended)).all() == [True]


@pytest.mark.parametrize("to", ["", "user-", "user-999999", "user-99999999999999999999", "number", "anna"])
def test_nobody_chosen_keeps_what_was_typed(
    to: str, sofia: User, bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    client = sign_in("secretary")
    talk(bridge, clock)
    call = session.scalars(select(Call)).one()
    answer = client.post(f"/reception/calls/{call.id}/pass", data={"to": to, "briefing": "my <words>"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Choose to whom." in page and "my &lt;words&gt;" in page
    assert session.scalars(select(Transfer)).all() == []


def test_only_ones_own_caller_is_passed_on(
    sofia: User, on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    client = sign_in("secretary")
    talk(bridge, clock, "one", on_duty["anna"].extension)
    call = session.scalars(select(Call)).one()
    typed = {"to": f"user-{on_duty['vera'].id}"}
    assert client.post(f"/reception/calls/{call.id}/pass", data=typed).status_code == 404
    assert client.post("/reception/calls/999/pass", data=typed).status_code == 404
    assert session.scalars(select(Transfer)).all() == []


def test_a_caller_who_came_back_has_the_briefing_that_was_written(
    sofia: User, on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    client = sign_in("secretary")
    talk(bridge, clock)
    call = session.scalars(select(Call)).one()
    session.add(
        Transfer(
            call_id=call.id,
            from_user_id=sofia.id,
            to_user_id=on_duty["vera"].id,
            briefing="about the invoice",
            state="failed",
            started_at=clock(),
            ended_at=clock(),
        )
    )
    session.commit()
    assert "about the invoice" in own(client).split("<textarea")[1]


def test_more_calls_and_people_ask_no_more_queries(
    sofia: User,
    on_duty: dict[str, User],
    bridge: Bridge,
    sign_in: SignIn,
    clock: Clock,
    make_client: MakeClient,
    count_queries: Callable[[], int],
) -> None:
    client = sign_in("secretary")

    def asked() -> int:
        before = count_queries()
        lists(client)
        return count_queries() - before

    def ring(number: int) -> None:
        phone = f"+7495000{number:04}"
        make_client(f"Client {number}", phone, owner_id=on_duty["vera"].id)
        bridge.offer(f"call-{number}", phone)
        bridge.send(LegRinging(f"call-{number}", on_duty["anna"].extension, 0, clock()))

    talk(bridge, clock, number="+74957777777")
    ring(1)
    one = asked()
    for number in range(2, 12):
        ring(number)
    assert asked() == one <= 26
