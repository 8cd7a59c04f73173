"""A registered softphone dials: a colleague, a client, a number that is not allowed; and passes on, attended."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.e2e import hearing, linphone
from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.linphone import Linphone
from tests.e2e.office import HOLD_HZ, KNOWN, UNKNOWN, Desk, missed_and_allowed
from tests.e2e.phones import Caller, Softphone, needs
from tests.e2e.test_hold import hears, talking
from tests.ports import free_port
from webapp import clock
from webapp.accounts import softphones
from webapp.accounts.models import User
from webapp.calls.models import Call, Transfer
from webapp.office.models import Line, Office
from webapp.touches.models import Touch

ANNA_HZ, BORIS_HZ, CLIENT_HZ = 1000.0, 1300.0, 440.0


@pytest.fixture
def client_port() -> int:
    return free_port()


@pytest.fixture
def secrets() -> dict[str, str]:
    """What proves whose a softphone is, once the office stands."""
    return {}


@pytest.fixture
def desk(tmp_path: Path, pattern: Desk, clients: None, client_port: int, secrets: dict[str, str]) -> Iterator[Desk]:
    """Softphones register here, Moscow may be called, the trunk leads to a client's telephone, talks are recorded."""
    desk = Desk(tmp_path, SECONDRING_ACCOUNTS=f"desk=office:secret@127.0.0.1:{client_port}")

    def seed(session: Any, office: Office) -> None:
        missed_and_allowed(session)
        session.scalars(select(Line)).one().record = True
        for user in session.scalars(select(User).where(User.login.in_(("anna", "boris")))):
            secrets[user.login] = softphones.make_secret(session, user, clock.now()).secret

    try:
        desk.found_like(pattern)
        desk.change(seed)
        desk.ring_long()
        desk.start("web")
        desk.start("bridge")
        known = desk.folder / "var" / "bridge" / "directory.json"
        wait_for(lambda: known.exists() and '"boris"' in known.read_text(), told="the bridge knows no users")
        yield desk
    finally:
        desk.close()


def baresip(desk: Desk, login: str, secret: str, hz: float) -> Softphone:
    """One that is registered at the bridge."""
    account = f"<sip:{login}@{desk.sip};transport=udp>;auth_user={login};auth_pass={secret};regint=120"
    phone = Softphone(desk.folder, login, free_port(), auto=False, hz=hz, account=account)
    desk.things.append(phone)
    kept = desk.folder / "var" / "bridge" / "bindings.json"
    wait_for(lambda: f'"{login}"' in kept.read_text(), told=f"the softphone of {login} is not registered")
    return phone


def held(desk: Desk, number: str, anna: Softphone | Linphone) -> Caller:
    """A caller whom Anna has put on hold at her softphone."""
    caller = desk.caller(number, hz=CLIENT_HZ)
    anna.answer()
    hears(caller, ANNA_HZ)
    anna.hold()
    hears(caller, HOLD_HZ)
    return caller


def heard(phone: Softphone | Linphone, hz: float) -> None:
    wait_for(lambda: hearing.seconds_of(phone.heard, hz) > 0.2, told=f"the softphone heard no {hz} Hz")


def rows(desk: Desk) -> list[tuple[str, str, str]]:
    """Of every row of the ledger: direction, whose it is, the state of its call."""

    def query(session: Any) -> list[tuple[str, str, str]]:
        found = session.scalars(select(Touch).order_by(Touch.id))
        return [(row.direction, session.get(User, row.user_id).login, row.call.state) for row in found]

    return desk.ask(query)


def test_a_colleague_a_client_and_a_number_that_is_not_allowed(
    desk: Desk, sign_in: SignIn, client_port: int, secrets: dict[str, str]
) -> None:
    page = sign_in("anna")
    page.goto(desk.url + "/desk")
    anna, boris = baresip(desk, "anna", secrets["anna"], ANNA_HZ), baresip(desk, "boris", secrets["boris"], BORIS_HZ)

    anna.dial(f"sip:boris@{desk.sip}")
    boris.answer()
    wait_for(lambda: anna.saw("CALL_ESTABLISHED"))
    pause = itertools.count()
    wait_for(lambda: next(pause) > 20, told="both to have said something")  # twenty looks are two seconds
    boris.hang_up()
    wait_for(lambda: anna.saw("CALL_CLOSED"))
    heard(anna, BORIS_HZ)
    heard(boris, ANNA_HZ)
    assert rows(desk) == [] and desk.count(Call) == 1, "the missed call and nothing else"
    assert list((desk.folder / "var" / "recordings").rglob("*.wav")) == []

    anna.dial(f"sip:89031234567@{desk.sip}")
    wait_for(lambda: anna.saw("CALL_CLOSED") == 2, told="a refusal")
    expect(page.locator("#bar")).to_contain_text("Your softphone dialled +7 903 123-45-67: Your role may not call")
    assert desk.count(Call) == 1

    client = Softphone(desk.folder, KNOWN, client_port, auto=False, hz=CLIENT_HZ)
    desk.things.append(client)
    anna.dial(f"sip:84951234567@{desk.sip}")
    client.answer()
    talking(page)
    expect(page.locator(".callbar-name")).to_contain_text("Rassvet")
    assert rows(desk) == [("out", "anna", "talking")]
    assert desk.ask(lambda session: session.scalars(select(Call).where(Call.call_id == "in")).one().missed_closed_at)
    page.keyboard.press("z")
    expect(page.locator(".callbar-word")).to_have_text("On hold")
    page.keyboard.press("z")
    talking(page)
    client.hang_up()
    wait_for(lambda: anna.saw("CALL_CLOSED") == 3)
    heard(client, ANNA_HZ)
    wait_for(lambda: rows(desk) == [("out", "anna", "ended")])
    (ours,) = [call for call in desk.calls() if call["end"] == "completed"]
    assert wait_for(lambda: [call for call in desk.calls() if call["recording"]]) and ours["by"] == "anna"


