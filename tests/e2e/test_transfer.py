"""Passing a caller on: the briefing before a word is spoken, at once and after a word, back when nobody takes it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import HOLD_HZ, KNOWN, Desk
from tests.e2e.test_every_page import violations
from tests.e2e.test_hold import MANAGER_HZ, hears, talking
from webapp.calls.models import CallTrace
from webapp.office.models import Office
from webapp.touches.models import Touch

VERA_HZ = 1250.0


def open_panel(page: Page, typed: str) -> None:
    """F, and a part of the colleague's name."""
    talking(page)
    page.keyboard.press("f")
    expect(page.locator("#pass-q")).to_be_focused()
    page.keyboard.type(typed)
    expect(page.locator("#pass-people .colleague")).to_have_count(1)
    expect(page.locator("#pass-say")).to_contain_text("Vera Sokolova")


def pass_on(page: Page, key: str, briefing: str = "Pavel Orlov asks when the windows come") -> None:
    """Write the briefing and press E (speak first) or I (at once); Enter rings nobody, it goes on to the briefing."""
    open_panel(page, "vera")
    page.keyboard.press("Enter")
    expect(page.locator("#pass-briefing")).to_be_focused()
    page.locator("#pass-briefing").fill(briefing)
    page.keyboard.press("Escape")
    page.keyboard.press(key)
    expect(page.locator("#pass-form")).to_have_count(0)


def owner(desk: Desk) -> str:
    """Whose the row of the only call is."""

    def query(session: Any) -> str:
        touch = session.scalars(select(Touch)).one()
        return touch.user.login if touch.user else ""

    return desk.ask(query)


def test_speaking_first_the_colleague_knows_all_before_the_caller_is_connected(desk: Desk, sign_in: SignIn) -> None:
    anna, vera = sign_in("anna"), sign_in("vera")
    theirs = desk.softphone("vera", hz=VERA_HZ)
    caller, mine = desk.talk(KNOWN)
    pass_on(anna, "e")
    expect(vera.locator("#bar")).to_contain_text("Ringing")
    expect(vera.locator(".briefing")).to_contain_text("Anna Petrova passes this caller on to you")
    expect(vera.locator(".briefing")).to_contain_text("Pavel Orlov asks when the windows come")
    expect(vera.locator("#who")).to_contain_text("Rassvet")
    assert owner(desk) == "anna"
    hears(caller, HOLD_HZ)
    theirs.answer()
    expect(anna.locator("#bar")).to_contain_text("You speak with Vera Sokolova")
    expect(vera.locator("#bar")).to_contain_text("You speak with Anna Petrova")
    anna.keyboard.press("j")
    talking(vera)
    expect(anna.locator("#bar")).to_contain_text("Vera Sokolova speaks with the caller now")
    hears(caller, VERA_HZ)
    wait_for(lambda: mine.saw("CALL_CLOSED"), told="who passed the caller on is free")
    assert desk.audience() == {"anna": "gave", "boris": "planned", "vera": "taken"}
    assert owner(desk) == "vera"
    vera.keyboard.press("f")
    expect(vera.locator(".pass .notice")).to_contain_text("The third hand-over loses the caller")
    caller.hang_up()
    desk.call("ended", end="completed")


def test_passed_on_at_once_the_row_goes_along(desk: Desk, sign_in: SignIn) -> None:
    anna, vera = sign_in("anna"), sign_in("vera")
    theirs = desk.softphone("vera", hz=VERA_HZ)
    caller, mine = desk.talk(KNOWN)
    pass_on(anna, "i")
    wait_for(lambda: mine.saw("CALL_CLOSED"), told="who passed the caller on is free at once")
    expect(vera.locator(".briefing")).to_contain_text("Pavel Orlov asks when the windows come")
    theirs.answer()
    talking(vera)
    hears(caller, VERA_HZ)
    vera.locator("#note").fill("windows on Friday")
    expect(anna.locator("#bar")).to_contain_text("No call")
    caller.hang_up()
    desk.call("ended", end="completed")
    assert owner(desk) == "vera"


def test_a_colleague_who_declines_gives_the_caller_back(desk: Desk, sign_in: SignIn) -> None:
    anna, vera = sign_in("anna"), sign_in("vera")
    desk.refusing("vera", "486 Busy Here")
    caller, _mine = desk.talk(KNOWN)
    pass_on(anna, "e")
    expect(anna.locator("#bar")).to_contain_text("Vera Sokolova is busy. The caller is with you again.")
    talking(anna)
    hears(caller, MANAGER_HZ)
    expect(vera.locator("#bar")).to_contain_text("No call")
    caller.hang_up()


