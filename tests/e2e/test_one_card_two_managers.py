"""Two managers have one card open: both see each other's words at once, and neither writes over the other's."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.office import Desk
from webapp.clients.models import Client


def test_nobodys_words_are_lost(desk: Desk, sign_in: SignIn) -> None:
    anna, boris = sign_in("anna"), sign_in("boris")
    for page in (anna, boris):
        page.goto(desk.url + "/clients/1")
        expect(page.locator("#card-product")).to_have_value("windows")

    # Different fields: each sees the other's without a reload, while he types on in his own.
    boris.locator("#card-volume").press_sequentially("40 t, perhaps")
    anna.locator("#card-product").fill("doors")
    anna.locator("h1").click()
    expect(boris.locator("#card-product")).to_have_value("doors")
    expect(boris.locator("#card-volume")).to_have_value("40 t, perhaps")
    expect(boris.locator("#card-volume")).to_be_focused()
    boris.locator("#card-volume").press_sequentially(" more")
    boris.keyboard.press("Tab")
    expect(anna.locator("#card-volume")).to_have_value("40 t, perhaps more")

    # A person's field changes under somebody who writes a phone of the same person.
    boris.locator("#contact-0").fill("+7 495 000-00-01")
    anna.locator("#card-position-1").fill("buyer")
    anna.keyboard.press("Tab")
    expect(boris.locator("#card-position-1")).to_have_value("buyer")
    expect(boris.locator("#contact-0")).to_have_value("+7 495 000-00-01")
    boris.locator("#contact-0").press("Enter")
    expect(anna.locator("#people")).to_contain_text("Of the client in general")
    expect(anna.locator("#people input[value='+7 495 000-00-01']")).to_have_count(1)

    # One phone, written by both at once: what is typed stays under the fingers, and is asked about when it is left.
    point = boris.locator("#people .point input").first
    point.focus()
    boris.keyboard.press("End")
    boris.keyboard.type(" ext. 9")
    anna.locator("#people .point input").first.fill("+7 495 123-45-60")
    anna.locator("h1").click()
    expect(boris.locator("#card-position-1")).to_have_value("buyer")
    expect(point).to_have_attribute("data-kept", "")
    boris.keyboard.type("8")
    expect(point).to_be_focused()
    boris.locator("h1").click()
    conflict = boris.locator("#people .conflict")
    expect(conflict).to_contain_text("Anna Petrova has changed this meanwhile")
    expect(conflict).to_contain_text("ext. 98")
    conflict.get_by_role("button", name="Put mine").click()
    expect(conflict).to_have_count(0)
    expect(anna.locator("#people .point input").first).to_have_value(re.compile(r"ext\. 98$"))

    # The same without another letter typed afterwards.
    point.focus()
    boris.keyboard.press("End")
    boris.keyboard.type("7")
    anna.locator("#people .point input").first.fill("+7 495 123-45-61")
    anna.locator("h1").click()
    expect(point).to_have_attribute("data-kept", "")
    boris.locator("h1").click()
    expect(conflict).to_contain_text("ext. 987")
    conflict.get_by_role("button", name="Keep theirs").click()
    expect(conflict).to_have_count(0)
    expect(point).to_have_value("+7 495 123-45-61")

    # The same field: whoever is later sees both texts, and chooses.
    anna.locator("#card-note").click()
    anna.locator("#card-note").press_sequentially("Anna's words")
    boris.locator("#card-note").fill("Boris's words")
    boris.locator("#card-reason").click()
    expect(boris.locator("#card-note-field .saved")).to_have_count(1)
    expect(anna.locator("#card-note")).to_have_value("Anna's words")
    anna.locator("#card-reason").click()
    conflict = anna.locator("#card-note-field .conflict")
    expect(conflict).to_contain_text("Boris Ivanov has changed this meanwhile")
    expect(conflict).to_contain_text("Boris's words")
    expect(anna.locator("#card-note")).to_have_value("Anna's words")
    conflict.get_by_role("button", name="Keep both").press("Enter")
    expect(conflict).to_have_count(0)
    both = "Boris's words\nAnna's words"
    expect(anna.locator("#card-note")).to_have_value(both)
    expect(boris.locator("#card-note")).to_have_value(both)

    # A list: mine is put only after theirs was seen.
    anna.locator("#card-category").focus()
    boris.locator("#card-category").select_option("A")
    expect(boris.locator("#card-category-field .saved")).to_have_count(1)
    anna.locator("#card-category").select_option("B")
    conflict = anna.locator("#card-category-field .conflict")
    expect(conflict).to_contain_text("Boris Ivanov")
    conflict.get_by_role("button", name="Keep theirs").click()
    expect(anna.locator("#card-category")).to_have_value("A")
    expect(conflict).to_have_count(0)

    card = desk.ask(
        lambda session: session.execute(
            select(Client.product, Client.volume, Client.note, Client.category).where(Client.id == 1)
        ).one()
    )
    assert card[:2] == ("doors", "40 t, perhaps more")
    assert card[2].replace("\r", "") == both and card[3] == "A"
