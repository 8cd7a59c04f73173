"""What a registered softphone dials: a real bridge process, real telephones, a desk that says who may be called."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from sipbridge import pyvoip
from sipbridge.events import (
    CallAnswered,
    CallEnded,
    CallHeld,
    CallOffered,
    CallTransferred,
    CancelTransfer,
    CommandRefused,
    Dial,
    Directory,
    EndReason,
    HangUp,
    Hold,
    JoinCalls,
    PhoneDialled,
    TransferAsked,
)
from tests.e2e import hearing
from tests.sipbridge.office import Office
from tests.sipbridge.standin import Desk
from tests.sipbridge.telephone import Telephone, telephones
from tests.sipbridge.test_bridge_talk import (
    ANNA,
    BORIS,
    CALLER,
    MUSIC,
    NOTICE,
    RINGBACK,
    end_of,
    office,
    plan,
    ready,
    recorded,
    secret,
    soon,
    told,
)

pytestmark = pytest.mark.e2e
__all__ = ["office"]  # a fixture


@contextlib.contextmanager
def softphones(office: Office, desk: Desk, **settings: object) -> Iterator[list[Telephone]]:
    """Anna's and Boris', registered at the bridge."""
    desk.directory = Directory("v1", "office", {name: secret(name, "pw") for name in ("anna", "boris")})
    ready(office, desk, **settings)
    made = [softphone(office, "anna", ANNA), softphone(office, "boris", BORIS)]
    try:
        soon(lambda: all(phone.registered for phone in made), "two registered softphones", 10)
        yield made
    finally:
        for phone in made:
            phone.close()


def softphone(office: Office, login: str, hz: float) -> Telephone:
    return Telephone(hz, pyvoip.Account("mine", login, "pw", "127.0.0.1", office.sip_port))


def put_through(desk: Desk, target: str, line: str = "", **more: object) -> str:
    """Let the desk allow what was dialled last; the call's id."""
    dialled = told(desk, PhoneDialled, len(desk.of(PhoneDialled)) or 1)
    assert isinstance(dialled, PhoneDialled)
    values: dict[str, object] = {"record": False, "notice": "", "waits": True, "internal": not line} | more
    extension, call_id = dialled.extension, dialled.call_id
    desk.ask(Dial(call_id, extension, target, line, "204", hold_music="hold.wav", ring_seconds=20.0, **values))  # type: ignore[arg-type]
    return call_id


def consult(desk: Desk, anna: Telephone, boris: Telephone) -> tuple[str, pyvoip.Leg, pyvoip.Leg]:
    """Anna dials Boris, and they talk; the call's id, her leg and his."""
    hers = anna.dial("boris")
    soon(lambda: desk.of(PhoneDialled), "what was dialled")
    call_id = put_through(desk, "registered:boris")
    his = boris.take()
    soon(lambda: anna.hears(BORIS) and boris.hears(ANNA), "Anna and Boris")
    return call_id, hers, his


def test_a_colleague_is_dialled_and_the_desk_hears_nothing_of_the_talk(office: Office, desk: Desk) -> None:
    with softphones(office, desk) as (anna, boris):
        hers = anna.dial("204")
        dialled = told(desk, PhoneDialled)
        assert isinstance(dialled, PhoneDialled)
        assert (dialled.extension, dialled.number) == ("registered:anna", "204")
        call_id = put_through(desk, "registered:boris")
        soon(lambda: anna.hears(RINGBACK), "Boris' telephone ringing")
        assert boris.shown == ["204"]
        his = boris.take()
        soon(lambda: anna.hears(BORIS) and boris.hears(ANNA), "the talk")
        his.hangup()
        soon(lambda: anna.ended(hers), "Anna to be free")
        soon(lambda: desk.heartbeats and desk.heartbeats[-1]["calls"] == 0, "the call to be over", 10)
        assert desk.kinds(call_id) == ["PhoneDialled"]
        assert list((office.data / "ladders").rglob("*.json")) == []


