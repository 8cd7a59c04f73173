"""In a real browser: one key says away and back, the head orders a line by keyboard, the simulator says who rings."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, Desk
from webapp.office.models import Line
from webapp.presence.models import Presence


def test_one_key_takes_anna_out_and_the_simulator_says_so(desk: Desk, sign_in: SignIn) -> None:
    anna, head = sign_in("anna"), sign_in("head")
    anna.goto(desk.url + "/desk")
    anna.keyboard.press("0")
    expect(anna.locator(".presence .state-warn")).to_have_text("You are away")
    wait_for(lambda: desk.ask(lambda session: session.scalar(select(Presence.state))), told="a presence")

    head.goto(desk.url + "/simulator")
    expect(head.locator("#number")).to_be_focused()
    head.keyboard.type(KNOWN)
    head.keyboard.press("Enter")
    steps = head.locator(".simulated-steps tbody tr")
    expect(steps.first).to_contain_text("Boris")
    expect(head.locator(".simulated-facts")).to_contain_text(re.compile(r"Anna \w+\s+away from the desk"))
    expect(head.locator("#number")).to_have_value(KNOWN)
    assert head.evaluate("document.documentElement.scrollWidth") <= 1280

    anna.keyboard.press("0")
    expect(anna.locator(".presence button")).to_contain_text("Away")
    anna.locator("#presence-minutes").fill("never")
    anna.keyboard.press("Enter")
    expect(anna.locator("#presence-error")).to_contain_text("Type minutes from 1 to 600")
    expect(anna.locator("#presence-minutes")).to_have_value("never")
    anna.locator("#presence-minutes").fill("15")
    anna.keyboard.press("Enter")
    expect(anna.locator(".presence .state-warn")).to_contain_text("You are away until")


def test_the_head_orders_a_line_by_keyboard(desk: Desk, sign_in: SignIn) -> None:
    head = sign_in("head")
    head.goto(desk.url + "/settings/lines?line=1")
    rows = head.locator(".hunt tbody tr")
    expect(rows).to_have_count(8)
    head.get_by_role("button", name="Up: Head of sales").focus()
    head.keyboard.press("Enter")
    expect(rows.nth(6)).to_contain_text("Head of sales")
    expect(head.get_by_role("button", name="Up: Head of sales")).to_be_focused()
    rows.nth(6).locator(".hunt-seconds").fill("9")
    for box in head.locator(".hunt tbody input[type=checkbox]").all():
        box.uncheck()
    head.get_by_role("button", name="Save").click()
    expect(head.locator("#order .error")).to_contain_text("A new caller would ring nobody")
    expect(rows.nth(6).locator(".hunt-seconds")).to_have_value("9")
    rows.nth(6).locator("input[type=checkbox]").check()
    head.get_by_role("button", name="Save").click()
    expect(head.locator(".flash-good")).to_be_visible()
    hunt = desk.ask(lambda session: session.get(Line, 1).hunt)
    assert hunt == [{"who": "head", "seconds": 9.0}]
