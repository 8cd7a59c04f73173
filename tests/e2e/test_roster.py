"""Two heads edit one roster: what the other did is told, what was typed stays, and a change is taken back by a key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from tests.e2e.conftest import SignIn
from tests.e2e.office import Desk
from webapp import clock
from webapp.accounts import people
from webapp.accounts.models import Role, User
from webapp.roster import shifts


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """A second head, and Vera's shift on the Wednesday of next week."""

    def change(session: Any, office: Any) -> None:
        details = people.Details("Grace Orlova", "grace", "Head", Role.HEAD.value, None, "", False)
        _user, desk.passwords["grace"] = people.add(session, details, clock.now())
        vera = session.scalars(select(User).where(User.login == "vera")).one()
        wall = shifts.Wall(monday(desk) + timedelta(days=2), 9 * 60, 14 * 60)
        shifts.set_shift(session, None, vera, wall, 0, False, desk.app().config["SETTINGS"].timezone)

    desk.change(change)
    return desk


def monday(desk: Desk) -> Any:
    """The Monday after this week's."""
    today = clock.now().astimezone(desk.app().config["SETTINGS"].timezone).date()
    return today + timedelta(days=7 - today.weekday())


def week_of(desk: Desk) -> str:
    year, week, _day = monday(desk).isocalendar()
    return f"{desk.url}/roster?week={year}-W{week:02}"


def open_shift(page: Page, desk: Desk) -> None:
    page.goto(week_of(desk))
    page.locator("a.bar-duty", has_text="Vera").click()
    expect(page.locator("#edit")).to_be_visible()


def test_two_heads_edit_one_shift(desk: Desk, sign_in: SignIn) -> None:
    helen, grace = sign_in("head"), sign_in("grace")
    open_shift(helen, desk)
    open_shift(grace, desk)
    helen.locator("#edit-ends").fill("15:00")
    helen.locator("#edit button", has_text="Save").click()
    expect(helen.locator("#roster-note")).to_contain_text("Saved.")
    expect(helen.locator("#roster-note")).to_contain_text("15:00–18:00")  # the gap it leaves
    grace.locator("#edit-ends").fill("17:30")
    grace.locator("#edit button", has_text="Save").click()
    expect(grace.locator("#conflict")).to_contain_text("Helen Markova has changed this shift meanwhile")
    expect(grace.locator("#conflict")).to_be_focused()
    expect(grace.locator("#edit-ends")).to_have_value("17:30")
    grace.locator("#edit button", has_text="Save").click()
    expect(grace.locator("#roster-note")).to_contain_text("Saved.")
    expect(helen.locator("#week")).to_contain_text("9–17:30")  # without a reload

    grace.locator("h1").click()
    grace.keyboard.press("Control+z")
    expect(grace.locator("#roster-note")).to_contain_text("Undone")
    expect(helen.locator("#week")).to_contain_text("9–15")

    open_shift(grace, desk)
    open_shift(helen, desk)
    helen.locator("#edit button", has_text="Delete").click()
    expect(helen.locator("#roster-note")).to_contain_text("Taken off.")
    grace.locator("#edit-starts").fill("10:00")
    grace.locator("#edit button", has_text="Save").click()
    expect(grace.locator("#conflict")).to_contain_text("Helen Markova")
    expect(grace.locator("#new-shift [name=starts]")).to_have_value("10:00")
    grace.locator("#new-shift button").click()
    expect(grace.locator("#week")).to_contain_text("10–15")

    grace.get_by_role("link", name="Changes").click()
    expect(grace.locator("tbody tr")).to_have_count(4)


def test_a_shift_is_drawn_and_the_month_leads_to_it(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("head")
    page.goto(week_of(desk))
    page.locator("#new-shift [name=user_id]").select_option(label="Anna Petrova")
    row = page.locator(".week-row").nth(3)
    box = row.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] - 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] - 4, steps=5)
    page.mouse.up()
    expect(page.locator("#roster-note")).to_contain_text("Saved.")
    expect(row.locator("a.bar-duty")).to_have_count(1)
    edge = row.locator("[data-edge=end]").bounding_box()
    assert edge is not None
    page.mouse.move(edge["x"] + 3, edge["y"] + 8)
    page.mouse.down()
    page.mouse.move(edge["x"] + 80, edge["y"] + 8, steps=5)
    page.mouse.up()
    expect(page.locator("#roster-note")).to_contain_text("Saved.")
    page.get_by_role("link", name="Month").click()
    if page.locator(".month a.month-duty", has_text="9–14").count() == 0:  # next week may be next month's
        page.get_by_role("link", name="The month after").click()
    page.locator(".month a.month-duty", has_text="9–14").first.click()
    expect(page.locator("#edit")).to_be_visible()
    expect(page.locator("#edit-ends")).to_have_value("14:00")
    overflow = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert not overflow


def test_the_head_sees_the_whole_week_at_once(desk: Desk, sign_in: SignIn) -> None:
    """In Russian, where days and names are longest: no name under a bar, and nothing to scroll."""

    def russian(session: Any, office: Any) -> None:
        session.execute(update(User).values(language="ru"))

    desk.change(russian)
    page = sign_in("head")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(week_of(desk))
    expect(page.locator(".week-name").first).to_contain_text("пн")
    assert page.evaluate("document.documentElement.scrollHeight") <= 720
    assert (
        page.locator(".week-name").evaluate_all("all => all.filter(one => one.scrollWidth > one.clientWidth).length")
        == 0
    )
