"""Every page in both languages and themes: axe finds no violation, nothing is cut off, the words are the reader's."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, SHARED, UNKNOWN, Desk

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
RUN_AXE = """async (rules) => {
  const found = await axe.run(document, {resultTypes: ['violations'], ...(rules && {runOnly: rules})});
  return found.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`));
}"""
LANGUAGES = {"en": "en-US", "ru": "ru-RU"}
RINGING = {"en": "Ringing", "ru": "Звонит"}
TALKING = {"en": "Talking", "ru": "Разговор"}
PAGES = {
    "anna": (
        "/clients",
        "/clients?q=ras",
        "/clients?sort=name&category=A&created_from=2026-01-01",
        "/deals",
        "/deals?stage=held",
        "/exports",
        "/api",
        "/clients/new",
        "/clients/imports",
        "/clients/quick",
        "/clients/lists",
        "/clients/lists/new",
        "/clients/1",
        "/clients/1/changes",
        "/clients/1/merge",
        "/clients/1/split",
        "/doubles",
        "/doubles?show=unsure",
        "/doubles/2/3",
        "/ledger",
        "/calls",
        "/missed",
        "/tasks",
        "/tasks?show=done",
        "/tasks/new?client=1",
        "/tasks/pass-on?client=1",
        "/tasks/given",
        "/tasks/messages",
        "/calls/1",
        "/numbers/call/1",
        "/numbers/point/1",
        "/roster",
        "/scripts",
        "/scripts/inbound/en",
        "/scripts/inbound/ru",
        "/me",
        "/me/softphone",
        "/no-such-page",
        "/settings",
    ),
    "head": (
        "/desk",
        "/now",
        "/reception",
        "/tasks?person=all",
        "/tasks/overdue",
        "/tasks/reassign",
        "/me",
        "/settings",
        "/settings/lines",
        "/settings/api",
        *(f"/settings/lists/{name}" for name in ("channels", "purposes", "outcomes")),
        *(f"/settings/lists/{name}" for name in ("types", "payments", "statuses")),
        "/settings/extra-fields",
        *(f"/settings/steps/{name}" for name in ("status", "stage")),
        "/settings/categories",
        "/settings/prices",
        "/settings/free-mail",
        "/settings/privacy",
        "/settings/calling-out",
        "/telephones",
        "/calls/1/ladder",
        "/settings/sounds",
        "/roster",
        *(f"/roster/{name}" for name in ("month", "patterns", "holidays", "changes")),
    ),
    "admin": ("/users", "/users/1", "/users/1/softphone", "/telephones", "/settings/calling-out"),
}


def violations(page: Page, where: str, theme: str) -> list[str]:
    """What axe says of the page as it stands. Another theme is other colours, and nothing else."""
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    expect(page.locator("html")).to_have_attribute("data-bs-theme", theme)
    page.evaluate(AXE)
    rules = None if theme == "light" else ["color-contrast"]
    return [f"{where} ({theme}): {one}" for one in page.evaluate(RUN_AXE, rules)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_keeps_anybody_out(desk: Desk, sign_in: SignIn, language: str) -> None:
    desk.ring_long()
    found: list[str] = []

    def look(page: Page, where: str) -> None:
        """In light, then in dark: other words in the same colours are looked at once."""
        assert page.locator("html").get_attribute("lang") == language, where
        for theme in ("light", "dark") if language == "en" else ("light",):
            found.extend(violations(page, where, theme))
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{where} is {wide} pixels too wide"

    profile = {"locale": LANGUAGES[language], "reduced_motion": "reduce"}
    page = sign_in("anna", **profile)
    phone = desk.softphone("anna")
    look(page, "desk, idle and empty")
    for number, name in ((KNOWN, "card"), (UNKNOWN, "new card"), (SHARED, "candidates")):
        caller = desk.caller(number, scenario="give_up")
        expect(page.locator("#bar")).to_contain_text(RINGING[language])
        look(page, f"desk, ringing, {name}")
        caller.give_up()
        wait_for(lambda: all(call["state"] == "ended" for call in desk.calls()))
        expect(page.locator("#bar")).not_to_contain_text(RINGING[language])
    caller = desk.caller(KNOWN)
    wait_for(phone.rings)
    phone.answer()
    expect(page.locator("#bar")).to_contain_text(TALKING[language])
    look(page, "desk, talking")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#error-outcome_id")).not_to_be_empty()
    look(page, "desk, result refused")
    caller.hang_up()
    page.goto(desk.url + "/desk")
    look(page, "desk, idle and owing")
    for login, paths in PAGES.items():
        someone = page if login == "anna" else sign_in(login, **profile)
        for path in paths:
            someone.goto(desk.url + path)
            look(someone, f"{path} of {login}")
    page.context.clear_cookies()
    page.goto(desk.url + "/login")
    look(page, "login")
    page.locator("input[type=password]").fill("wrong")
    page.keyboard.press("Enter")
    look(page, "login refused")
    assert not found, "\n".join(found)


def test_a_refused_form_puts_the_cursor_where_something_is_to_be_mended(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("head")
    page.goto(desk.url + "/settings/lines?new=")
    page.locator("[name=name]").fill("support")
    page.locator("[name=keep_recordings_days]").fill("0")
    page.get_by_role("button", name="Add the line").click()
    expect(page.locator("[name=keep_recordings_days]")).to_be_focused()
    expect(page.locator("[name=name]")).to_have_value("support")
    page.goto(desk.url + "/settings/sounds")
    last = page.locator(".sound-change details").last
    last.locator("summary").click()
    last.get_by_role("button", name="Upload").click()
    expect(page.locator("input[type=file][aria-invalid=true]")).to_be_focused()
    expect(page.locator("input[type=file][aria-invalid=true]")).to_be_in_viewport()


def test_a_call_in_russian(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna", locale="ru-RU")
    expect(page.locator("#bar")).to_contain_text("Дежурит: Anna Petrova")
    expect(page.locator("#purpose_id")).to_have_count(0)
    caller, _phone = desk.talk(UNKNOWN)
    expect(page.locator("#bar")).to_contain_text("Разговор")
    expect(page.locator("#who")).to_contain_text("Новая карточка")
    assert "Узнать цену" in page.locator("#purpose_id").inner_text()
    page.get_by_role("button", name="Сохранить карточку").click()
    expect(page.locator("#new-card")).to_have_count(0)
    caller.hang_up()
    page.get_by_role("button", name="EN", exact=False).first.click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
