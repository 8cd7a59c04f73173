"""Caller and manager hear each other, and the recording has kept both."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e import hearing
from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, Desk


def test_both_sides_hear_each_other_and_the_recording_has_both(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    caller, phone = desk.talk(KNOWN, hz=440)
    wait_for(lambda: hearing.seconds_of(caller.ears.heard, 1000) >= 1, told="the caller does not hear the manager")
    phone.hang_up()
    caller.ended()
    assert hearing.seconds_of(phone.heard, 440) >= 0.8, "the manager did not hear the caller"
    assert hearing.seconds_of(phone.heard, 1000) == 0, "the manager heard himself"
    assert hearing.seconds_of(caller.ears.heard, 440) == 0, "the caller heard himself"

    call = wait_for(lambda: next((call for call in desk.calls() if call["recording"]), None))
    assert call
    left, right = hearing.channels(desk.folder / "var" / "recordings" / call["recording"])
    assert hearing.seconds_of(left, 440) >= 0.8, "the left channel is the caller's"
    assert hearing.seconds_of(right, 1000) >= 0.8, "the right channel is the manager's"
    assert hearing.seconds_of(left, 1000) == hearing.seconds_of(right, 440) == 0

    page.goto(f"{desk.url}/calls/{call['id']}")
    source = page.locator("audio").get_attribute("src")
    assert source
    answer = page.request.get(desk.url + source)
    assert (answer.status, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.body() == (desk.folder / "var" / "recordings" / call["recording"]).read_bytes()
    page.evaluate("() => { const a = document.querySelector('audio'); a.preload = 'metadata'; a.load(); }")
    length = wait_for(lambda: page.evaluate("() => document.querySelector('audio').duration || 0"))
    assert abs(length - len(left) / hearing.RATE) < 0.1
    page.goto(f"{desk.url}/clients/1")
    expect(page.locator("audio, a[href*='/recordings/']").first).to_be_attached()
