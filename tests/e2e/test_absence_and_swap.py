"""A shift goes from one manager to another, page to page; an absence that would leave nobody asks first."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.office import Desk
from webapp.accounts.models import User
from webapp.roster.models import Absence, Shift


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The office is open day and night, so that the day of the test doesn't matter."""

    def open_always(_session: Any, office: Any) -> None:
        office.workdays, office.opens, office.closes = list(range(7)), 0, 24 * 60

    desk.change(open_always)
    return desk


def test_a_shift_is_offered_and_taken(desk: Desk, sign_in: SignIn) -> None:
    anna, vera = sign_in("anna"), sign_in("vera")
    vera.goto(desk.url + "/desk")
    anna.goto(desk.url + "/roster/swaps")
    offer = anna.locator("#offer")
    offer.get_by_label("To whom").select_option(label="Vera Sokolova")
    expect(offer.get_by_label("In return")).to_be_visible()
    offer.get_by_label("A word to it").fill("dentist")
    offer.get_by_role("button", name="Offer").click()
    expect(anna.locator("#swaps")).to_contain_text("to Vera Sokolova")
    offered = vera.locator("#idle .item", has_text="Anna Petrova")  # by itself
    expect(offered).to_contain_text("dentist")
    offered.get_by_role("button", name="Take the shift").focus()
    vera.keyboard.press("Enter")
    expect(vera.locator(".flash")).to_contain_text("The shift is yours")
    expect(anna.locator("#swaps")).to_contain_text("Vera Sokolova has taken it")  # by itself

    owners = select(User.login).join(Shift, Shift.user_id == User.id)
    assert "vera" in desk.ask(lambda session: session.scalars(owners).all())
    head = sign_in("head")
    head.goto(desk.url + "/roster/changes")
    expect(head.locator("table")).to_contain_text("Vera Sokolova takes the shift of Anna Petrova")


def test_the_last_one_on_duty_is_asked_before_leaving(desk: Desk, sign_in: SignIn) -> None:
    anna, head = sign_in("anna"), sign_in("head")
    head.goto(desk.url + "/desk")
    anna.goto(desk.url + "/roster")
    panel = anna.locator("#away-now")
    panel.get_by_label("or until").fill("soon")
    anna.keyboard.press("Enter")
    expect(panel.locator(".error")).to_contain_text("such as 9:30")
    expect(panel.get_by_label("or until")).to_have_value("soon")
    panel.get_by_role("button", name="40 min").click()
    expect(panel.locator(".emptied")).to_contain_text("All lines")
    expect(panel.locator(".emptied")).to_be_focused()
    panel.get_by_role("button", name="Leave all the same").click()
    expect(panel).to_contain_text("You are away")
    expect(head.locator("#idle")).to_contain_text("Anna Petrova is away, and nobody else is on duty")  # by itself
    anna.goto(desk.url + "/desk")
    expect(anna.locator("#bar")).to_contain_text("You are away until")
    anna.keyboard.press("0")
    expect(anna.get_by_role("button", name="Away")).to_be_visible()
    anna.goto(desk.url + "/roster")
    expect(panel.get_by_role("button", name="40 min")).to_be_visible()


def test_an_absence_that_empties_the_roster_asks_in_the_same_form(desk: Desk, sign_in: SignIn) -> None:
    anna = sign_in("anna")
    anna.goto(desk.url + "/roster")
    anna.get_by_text("I will be away").click()
    form = anna.locator("#new-absence")
    form.get_by_label("Why").select_option("illness")
    form.get_by_label("Reason").fill("dentist")
    form.get_by_role("button", name="Set the absence").click()
    expect(form.locator(".emptied")).to_contain_text("Nobody would be on duty")
    expect(form.get_by_label("Reason")).to_have_value("dentist")
    assert desk.ask(lambda session: session.scalars(select(Absence)).all()) == []
    form.get_by_role("button", name="Save all the same").click()
    expect(anna.locator("#week")).to_contain_text("illness · dentist")
