"""A held caller hears music: held from the page and at the softphone, two callers at once, and back to the point."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e import hearing
from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import HOLD_HZ, KNOWN, UNKNOWN, Desk
from tests.e2e.phones import Caller

MANAGER_HZ = 1000.0


def hears(caller: Caller, hz: float, seconds: float = 0.6) -> None:
    """Wait until the caller has heard so much more of a tone than before."""
    before = hearing.seconds_of(caller.ears.heard, hz)
    wait_for(lambda: hearing.seconds_of(caller.ears.heard, hz) >= before + seconds, told=f"the caller hears no {hz} Hz")


def talking(page: Page) -> None:
    expect(page.locator(".callbar-word")).to_have_text("Talking")


def test_held_from_the_page_the_caller_hears_music_until_taken_back(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, phone = desk.talk(KNOWN)
    talking(page)
    hears(caller, MANAGER_HZ)
    expect(page.locator(".callbar-say")).to_contain_text("May I ask you to hold")
    page.keyboard.press("z")
    expect(page.locator(".callbar-word")).to_have_text("On hold")
    hears(caller, HOLD_HZ)
    strip = page.locator(".held-one")
    expect(strip).to_contain_text("Rassvet")
    expect(strip).to_contain_text("held 0:0")
    words = strip.locator("input")
    expect(words).not_to_have_value("")
    words.fill("the delivery term")
    page.keyboard.press("Escape")
    page.keyboard.press("z")
    talking(page)
    hears(caller, MANAGER_HZ)
    expect(page.locator(".callbar-say")).to_contain_text("Thank you for waiting")
    expect(page.locator(".callbar-say")).to_contain_text("the delivery term")
    expect(page.locator(".held-one")).to_have_count(0)
    page.keyboard.press("q")
    caller.ended()
    expect(page.locator("#bar")).to_contain_text("Ended")
    wait_for(lambda: phone.saw("CALL_CLOSED"))


def test_held_at_the_softphone_the_page_says_so(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, phone = desk.talk(KNOWN)
    talking(page)
    phone.hold()
    expect(page.locator(".callbar-word")).to_have_text("On hold")
    expect(page.locator(".held-one")).to_contain_text("Held at the telephone")
    hears(caller, HOLD_HZ)
    phone.resume()
    talking(page)
    hears(caller, MANAGER_HZ)
    caller.hang_up()


def test_a_second_caller_is_taken_while_the_first_hears_music(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    first, _phone = desk.talk(KNOWN)
    talking(page)
    page.keyboard.press("z")
    expect(page.locator(".callbar-word")).to_have_text("On hold")
    words = page.locator(".held-words")
    words.click()
    page.keyboard.press("End")
    page.keyboard.type(" and the hinges")
    second = desk.caller(UNKNOWN)
    expect(page.locator(".callbar-name")).to_have_text("Unknown caller")
    expect(words).to_be_focused()  # the second call shows while the point is written down, and takes nothing from it
    page.keyboard.type(", oak")
    talking(page)
    expect(words).to_have_value(re.compile("and the hinges, oak$"))
    page.keyboard.press("Escape")
    strip = page.locator(".held-one")
    expect(strip).to_contain_text("Rassvet")
    hears(first, HOLD_HZ)
    page.keyboard.press("g")
    expect(page.locator(".callbar-name")).to_contain_text("Rassvet")
    talking(page)
    expect(strip).to_contain_text("999-00-11")
    hears(second, HOLD_HZ)
    hears(first, MANAGER_HZ)
    first.hang_up()
    expect(page.locator(".callbar-word")).to_have_text("On hold")
    second.hang_up()
