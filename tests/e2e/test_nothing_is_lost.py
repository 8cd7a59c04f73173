"""Nothing typed is lost: on reload, in a second tab, on a lost connection, when the web process dies in mid-call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, UNKNOWN, Desk
from tests.e2e.wire import Wire
from webapp.calls.models import Call, CallTrace
from webapp.touches.models import Touch


@pytest.fixture
def wire(desk: Desk) -> Iterator[Wire]:
    wire = Wire(desk.web_port)
    yield wire
    wire.close()


def notes(desk: Desk) -> list[str]:
    """The notes of all touches, as the server has them."""
    return desk.ask(lambda session: list(session.scalars(select(Touch.note).order_by(Touch.id))))


def type_note(page: Page, words: str) -> None:
    page.locator("#note").focus()
    page.keyboard.press("End")
    page.keyboard.type(words)


def test_a_reload_in_mid_call_keeps_everything_typed(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, _phone = desk.talk(UNKNOWN)
    expect(page.locator("#bar")).to_contain_text("Talking")
    page.keyboard.press("2")
    expect(page.locator("#script .sentence")).to_contain_text("How should I address you?")
    page.locator("#card-surname").fill("Orlov")
    page.locator("#say-1").fill("Pavel")  # not sent: Enter was not pressed yet
    type_note(page, "wants oak, and the reload comes before this is saved")
    page.reload()
    expect(page.locator("#bar")).to_contain_text("Talking")
    expect(page.locator("#script .sentence")).to_contain_text("How should I address you?")
    expect(page.locator("#say-1")).to_have_value("Pavel")
    expect(page.locator("#card-surname")).to_have_value("Orlov")
    expect(page.locator("#note")).to_have_value("wants oak, and the reload comes before this is saved")
    expect(page.locator("#purpose_id option:checked")).to_have_text("Price")
    wait_for(lambda: notes(desk) == ["wants oak, and the reload comes before this is saved"])
    caller.hang_up()


def test_a_second_tab_shows_the_same_over_one_stream(desk: Desk, sign_in: SignIn, wire: Wire) -> None:
    first = sign_in("anna", url=wire.url)
    caller, _phone = desk.talk(KNOWN)
    expect(first.locator("#bar")).to_contain_text("Talking")
    first.keyboard.press("3")
    type_note(first, "begun in the first tab")
    wait_for(lambda: notes(desk) == ["begun in the first tab"])
    sentence = first.locator("#script .sentence").inner_text()
    tabs = [first, first.context.new_page(), first.context.new_page()]
    for tab in tabs[1:]:
        tab.goto(wire.url + "/desk")
        expect(tab.locator("#bar")).to_contain_text("Rassvet")
        expect(tab.locator("#script .sentence")).to_have_text(sentence)
        expect(tab.locator("#note")).to_have_value("begun in the first tab")
    type_note(tabs[2], ", ended in the third")
    wait_for(lambda: notes(desk) == ["begun in the first tab, ended in the third"])
    assert wire.streams == 1
    caller.hang_up()
    for tab in tabs:
        expect(tab.locator("#bar")).to_contain_text("Ended")
    assert wire.streams == 1


def test_words_typed_while_the_connection_is_lost_arrive_later(desk: Desk, sign_in: SignIn, wire: Wire) -> None:
    page = sign_in("anna", url=wire.url)
    caller, phone = desk.talk(KNOWN)
    expect(page.locator("#bar")).to_contain_text("Talking")
    expect(page.locator("#connection")).to_be_hidden()
    wire.cut()
    expect(page.locator("#connection")).to_contain_text("Connection lost")
    type_note(page, "said while the line to the server was cut")
    expect(page.locator("#saved")).to_contain_text("not saved yet")
    phone.hang_up()
    caller.ended()
    wire.mend()
    expect(page.locator("#connection")).to_be_hidden()
    expect(page.locator("#note")).to_have_value("said while the line to the server was cut")
    wait_for(lambda: notes(desk) == ["said while the line to the server was cut"])
    page.keyboard.press("Escape")
    expect(page.locator("#bar")).to_contain_text("Ended")


def test_the_web_process_dies_in_mid_call(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, phone = desk.talk(KNOWN)
    expect(page.locator("#bar")).to_contain_text("Talking")
    type_note(page, "before, ")
    wait_for(lambda: notes(desk) == ["before, "])
    desk.kill("web")
    expect(page.locator("#connection")).to_contain_text("Connection lost")
    type_note(page, "and while the web was dead")
    expect(page.locator("#saved")).to_contain_text("not saved yet")
    assert caller.on_the_line, "the call went down with the web process"
    phone.hang_up()
    caller.ended()
    desk.start("web")
    expect(page.locator("#connection")).to_be_hidden()
    expect(page.locator("#note")).to_have_value("before, and while the web was dead")
    wait_for(lambda: notes(desk) == ["before, and while the web was dead"], told="the words did not arrive")
    desk.call("ended", end="completed", by="anna")
    kinds = desk.ask(lambda session: list(session.scalars(select(CallTrace.kind).order_by(CallTrace.id))))
    assert kinds.count("ended_completed") == kinds.count("answered") == kinds.count("offered") == 1
    page.keyboard.press("Escape")
    expect(page.locator("#bar")).to_contain_text("Ended")
    assert desk.count(Call) == desk.count(Touch) == 1


def test_a_field_is_kept_however_often_its_panel_is_refreshed_meanwhile(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, _phone = desk.talk(KNOWN)
    expect(page.locator("#bar")).to_contain_text("Talking")
    field = page.locator(".unknown-field").first
    name = field.get_attribute("id")
    page.route("**/who", lambda _route: None)
    with page.expect_request("**/who"):
        page.evaluate("htmx.trigger('#who', 'desk:refresh')")
    with page.expect_request("**/fill/**"):  # it waits for no refresh
        field.locator("input").fill("Forty-two")
        field.locator("input").blur()
    page.evaluate("htmx.trigger('#who', 'desk:refresh')")
    page.unroute("**/who")  # and lets go what it held
    expect(page.locator(f"#{name}")).to_have_count(0)  # the card has it
    caller.hang_up()


def test_a_refresh_takes_no_field_away_that_is_being_saved(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, _phone = desk.talk(KNOWN)
    expect(page.locator("#bar")).to_contain_text("Talking")
    field = page.locator(".unknown-field").first
    name = field.get_attribute("id")
    held: list[Route] = []
    page.route("**/fill/**", lambda route: held.append(route))  # playwright marks what it calls
    with page.expect_request("**/fill/**"):
        field.locator("input").fill("Forty-two")
        field.locator("input").blur()
    with page.expect_response("**/who"):
        page.evaluate("htmx.trigger('#who', 'desk:refresh')")
    expect(page.locator(f"#{name} input")).to_have_value("Forty-two")
    with page.expect_response("**/who"):  # answered, it is asked for again
        for one in held:
            one.continue_()
    expect(page.locator(f"#{name}")).to_have_count(0)
    caller.hang_up()