def test_a_number_is_dialled_recorded_and_told_of(office: Office, desk: Desk) -> None:
    with telephones(CALLER) as (client,):
        trunk = f"trunk=user:pw@127.0.0.1:{client.port}"
        with softphones(office, desk, ACCOUNTS=trunk) as (anna, _):
            hers = anna.dial("84951234567")
            soon(lambda: desk.of(PhoneDialled), "what was dialled")
            call_id = put_through(desk, "tel:+74951234567", "trunk", record=True, notice="notice.wav")
            soon(lambda: anna.hears(RINGBACK), "the client's telephone ringing")
            client.take()
            soon(lambda: client.hears(NOTICE) and anna.hears(NOTICE), "the notice")
            soon(lambda: client.hears(ANNA) and anna.hears(CALLER), "the talk")
            desk.ask(Hold(call_id))
            soon(lambda: client.hears(MUSIC), "music")
            hers.hangup()
            assert end_of(desk, call_id).end_reason is EndReason.COMPLETED
            _, (left, right) = recorded(office, desk)
            assert hearing.seconds_of(left, CALLER) > 0 and hearing.seconds_of(right, ANNA) > 0
            wanted = ["PhoneDialled", "CallPlaced", "ClientRinging", "NoticePlayed", "CallAnswered", "CallHeld"]
            assert desk.kinds(call_id)[:6] == wanted


def test_what_the_desk_does_not_want_is_refused(office: Office, desk: Desk) -> None:
    with softphones(office, desk) as (anna, _):
        hers = anna.dial("+79001234567")
        dialled = told(desk, PhoneDialled)
        assert isinstance(dialled, PhoneDialled)
        desk.ask(HangUp(dialled.call_id))
        soon(lambda: anna.ended(hers) == pyvoip.Ended(603, "rejected"), "a refusal")
        assert desk.of(CommandRefused) == []


def test_a_desk_that_is_silent_is_not_waited_for(office: Office, desk: Desk) -> None:
    with softphones(office, desk) as (anna, _):
        hers = anna.dial("204")
        soon(lambda: anna.ended(hers), "a refusal", 8)
        assert anna.ended(hers) == pyvoip.Ended(503, "unreachable")
        put_through(desk, "registered:boris")
        refused = told(desk, CommandRefused)
        assert isinstance(refused, CommandRefused) and refused.why == "no_phone"


def test_who_gives_up_before_the_desk_has_decided_is_not_put_through(office: Office, desk: Desk) -> None:
    with softphones(office, desk) as (anna, boris):
        hers = anna.dial("204")
        soon(lambda: desk.of(PhoneDialled), "what was dialled")
        hers.hangup()
        soon(lambda: anna.ended(hers), "the softphone on the hook")
        put_through(desk, "registered:boris")
        refused = told(desk, CommandRefused)
        assert isinstance(refused, CommandRefused) and refused.why == "no_phone"
        assert not boris.shown


def test_who_gives_up_while_it_rings_stops_the_ringing(office: Office, desk: Desk) -> None:
    with softphones(office, desk) as (anna, boris):
        hers = anna.dial("204")
        soon(lambda: desk.of(PhoneDialled), "what was dialled")
        put_through(desk, "registered:boris")
        soon(lambda: boris.ringing and anna.hears(RINGBACK), "Boris' telephone")
        hers.hangup()
        soon(lambda: not boris.ringing, "the ringing to stop")


def test_a_colleague_without_a_telephone(office: Office, desk: Desk) -> None:
    with softphones(office, desk) as (anna, _):
        hers = anna.dial("vera")
        soon(lambda: desk.of(PhoneDialled), "what was dialled")
        put_through(desk, "registered:vera")
        soon(lambda: anna.ended(hers), "a refusal")
        end = anna.ended(hers)
        assert end is not None and end.code == 480
        refused = told(desk, CommandRefused)
        assert isinstance(refused, CommandRefused) and refused.why == "no_phone"


def test_a_bridge_that_is_full_refuses(office: Office, desk: Desk) -> None:
    with telephones(CALLER) as (caller,), softphones(office, desk, MAX_CALLS=1) as (anna, boris):
        desk.plan = lambda call: plan("registered:boris")
        caller.call(office.address)
        boris.take()
        told(desk, CallAnswered)
        hers = anna.dial("204")
        soon(lambda: anna.ended(hers) == pyvoip.Ended(503, "unreachable"), "a refusal")
        assert desk.of(PhoneDialled) == []


