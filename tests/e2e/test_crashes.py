"""The bridge killed after the offer; the web process away while calls come."""

from __future__ import annotations

from playwright.sync_api import expect
from sqlalchemy import select

from sipbridge import standing
from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, Desk
from webapp.calls.models import Call, CallTrace
from webapp.touches.models import Touch


def trace(desk: Desk) -> list[str]:
    """What happened, in the order it was told."""
    return desk.ask(lambda session: list(session.scalars(select(CallTrace.kind).order_by(CallTrace.id))))


def test_the_bridge_dies_after_the_offer(desk: Desk, sign_in: SignIn) -> None:
    desk.ring_long()
    page = sign_in("anna")
    phone = desk.softphone("anna")
    caller = desk.caller(KNOWN)
    expect(page.locator("#bar")).to_contain_text("Ringing")
    wait_for(phone.rings)
    desk.kill("bridge")
    caller.close()
    desk.start("bridge")
    desk.call("ended", end="failed", missed=True)
    expect(page.locator("#bar")).not_to_contain_text("Ringing")
    told = trace(desk)
    assert told.count("offered") == told.count("ended_failed") == 1
    assert desk.count(Call) == desk.count(Touch) == 1
    page.goto(desk.url + "/desk")
    expect(page.get_by_role("region", name="Missed, not rung back").locator("li")).to_have_count(1)

    # And the next call goes its way.
    phone.hang_up() if phone.rings() else None
    again = desk.caller(KNOWN)
    phone.answer()
    expect(page.locator("#bar")).to_contain_text("Talking")
    again.hang_up()
    wait_for(lambda: [call["end"] for call in desk.calls()] == ["failed", "completed"])


def test_five_calls_come_while_the_web_is_down(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("anna")
    phone = desk.softphone("anna", auto=True)
    kept = desk.folder / "var" / "bridge" / "standing.json"
    extension = f"sip:anna@127.0.0.1:{desk.ports['anna']}"
    wait_for(lambda: kept.exists() and extension in kept.read_text(), told=f"no standing plan in {kept.parent}")
    assert standing.load(kept)
    desk.kill("web")
    numbers = [f"+7495111000{n}" for n in range(5)]
    for taken, number in enumerate(numbers, start=1):
        caller = desk.caller(number)
        wait_for(lambda taken=taken: phone.saw("CALL_ESTABLISHED") == taken, told="the phone did not ring")  # type: ignore[misc]
        wait_for(lambda caller=caller: len(caller.ears.heard) > 800, told="the caller hears nobody")  # type: ignore[misc]
        caller.hang_up()
    assert desk.calls() == []
    desk.start("web")
    wait_for(lambda: [call["state"] for call in desk.calls()] == ["ended"] * 5, told="the calls did not arrive")
    assert [(call["number"], call["by"]) for call in desk.calls()] == [(number, "anna") for number in numbers]
    assert [row["number"] for row in desk.ledger()["rows"]] == numbers
    told = trace(desk)
    for kind in ("offered", "standing_plan", "answered", "ended_completed"):
        assert told.count(kind) == 5, (kind, told)
    page.goto(desk.url + "/desk")
    expect(page.get_by_role("region", name="My unfinished rows").locator("li")).to_have_count(5)
    desk.stop("web")
    desk.start("web")
    assert desk.count(Call) == desk.count(Touch) == 5
