"""Cards that may be the same, beside the form of a new one and in a talk: three answers, by keyboard and by mouse."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.office import UNKNOWN, Desk
from webapp.clients.models import Client, PairVerdict


def test_a_new_card_is_told_apart_or_joins_the_one_that_is_there(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    page.goto(desk.url + "/clients/new")
    hits = page.locator("#hits")
    name = page.locator("#new-name")
    name.fill("OOO Ravsset")
    expect(hits).to_contain_text("company name, one letter differs")
    expect(name).to_be_focused()
    page.keyboard.press("ArrowDown")
    card = hits.locator("[data-hit-card]").first
    expect(card).to_be_focused()
    page.keyboard.press("n")
    expect(card.locator("[data-hit=unsure]")).to_have_attribute("aria-pressed", "true")
    expect(card).to_be_focused()
    page.keyboard.press("Escape")
    expect(name).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    expect(hits).to_contain_text("told apart")
    expect(name).to_be_focused()
    page.get_by_role("button", name="Save the card").click()
    expect(page).to_have_url(re.compile(r"/clients/\d+$"))
    said = desk.ask(lambda session: list(session.scalars(select(PairVerdict.verdict))))
    assert said == ["other"]

    page.goto(desk.url + "/clients/new")
    page.locator("#new-phone").fill("8 (495) 123 45 67")
    page.locator("#new-reason").fill("Prices of bay windows")
    expect(hits).to_contain_text("same phone")
    hits.get_by_role("button", name="The same").first.click()
    expect(page).to_have_url(re.compile(r"/clients/\d+$"))
    expect(page.locator("body")).to_contain_text("what you typed has joined the card")
    reasons = desk.ask(lambda session: list(session.scalars(select(Client.reason).where(Client.name == "Rassvet"))))
    assert reasons == ["Prices of bay windows"]


def test_a_card_offered_in_a_talk_is_told_apart(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, _phone = desk.talk(UNKNOWN)
    page.locator("#card-name").fill("Rassvet")
    offered = page.locator("#hits-name")
    expect(offered).to_contain_text("same company name")
    expect(page.locator("#card-name")).to_be_focused()
    offered.get_by_role("button", name="Another one").click()
    expect(offered.locator(".hit")).to_have_count(0)
    page.keyboard.press("Control+s")
    expect(page.locator("#who-title")).to_have_text("Rassvet")
    caller.hang_up()
    assert desk.ask(lambda session: list(session.scalars(select(PairVerdict.verdict)))) == ["other"]


def test_a_slow_click_and_the_keyboard_reach_what_stands_under_a_field(desk: Desk, sign_in: SignIn) -> None:
    """Leaving a field saves it; the answer must not take away the button that is being pressed, nor the focus."""
    page = sign_in("anna")
    caller, _phone = desk.talk(UNKNOWN)
    page.locator("#card-name").press_sequentially("Rassvet")
    offered = page.locator("#hits-name")
    expect(offered).to_contain_text("same company name")
    with page.expect_response("**/draft/name"):
        page.keyboard.press("Tab")
    expect(page.locator("#card-name")).not_to_be_focused()
    page.keyboard.type("Orlova")  # Tab leads to the next field, past the cards
    typed = page.evaluate("document.activeElement.value")
    assert typed == "Orlova", page.evaluate("document.activeElement.outerHTML")
    page.locator("#card-name").focus()
    page.keyboard.press("ArrowDown")
    expect(offered.locator("[data-hit-card]")).to_be_focused()
    page.keyboard.press("n")
    expect(offered.locator("[data-hit=unsure]")).to_have_attribute("aria-pressed", "true")
    expect(offered.locator("[data-hit-card]")).to_be_focused()
    page.keyboard.press("n")
    expect(offered.locator("[data-hit=unsure]")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")
    expect(page.locator("#card-name")).to_be_focused()
    page.locator("#card-name").press_sequentially(" ")
    offered.locator("[data-hit=unsure]").click(delay=1500)
    expect(offered.locator("[data-hit=unsure]")).to_have_attribute("aria-pressed", "true")
    page.locator("#card-name").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    expect(offered.locator(".hit")).to_have_count(0)
    expect(page.locator("#card-name")).to_be_focused()
    caller.hang_up()
