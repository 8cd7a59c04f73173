"""One talk from the first ring to the ledger, by keyboard alone."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.e2e.conftest import SignIn
from tests.e2e.office import UNKNOWN, Desk


def say(page: Page, key: str, text: str) -> None:
    """A key that opens a field, the words, and Enter."""
    page.keyboard.press(key)
    expect(page.locator(f"#say-{key}")).to_be_focused()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def choose(page: Page, key: str, letters: str, wanted: str) -> None:
    """A key that goes to a list, and letters that find an item of it."""
    page.keyboard.press(key)
    chosen = page.locator("select:focus")
    expect(chosen).to_have_count(1)
    page.keyboard.type(letters)
    expect(chosen.locator("option:checked")).to_have_text(wanted)
    page.keyboard.press("Escape")


def test_from_the_ring_to_the_ledger_by_keyboard(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, phone = desk.talk(UNKNOWN, name="P. Orlov")
    sentence, lights = page.locator("#script .sentence"), page.locator("#script .light")
    expect(sentence).to_contain_text("Northwind Windows")
    expect(sentence).to_contain_text("Anna Petrova speaking")
    expect(page.locator("#script .light-on")).to_have_count(0)

    # The script by its keys: an answer, a field, a letter, a step back.
    page.keyboard.press("2")
    expect(sentence).to_contain_text("How should I address you?")
    expect(page.locator("#purpose_id option:checked")).to_have_text("Price")
    say(page, "1", "Pavel")
    expect(sentence).to_contain_text("Pleased to meet you, Pavel!")
    expect(page.locator("#card-given_name")).to_have_value("Pavel")
    expect(lights.first).not_to_have_class("light light-on")
    say(page, "1", "Vostok")
    expect(page.locator("#card-name")).to_have_value("Vostok")
    expect(lights.first).to_have_class("light light-on")
    expect(sentence).to_contain_text("Pavel, tell me a little more")
    page.keyboard.press("h")
    expect(page.locator("#branch-H")).to_have_attribute("aria-current", "step")
    page.keyboard.press("Backspace")
    expect(sentence).to_contain_text("Pavel, tell me a little more")
    say(page, "1", "oak windows")
    expect(sentence).to_contain_text("Who will be using it")

    # The card: saved by a key, with all the script has learnt.
    page.keyboard.press("Control+s")
    expect(page.locator("#who-title")).to_contain_text("Vostok")
    expect(page.locator("#who")).to_contain_text("Pavel")
    expect(page.locator("#who .who-known")).to_contain_text("oak windows")

    # The result: refused while it is half done, closed when it is whole.
    page.keyboard.press("Control+Enter")
    expect(page.locator("#error-outcome_id")).not_to_be_empty()
    choose(page, "o", "Meeting", "Meeting set")
    expect(lights.nth(1)).not_to_have_class("light light-on")
    page.keyboard.press("t")
    expect(lights.nth(1)).to_have_class("light light-on")
    page.keyboard.press("k")
    page.keyboard.type("Six windows, third floor")
    page.keyboard.press("Escape")
    expect(page.locator("#saved")).to_contain_text("saved")
    phone.hang_up()
    caller.ended()
    expect(page.locator("#bar")).to_contain_text("Ended")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#idle")).to_be_visible()
    expect(page.locator("#list-unfinished")).to_have_count(0)

    # The ledger: the row and the sums, on the page and from the command.
    page.get_by_role("link", name="Ledger").click()
    row = page.locator("table.ledger tbody tr")
    expect(row).to_have_count(1)
    for text in ("Pavel", "Vostok", "+7 495 999-00-11", "Price", "Meeting set", "10:00"):
        expect(row).to_contain_text(text)
    sums = page.locator(".ledger-sums")
    expect(sums.locator("div", has_text="Total contacts").locator("dd")).to_have_text("1")
    expect(sums.locator("div", has_text="Meetings set").locator("dd")).to_have_text("1")
    expect(sums).to_contain_text("100 %")
    told = desk.command("ledger", "--json")
    assert told.returncode == 0, told.stderr
    report = json.loads(told.stdout)
    assert report == desk.ledger()
    day = desk.command("ledger", "--day", report["day"], "--json")
    assert json.loads(day.stdout) == report
    [written] = report["rows"]
    expected = {
        "manager": "Anna Petrova",
        "number": UNKNOWN,
        "caller_name": "P. Orlov",
        "client": "Vostok",
        "person": "Pavel",
        "purpose": "Price",
        "outcome": "Meeting set",
        "note": "Six windows, third floor",
        "state": "talked",
        "finished": True,
    }
    assert expected.items() <= written.items()
    assert written["next_at"].endswith("T10:00:00+03:00")
    sums_told = report["totals"]
    assert (sums_told["contacts"], sums_told["meetings"], sums_told["conversion"], sums_told["missed"]) == (
        1,
        1,
        100,
        0,
    )
