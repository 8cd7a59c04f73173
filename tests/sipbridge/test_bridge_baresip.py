"""A manager's real softphone, baresip: holds, resumes, and passes callers on by REFER."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sipbridge.events import (
    CallAnswered,
    CallHeld,
    CallResumed,
    CallTransferred,
    CancelTransfer,
    Hold,
    Resume,
    Transfer,
    TransferAsked,
)
from tests.e2e.phones import Softphone, missing
from tests.ports import free_port
from tests.sipbridge.office import Office
from tests.sipbridge.standin import Desk
from tests.sipbridge.telephone import telephones
from tests.sipbridge.test_bridge_talk import ANNA, BORIS, CALLER, MUSIC, end_of, office, plan, ready, soon, told

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(missing(["baresip"])), reason="LEFT OUT: baresip is missing"),
]
__all__ = ["office"]  # a fixture


class Baresip(Softphone):
    """Anna's; it picks up by itself."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        super().__init__(folder, "anna", port, auto=True, hz=ANNA)
        self.uri = f"sip:anna@127.0.0.1:{port}"
        self.say = self._say

    def kinds(self) -> list[str]:
        return [str(event.get("type")) for event in list(self._events)]


@pytest.fixture
def anna(tmp_path: Path) -> Iterator[Baresip]:
    phone = Baresip(tmp_path)
    yield phone
    phone.close()


def test_hold_and_resume_both_ways(office: Office, desk: Desk, anna: Baresip) -> None:
    with telephones(CALLER) as (caller,):
        desk.plan = lambda call: plan(anna.uri)
        ready(office, desk)
        theirs = caller.call(office.address)
        answered = told(desk, CallAnswered)
        assert isinstance(answered, CallAnswered)
        soon(lambda: caller.hears(ANNA), "the talk")
        anna.say("hold")
        soon(lambda: caller.hears(MUSIC), "music")
        told(desk, CallHeld)
        anna.say("resume")
        soon(lambda: caller.hears(ANNA), "the talk again")
        told(desk, CallResumed)
        desk.ask(Hold(answered.call_id))
        soon(lambda: caller.hears(MUSIC), "music")
        desk.ask(Resume(answered.call_id))
        soon(lambda: caller.hears(ANNA), "the talk again")
        told(desk, CallResumed, 2)
        theirs.hangup()
        end_of(desk, answered.call_id)
        assert [event.by for event in desk.of(CallHeld)] == ["phone", "page"]


def test_passed_on_by_refer_when_the_desk_allows(office: Office, desk: Desk, anna: Baresip) -> None:
    with telephones(CALLER, BORIS) as (caller, boris):
        desk.plan = lambda call: plan(anna.uri)
        ready(office, desk)
        theirs = caller.call(office.address)
        answered = told(desk, CallAnswered)
        assert isinstance(answered, CallAnswered)
        soon(lambda: caller.hears(ANNA), "the talk")
        anna.say("transfer", "sip:forbidden@127.0.0.1")
        asked = told(desk, TransferAsked)
        assert isinstance(asked, TransferAsked)
        assert (asked.extension, asked.target) == (anna.uri, "sip:forbidden@127.0.0.1")
        desk.ask(CancelTransfer(answered.call_id))
        # baresip hangs up when a transfer fails; the caller is not lost for it.
        soon(lambda: anna.saw("CALL_ESTABLISHED") == 2, "the softphone to be rung again")
        told(desk, CallResumed)
        soon(lambda: caller.hears(ANNA), "the talk goes on")
        closed = anna.saw("CALL_CLOSED")
        anna.say("transfer", "sip:204@127.0.0.1")
        told(desk, TransferAsked, 2)
        desk.ask(Transfer(answered.call_id, boris.uri, "", False, 20.0))
        boris.take()
        soon(lambda: caller.hears(BORIS) and boris.hears(CALLER), "caller and Boris")
        told(desk, CallTransferred)
        soon(lambda: anna.saw("CALL_CLOSED") > closed, "Anna's softphone to be free")
        theirs.hangup()
        end_of(desk, answered.call_id)
