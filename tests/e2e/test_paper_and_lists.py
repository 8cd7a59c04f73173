"""Names from paper by keyboard alone (D40), and an agent who calls through a list until a meeting is agreed (D3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import UNKNOWN, Desk
from tests.e2e.phones import Softphone
from tests.ports import free_port
from webapp import clock
from webapp.accounts.models import Role, User
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.deals.models import Deal
from webapp.office import dialling
from webapp.touches.models import Touch
from webapp.worklists import making
from webapp.worklists.models import Approach


@pytest.fixture
def client_port() -> int:
    return free_port()


@pytest.fixture
def desk(tmp_path: Path, pattern: Desk, clients: None, client_port: int) -> Iterator[Desk]:
    """An office whose agents may call Moscow; behind its PBX is the one telephone of the list's first number."""
    desk = Desk(tmp_path, SECONDRING_ACCOUNTS=f"desk=office:secret@127.0.0.1:{client_port}")

    def a_list(session: Any, office: Any) -> None:
        dialling.add(session, Role.AGENT, "+7495*")
        people = {user.login: user for user in session.scalars(select(User))}
        rows = [[UNKNOWN, "Dawn Bakery", "Irene Walsh", "pie boxes"], ["+7 495 000-00-02", "Granite"]]
        making.make(
            session,
            "Directory",
            rows,
            [people["agent"]],
            people["head"],
            clock.now(),
            "RU",
            manager_id=people["boris"].id,
        )

    try:
        desk.found_like(pattern)
        desk.change(a_list)
        desk.start("web")
        desk.start("bridge")
        yield desk
    finally:
        desk.close()


def type_row(page: Page, *cells: str) -> None:
    """Type from the company on, a Tab after each cell."""
    for cell in cells:
        page.keyboard.type(cell)
        page.keyboard.press("Tab")


def test_three_rows_from_paper_without_a_mouse(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    page.goto(desk.url + "/clients/quick")
    rows = page.locator(".quick-row")
    expect(rows).to_have_count(1)
    # The first is on a card already: the hit comes by itself, and the focus stays where it was.
    type_row(page, "Rassvet LLC", "Orlov", "Pavel", "8 495 123-45-67")
    expect(rows.nth(0).locator(".quick-offer")).to_contain_text("same phone")
    expect(rows.nth(0).locator("[name=email]")).to_be_focused()
    page.keyboard.press("Alt+S")
    expect(rows.nth(0).locator(".quick-offer .state")).to_have_text("the same")
    type_row(page, "pavel@rassvet.example", "P", "Of", "tomorrow 11")
    expect(rows.nth(0).locator(".quick-understood")).to_contain_text("tomorrow 11:00")
    page.keyboard.press("Enter")
    # The second is new, the third lacks nearly everything.
    type_row(page, "Northern Lights", "Berg", "Nils", "8 495 000-00-77", "", "Q", "A")
    page.keyboard.press("Enter")
    type_row(page, "Unclear")
    expect(rows).to_have_count(4)
    expect(rows.nth(2)).not_to_have_attribute("data-unsaved", re.compile(".*"))
    page.reload()
    expect(rows).to_have_count(4)
    expect(rows.nth(2).locator("[name=name]")).to_have_value("Unclear")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".quick-told")).to_contain_text("2 rows saved")
    expect(rows).to_have_count(2)
    expect(rows.nth(0).locator("[name=name]")).to_have_value("Unclear")
    expect(rows.nth(0).locator("[name=purpose]")).to_be_focused()
    expect(page.locator(".quick-saved li")).to_have_count(2)

    def written(session: Any) -> list[tuple[str, str, str, bool]]:
        touches = session.scalars(select(Touch).order_by(Touch.id))
        return [(t.client.name, t.door, t.outcome.key, t.closed_at is not None) for t in touches]

    assert desk.ask(written) == [
        ("Rassvet", "paper", "offer", True),
        ("Northern Lights", "paper", "answered", True),
    ]
    mails = desk.ask(lambda session: [p.value for c in session.scalars(select(Client).where(Client.name == "Rassvet"))
                                      for p in c.contact_points if p.kind == "email"])  # fmt: skip
    assert mails == ["pavel@rassvet.example"]


def test_what_is_typed_outlives_the_session(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    page.goto(desk.url + "/clients/quick")
    page.keyboard.type("Kept")
    expect(page.locator(".quick-row").first).not_to_have_attribute("data-unsaved", re.compile(".*"))
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.keyboard.type(" in the page")
    expect(page.locator("#quick-away")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".quick-row [name=name]").first).to_have_value("Kept in the page")
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.reload()
    expect(page.locator(".quick-row [name=name]").first).to_have_value("Kept in the page")
    expect(page.locator(".quick-row").first).not_to_have_attribute("data-unsaved", re.compile(".*"))


def test_an_agent_calls_and_a_manager_has_the_meeting(desk: Desk, sign_in: SignIn, client_port: int) -> None:
    desk.ring_long()
    manager = sign_in("boris")
    manager.goto(desk.url + "/desk")
    page, mine = sign_in("agent"), desk.softphone("agent", auto=True)
    theirs = Softphone(desk.folder, UNKNOWN, client_port, auto=False)
    desk.things.append(theirs)
    page.goto(desk.url + "/clients/lists")
    page.get_by_role("link", name="Call the next number").click()
    expect(page.get_by_role("heading", name="Dawn Bakery")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("v")
    wait_for(theirs.rings, told=f"the client's telephone does not ring: {desk.log('bridge')}")
    theirs.answer()
    expect(page.locator("#call-state")).to_contain_text("You are talking")
    theirs.hang_up()
    wait_for(lambda: mine.saw("CALL_CLOSED"))
    expect(page.locator("#call-state")).to_contain_text("talk 0:")
    page.keyboard.press("3")
    page.wait_for_url("**/meeting")
    expect(page.locator("#m-name")).to_have_value("Dawn Bakery")
    expect(page.locator("#m-p0_surname")).to_have_value("Walsh")
    page.locator("#m-deal").fill("Pie boxes")
    page.locator("#m-when").fill("tomorrow 15:00")
    page.locator("#m-name").fill("Rassvet")
    expect(page.locator("#meeting-hits")).to_contain_text("Rassvet")
    page.locator("#m-name").fill("Dawn Bakery")
    expect(page.locator("#meeting-hits")).not_to_contain_text("Rassvet")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".flash")).to_contain_text("Dawn Bakery is handed over to Boris Ivanov")
    expect(page.get_by_role("heading", name="Granite")).to_be_visible()
    expect(manager.locator("body")).to_contain_text(
        "Anton Zimin has agreed a meeting for you: Dawn Bakery, tomorrow 15:00"
    )

    def facts(session: Any) -> tuple[Any, ...]:
        approach, call = session.scalars(select(Approach)).one(), session.scalars(select(Call)).one()
        deal, touch = session.scalars(select(Deal)).one(), session.get(Touch, approach.touch_id)
        return (
            touch.call_id == call.id,
            touch.user.login,
            deal.owner.login,
            deal.client.created_by_id == touch.user_id,
        )

    assert desk.ask(facts) == (True, "agent", "boris", True)
    manager.get_by_role("link", name="Dawn Bakery").first.click()
    expect(manager.locator("#aside")).to_contain_text("Pie boxes")
    page.wait_for_load_state()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text("Nothing to call now")
