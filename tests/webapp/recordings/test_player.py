"""The player in a real browser: it plays what is stored, and everything works from the keyboard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from tests.webapp.conftest import PASSWORD, Clock
from tests.webapp.recordings.conftest import RATE, MakeRecording, dialogue
from webapp.accounts.models import User
from webapp.recordings import store

pytestmark = pytest.mark.databases("sqlite")  # one is enough for a player

SECONDS = len(dialogue()) / 4 / RATE


@pytest.fixture
def page(app: Flask, office: dict[str, User], browser: Browser) -> Iterator[Page]:
    """Anna's browser, signed in at a server of its own."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.server_port}")
    page = context.new_page()
    try:
        page.goto("/login")
        page.fill("input[name=login]", "anna")
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/login" not in url)
        yield page
    finally:
        context.close()
        server.shutdown()
        thread.join(10)


def test_the_player_jumps_and_plays(
    page: Page, session: Session, folder: Path, clock: Clock, make_recording: MakeRecording
) -> None:
    recording = make_recording("c1")
    store.store_all(session, folder, clock(), lambda: True)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(f"/calls/{recording.call_id}", wait_until="domcontentloaded")
    place = page.get_by_label("Place in the recording")
    expect(page.locator("svg.wave")).to_be_visible()
    expect(page.locator("#recording audio")).to_be_hidden()

    place.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-time]")).to_have_text("0:10")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-time]")).to_have_text("0:05")
    page.get_by_role("button", name="1.5×").click()
    expect(page.get_by_role("button", name="1.5×")).to_have_attribute("aria-pressed", "true")
    page.evaluate("document.querySelector('#recording audio').muted = true")
    page.get_by_role("button", name="Play").click()
    expect(page.locator("[data-time]")).not_to_have_text("0:05")
    sound = page.evaluate(
        "(() => { const a = document.querySelector('#recording audio'); return [a.duration, a.playbackRate]; })()"
    )
    assert abs(sound[0] - SECONDS) < 0.1 and sound[1] == 1.5
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Play")).to_be_visible()

    box = page.locator(".wave-box").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + 10)
    at = page.evaluate("document.querySelector('#recording audio').currentTime")
    assert abs(at - 0.75 * SECONDS) < 0.05 * SECONDS, "a click on the picture goes there"
    assert not broken


def test_without_scripts_the_browsers_own_player_is_there(
    browser: Browser, page: Page, make_recording: MakeRecording
) -> None:
    recording = make_recording("c1")
    plain = browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    try:
        bare = plain.new_page()
        bare.goto(page.url.rsplit("/", 1)[0] + f"/calls/{recording.call_id}", wait_until="domcontentloaded")
        expect(bare.locator("#recording audio[controls]")).to_be_visible()
        expect(bare.locator("[data-bar]")).to_be_hidden()
    finally:
        plain.close()
