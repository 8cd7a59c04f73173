"""Nobody is lost: the caller who gives up, the manager who is busy, and the hour when nobody picks up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from tests.e2e import hearing
from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import APOLOGY_HZ, GREETING_HZ, KNOWN, UNKNOWN, Desk
from webapp.office.models import Office
from webapp.recordings.models import Recording
from webapp.tasks.models import Task


def test_who_gives_up_is_missed_and_no_phone_rings_on(desk: Desk, sign_in: SignIn) -> None:
    desk.ring_long()
    page = sign_in("anna")
    phone = desk.softphone("anna")
    caller = desk.caller(KNOWN, scenario="give_up")
    expect(page.locator("#bar")).to_contain_text("Ringing")
    wait_for(phone.rings)
    caller.give_up()
    wait_for(lambda: phone.saw("CALL_CLOSED"), told="the softphone rings on")
    assert not phone.rings()
    desk.call("ended", end="abandoned", missed=True)
    page.goto(desk.url + "/desk")
    missed = page.get_by_role("region", name="Missed, not rung back")
    expect(missed.locator("li")).to_have_count(1)
    expect(missed).to_contain_text("+7 495 123-45-67")
    expect(missed).to_contain_text("Rassvet")
    assert desk.ledger()["totals"]["missed"] == 1


@pytest.mark.parametrize("status", ["486 Busy Here", "603 Decline"])
def test_when_the_duty_manager_refuses_the_backup_is_rung(desk: Desk, sign_in: SignIn, status: str) -> None:
    desk.ring_long()
    anna, boris = sign_in("anna"), sign_in("boris")
    desk.refusing("anna", status)
    phone = desk.softphone("boris")
    caller = desk.caller(UNKNOWN)
    expect(boris.locator("#bar")).to_contain_text("Ringing")
    expect(boris.locator("#bar")).to_contain_text("+7 495 999-00-11")
    phone.answer()
    desk.call("talking", by="boris")
    expect(boris.locator("#bar")).to_contain_text("Talking")
    expect(anna.locator("#bar")).not_to_contain_text("+7 495 999-00-11")
    caller.hang_up()
    assert desk.ledger()["rows"][0]["manager"] == "Boris Ivanov"
    boris.goto(f"{desk.url}/calls/{desk.call('ended')['id']}")
    word = "busy" if status.startswith("486") else "declined"
    expect(boris.locator(".trace")).to_contain_text(f"Anna Petrova {'was ' if word == 'busy' else ''}{word}")


def test_who_finds_nobody_hears_greeting_and_apology_leaves_word_and_is_promised_a_call(
    desk: Desk, sign_in: SignIn
) -> None:
    def hasten(session: Any, office: Office) -> None:
        office.step_seconds = 1.5

    desk.change(hasten)
    hearing.write_tone(desk.folder / "var" / "sounds" / "message.en.wav", APOLOGY_HZ, 0.8)
    recordings = desk.folder / "var" / "recordings"
    page = sign_in("anna")
    phones = [desk.softphone("anna"), desk.softphone("boris")]
    caller = desk.caller(KNOWN)
    expect(page.locator("#bar")).to_contain_text("Greeting")
    wait_for(lambda: any(path.stat().st_size > 80_000 for path in recordings.rglob("*.message.wav")), 20)
    caller.hang_up()
    assert [phone.saw("CALL_INCOMING") for phone in phones] == [1, 1]
    heard = caller.ears.heard
    assert hearing.seconds_of(heard, GREETING_HZ) == pytest.approx(0.8, abs=0.2)
    assert hearing.seconds_of(heard, APOLOGY_HZ) == pytest.approx(0.8, abs=0.2)
    desk.call("ended", end="no_answer", missed=True)

    def promises(session: Any) -> list[tuple[str, str, datetime]]:
        found = session.scalars(select(Task).where(Task.kind == "promise"))
        return [(task.user.login, task.number, task.due_at) for task in found]

    def messages(session: Any) -> list[tuple[str, float]]:
        return [
            (row.path, row.seconds) for row in session.scalars(select(Recording).where(Recording.kind == "message"))
        ]

    [(path, seconds)] = wait_for(lambda: desk.ask(messages), told="no message arrived") or [("", 0.0)]
    assert seconds > 1.0 and hearing.seconds_of(hearing.channels(recordings / path)[0], 440) > 0.5
    [(keeper, number, due)] = desk.ask(promises)
    assert (keeper, number) == ("anna", KNOWN)
    left = due - datetime.now(UTC)
    assert timedelta(minutes=9) < left <= timedelta(minutes=10)
    page.goto(desk.url + "/desk")
    expect(page.get_by_role("region", name="Promised calls").locator("li")).to_have_count(1)
    expect(page.get_by_role("region", name="Missed, not rung back").locator("li")).to_have_count(1)
