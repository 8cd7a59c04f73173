"""The office's PBX dies in the middle of calls and comes back knowing nobody: who talks goes on talking."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from tests.e2e import hearing
from tests.e2e.callers import Callers, books
from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import HOLD_HZ, KNOWN, UNKNOWN, Desk
from tests.e2e.pbx import Pbx
from tests.e2e.phones import Caller, Softphone, needs
from tests.e2e.test_faults import GIVE_UP, LISTEN, assert_whole, waiting
from tests.e2e.test_hold import hears, talking
from webapp import clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients import cards
from webapp.clients.changes import Author
from webapp.office.models import Office
from webapp.presence import marking

pytestmark = needs("kamailio")
ANNA_HZ, BORIS_HZ = 1000.0, 1250.0
OF_BORIS = "+74952223344"


@pytest.fixture
def pbx(tmp_path: Path) -> Iterator[Pbx]:
    """It wants to hear every few seconds of who is registered."""
    one = Pbx(tmp_path, expires=8)
    try:
        one.start()
        yield one
    finally:
        one.kill()


@pytest.fixture
def desk(tmp_path: Path, pattern: Desk, clients: None, pbx: Pbx) -> Iterator[Desk]:
    """An office whose line and whose Anna are registered at the PBX. Boris, who has a client, is reached without it."""
    desk = Desk(tmp_path, SECONDRING_ACCOUNTS=f"desk=desk:{pbx.password}@{pbx.sip}")
    try:
        desk.found_like(pattern)
        desk.ring_long()

        def connect(session: Any, office: Office) -> None:
            staff = {user.login: user for user in session.scalars(select(User))}
            staff["anna"].extension = f"sip:anna@{pbx.sip}"
            cards.create(session, {"name": "Kvarts", "phone": OF_BORIS}, Author(staff["boris"], clock.now()), "RU")

        desk.change(connect)
        desk.start("web")
        yield desk
    finally:
        desk.close()


@pytest.fixture
def softphone(desk: Desk, pbx: Pbx) -> Softphone:
    """Anna's, registered at the PBX; it picks up by itself."""
    phone = Softphone(desk.folder, "anna", desk.ports["anna"], auto=True, hz=ANNA_HZ, account=pbx.account("anna"))
    desk.things.append(phone)
    wait_for(lambda: phone.saw("REGISTER_OK"), told="Anna's softphone does not register")
    return phone


def through(pbx: Pbx, desk: Desk, number: str) -> Caller:
    """A caller who comes through the PBX and hears it ring."""
    calls = desk.count(Call)
    caller = Caller(desk.folder, pbx.sip, number, longest=900)
    desk.things.append(caller)
    wait_for(lambda: desk.count(Call) > calls, told="the call does not arrive")
    return caller


def held_and_talking(pbx: Pbx, desk: Desk, anna: Page) -> tuple[Caller, Caller]:
    """Anna's two callers: the one hears music, the other her. Boris, whom the second would ring first, is away."""
    held = through(pbx, desk, KNOWN)
    talking(anna)
    anna.keyboard.press("z")
    hears(held, HOLD_HZ)
    desk.change(lambda session, office: marking.away(session, boris_of(session), clock.now()))
    other = through(pbx, desk, UNKNOWN)
    talking(anna)
    hears(other, ANNA_HZ)
    return held, other


def boris_is_back(desk: Desk) -> None:
    desk.change(lambda session, office: marking.back(session, boris_of(session), clock.now()))


def boris_of(session: Any) -> Any:
    return session.scalars(select(User).where(User.login == "boris")).one()


def line_is(page: Page, words: str, seconds: float) -> None:
    row = page.locator("section", has=page.locator("#lines-title")).locator("tbody tr", has_text="desk")
    expect(row.locator(".state")).to_have_text(words, timeout=seconds * 1000)


def states(desk: Desk) -> list[str]:
    return [call["state"] for call in desk.calls()]


