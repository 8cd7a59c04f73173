"""The head's rules in the browser: a field of his own that the desk asks for, and a step that only he may take."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, Desk
from webapp.rules.models import ExtraValue


def test_the_desk_asks_for_a_field_the_head_has_added(desk: Desk, sign_in: SignIn) -> None:
    head = sign_in("head")
    head.goto(desk.url + "/settings/extra-fields")
    expect(head.locator("#more")).not_to_be_visible()
    head.locator("#name-en").fill("Phone")
    head.locator("#prompt-en").fill("How many storeys has the house?")
    head.locator("#kind").select_option("number")
    head.get_by_role("button", name="Add the field").click()
    expect(head.locator("#name-en-error")).to_contain_text("already")
    expect(head.locator("#prompt-en")).to_have_value("How many storeys has the house?")
    head.locator("#name-en").fill("Storeys")
    head.get_by_role("button", name="Add the field").click()
    expect(head.locator("table.rows")).to_contain_text("Storeys")

    page = sign_in("anna")
    page.set_viewport_size({"width": 1280, "height": 1000})
    caller, _phone = desk.talk(KNOWN)
    asked = page.locator("#fill-extra-storeys")
    while asked.count() == 0:  # it comes in its turn: what stands before it is answered
        first = page.locator(".unknown-field").first
        name = first.get_attribute("id")
        with page.expect_response("**/fill/**"):
            first.locator("input").fill("42")
            first.locator("input").blur()
        page.reload()
        expect(page.locator(f"#{name}")).to_have_count(0)
    expect(asked).to_contain_text("How many storeys has the house?")
    asked.locator("input").fill("many")
    asked.locator("input").blur()
    expect(asked.locator(".filled")).to_contain_text("Type a number")
    asked.locator("input").fill("1 250,5")
    asked.locator("input").blur()
    wait_for(lambda: desk.count(ExtraValue, ExtraValue.text == "1250.5") == 1, told="the number to be kept")
    caller.hang_up()
    page.goto(desk.url + "/clients")
    page.locator("#q").fill("1250.5")
    expect(page.locator("a.result")).to_have_count(1)
    expect(page.locator("a.result")).to_contain_text("Rassvet")
    page.locator("a.result").click()
    expect(page.locator("#card-extra-storeys")).to_have_value("1,250.5")


def test_a_step_the_grid_forbids_is_the_heads_with_a_reason(desk: Desk, sign_in: SignIn) -> None:
    head, anna = sign_in("head"), sign_in("anna")
    anna.goto(desk.url + "/clients/1")
    anna.locator("#card-status").select_option(label="Potential")
    expect(anna.locator("#card-status-told")).to_contain_text("saved")
    head.goto(desk.url + "/settings/steps/status")
    for name in ("Casual", "Active", "VIP"):
        head.get_by_role("checkbox", name=f"From Potential to {name}").uncheck()
    head.get_by_role("button", name="Save", exact=True).click()
    expect(head.get_by_role("alert")).to_contain_text("From “Potential” nothing leads on")
    head.get_by_role("checkbox", name="From Potential to Casual").check()
    head.get_by_role("button", name="Save", exact=True).click()
    expect(head.locator(".flash")).to_contain_text("Saved")
    # The manager's page is from before: what it still offers is refused.
    anna.locator("#card-status").select_option(label="VIP")
    expect(anna.locator("#card-status-told")).to_contain_text("The head of sales can make it")
    anna.reload()
    expect(anna.locator("#card-status option")).to_have_text(["—", "Potential", "Casual"])

    head.goto(desk.url + "/clients/1")
    head.locator("#card-status").select_option(label="VIP")
    expect(head.locator("#card-status-told")).to_contain_text("Say why")
    why, said = head.locator("#card-status-why"), head.locator("#card-status-told .error")
    expect(why).to_be_focused()
    under, above = why.bounding_box(), said.bounding_box()
    assert under and above and under["y"] >= above["y"] + above["height"]  # the question can be read while answered
    head.keyboard.type("The owner is our founder's brother")
    head.keyboard.press("Enter")
    expect(head.locator("#card-status-told")).to_contain_text("saved")
    expect(anna.locator("#card-status")).to_have_value(head.locator("#card-status").input_value())
    head.goto(desk.url + "/clients/1/changes")
    expect(head.locator("main")).to_contain_text("The owner is our founder's brother")


def test_a_deal_is_held_until_the_head_approves_it(desk: Desk, sign_in: SignIn) -> None:
    head, anna = sign_in("head"), sign_in("anna")
    anna.goto(desk.url + "/clients/1")
    anna.locator("#deal-title").fill("Forty windows")
    with anna.expect_response(lambda answer: answer.url.endswith("/aside")):  # the part comes anew for everybody
        anna.get_by_role("button", name="Open a deal").click()
    deal = anna.locator(".deals li", has_text="Forty windows")
    expect(deal).to_be_visible()
    deal.locator("summary").click()
    with anna.expect_response(lambda answer: answer.url.endswith("/aside")):
        deal.get_by_label("Way of paying").select_option(label="Through a third party (forbidden)")
    expect(deal).to_contain_text("forbidden way of paying: Through a third party")
    deal.get_by_role("button", name="Move").click()
    expect(deal).to_contain_text("held until management approves")
    head.goto(desk.url + "/desk")
    head.get_by_role("link", name="Show and approve them").click()
    head.wait_for_url("**/deals?stage=held")  # and until the page's programs listen to its keys
    deal = head.locator("[data-held]", has_text="Forty windows")
    deal.get_by_label("may go on").press("Enter")
    expect(deal).to_contain_text("Say why the deal may go on")
    expect(deal.get_by_label("may go on")).to_be_focused()
    head.keyboard.type("They have paid us so for years")
    head.keyboard.press("Enter")
    expect(deal).to_contain_text("approved")
    expect(head.locator("#waiting")).to_be_empty()
    head.goto(desk.url + "/clients/1")
    expect(head.locator(".deals li", has_text="Forty windows")).to_contain_text("Approved by")
    mine = anna.locator(".deals li", has_text="Forty windows")
    expect(mine).to_contain_text("They have paid us so for years")
    mine.get_by_role("button", name="Move").click()
    expect(mine).to_contain_text("Offer sent")
