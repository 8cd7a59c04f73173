"""A trunk that sends sound before anybody picks up: it is heard instead of our ringing, by who waits, one way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipbridge.events import CallAnswered, CallTransferred, ConsultationStarted, LineChanged, Transfer, TransferFailed
from tests.e2e import hearing
from tests.e2e.phones import Caller, Ears
from tests.ports import free_port
from tests.sipbridge.office import IS_HUNG_UP_ON, Office, needs_sipp, scenario
from tests.sipbridge.standin import Desk
from tests.sipbridge.telephone import Telephone, telephones
from tests.sipbridge.test_bridge_talk import ANNA, BORIS, CALLER, MUSIC, end_of, office, plan, ready, soon, told

pytestmark = [pytest.mark.e2e, needs_sipp]
__all__ = ["office"]  # a fixture

NETWORK = BORIS
REGISTERS = """
<recv request="REGISTER" optional="true" next="1"/>
<recv request="INVITE"/>
"""
ANSWER = """
<send{how}><![CDATA[
SIP/2.0 {status}
[last_Via:]
[last_From:]
[last_To:];tag=t[pid]x[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:trunk@[local_ip]:[local_port]>
{extra}Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
]]></send>
"""
REGISTERED = """
<nop next="2"/>
<label id="1"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=t[pid]x[call_number]
[last_Call-ID:]
[last_CSeq:]
[last_Contact:]
Expires: 3600
Content-Length: 0

]]></send>
<label id="2"/>
<nop/>
"""
REFUSES = """
<send retrans="500"><![CDATA[
SIP/2.0 486 Busy Here
[last_Via:]
[last_From:]
[last_To:];tag=t[pid]x[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<recv request="ACK"/>
"""
PAUSE = '<pause milliseconds="4000"/>'

Trunk = Callable[[bool], tuple[Ears, str]]
Called = Callable[[str], tuple[Caller, str]]


@pytest.fixture
def trunk(office: Office) -> Iterator[Trunk]:
    """`trunk(answers)`: what a trunk's network says and hears, and the account to register there.

    It sends sound at once, and after a while picks up or is busy.
    """
    opened: list[Ears] = []

    def begin(answers: bool) -> tuple[Ears, str]:
        ears = Ears(NETWORK)
        opened.append(ears)
        values = {"port": ears.port, "extra": ""}
        early = ANSWER.format(how="", status="183 Session Progress", **values)
        taken = ANSWER.format(how=' retrans="500"', status="200 OK", **values) + '<recv request="ACK"/>' + IS_HUNG_UP_ON
        path: Path = office.data / "trunk.xml"
        path.write_text(scenario(REGISTERS, early, PAUSE, taken if answers else REFUSES, REGISTERED))
        port = free_port()
        office.run(*f"sipp -sf {path} -i 127.0.0.1 -p {port} -mp {free_port()} -nostdin".split())
        return ears, f"trunk=user:pw@127.0.0.1:{port}"

    yield begin
    for ears in opened:
        ears.close()


@pytest.fixture
def anna() -> Iterator[Telephone]:
    with telephones(ANNA) as (phone,):
        yield phone


@pytest.fixture
def called(office: Office, desk: Desk, anna: Telephone, trunk: Trunk, tmp_path: Path) -> Iterator[Called]:
    """A talk of a caller with Anna, at an office with the trunk."""
    callers: list[Caller] = []

    def call(account: str) -> tuple[Caller, str]:
        desk.plan = lambda call: plan(anna)
        ready(office, desk, ACCOUNTS=account)
        told(desk, LineChanged)
        callers.append(Caller(tmp_path, f"127.0.0.1:{office.sip_port}", "+74951234567", hz=CALLER))
        anna.take()
        answered = told(desk, CallAnswered)
        assert isinstance(answered, CallAnswered)
        soon(lambda: anna.hears(CALLER), "the talk")
        return callers[-1], answered.call_id

    yield call
    for caller in callers:
        caller.close()


def heard(ears: Ears, hz: float) -> float:
    return hearing.seconds_of(ears.heard, hz)


def test_passed_on_to_a_number_the_caller_hears_its_network(desk: Desk, trunk: Trunk, called: Called) -> None:
    network, account = trunk(True)
    caller, call_id = called(account)
    desk.ask(Transfer(call_id, "tel:+74959990000", "trunk", False, 20.0))
    soon(lambda: heard(caller.ears, NETWORK) > 0.5, "the network's sound")
    assert not desk.of(CallTransferred), "before it was picked up"
    assert len(network.heard) > 4000 and not any(network.heard), "packets, but not the caller's words"
    told(desk, CallTransferred)
    soon(lambda: heard(network, CALLER) > 0.5, "the caller")
    before = heard(caller.ears, NETWORK)
    soon(lambda: heard(caller.ears, NETWORK) > before + 0.5, "who picked up")
    assert heard(caller.ears, 425.0) == 0, "no ringing of ours"
    caller.hang_up()
    end_of(desk, call_id)


def test_a_manager_who_speaks_first_hears_it_and_has_the_caller_back_when_it_is_busy(
    desk: Desk, trunk: Trunk, called: Called, anna: Telephone
) -> None:
    network, account = trunk(False)
    caller, call_id = called(account)
    desk.ask(Transfer(call_id, "tel:+74959990000", "trunk", True, 20.0))
    soon(lambda: anna.hears(NETWORK), "the network's sound")
    assert not desk.of(ConsultationStarted)
    soon(lambda: heard(caller.ears, MUSIC) > 0.5, "music for the caller")
    assert not any(network.heard) and heard(caller.ears, NETWORK) == 0
    told(desk, TransferFailed)
    soon(lambda: anna.hears(CALLER), "the caller again")
    caller.hang_up()
    end_of(desk, call_id)