def test_who_talks_through_a_pbx_that_dies_goes_on_talking(
    desk: Desk, pbx: Pbx, sign_in: SignIn, softphone: Softphone
) -> None:
    desk.start("bridge")
    boris = desk.softphone("boris", hz=BORIS_HZ)
    head, anna = sign_in("head"), sign_in("anna")
    head.goto(desk.url + "/telephones")
    line_is(head, "registered", 15)
    held, talks = held_and_talking(pbx, desk, anna)
    boris_is_back(desk)
    rings = through(pbx, desk, OF_BORIS)
    wait_for(boris.rings, told="the second manager's telephone rings")

    pbx.kill()
    hears(held, HOLD_HZ)
    hears(talks, ANNA_HZ)
    line_is(head, "not registered", 30)
    boris.answer()  # which the caller can't be told for now
    anna.keyboard.press("g")  # nor Anna's softphone that she changes callers
    hears(talks, HOLD_HZ)

    pbx.start()
    began = time.monotonic()
    line_is(head, "registered", 35)
    print(f"registered {time.monotonic() - began:.1f} s after the return")
    hears(rings, BORIS_HZ)
    hears(held, ANNA_HZ)
    hears(talks, HOLD_HZ)
    anna.keyboard.press("g")
    hears(talks, ANNA_HZ)
    hears(held, HOLD_HZ)
    for caller in (held, talks, rings):
        caller.hang_up()
    wait_for(lambda: states(desk) == ["ended"] * 3, told=f"the calls to end: {desk.calls()}")
    assert [(call["by"], call["end"]) for call in desk.calls()] == [
        ("anna", "completed"),
        ("anna", "completed"),
        ("boris", "completed"),
    ]
    assert_whole(books(desk, {KNOWN, UNKNOWN, OF_BORIS}), 3)


def test_who_hangs_up_unheard_leaves_no_call_open(
    desk: Desk, pbx: Pbx, sign_in: SignIn, softphone: Softphone, soaking: bool
) -> None:
    """Callers and Anna hang up while the PBX is away. In the long form the bridge has the patience it ships with."""
    desk.start("bridge", *(("sipbridge",) if soaking else ("tests.e2e.impatient", "12")))
    boris = desk.softphone("boris", auto=True, hz=BORIS_HZ)
    if soaking:
        hearing.write_tone(boris.folder / "tone.wav", BORIS_HZ, 900)  # baresip hangs up when it has no more to say
    anna = sign_in("anna")
    held, leaves = held_and_talking(pbx, desk, anna)
    left = through(pbx, desk, "+74950000001")  # whom Anna leaves
    hears(left, ANNA_HZ)
    boris_is_back(desk)
    stays = through(pbx, desk, OF_BORIS)
    hears(stays, BORIS_HZ)

    pbx.kill()
    softphone.hang_up()
    held.close()
    leaves.close()
    began = time.monotonic()
    seconds = 590 if soaking else 20
    over = lambda: sorted(states(desk)) == ["ended"] * 3 + ["talking"]  # noqa: E731
    wait_for(over, max(seconds, 60), "calls that are over to end")
    print(f"noticed {time.monotonic() - began:.1f} s after the last hung up")
    wait_for(lambda: time.monotonic() > began + seconds, seconds + 1)
    assert desk.calls()[-1]["state"] == "talking", "who talks goes on talking"
    hears(stays, BORIS_HZ)
    boris.hang_up()
    wait_for(lambda: states(desk) == ["ended"] * 4)
    assert_whole(books(desk, {KNOWN, UNKNOWN, OF_BORIS, "+74950000001"}), 4)


@pytest.mark.soak
def test_killed_again_and_again_while_many_call(desk: Desk, pbx: Pbx, tmp_path: Path) -> None:
    """Nobody at the telephones; callers give up, or listen to the greeting."""
    desk.change(lambda session, office: setattr(office, "answer_on_ring", 2))
    desk.change(lambda session, office: setattr(office, "ring_seconds", 0.5))
    desk.start("bridge")
    crowds = [
        Callers(pbx.sip, tmp_path, scenario, prefix, calls=100_000, rate=rate, pause=0.3)
        for scenario, prefix, rate in ((GIVE_UP, "+7495", 4), (LISTEN, "+7812", 1))
    ]
    try:
        for _ in range(10):
            calls = len(crowds[0].numbers("180"))
            wait_for(lambda calls=calls: len(crowds[0].numbers("180")) > calls + 5, 45, "nobody comes through")  # type: ignore[misc]
            pbx.kill()
            pbx.start()
    finally:
        for crowd in crowds:
            crowd.close()
    heard = set().union(*(crowd.numbers("180") for crowd in crowds))
    wait_for(lambda: waiting(desk) == 0, 240, "calls whose end was not heard to end")
    assert_whole(books(desk, heard), 50)
