"""What the endpoint tells of its datagrams, and the ladder it makes of a call."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

from sipbridge.ladder import Ladder
from sipbridge.pyvoip import Answered

from .conftest import Office, Phone, until

MakeOffice = Callable[..., Office]
MakePhone = Callable[..., Phone]
Told = list[tuple[bool, tuple[str, int], bytes]]


def test_every_datagram_sent_and_served_is_told(make_office: MakeOffice, make_phone: MakePhone) -> None:
    told: Told = []
    office = make_office(on_message=lambda *message: told.append(message))
    phone = make_phone(office)
    phone.send("OPTIONS")
    phone.expect(200)
    assert [(sent, address) for sent, address, _ in told] == [
        (False, ("127.0.0.1", phone.port)),
        (True, ("127.0.0.1", phone.port)),
    ]
    assert told[0][2].startswith(b"OPTIONS ") and told[1][2].startswith(b"SIP/2.0 200 OK")


def test_nothing_is_told_of_strangers_and_noise(make_office: MakeOffice, make_phone: MakePhone) -> None:
    told: Told = []
    office = make_office(peers=(ip_network("127.0.0.8"),), on_message=lambda *message: told.append(message))
    stranger, peer = make_phone(office), make_phone(office, ip="127.0.0.8")
    stranger.invite()
    peer.send_raw(b"\r\n\r\n")
    peer.send_raw(b"\xff\xfe noise")
    until(lambda: office.endpoint.counters["received"] == 3)
    assert not told


def test_a_listener_that_fails_costs_no_call(make_office: MakeOffice, make_phone: MakePhone) -> None:
    def fail(sent: bool, address: tuple[str, int], data: bytes) -> None:
        raise RuntimeError("the disk, say")

    office = make_office(on_message=fail)
    phone = make_phone(office)
    phone.send("OPTIONS")
    phone.expect(200)
    assert office.endpoint.counters["errors"] == 2
    office.endpoint.counters["errors"] = 0  # the fixture wants none of the others


def test_the_ladder_of_a_real_call(make_office: MakeOffice, make_phone: MakePhone, tmp_path: Path) -> None:
    began = datetime.now(UTC)
    ladder = Ladder(tmp_path, settle=0.0)
    office = make_office(on_message=lambda sent, to, data: ladder.note(datetime.now(UTC), sent, to, data))
    office.when_called = lambda leg: leg.answer()
    caller, manager = make_phone(office), make_phone(office)
    caller.invite(headers='Authorization: Digest username="x", response="SECRET"\r\n')
    caller.expect(200)
    caller.send("ACK")
    leg = office.call()
    until(lambda: Answered() in office.of(leg))
    dialled = office.endpoint.dial(manager.address, caller_number="", caller_name="", codec="PCMU")
    manager.reply(manager.expect_request("INVITE"), 486, "Busy Here")
    manager.expect_request("ACK")
    caller.send("OPTIONS", 2)
    caller.expect(200)
    leg.hangup()
    caller.reply(caller.expect_request("BYE"), 200)
    until(lambda: b"SIP/2.0 200 x" in b"".join(m.data for each in ladder._ended.values() for m in each.first))
    ladder.keep("0a1b", began, [("caller", leg.call_id), ("anna", dialled.call_id)])
    ladder.close()
    text = (tmp_path / began.date().isoformat() / "0a1b.json").read_text()
    assert "SECRET" not in text
    steps = [(step["from"], step["to"], step["first_line"].split(" sip:")[0]) for step in json.loads(text)]
    assert steps[:3] == [
        ("caller", "desk", "INVITE"),
        ("desk", "caller", "SIP/2.0 100 Trying"),
        ("desk", "caller", "SIP/2.0 200 OK"),
    ]
    assert ("desk", "anna", "INVITE") in steps and ("anna", "desk", "SIP/2.0 486 Busy Here") in steps
    assert ("desk", "anna", "ACK") in steps and ("desk", "caller", "BYE") in steps
    assert steps[-1] == ("caller", "desk", "SIP/2.0 200 x")