def passed_on(desk: Desk, page: Page, caller: Caller, boris: Softphone) -> None:
    """Boris has the caller with everything that belongs to him, and can hold him and hang up."""
    hears(caller, BORIS_HZ)
    talking(page)
    expect(page.locator(".callbar-name")).to_contain_text("Rassvet")
    assert rows(desk) == [("in", "boris", "talking")]
    page.keyboard.press("z")
    hears(caller, HOLD_HZ)
    page.keyboard.press("z")
    hears(caller, BORIS_HZ)
    boris.hang_up()
    caller.ended()
    done = desk.ask(lambda session: [row.state for row in session.scalars(select(Transfer))])
    assert done == ["done"]
    wait_for(lambda: desk.calls()[-1]["recording"], told="the recording")


@needs("linphonec")
def test_attended_by_linphone(desk: Desk, sign_in: SignIn, secrets: dict[str, str]) -> None:
    """It names the call with the colleague in a REFER on the client's."""
    page, typed = sign_in("boris"), linphone.typed("anna", secrets["anna"], desk.sip)
    page.goto(desk.url + "/desk")
    boris = baresip(desk, "boris", secrets["boris"], BORIS_HZ)
    anna = Linphone(desk.folder, "anna", free_port(), typed, auto=False, hz=ANNA_HZ)
    try:
        caller = held(desk, KNOWN, anna)
        anna.dial(f"sip:boris@{desk.sip}")
        boris.answer()
        wait_for(lambda: anna.saw("connected.") == 2)
        anna.join(1, 2)
        wait_for(lambda: anna.saw(" ended (") == 2, told="the softphone to be free")
        passed_on(desk, page, caller, boris)
    finally:
        anna.close()


def test_attended_by_baresip(desk: Desk, sign_in: SignIn, secrets: dict[str, str]) -> None:
    """It names the client's call in a REFER on the one with the colleague, which is the other way round."""
    page = sign_in("boris")
    page.goto(desk.url + "/desk")
    anna, boris = baresip(desk, "anna", secrets["anna"], ANNA_HZ), baresip(desk, "boris", secrets["boris"], BORIS_HZ)
    caller = held(desk, KNOWN, anna)
    anna.dial(f"sip:boris@{desk.sip}")
    boris.answer()
    wait_for(lambda: anna.saw("CALL_ESTABLISHED") == 2)
    call_id, theirs, own = anna.dialogs()[0]
    replaced = quote(f"{call_id};to-tag={theirs};from-tag={own}", safe="")
    anna.transfer(f"<sip:desk@{desk.sip}?Replaces={replaced}>")
    wait_for(lambda: anna.saw("CALL_CLOSED") == 2, told="the softphone to be free")
    passed_on(desk, page, caller, boris)


@needs("linphonec")
def test_a_second_client_is_dialled_and_the_two_are_joined(
    desk: Desk, sign_in: SignIn, client_port: int, secrets: dict[str, str]
) -> None:
    client = Softphone(desk.folder, KNOWN, client_port, auto=False, hz=BORIS_HZ)
    desk.things.append(client)
    typed = linphone.typed("anna", secrets["anna"], desk.sip)
    anna = Linphone(desk.folder, "anna", free_port(), typed, auto=False, hz=ANNA_HZ)
    try:
        caller = held(desk, UNKNOWN, anna)
        anna.dial(f"sip:84951234567@{desk.sip}")
        client.answer()
        wait_for(lambda: [call for call in desk.calls() if (call["number"], call["state"]) == (KNOWN, "talking")])
        anna.join(1, 2)
        wait_for(lambda: anna.saw(" ended (") == 2, told="the softphone to be free")
        hears(caller, BORIS_HZ)
        caller.hang_up()
        wait_for(lambda: client.saw("CALL_CLOSED"), told="the client to be hung up on")
        wait_for(lambda: [call["end"] for call in desk.calls() if call["number"] == UNKNOWN] == ["completed"])
    finally:
        anna.close()
