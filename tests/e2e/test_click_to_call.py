"""Click to call: the manager's telephone rings, then the client's; the talk is in the ledger and makes good a miss."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.e2e import hearing
from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import KNOWN, Desk, missed_and_allowed
from tests.e2e.phones import Softphone
from tests.ports import free_port
from webapp.calls.models import BridgeCommand, Call
from webapp.touches.models import Touch

ANNA_HZ, CLIENT_HZ = 1000.0, 440.0


@pytest.fixture
def client_port() -> int:
    return free_port()


@pytest.fixture
def desk(tmp_path: Path, pattern: Desk, clients: None, client_port: int) -> Iterator[Desk]:
    """An office whose line has an account at a PBX: there the client's telephone listens under its number."""
    desk = Desk(tmp_path, SECONDRING_ACCOUNTS=f"desk=office:secret@127.0.0.1:{client_port}")

    try:
        desk.found_like(pattern)
        desk.change(lambda session, office: missed_and_allowed(session))
        desk.start("web")
        desk.start("bridge")
        yield desk
    finally:
        desk.close()


def our_call(desk: Desk, state: str) -> dict[str, Any]:
    """Wait until the call we placed is in `state`."""

    def look() -> dict[str, Any] | None:
        ours = desk.ask(
            lambda session: [
                {"id": call.id, "call_id": call.call_id, "state": call.state, "end": call.end_reason}
                for call in session.scalars(select(Call).where(Call.direction == "out"))
            ]
        )
        assert len(ours) < 2, ours
        return ours[0] if ours and ours[0]["state"] == state else None

    found = wait_for(look, told=f"a call of ours {state}: {desk.log('bridge')}")
    assert found
    return found


def rung_back(desk: Desk, page: Page) -> None:
    """Click on the missed caller's button, twice as people do."""
    page.goto(desk.url + "/desk")
    missed = page.get_by_role("region", name="Missed, not rung back")
    expect(missed).to_contain_text("+7 495 123-45-67")
    missed.get_by_role("button", name="Call Rassvet").dblclick()
    page.wait_for_url("**/desk?touch=*")
    expect(page.locator("#bar")).to_contain_text("+7 495 123-45-67")


def test_a_click_rings_both_and_the_talk_makes_good_what_was_missed(
    desk: Desk, sign_in: SignIn, client_port: int
) -> None:
    desk.ring_long()
    page, mine = sign_in("anna"), desk.softphone("anna", hz=ANNA_HZ)
    theirs = Softphone(desk.folder, KNOWN, client_port, auto=False, hz=CLIENT_HZ)
    desk.things.append(theirs)
    rung_back(desk, page)
    wait_for(mine.rings, told=f"our telephone does not ring: {desk.log('bridge')}")
    assert not theirs.saw("CALL_INCOMING"), "the client is rung before the manager has picked up"
    mine.answer()
    wait_for(theirs.rings, told=f"the client's telephone does not ring: {desk.log('bridge')}")
    our_call(desk, "calling")
    theirs.answer()
    call = our_call(desk, "talking")
    expect(page.locator("#bar")).to_contain_text("Talking")
    expect(page.locator("#bar [data-clock]")).to_have_text(re.compile("0:0[5-9]"))  # so that both have heard something
    assert desk.ask(lambda session: session.scalars(select(Call).where(Call.call_id == "in")).one().missed_closed_at)
    theirs.hang_up()
    call = our_call(desk, "ended")
    assert call["end"] == "completed"
    wait_for(lambda: hearing.seconds_of(mine.heard, CLIENT_HZ) > 0, told="the manager does not hear the client")
    wait_for(lambda: hearing.seconds_of(theirs.heard, ANNA_HZ) > 0, told="the client does not hear the manager")

    kinds = desk.ask(lambda session: list(session.scalars(select(BridgeCommand.kind))))
    assert kinds.count("Dial") == 1, "a double click dialled twice"
    ledger = desk.ledger()
    (row,) = [row for row in ledger["rows"] if row["direction"] == "out"]
    assert (row["manager"], row["client"], row["state"], row["finished"]) == (
        "Anna Petrova",
        "Rassvet",
        "talked",
        False,
    )
    assert (ledger["totals"]["contacts"], ledger["totals"]["incoming_calls"]) == (1, 0)

    head = sign_in("head")
    head.goto(f"{desk.url}/calls/{call['id']}/ladder")
    (path,) = wait_for(lambda: list((desk.folder / "var" / "ladders").rglob(f"{call['call_id']}.json")))
    assert json.loads(path.read_text())[0]["from"] == "desk"
    head.reload()
    expect(head.locator(".ladder-summary")).to_contain_text("Anna Petrova called; the client picked up")
    expect(head.locator(".ladder")).to_contain_text("please ring")


def test_a_client_who_does_not_answer_leaves_an_attempt(desk: Desk, sign_in: SignIn, client_port: int) -> None:
    desk.ring_long()
    page, mine = sign_in("anna"), desk.softphone("anna", auto=True)
    theirs = Softphone(desk.folder, KNOWN, client_port, auto=False)
    desk.things.append(theirs)
    rung_back(desk, page)
    wait_for(theirs.rings, told=f"the client's telephone does not ring: {desk.log('bridge')}")
    theirs.hang_up()  # declines
    assert our_call(desk, "ended")["end"] == "rejected"
    wait_for(lambda: mine.saw("CALL_CLOSED"))
    outcome = desk.ask(lambda session: session.scalars(select(Touch).where(Touch.direction == "out")).one().outcome.key)
    assert outcome == "not_reached"
    page.goto(desk.url + "/desk")
    expect(page.get_by_role("region", name="Missed, not rung back")).to_contain_text("rung back 1 time in vain")
    assert desk.ledger()["totals"]["contacts"] == 0


def test_who_may_not_call_sees_no_button(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in("secretary")
    page.goto(desk.url + "/desk")
    expect(page.get_by_role("region", name="Missed, not rung back")).to_contain_text("+7 495 123-45-67")
    expect(page.locator(".dial-button")).to_have_count(0)
