"""The pages of this moment with real calls: the head's, the secretary's, and what calls for attention."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, Desk
from tests.e2e.test_every_page import LANGUAGES, violations
from tests.e2e.test_hold import MANAGER_HZ, hears, talking
from tests.e2e.test_transfer import VERA_HZ
from webapp import clock
from webapp.accounts.models import Role, User
from webapp.calls.models import Call
from webapp.office.models import Office
from webapp.tasks.models import Task

WATCH = """(words) => {
  window.seenAt = window.goneAt = 0;
  const look = () => {
    const there = document.querySelector("[data-scroll].now-calls").textContent.includes(words);
    if (there && !window.seenAt) window.seenAt = Date.now();
    if (!there && window.seenAt && !window.goneAt) window.goneAt = Date.now();
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""
COUNTED = """
  window.shown = [];
  window.Notification = class extends EventTarget {
    static permission = "granted";
    static requestPermission() { return Promise.resolve("granted"); }
    constructor(title, options) { super(); this.title = title; window.shown.push({ title, ...options, made: this }); }
    close() {}
  };
"""


def times(desk: Desk, call_id: int) -> tuple[float, float]:
    """When a call was offered, and when it ended, in epoch seconds."""

    def query(session: Any) -> tuple[float, float]:
        call = session.get_one(Call, call_id)
        return call.offered_at.timestamp(), call.ended_at.timestamp()

    return desk.ask(query)


def test_a_call_is_on_both_pages_within_a_second_and_gone_as_soon(desk: Desk, sign_in: SignIn) -> None:
    desk.ring_long()
    head, secretary = sign_in("head"), sign_in("secretary")
    head.goto(desk.url + "/now")
    secretary.goto(desk.url + "/reception")
    expect(head.locator("#now-calls")).to_contain_text("Nobody is calling.")
    expect(secretary.locator("#waiting")).to_contain_text("Nobody waits.")
    desk.softphone("anna")
    late: list[tuple[float, float]] = []
    for _again in range(3):  # a busy machine may be late once
        for page in (head, secretary):
            page.evaluate(WATCH, "Rassvet")
        caller = desk.caller(KNOWN, scenario="give_up")
        expect(head.locator("#tile-ringing .now-count")).to_have_text("1")
        expect(head.locator("#now-calls")).to_contain_text("rings: Anna Petrova")
        expect(secretary.locator("#waiting")).to_contain_text("Has worked with:")
        expect(head.locator("#now-calls .clock")).to_have_text("0:02")
        head.locator("#tile-missed").focus()
        caller.give_up()
        expect(head.locator("#now-calls")).to_contain_text("Nobody is calling.")
        expect(secretary.locator("#waiting")).to_contain_text("Nobody waits.")
        expect(head.locator("#tile-missed")).to_be_focused()
        offered, ended = times(desk, desk.calls()[-1]["id"])
        for page in (head, secretary):
            seen, gone = page.evaluate("[window.seenAt / 1000, window.goneAt / 1000]")
            late.append((seen - offered, gone - ended))
    assert min(seen for seen, _ in late) < 1 and min(gone for _, gone in late) < 1, late
    assert head.evaluate("document.documentElement.scrollHeight") <= 720


def as_secretary(session: Any, office: Office) -> None:
    """Anna, who has a telephone and is rung, is the secretary; Vera knows Rassvet."""
    session.scalars(select(User).where(User.login == "anna")).one().role = Role.SECRETARY.value


def test_two_keys_pass_a_caller_on_with_the_briefing(desk: Desk, sign_in: SignIn) -> None:
    desk.change(as_secretary)
    found: list[str] = []
    anna, vera = sign_in("anna", reduced_motion="reduce"), sign_in("vera")
    anna.goto(desk.url + "/reception")
    theirs = desk.softphone("vera", hz=VERA_HZ)
    caller, mine = desk.talk(KNOWN)
    expect(anna.locator("#own .own-word")).to_have_text("Talking")
    hears(caller, MANAGER_HZ)
    anna.keyboard.press("b")
    anna.keyboard.press("Control+End")
    anna.keyboard.type("\nasks when the windows come")
    anna.keyboard.press("Escape")
    for theme in ("light", "dark"):
        found.extend(violations(anna, "reception, talking", theme))
    row = anna.locator(".colleague-row", has_text="Vera Sokolova")
    anna.keyboard.press(row.locator("[data-key]").get_attribute("data-key") or "")
    expect(row.locator("input")).to_be_checked()
    anna.keyboard.press("Enter")
    wait_for(lambda: mine.saw("CALL_CLOSED"), told="who passed the caller on is free at once")
    expect(vera.locator(".briefing")).to_contain_text("Orlov")
    expect(vera.locator(".briefing")).to_contain_text("asks when the windows come")
    theirs.answer()
    talking(vera)
    hears(caller, VERA_HZ)
    expect(anna.locator("#own")).to_contain_text("Vera Sokolova speaks with the caller now")
    expect(row).to_contain_text("in a talk")
    caller.hang_up()
    expect(anna.locator("#own")).to_contain_text("No call of mine")
    assert not found, "\n".join(found)


def test_what_is_typed_stays_while_calls_come_and_go(desk: Desk, sign_in: SignIn) -> None:
    desk.change(as_secretary)
    anna = sign_in("anna")
    anna.goto(desk.url + "/reception")
    caller, _mine = desk.talk(KNOWN)
    briefing = anna.locator("#own textarea")
    briefing.fill("half a sent")
    row = anna.locator(".colleague-row", has_text="Boris Ivanov")
    row.locator("input").check()
    briefing.focus()
    other = desk.caller("+74957770000", scenario="give_up")
    expect(anna.locator("#waiting")).to_contain_text("+7 495 777-00-00")
    anna.keyboard.press("Control+End")
    anna.keyboard.type("ence")
    other.give_up()
    expect(anna.locator("#waiting")).not_to_contain_text("+7 495 777-00-00")
    expect(briefing).to_be_focused()
    expect(briefing).to_have_value("half a sentence")
    expect(row.locator("input")).to_be_checked()
    caller.hang_up()


def shown(*pages: Page) -> list[str]:
    return [title for page in pages for title in page.evaluate("window.shown.map((one) => one.title)")]


def test_one_notification_however_many_tabs(desk: Desk, sign_in: SignIn) -> None:
    def popups(session: Any, office: Office) -> None:
        session.scalars(select(User).where(User.login == "anna")).one().popups = True

    desk.ring_long()
    desk.change(popups)
    first = sign_in("anna")
    first.context.grant_permissions(["notifications"])
    first.context.add_init_script(COUNTED)
    second = first.context.new_page()
    for page in (first, second):
        page.goto(desk.url + "/clients")
        page.locator("h1").click()  # who has touched a page may hear its sound
    desk.softphone("anna")
    for count in (1, 2):
        caller = desk.caller(KNOWN, scenario="give_up")
        wait_for(lambda count=count: len(shown(first, second)) >= count, told="a notification")  # type: ignore[misc]
        caller.give_up()
        wait_for(lambda: all(call["state"] == "ended" for call in desk.calls()))
        expect(first.locator("#connection")).to_be_hidden()
        assert shown(first, second) == ["Rassvet"] * count
    teller = first if shown(first) else second
    teller.evaluate("window.shown.at(-1).made.onclick()")
    teller.wait_for_url("**/desk")


def test_a_reminder_is_told_once_and_stays_on_the_page(desk: Desk, sign_in: SignIn) -> None:
    def owed(session: Any, office: Office) -> None:
        anna = session.scalars(select(User).where(User.login == "anna")).one()
        anna.popups, now = True, clock.now()
        task = {"kind": "next_touch", "number": KNOWN, "due_at": now, "created_at": now - timedelta(hours=1)}
        session.add(Task(user_id=anna.id, reminded_at=now, **task))

    first = sign_in("anna")
    first.context.grant_permissions(["notifications"])
    first.context.add_init_script(COUNTED)
    second = first.context.new_page()
    desk.change(owed)
    for page in (first, second):
        page.goto(desk.url + "/clients")
    wait_for(lambda: shown(first, second), told="a notification")
    for page in (first, second):
        expect(page.locator("#reminders")).to_contain_text("+7 495 123-45-67")
    assert shown(first, second) == ["+7 495 123-45-67"]
    first.reload()
    expect(first.locator("#reminders")).to_contain_text("+7 495 123-45-67")
    first.wait_for_function("document.querySelector('[data-noticed]')")
    assert len(shown(first, second)) <= 1, "not again by a reload"


def test_a_message_for_who_is_absent_is_taken_without_leaving_the_page(desk: Desk, sign_in: SignIn) -> None:
    desk.change(as_secretary)
    anna = sign_in("anna")
    anna.goto(desk.url + "/reception")
    caller, _mine = desk.talk(KNOWN)
    expect(anna.locator("#own .own-word")).to_have_text("Talking")
    row = anna.locator(".colleague-row", has_text="Boris Ivanov")
    anna.keyboard.press(row.locator("[data-key]").get_attribute("data-key") or "")
    anna.keyboard.press("m")
    form = anna.locator("#message-form")
    expect(form.locator("select[name=to] option:checked")).to_have_text(re.compile("Boris Ivanov"))
    form.locator("[name=words]").fill("The windows are late")
    form.locator("[name=read_back]").check()
    anna.keyboard.press("Control+Enter")
    expect(anna.locator("#pass")).to_contain_text("Boris Ivanov")
    expect(form).to_have_count(0)
    assert desk.count(Task, Task.kind == "message", Task.text == "The windows are late") == 1
    caller.hang_up()


def test_ones_own_choice_in_this_browser(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("head")
    page.goto(desk.url + "/me")
    page.locator("#notice-popups").check()
    expect(page.locator("#notices")).to_contain_text("Saved.")
    expect(page.locator("#notice-state")).not_to_be_empty()
    page.locator("#notice-missed").uncheck()
    expect(page.locator("#notices")).to_contain_text("Saved.")
    page.locator("#notice-try").click()
    page.reload()
    expect(page.locator("#notice-popups")).to_be_checked()
    expect(page.locator("#notice-missed")).not_to_be_checked()
    assert page.locator("body").get_attribute("data-notices") == "call due promise gap line"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bar_fits_for_every_role_and_its_menu_needs_no_mouse(desk: Desk, sign_in: SignIn, language: str) -> None:
    for login in ("head", "secretary", "anna", "agent", "admin"):
        page = sign_in(login, locale=LANGUAGES[language])
        hidden = "() => { const bar = document.querySelector('.bar-links'); return bar.scrollWidth - bar.clientWidth; }"
        assert page.evaluate(hidden) <= 0, login
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, login
        if login != "head":
            continue
        menu = page.locator(".bar-more")
        menu.locator("summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(menu.locator("a").first).to_be_focused()
        page.keyboard.press("Escape")
        expect(menu.locator("summary")).to_be_focused()
        expect(menu.locator("a").first).to_be_hidden()
        page.keyboard.press("Enter")
        menu.locator("a").last.click()
        page.wait_for_url("**/telephones")
        expect(page.locator(".bar-more summary")).to_have_class("bar-here")
