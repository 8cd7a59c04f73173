"""A caller who gave up is seen at once, rung back by one key, and never begins anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, UNKNOWN, Desk
from tests.e2e.phones import Softphone
from tests.ports import free_port
from webapp.accounts.models import Role
from webapp.calls.models import Call
from webapp.office import dialling
from webapp.touches.models import Touch

APOLOGY = "I'm sorry we missed your call!"


@pytest.fixture
def client_port() -> int:
    return free_port()


@pytest.fixture
def desk(tmp_path: Path, pattern: Desk, clients: None, client_port: int) -> Iterator[Desk]:
    """An office that may call Moscow; at its PBX the client's telephone listens under its number."""
    desk = Desk(tmp_path, SECONDRING_ACCOUNTS=f"desk=office:secret@127.0.0.1:{client_port}")
    try:
        desk.found_like(pattern)
        desk.change(lambda session, office: dialling.add(session, Role.MANAGER, "+7495*"))
        desk.start("web")
        desk.start("bridge")
        yield desk
    finally:
        desk.close()


def gave_up(desk: Desk, number: str) -> None:
    """Somebody rings, hears it ring, and hangs up."""
    caller = desk.caller(number, scenario="give_up")
    wait_for(lambda: any(call["state"] == "ringing" for call in desk.calls()))
    caller.give_up()
    wait_for(lambda: desk.calls()[-1]["missed"], told="the call is not missed")


def test_a_missed_caller_appears_is_rung_back_by_one_key_and_goes(
    desk: Desk, sign_in: SignIn, client_port: int
) -> None:
    desk.ring_long()
    page, head, mine = sign_in("anna"), sign_in("head"), desk.softphone("anna")
    theirs = Softphone(desk.folder, KNOWN, client_port, auto=False)
    desk.things.append(theirs)
    for one in (page, head):
        one.goto(desk.url + "/missed")
        expect(one.locator("body")).to_contain_text("Nobody waits for a call")
    gave_up(desk, KNOWN)
    for one in (page, head):
        expect(one.locator(".lost")).to_have_count(1)
    row = page.locator(".lost")
    expect(row).to_contain_text("Rassvet")
    expect(row).to_contain_text("fresh")
    expect(row).to_contain_text("Anna Petrova")
    head.keyboard.press("c")
    head.keyboard.press("Enter")
    expect(head.locator(".lost .error")).to_be_visible()  # no reason was written, and none at hand was pressed
    head.goto(desk.url + "/missed")
    page.keyboard.press("c")
    expect(row.locator("input[name=reason]")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.wait_for_url("**/desk?touch=*")
    wait_for(mine.rings, told=f"our telephone does not ring: {desk.log('bridge')}")
    mine.answer()
    wait_for(theirs.rings, told=f"the client's telephone does not ring: {desk.log('bridge')}")
    expect(head.locator(".lost")).to_have_count(1)
    theirs.answer()
    expect(page.locator("#bar")).to_contain_text("Talking")
    expect(page.locator("#script .sentence")).to_contain_text(APOLOGY)
    expect(head.locator("body")).to_contain_text("Nobody waits for a call")

    def closed(session: Any) -> tuple[str, str, bool]:
        call = session.scalars(select(Call).where(Call.direction == "in")).one()
        row = session.scalars(select(Touch).where(Touch.call_id == call.id)).one()
        mine = session.scalars(select(Touch).where(Touch.direction == "out")).one()
        return call.missed_how, call.missed_closed_by.login, mine.follows_id == row.id and row.user_id is None

    assert desk.ask(closed) == ("out", "anna", True)
    theirs.hang_up()
    head.goto(desk.url + "/missed?show=closed")
    expect(head.locator(".lost")).to_contain_text("rung back, spoken with")


def test_a_missed_caller_who_rings_again_goes_on_at_the_apology(desk: Desk, sign_in: SignIn) -> None:
    desk.ring_long()
    page, phone = sign_in("anna"), desk.softphone("anna")
    caller = desk.caller(UNKNOWN, scenario="give_up")
    expect(page.locator("#bar")).to_contain_text("Ringing")
    page.locator("#result textarea[name=note]").fill("asks for doors")
    expect(page.locator("#saved")).to_contain_text("saved")
    caller.give_up()
    wait_for(lambda: desk.calls()[-1]["missed"])
    wait_for(lambda: phone.saw("CALL_CLOSED"))
    page.goto(desk.url + "/desk")
    again = desk.caller(UNKNOWN)
    expect(page.locator("#bar")).to_contain_text("Ringing")
    expect(page.locator("#script .sentence")).to_contain_text(APOLOGY)
    expect(page.locator("#result textarea[name=note]")).to_have_value("asks for doors")
    expect(page.locator("#who")).to_contain_text("once today, at")
    wait_for(phone.rings)
    phone.answer()
    expect(page.locator("#bar")).to_contain_text("Talking")
    page.keyboard.press("y")
    expect(page.locator("#promise .promise-clock")).to_contain_text("9:")
    expect(page.locator(".callbar-promise .promise-clock")).to_contain_text("9:")
    page.locator("#promise-minutes").fill("500")
    page.locator("#promise-minutes").press("Enter")
    expect(page.locator("#promise .error")).to_contain_text("From 1 to 240 minutes")
    expect(page.locator("#promise-minutes")).to_have_value("500")
    page.locator("#promise-minutes").fill("30")
    page.locator("#promise-minutes").press("Enter")
    expect(page.locator("#promise .promise-clock")).to_contain_text("29:")

    def rows(session: Any) -> tuple[bool, bool, str]:
        first, second = session.scalars(select(Touch).order_by(Touch.id))
        return second.follows_id == first.id, first.user_id is None, second.user.login

    assert desk.ask(rows) == (True, True, "anna")
    again.hang_up()
