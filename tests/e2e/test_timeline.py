"""The card's timeline in a real browser: keys choose the kinds and stay in the address; a recording plays in place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e.conftest import SignIn
from tests.e2e.hearing import write_tone
from tests.e2e.office import KNOWN, Desk
from webapp import clock
from webapp.calls.models import Call
from webapp.clients import cards
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.office.models import Office
from webapp.recordings.models import Recording
from webapp.touches.models import Touch


def test_keys_choose_and_a_recording_goes_on_playing(desk: Desk, sign_in: SignIn) -> None:
    folder = desk.folder / "var" / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    write_tone(folder / "talk.wav", 440, 20)

    def past(session: Any, office: Office) -> None:
        now = clock.now()
        rassvet = session.scalars(select(Client).where(Client.name == "Rassvet")).one()
        call = Call(
            call_id="past", number=KNOWN, offered_at=now - timedelta(hours=1), answered_at=now, state="ended",
            client_id=rassvet.id, rings=2, talk_seconds=20, end_reason="completed",
        )  # fmt: skip
        session.add(call)
        session.flush()
        session.add(Recording(call_id=call.id, path="talk.wav", seconds=20, ready_at=now, stored_at=now))
        for number in range(70):
            at = now - timedelta(days=1, minutes=number)
            session.add(Touch(started_at=at, client_id=rassvet.id, door="mail", note=f"letter-{number:02}."))

    desk.change(past)
    page = sign_in("anna")
    page.goto(desk.url + "/clients/1")
    history = page.locator("#history")
    expect(history).to_contain_text("letter-00.")
    player = history.locator("[data-player]").first
    player.locator("[data-play]").click()
    expect(player).to_have_attribute("data-playing", "")
    page.wait_for_function("() => document.querySelector('#history audio').currentTime > 0.5")

    history.get_by_role("button", name="Older").click()
    expect(history).to_contain_text("letter-45.")

    def told(session: Any, office: Office) -> None:
        rassvet = session.scalars(select(Client).where(Client.name == "Rassvet")).one()
        cards.update_field(session, rassvet, None, "volume", "40 t", Author(None, clock.now()), "RU")

    desk.change(told)
    expect(page.locator("#card-volume")).to_have_value("40 t")
    with page.expect_response(lambda answer: "/history" in answer.url):
        desk.change(lambda session, office: told_again(session))
    expect(history).to_contain_text("letter-45.")
    before = page.evaluate("() => document.querySelector('#history audio').currentTime")
    page.wait_for_function(f"() => document.querySelector('#history audio').currentTime > {before}")

    page.locator("#show-call").uncheck(force=True)
    expect(history.locator("[data-player]")).to_have_count(0)
    page.locator("#show-change").check(force=True)
    expect(history).to_contain_text("40 t")
    assert "show=change" in page.url and "show=call" not in page.url and "/clients/1?" in page.url
    page.reload()
    expect(history).to_contain_text("40 t")
    expect(page.locator("#show-call")).not_to_be_checked()
    history.get_by_role("link", name="Change log").click()
    expect(page.locator("h1")).to_have_text("Change log")
    expect(page.locator(".change-log")).to_contain_text("Volume")


def told_again(session: Any) -> None:
    """Another change, so that the timeline is drawn anew."""
    rassvet = session.scalars(select(Client).where(Client.name == "Rassvet")).one()
    cards.update_field(session, rassvet, None, "delivery", "by rail", Author(None, clock.now()), "RU")
