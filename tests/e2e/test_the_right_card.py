"""A real call opens the right card: known, unknown, hidden and shared numbers."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, SHARED, UNKNOWN, Desk
from webapp.clients.models import Client


def test_a_known_number_opens_its_card(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    phone = desk.softphone("anna")
    caller = desk.caller(KNOWN)
    bar, who = page.locator("#bar"), page.locator("#who")
    expect(bar).to_contain_text(re.compile("Ringing|Greeting"))
    expect(bar.locator(".callbar-number")).to_contain_text("+7 495 123-45-67")
    expect(bar.get_by_role("link", name="Everything about +7 495 123-45-67")).to_be_visible()
    expect(bar).to_contain_text("Rassvet")
    expect(bar).to_contain_text("Sales desk")
    expect(who).to_contain_text("Pavel")
    expect(who.locator(".who-why")).to_contain_text("Matched")
    expect(bar.locator(".callbar-why")).to_contain_text("Anna Petrova")
    rings = bar.locator("[data-rings]")
    first = int(rings.inner_text())
    wait_for(lambda: int(rings.inner_text()) > first, told="the ring count stands")
    phone.answer()
    expect(bar).to_contain_text("Talking")
    caller.hang_up()
    expect(bar).to_contain_text("Ended")
    [row] = desk.ledger()["rows"]
    assert (row["client"], row["manager"], row["number"], row["state"]) == ("Rassvet", "Anna Petrova", KNOWN, "talked")


def test_an_unknown_number_gets_a_card_with_one_click(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, _phone = desk.talk(UNKNOWN, name="Sergey")
    who = page.locator("#who")
    expect(who).to_contain_text("New card")
    expect(page.locator("#bar")).to_contain_text("Sergey")
    expect(page.locator("#card-phone")).to_have_value("+7 495 999-00-11")
    who.get_by_role("button", name="Save the card").click()
    expect(page.locator("#new-card")).to_have_count(0)
    caller.hang_up()
    made = desk.ask(
        lambda session: [
            [point.normal for point in client.contact_points]
            for client in session.scalars(select(Client).order_by(Client.id.desc()).limit(1))
        ]
    )
    assert made == [[UNKNOWN]]

    again = desk.caller(UNKNOWN)
    wait_for(lambda: [call["state"] for call in desk.calls()] == ["ended", "talking"])
    expect(page.locator("#bar")).to_contain_text("Talking")
    expect(who.locator(".who-why")).to_contain_text("Matched")
    again.hang_up()


def test_a_hidden_number_gets_a_card_without_one(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, _phone = desk.talk("")
    expect(page.locator("#bar")).to_contain_text("Hidden number")
    expect(page.locator("#who")).to_contain_text("New card")
    expect(page.locator("#card-phone")).to_have_value("")
    page.locator("#card-name").fill("Sovremennik")
    page.keyboard.press("Control+s")
    expect(page.locator("#who-title")).to_have_text("Sovremennik")
    caller.hang_up()
    [row] = desk.ledger()["rows"]
    assert (row["client"], row["number"], row["phone"]) == ("Sovremennik", "", "")


def test_of_a_shared_number_the_manager_chooses_with_one_key(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, _phone = desk.talk(SHARED)
    candidates = page.locator("#who .candidate")
    expect(candidates).to_have_count(3)
    expect(page.locator("#who")).to_contain_text("Granit")
    expect(page.locator("#who")).to_contain_text("Bazalt")
    second = candidates.nth(1).locator("b").inner_text()
    page.keyboard.press("Shift+2")
    expect(page.locator("#who-title")).to_have_text(second)
    caller.hang_up()
    [row] = desk.ledger()["rows"]
    assert row["client"] == second in ("Granit", "Bazalt")
