"""The demo office's own telephones: the desk phone and the test call, as their users run them."""

from __future__ import annotations

import array
import signal
import socket
import wave

import pytest

from sipbridge.events import CallEnded, CallOffered, EndReason, LineChanged, Plan, RecordingReady, Step
from tests.ports import free_port
from tests.sipbridge.office import Office, Process
from tests.sipbridge.standin import Desk, wait_for

pytestmark = pytest.mark.e2e


def call(office: Office, *words: str, to: str = "") -> Process:
    return office.python("sipbridge.testcall", "--to", to or office.address, *words)


def rings(phone: str, *, record: bool = False) -> Plan:
    return Plan((Step((phone,), 10.0),), 1, 0.5, "", "", record)


def test_a_test_call_is_answered_and_told_line_by_line(office: Office, desk: Desk) -> None:
    phone = office.phone(talk=1.0)
    desk.plan = lambda offered: rings(phone)
    office.bridge()
    caller = call(office, "--from", "+74951234567", "--name", "Ольга Орлова", "--seconds", "20")
    assert caller.ended(10) == 0
    said = [line.split(" s  ", 1)[1] for line in caller.text.splitlines()]
    assert said == [f"calling {office.address}", "it rings", "answered; speaking", "the other side hung up"]
    (offered,) = desk.of(CallOffered)
    assert (offered.caller_number, offered.caller_name) == ("+74951234567", "Ольга Орлова")
    wait_for(lambda: desk.of(CallEnded), 3, "the end")
    assert desk.of(CallEnded)[0].end_reason is EndReason.COMPLETED


def test_both_voices_are_heard_on_both_sides(office: Office, desk: Desk) -> None:
    phone = office.phone(talk=1.5)
    desk.plan = lambda offered: rings(phone, record=True)
    office.bridge()
    assert call(office, "--seconds", "10").ended(12) == 0
    wait_for(lambda: desk.of(RecordingReady), 3, "the recording")
    with wave.open(str(office.data / "recordings" / desk.of(RecordingReady)[0].path)) as recording:
        samples = array.array("h", recording.readframes(recording.getnframes()))
    caller, manager = samples[0::2], samples[1::2]
    assert max(caller) > 3000 and max(manager) > 3000


def test_its_seconds_end_the_call(office: Office, desk: Desk) -> None:
    phone = office.phone(talk=60)
    desk.plan = lambda offered: rings(phone)
    office.bridge()
    caller = call(office, "--from", "5", "--seconds", "1.5")
    assert caller.ended(10) == 0
    assert "hanging up" in caller.text
    wait_for(lambda: desk.of(CallEnded), 3, "the end")


def test_a_hidden_caller_has_no_number(office: Office, desk: Desk) -> None:
    office.bridge()
    caller = call(office, "--from", "+74951234567", "--name", "Orlova", "--hidden", "--seconds", "0.5")
    assert caller.ended(10) == 0, "it rang, and was given up after its seconds"
    wait_for(lambda: desk.of(CallEnded), 3, "the end")
    (offered,) = desk.of(CallOffered)
    assert (offered.caller_number, offered.caller_name) == ("", "")
    assert desk.of(CallEnded)[0].end_reason is EndReason.ABANDONED


def test_a_call_to_nobody_says_so(office: Office) -> None:
    nobody = f"sip:desk@127.0.0.1:{free_port()}"
    caller = call(office, "--seconds", "5", to=nobody)
    assert caller.ended(10) == 1
    assert "nobody answers at that address" in caller.text


@pytest.mark.parametrize(("behaviour", "cause"), [("busy", "busy (486)"), ("reject", "rejected (603)")])
def test_a_refusal_says_so(office: Office, behaviour: str, cause: str) -> None:
    caller = call(office, "--seconds", "5", to=office.phone(behaviour))
    assert caller.ended(10) == 1
    assert f"not put through: {cause}" in caller.text


@pytest.mark.parametrize("address", ["desk", "tel:+7495", "sip:desk@no-such-host.invalid", "sip:a@b c"])
def test_a_bad_address_is_one_clear_line(office: Office, address: str) -> None:
    caller = call(office, to=address)
    assert caller.ended(10) == 2
    assert caller.text.startswith("testcall: ") and caller.text.count("\n") == 1


def test_sigterm_hangs_up_properly(office: Office, desk: Desk) -> None:
    phone = office.phone(talk=60)
    desk.plan = lambda offered: rings(phone)
    office.bridge()
    caller = call(office, "--seconds", "60")
    caller.says("answered")
    caller.send(signal.SIGTERM)
    assert caller.ended() == 0
    wait_for(lambda: desk.of(CallEnded), 3, "the end")
    assert desk.of(CallEnded)[0].end_reason is EndReason.COMPLETED


def test_a_desk_phone_talks_to_one_at_a_time_and_ends_cleanly(office: Office) -> None:
    phone = office.phone(pick_up_after=0.1, talk=60)
    first = call(office, "--seconds", "60", to=phone)
    first.says("answered")
    second = call(office, "--seconds", "5", to=phone)
    assert second.ended(10) == 1 and "busy" in second.text
    desk_phone = office.processes[0]
    desk_phone.send(signal.SIGTERM)
    assert desk_phone.ended() == 0
    assert first.ended() == 0 and "the other side hung up" in first.text


def test_a_desk_phone_at_a_taken_address_says_so(office: Office) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        phone = office.python("sipbridge.deskphone", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        assert phone.ended() == 2
    assert phone.text.startswith("deskphone: can't listen") and phone.text.count("\n") == 1


def test_a_line_that_registers_is_told_to_the_desk(office: Office, desk: Desk) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as registrar:
        registrar.bind(("127.0.0.1", 0))
        registrar.settimeout(5)
        office.bridge(ACCOUNTS=f"Sales=101:secret@127.0.0.1:{registrar.getsockname()[1]}")
        request, source = registrar.recvfrom(4000)
        assert request.startswith(b"REGISTER sip:127.0.0.1")
        registrar.sendto(accepted(request.decode()), source)
        wait_for(lambda: desk.of(LineChanged), 5, "the line's registration")
    (line,) = desk.of(LineChanged)
    assert (line.line, line.registered) == ("sales", True)
    wait_for(lambda: desk.heartbeats and desk.heartbeats[-1]["lines"] == {"sales": True}, 5, "a heartbeat")


def accepted(request: str) -> bytes:
    """The 200 of a registrar that takes every REGISTER."""
    copied = ("via", "from", "to", "call-id", "cseq", "contact")
    lines = [line for line in request.split("\r\n") if line.split(":")[0].strip().lower() in copied]
    lines = [line + ";tag=r" if line.lower().startswith("to:") else line for line in lines]
    return "\r\n".join(["SIP/2.0 200 OK", *lines, "Expires: 60", "Content-Length: 0", "", ""]).encode()