def test_when_nobody_takes_a_caller_passed_on_at_once_he_comes_back(desk: Desk, sign_in: SignIn) -> None:
    def short(session: Any, office: Office) -> None:
        office.step_seconds = 2.0

    desk.change(short)
    anna = sign_in("anna")
    theirs = desk.softphone("vera", hz=VERA_HZ)
    caller, mine = desk.talk(KNOWN)
    pass_on(anna, "i")
    wait_for(theirs.rings, told="the colleague's softphone rings")
    expect(anna.locator("#bar")).to_contain_text("Vera Sokolova does not pick up")
    wait_for(lambda: mine.saw("CALL_ESTABLISHED") == 2, told="the manager's own softphone is rung again")
    talking(anna)
    hears(caller, MANAGER_HZ)
    assert owner(desk) == "anna"
    caller.hang_up()


def test_taken_back_before_the_colleague_picks_up(desk: Desk, sign_in: SignIn) -> None:
    anna, vera = sign_in("anna"), sign_in("vera")
    theirs = desk.softphone("vera", hz=VERA_HZ)
    caller, _mine = desk.talk(KNOWN)
    pass_on(anna, "e")
    wait_for(theirs.rings, told="the colleague's softphone rings")
    expect(anna.locator("#bar")).to_contain_text("Vera Sokolova is being rung")
    anna.keyboard.press("u")
    talking(anna)
    hears(caller, MANAGER_HZ)
    expect(vera.locator("#bar")).to_contain_text("Anna Petrova took the caller back: Rassvet.")
    wait_for(lambda: not theirs.rings(), told="the colleague's softphone rings on")
    caller.hang_up()


def test_a_softphone_passes_on_by_itself(desk: Desk, sign_in: SignIn) -> None:
    anna, vera = sign_in("anna"), sign_in("vera")
    theirs = desk.softphone("vera", hz=VERA_HZ)
    caller, mine = desk.talk(KNOWN)
    talking(anna)
    mine.transfer(f"sip:vera@{desk.sip}")
    expect(vera.locator(".briefing")).to_contain_text("Anna Petrova passes this caller on to you")
    expect(vera.locator(".briefing")).to_contain_text("Orlov")
    theirs.answer()
    talking(vera)
    hears(caller, VERA_HZ)
    assert desk.audience()["anna"] == "gave"
    caller.hang_up()


def test_a_softphone_that_asks_for_a_stranger_keeps_its_caller(desk: Desk, sign_in: SignIn) -> None:
    anna = sign_in("anna")
    caller, mine = desk.talk(KNOWN)
    talking(anna)
    mine.transfer("sip:+79990000000@127.0.0.1")

    def refused(session: Any) -> bool:
        return session.scalars(select(CallTrace).where(CallTrace.kind == "transfer_forbidden")).first() is not None

    wait_for(lambda: desk.ask(refused), told="the desk forbids it")
    hears(caller, MANAGER_HZ)
    assert desk.call("talking", by="anna")
    caller.hang_up()


def test_the_pages_of_a_passing_on_keep_nobody_out(desk: Desk, sign_in: SignIn) -> None:
    """axe, in light and dark: on hold, the panel, ringing, consulting, taken."""
    found: list[str] = []

    def look(page: Page, where: str) -> None:
        for theme in ("light", "dark"):
            found.extend(violations(page, where, theme))

    profile = {"reduced_motion": "reduce"}
    anna, vera = sign_in("anna", **profile), sign_in("vera", **profile)
    theirs = desk.softphone("vera", hz=VERA_HZ)
    caller, _mine = desk.talk(KNOWN)
    talking(anna)
    look(anna, "talking")
    anna.keyboard.press("z")
    expect(anna.locator(".held-one")).to_be_visible()
    look(anna, "held")
    anna.keyboard.press("z")
    open_panel(anna, "vera")
    look(anna, "the panel")
    anna.keyboard.press("Escape")
    anna.keyboard.press("e")
    expect(vera.locator(".briefing")).to_be_visible()
    theirs.answer()
    expect(anna.locator("#bar")).to_contain_text("You speak with Vera Sokolova")
    look(anna, "consulting")
    look(vera, "the briefing")
    anna.keyboard.press("j")
    talking(vera)
    vera.keyboard.press("f")
    expect(vera.locator(".pass .notice")).to_be_visible()
    look(vera, "the warning")
    caller.hang_up()
    assert not found, "\n".join(found)
