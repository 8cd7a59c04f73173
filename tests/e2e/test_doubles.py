"""Two cards of one client: found in the background, merged by keyboard, led on from, and undone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect

from tests.e2e.conftest import SignIn
from tests.e2e.office import KNOWN, Desk
from webapp import clock
from webapp.accounts.models import User
from webapp.clients import cards
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.deals.models import Deal
from webapp.office.models import Office
from webapp.touches.models import Touch


def made_twice(session: Any, office: Office) -> None:
    """Rassvet once more, in Cyrillic and with a talk of its own."""
    anna = session.query(User).filter_by(login="anna").one()
    values = {"name": "ООО «Рассвет»", "surname": "Орлов", "phone": KNOWN, "volume": "10 windows", "product": "doors"}
    double = cards.create(session, values, Author(anna, clock.now()), "RU")
    at = clock.now() - timedelta(hours=1)
    session.add(Touch(client_id=double.id, user_id=anna.id, started_at=at, closed_at=at, note="asked about glass"))
    session.add(Deal(client_id=double.id, owner_id=anna.id, title="Winter garden", opened_at=at))


def _id(desk: Desk, name: str) -> int:
    found: int = desk.ask(lambda session: session.query(Client.id).filter_by(name=name).scalar())
    return found


def _go_up_to(page: Page, field: str) -> None:
    for _row in range(25):
        if page.evaluate("document.activeElement.name") == field:
            return
        page.keyboard.press("ArrowUp")
    raise AssertionError(f"{field} is not reached by keyboard")


def test_doubles_are_found_merged_by_keyboard_and_undone(desk: Desk, sign_in: SignIn) -> None:
    desk.change(made_twice)
    desk.start("worker")
    rassvet, double = desk.ask(
        lambda session: [
            session.query(Client.id).filter_by(name=name).scalar() for name in ("Rassvet", "ООО «Рассвет»")
        ]
    )
    page = sign_in("anna")
    page.goto(desk.url + "/doubles")
    expect(page.locator("#pairs")).to_contain_text("No probable doubles")
    page.get_by_role("button", name="Look for doubles").click()
    # Rassvet's pair, and the two firms of one number.
    expect(page.locator("[data-pair]")).to_have_count(2, timeout=30_000)
    expect(page.locator(".job")).to_contain_text("done", timeout=30_000)
    expect(page.get_by_role("button", name="Look for new ones")).to_be_visible()

    # The first pair is told apart by its key, the second is opened.
    page.keyboard.press("ArrowDown")
    pair = page.locator("[data-pair]", has_text="Granit")
    pair.focus()
    page.keyboard.press("2")
    expect(page.locator("#pairs")).to_contain_text("are two clients")
    expect(page.locator("[data-pair]")).to_have_count(1)
    expect(page.locator("[data-pair]")).to_be_focused()
    page.keyboard.press("1")
    page.wait_for_url(f"**/doubles/{rassvet}/{double}")

    # Field by field: the product of the right card, the name of the left one.
    expect(page.locator("#why")).to_be_focused()
    expect(page.locator("#why")).to_have_value("same phone, same company name, same surname")
    for field, key in (("field:product", "2"), ("field:name", "1"), ("survivor", "1")):
        _go_up_to(page, field)
        page.keyboard.press(key)
    expect(page.locator("input[name='field:product'][value=right]")).to_be_checked()
    expect(page.locator("input[name=survivor][value=left]")).to_be_checked()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: url.endswith(f"/clients/{rassvet}"))

    # The survivor has everything, and the other's address leads here.
    expect(page.locator("#card-product")).to_have_value("doors")
    expect(page.locator("#card-volume")).to_have_value("10 windows")
    expect(page.locator("#history")).to_contain_text("asked about glass")
    expect(page.locator("main")).to_contain_text("Winter garden")
    page.goto(f"{desk.url}/clients/{double}")
    assert page.url.endswith(f"/clients/{rassvet}")

    # A second page that still shows the other card is led on when it next asks; the undo brings it back.
    expect(page.locator("#merges")).to_contain_text("Merged with “ООО «Рассвет»” by Anna Petrova")
    page.locator("#merges").get_by_role("button", name="Undo").click()
    expect(page.locator(".flashes")).to_contain_text("each card is what it was")
    expect(page.locator("#card-product")).to_have_value("windows")
    page.goto(f"{desk.url}/clients/{double}")
    assert page.url.endswith(f"/clients/{double}")
    expect(page.locator("#card-product")).to_have_value("doors")
    expect(page.locator("#history")).to_contain_text("asked about glass")


def test_an_open_page_of_a_card_that_is_merged_goes_to_the_survivor(desk: Desk, sign_in: SignIn) -> None:
    desk.change(made_twice)
    rassvet, double = _id(desk, "Rassvet"), _id(desk, "ООО «Рассвет»")
    reading, page = sign_in("boris"), sign_in("anna")
    reading.goto(f"{desk.url}/clients/{double}")
    page.goto(f"{desk.url}/doubles/{rassvet}/{double}")
    _go_up_to(page, "survivor")
    page.keyboard.press("1")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda url: url.endswith(f"/clients/{rassvet}"))
    reading.wait_for_url(lambda url: url.endswith(f"/clients/{rassvet}"))
