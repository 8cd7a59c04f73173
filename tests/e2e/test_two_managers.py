"""Only the people in the plan get the pop; when one takes the call, it goes away elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import UNKNOWN, Desk
from webapp import clock
from webapp.accounts.models import User
from webapp.office.models import Office
from webapp.roster import shifts

NUMBER = "+7 495 999-00-11"


def test_only_the_manager_on_duty_gets_the_pop(desk: Desk, sign_in: SignIn) -> None:
    desk.ring_long()
    anna, boris, vera = sign_in("anna"), sign_in("boris"), sign_in("vera")
    phone = desk.softphone("anna")
    caller = desk.caller(UNKNOWN)
    expect(anna.locator("#bar")).to_contain_text("Ringing")
    expect(anna.locator("#bar")).to_contain_text(NUMBER)
    assert desk.audience() == {"anna": "rung", "boris": "planned"}
    _see_no_call(boris, vera)
    for page in (boris, vera):
        page.reload()
    _see_no_call(boris, vera)
    phone.answer()
    expect(anna.locator("#bar")).to_contain_text("Talking")
    caller.hang_up()
    expect(anna.locator("#bar")).to_contain_text("Ended")
    assert desk.audience() == {"anna": "taken", "boris": "planned"}
    _see_no_call(boris, vera)


def _see_no_call(*pages: Page) -> None:
    for page in pages:
        expect(page.locator("#bar")).to_contain_text("No call")
        expect(page.locator("#bar")).not_to_contain_text(NUMBER)
        expect(page.locator("#who")).to_have_count(0)


def test_when_one_takes_the_call_it_goes_away_elsewhere(desk: Desk, sign_in: SignIn) -> None:
    def both_on_duty(session: Any, office: Office) -> None:
        zone = desk.app().config["SETTINGS"].timezone
        vera = session.scalars(select(User).where(User.login == "vera")).one()
        today = clock.now().astimezone(zone).date()
        for offset in (-1, 0, 1):
            wall = shifts.Wall(today + timedelta(days=offset), 0, 24 * 60)
            shifts.set_shift(session, None, vera, wall, 0, False, zone)

    desk.change(both_on_duty)
    desk.ring_long()
    anna, vera = sign_in("anna"), sign_in("vera")
    phones = [desk.softphone("anna"), desk.softphone("vera")]
    caller = desk.caller(UNKNOWN)
    for page in (anna, vera):
        expect(page.locator("#bar")).to_contain_text("Ringing")
        expect(page.locator("#bar")).to_contain_text(NUMBER)
    phones[1].answer()
    expect(vera.locator("#bar")).to_contain_text("Talking")
    expect(anna.locator("#bar")).to_contain_text("Vera Sokolova took the call")
    expect(anna.locator("#bar")).to_contain_text("No call")
    expect(anna.locator("#who")).to_have_count(0)
    wait_for(lambda: phones[0].saw("CALL_CLOSED"), told="the other softphone rings on")
    caller.hang_up()
    assert [call["by"] for call in desk.calls()] == ["vera"]
