"""A real call opens the right card: known, unknown, hidden and shared numbers."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, Desk


def test_a_known_number_opens_its_card(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    phone = desk.softphone("anna")
    caller = desk.caller(KNOWN)
    bar, who = page.locator("#bar"), page.locator("#who")
    expect(bar).to_contain_text("Ringing")
    expect(bar.locator(".callbar-number")).to_have_text("+7 495 123-45-67")
    expect(bar).to_contain_text("Rassvet")
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
