"""What the telephone side keeps of requests and calls that are over: little, not for long, never without a bound."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from sipbridge.media.hub import Hub
from sipbridge.pyvoip import Leg
from sipbridge.pyvoip import client as signalling
from sipbridge.pyvoip import endpoint as telephone_side
from sipbridge.pyvoip.message import Message

from .conftest import Office, Phone, until

LONG = 33.0  # seconds, more than 64*T1


def entries(office: Office) -> dict[str, int]:
    """How much is remembered of what."""
    sip = office.endpoint.sip
    with sip.lock:
        return {
            "transactions of others": len(sip._servers),
            "bytes of answers": sip._remembered,
            "invites": len(sip._invites),
            "transactions of ours": len(sip._clients),
            "dialogs": len(sip.dialogs),
            "telephones being called": len(sip.dialled),
            "legs": len(office.endpoint.legs),
            "inbound": office.endpoint._inbound,
            "timers": len([timer for _, _, timer in sip.timers._heap if timer.action is not None]),
        }


def nothing(office: Office) -> bool:
    return not any(entries(office).values())


def requests_alive(call_id: str) -> int:
    gc.collect()
    return sum(isinstance(each, Message) and each.call_id == call_id for each in gc.get_objects())


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Nobody looks for cycles of garbage."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_calls_of_every_kind_leave_nothing(office: Office, make_phone: Callable[..., Phone], hub: Hub) -> None:
    ports, sockets = len(office.endpoint._ports), len(hub._readers)
    legs: list[weakref.ref[Leg]] = []
    for number in range(24):
        phone = make_phone(office)
        phone.invite()
        leg = office.call()
        legs.append(weakref.ref(leg))
        match number % 6:
            case 0:  # talks, the caller hangs up
                leg.answer()
                phone.expect(200)
                phone.send("ACK")
                phone.send("BYE", 2)
                phone.expect(200)
            case 1:  # talks, we hang up, nobody answers
                leg.answer()
                phone.expect(200)
                phone.send("ACK")
                phone.send("OPTIONS", 2)  # answered after the ACK was read
                phone.expect(200)
                leg.hangup()
            case 2:
                leg.answer()  # never acknowledged
            case 3:
                leg.ring()
                phone.expect(180)
                phone.send("CANCEL", branch=phone.branch)
                phone.expect(200)  # never acknowledges the 487
            case 4:
                leg.reject(480, "Temporarily Unavailable")
            case 5:  # we call, and give up
                leg.reject(302, "x", ())
                away = office.endpoint.dial(phone.address, caller_number="", caller_name="", codec="PCMA")
                phone.expect(302)
                phone.expect_request("INVITE")
                away.cancel()
                legs.append(weakref.ref(away))
                del away
    del leg
    assert not nothing(office)
    office.events.clear()
    office.pass_time(4 * LONG)
    assert nothing(office), entries(office)
    until(lambda: len(hub._readers) == sockets)
    assert len(office.endpoint._ports) == ports
    office.events.clear()
    assert not [leg for leg in legs if leg() is not None], "free at once, though nobody collected garbage"


def test_an_answered_request_is_not_kept_only_its_answer(office: Office, phone: Phone) -> None:
    for number in range(20):
        phone.send("OPTIONS", number + 1, headers="X-Long: " + "x" * 20_000 + "\r\n")
        assert phone.receive().code == 200
    assert entries(office)["transactions of others"] == 20
    assert entries(office)["bytes of answers"] < 20 * 5000, "what is long in the request is not in the answer"
    assert requests_alive(phone.call_id) == 0
    phone.send("OPTIONS", 20, branch=phone.branch)
    assert phone.receive().code == 200
    assert office.endpoint.counters["retransmissions"] == 1, "and still serves the copy"
    office.pass_time(LONG)
    assert nothing(office)


def test_answers_are_remembered_up_to_a_bound(office: Office, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalling, "MAX_REMEMBERED", 400_000)
    codes: list[int] = []
    for number in range(30):
        phone.send("OPTIONS", number + 1, from_=f'"{"n" * 20_000}" <sip:a@example.com>;tag=a1')
        codes.append(phone.receive().code)
    assert codes[:8] == [200] * 8 and codes[-10:] == [503] * 10
    assert entries(office)["bytes of answers"] < 500_000
    office.pass_time(LONG)
    phone.send("OPTIONS", 40)
    phone.expect(200)


def test_a_defect_of_ours_leaves_nothing_behind(
    office: Office, make_phone: Callable[..., Phone], hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a defect")

    ports, sockets = len(office.endpoint._ports), len(hub._readers)
    monkeypatch.setattr(telephone_side, "InboundLeg", broken)
    monkeypatch.setattr(telephone_side, "OutboundLeg", broken)
    monkeypatch.setattr(office.endpoint.sip, "leg_of", broken)
    phone, other = make_phone(office), make_phone(office)
    phone.invite()
    phone.expect(500)
    other.send("BYE", 2, to="<sip:desk@example.com>;tag=x")
    other.expect(500)
    with pytest.raises(RuntimeError):
        office.endpoint.dial(phone.address, caller_number="", caller_name="", codec="PCMA")
    assert office.endpoint.counters["errors"] == 2
    office.endpoint.counters["errors"] = 0
    office.pass_time(LONG)
    assert nothing(office), entries(office)
    until(lambda: len(hub._readers) == sockets)
    assert len(office.endpoint._ports) == ports