def test_who_is_not_registered_is_a_caller_whatever_name_he_gives(office: Office, desk: Desk) -> None:
    with telephones(CALLER) as (stranger,), softphones(office, desk) as (anna, _):
        desk.plan = lambda call: plan("registered:anna")
        theirs = stranger.call(office.address, "anna")
        anna.take()
        soon(lambda: stranger.hears(ANNA), "a caller's talk")
        offered = told(desk, CallOffered)
        assert isinstance(offered, CallOffered) and offered.caller_number == "anna"
        assert desk.of(PhoneDialled) == []
        theirs.hangup()
        end_of(desk, offered.call_id)


def test_attended_by_refer_the_colleague_has_the_caller_and_may_go_on(office: Office, desk: Desk) -> None:
    with telephones(CALLER) as (caller,), softphones(office, desk) as (anna, boris):
        desk.plan = lambda call: plan("registered:anna", record=True)
        theirs = caller.call(office.address)
        hers = anna.take()
        answered = told(desk, CallAnswered)
        assert isinstance(answered, CallAnswered)
        soon(lambda: caller.hears(ANNA), "the talk")
        hers.hold()
        soon(lambda: caller.hears(MUSIC), "music")
        told(desk, CallHeld)
        internal, hers_too, his = consult(desk, anna, boris)
        assert caller.hears(MUSIC)
        anna.pass_on(hers, "sip:boris@127.0.0.1", hers_too)
        asked = told(desk, TransferAsked)
        assert isinstance(asked, TransferAsked)
        assert (asked.call_id, asked.other_call_id) == (answered.call_id, internal)
        desk.ask(JoinCalls(asked.call_id, asked.other_call_id))
        soon(lambda: caller.hears(BORIS) and boris.hears(CALLER), "the caller with Boris")
        soon(lambda: anna.ended(hers) and anna.ended(hers_too), "Anna to be free")
        transferred = told(desk, CallTransferred)
        assert isinstance(transferred, CallTransferred) and transferred.target == "registered:boris"
        desk.ask(Hold(answered.call_id))
        soon(lambda: caller.hears(MUSIC), "music again, from Boris' page")
        assert not boris.ended(his)
        theirs.hangup()
        assert end_of(desk, answered.call_id).end_reason is EndReason.COMPLETED
        soon(lambda: boris.ended(his), "Boris to be free")
        assert [end.call_id for end in desk.of(CallEnded)] == [answered.call_id]
        _, (left, right) = recorded(office, desk)
        assert hearing.seconds_of(left, CALLER) > 0
        assert hearing.seconds_of(right, ANNA) > 0 and hearing.seconds_of(right, BORIS) > 0


def test_a_colleagues_own_call_is_not_taken_from_him(office: Office, desk: Desk) -> None:
    with telephones(CALLER) as (caller,), softphones(office, desk) as (anna, boris):
        desk.plan = lambda call: plan("registered:anna")
        caller.call(office.address)
        anna.take()
        answered = told(desk, CallAnswered)
        assert isinstance(answered, CallAnswered)
        boris.dial("anna")
        soon(lambda: desk.of(PhoneDialled), "what was dialled")
        call_id = put_through(desk, "registered:anna")
        anna.take()
        soon(lambda: boris.hears(ANNA), "Anna and Boris")
        desk.ask(JoinCalls(answered.call_id, call_id))
        refused = told(desk, CommandRefused)
        assert isinstance(refused, CommandRefused) and refused.why == "failed"
        assert caller.hears(ANNA) and boris.hears(ANNA)


def test_a_transfer_the_desk_forbids_leaves_her_with_both(office: Office, desk: Desk) -> None:
    with telephones(CALLER) as (caller,), softphones(office, desk) as (anna, boris):
        desk.plan = lambda call: plan("registered:anna")
        caller.call(office.address)
        hers = anna.take()
        answered = told(desk, CallAnswered)
        assert isinstance(answered, CallAnswered)
        hers.hold()
        soon(lambda: caller.hears(MUSIC), "music")
        _, hers_too, _ = consult(desk, anna, boris)
        anna.pass_on(hers, "sip:boris@127.0.0.1", hers_too)
        told(desk, TransferAsked)
        desk.ask(CancelTransfer(answered.call_id))
        hers.resume()
        soon(lambda: boris.hears(ANNA) and caller.hears(ANNA), "both with Anna")
        assert desk.of(CallTransferred) == [] and not anna.ended(hers) and not anna.ended(hers_too)
