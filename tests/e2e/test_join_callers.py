"""Two callers of one manager brought together by a real softphone, which names the one call in a REFER on the other."""

from __future__ import annotations

from urllib.parse import quote

from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e import linphone
from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.linphone import Linphone
from tests.e2e.office import KNOWN, UNKNOWN, Desk
from tests.e2e.phones import Caller, needs
from tests.e2e.test_hold import hears, talking
from tests.ports import free_port
from webapp.calls.models import CallTrace

FIRST_HZ, SECOND_HZ = 440.0, 560.0


def together(desk: Desk, first: Caller, second: Caller) -> None:
    """They hear each other, and when one hangs up both calls are over."""
    hears(first, SECOND_HZ)
    hears(second, FIRST_HZ)
    first.hang_up()
    second.ended()
    wait_for(lambda: [(call["state"], call["end"]) for call in desk.calls()] == [("ended", "completed")] * 2)
    kinds = desk.ask(lambda session: list(session.scalars(select(CallTrace.kind))))
    assert kinds.count("transfer_asked") == 1 and kinds.count("transferred") == 2, kinds


def test_by_baresip(desk: Desk, sign_in: SignIn) -> None:
    """It has no command for it, but asks for what is typed."""
    page = sign_in("anna")
    phone = desk.softphone("anna", auto=True)
    first = desk.caller(KNOWN, hz=FIRST_HZ)
    talking(page)
    page.keyboard.press("z")
    expect(page.locator(".callbar-word")).to_have_text("On hold")
    second = desk.caller(UNKNOWN, hz=SECOND_HZ)
    wait_for(lambda: phone.saw("CALL_ESTABLISHED") == 2)
    hears(second, 1000)
    call_id, theirs, own = phone.dialogs()[0]
    replaced = quote(f"{call_id};to-tag={theirs};from-tag={own}", safe="")
    phone.transfer(f"<sip:desk@{desk.sip}?Replaces={replaced}>")
    wait_for(lambda: phone.saw("CALL_CLOSED") == 2, told="the softphone to be free")
    together(desk, first, second)


@needs("linphonec")
def test_by_linphone(desk: Desk, sign_in: SignIn) -> None:
    """It has a command for it, and is registered at the bridge."""
    page = sign_in("anna")
    page.goto(desk.url + "/me/softphone")
    page.get_by_role("button", name="Register my softphone").click()
    secret = page.locator("#secret").inner_text()
    known = desk.folder / "var" / "bridge" / "directory.json"
    wait_for(lambda: '"anna"' in known.read_text(), told="the bridge does not hear of the new secret")
    phone = Linphone(desk.folder, "anna", free_port(), linphone.typed("anna", secret, desk.sip), auto=False, hz=1000)
    try:
        page.goto(desk.url + "/desk")
        first = desk.caller(KNOWN, hz=FIRST_HZ)
        phone.answer()
        talking(page)
        page.keyboard.press("z")
        expect(page.locator(".callbar-word")).to_have_text("On hold")
        second = desk.caller(UNKNOWN, hz=SECOND_HZ)
        phone.answer("2")
        talking(page)
        phone.join(1, 2)
        wait_for(lambda: phone.saw(" ended (") == 2, told="the softphone to be free")
        together(desk, first, second)
    finally:
        phone.close()
