"""Tasks in a real browser: by keyboard; a reminder that stands; a message with its receipt; the hand-over of all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import Desk
from webapp import clock
from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.office.models import Office
from webapp.tasks import reminding
from webapp.tasks.models import Message, Task


def owe(desk: Desk, login: str, text: str, **ahead: float) -> None:
    """A next touch of Rassvet."""

    def make(session: Any, office: Office) -> None:
        user = session.scalars(select(User).where(User.login == login)).one()
        client = session.scalars(select(Client).where(Client.name == "Rassvet")).one()
        now = clock.now()
        task = Task(kind="next_touch", text=text, user_id=user.id, client_id=client.id)
        task.due_at, task.created_at = now + timedelta(**ahead), now - timedelta(days=1)
        session.add(task)

    desk.change(make)


def fits(page: Page) -> None:
    """Nothing scrolls sideways."""
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1280


def test_the_page_of_tasks_by_keyboard_and_a_reminder(desk: Desk, sign_in: SignIn) -> None:
    owe(desk, "anna", "late offer", hours=-3)
    owe(desk, "anna", "samples soon", minutes=-1)
    page = sign_in("anna")
    page.goto(desk.url + "/tasks")
    rows = page.locator("[data-row]")
    expect(rows).to_have_count(2)
    fits(page)
    page.keyboard.press("j")
    expect(rows.first).to_be_focused()
    page.keyboard.press("l")
    field = rows.first.locator("input[name=when]")
    expect(field).to_be_focused()
    page.keyboard.type("01.01.2025 10:00")
    expect(field).to_have_value("01.01.2025 10:00")
    field.press("Enter")
    expect(rows.first.locator("[role=alert]")).to_contain_text("has passed")
    expect(field).to_have_value("01.01.2025 10:00")
    field.fill("tomorrow 10")
    field.press("Enter")
    expect(page.locator("[aria-labelledby=group-tomorrow] [data-row]")).to_contain_text("put off 1 time")
    expect(page.locator(".list-bad [data-row]")).to_have_count(1)

    page.keyboard.press("Escape")
    page.locator("[data-row]", has_text="samples soon").focus()
    page.keyboard.press("d")
    report = page.locator("[data-row]", has_text="samples soon").locator("form:visible")
    expect(report.locator("[name=report]")).to_be_focused()
    page.keyboard.type("Sent them")
    page.keyboard.press("Tab")
    expect(report.locator("[name=report_how]")).to_be_focused()
    page.keyboard.type("by courier")
    page.keyboard.press("Enter")
    expect(page.locator("[data-row]", has_text="samples soon")).to_have_count(0)
    page.get_by_label("done, with reports").check()
    expect(page.locator("#tasks")).to_contain_text("by courier")

    owe(desk, "anna", "call the mill", minutes=-2)
    desk.change(lambda session, office: reminding.remind(session, clock.now()) and None)
    toast = page.locator("#reminders article")
    expect(toast).to_contain_text("call the mill")
    page.reload()
    expect(toast).to_contain_text("call the mill")
    fits(page)
    toast.locator("summary").click()
    toast.locator("input[name=report]").fill("half a word")
    owe(desk, "anna", "call the bakery", minutes=-2)
    desk.change(lambda session, office: reminding.remind(session, clock.now()) and None)
    page.wait_for_timeout(1000)
    expect(toast.locator("input[name=report]")).to_have_value("half a word")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(toast).to_have_count(2)
    toast.filter(has_text="call the bakery").get_by_role("button", name="in 10 min").click()
    expect(toast).to_have_count(1)
    toast.get_by_role("button", name="in 10 min").click()
    expect(toast).to_have_count(0)
    page.reload()
    expect(page.locator("#reminders")).to_be_attached()
    expect(toast).to_have_count(0)


def test_a_broken_promise_is_red_and_its_reminder_names_the_whole_number(desk: Desk, sign_in: SignIn) -> None:
    def promise(session: Any, office: Office) -> None:
        user = session.scalars(select(User).where(User.login == "anna")).one()
        at = clock.now() - timedelta(days=3)
        session.add(Task(kind="promise", number="+74959990022", user_id=user.id, due_at=at, created_at=at))
        session.flush()
        reminding.remind(session, clock.now())

    desk.change(promise)
    page = sign_in("anna")
    page.goto(desk.url + "/desk")
    row = page.locator(".task", has_text="999-00-22")
    red = page.locator(".callbar .promise-late")
    colour = "one => getComputedStyle(one).color"
    assert row.locator(".promise-late").evaluate(colour) == red.evaluate(colour)
    whom = page.locator("#reminders .toast-head b", has_text="999-00-22")
    assert whom.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_a_message_is_taken_in_the_call_and_its_receipt_is_seen(desk: Desk, sign_in: SignIn) -> None:
    desk.ring_long()
    anna, vera, head = sign_in("anna"), sign_in("vera"), sign_in("head")
    vera.goto(desk.url + "/desk")
    anna.goto(desk.url + "/desk")
    desk.caller("+74951234567")
    expect(anna.locator("#result-form")).to_be_visible()
    anna.keyboard.press("e")
    form = anna.locator("#message-form")
    expect(form.locator("#words")).to_be_focused()
    anna.keyboard.type("The lorry is late. He wants to know why.")
    form.get_by_label("For whom").select_option(label="Vera Sokolova")
    form.get_by_label("annoyed").check()
    fits(anna)
    form.get_by_role("button", name="Leave the message").click()
    expect(form.locator("[role=alert]")).to_contain_text("Read it back")
    expect(form.locator("#words")).to_have_value("The lorry is late. He wants to know why.")
    form.get_by_label("Read back to the caller").check()
    form.get_by_role("button", name="Leave the message").click()
    expect(anna.locator("#pass")).to_contain_text("kept for Vera Sokolova")
    expect(anna.locator("#result")).to_contain_text("Message for Vera Sokolova")
    expect(anna.locator("#result")).to_contain_text("not read yet")
    anna.keyboard.press("Escape")
    expect(anna.locator("#script")).to_be_visible()

    row = vera.locator("[data-row]", has_text="The lorry is late")
    expect(row).to_contain_text("annoyed")
    wait_for(lambda: desk.ask(lambda session: session.scalars(select(Message.delivered_at)).one()))
    head.goto(desk.url + "/tasks/messages")
    expect(head.locator("#messages")).to_contain_text("delivered, not read")
    row.get_by_role("button", name="Read").click()
    expect(row).to_have_count(0)
    expect(head.locator("#messages")).not_to_contain_text("delivered, not read")
    anna.goto(desk.url + "/tasks/messages")
    expect(anna.locator("#messages .state-good")).to_have_text("has been read")


def test_who_has_fallen_ill_is_relieved(desk: Desk, sign_in: SignIn) -> None:
    for number in range(3):
        owe(desk, "anna", f"offer {number}", hours=number + 1)
    head, boris = sign_in("head"), sign_in("boris")
    boris.goto(desk.url + "/tasks")
    head.goto(desk.url + "/tasks/reassign")
    head.get_by_label("Who is away").select_option(label="Anna Petrova")
    head.get_by_role("button", name="Show who would get what").click()
    expect(head.locator("[role=alert]")).to_be_visible()
    head.get_by_label("Boris Ivanov").check()
    head.get_by_role("button", name="Show who would get what").click()
    expect(head.locator(".plan tbody tr")).to_have_count(3)
    expect(boris.locator("[data-row]")).to_have_count(0)
    fits(head)
    desk.change(lambda session, office: finish_one(session))
    head.get_by_role("button", name="Do it").click()
    expect(head.locator("main")).to_contain_text("Boris Ivanov: 2")
    expect(head.locator("[role=alert]")).to_contain_text("1 row had changed")
    expect(boris.locator("[data-row]")).to_have_count(2)


def finish_one(session: Any) -> None:
    """Anna has done one from home meanwhile."""
    session.scalars(select(Task).where(Task.text == "offer 1")).one().done_at = clock.now()
