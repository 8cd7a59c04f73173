"""A call belongs to those who are in it: forged, crossing, repeated and half-finished messages leave it whole."""

from __future__ import annotations

import re
import struct
import threading
from collections.abc import Callable
from ipaddress import ip_network

import pytest

from sipbridge.pyvoip import Answered, Ended, Leg
from sipbridge.pyvoip.message import Message

from .conftest import Office, Phone, until
from .talk import Talk, an_ear

MakePhone = Callable[..., Phone]
MakeOffice = Callable[..., Office]


@pytest.fixture(params=[True, False], ids=["inbound", "outbound"])
def talk(request: pytest.FixtureRequest, office: Office, phone: Phone) -> Talk:
    return Talk(office, phone, inbound=request.param)


# Wrong names


@pytest.mark.parametrize("method", ["BYE", "INVITE", "UPDATE", "INFO", "REFER", "OPTIONS", "NOTIFY", "PRACK"])
@pytest.mark.parametrize("wrong", ["to", "from", "call-id"])
def test_a_wrong_name_is_481_and_the_call_lives(talk: Talk, method: str, wrong: str) -> None:
    phone, leg = talk.phone, talk.leg
    body = {"body": phone.sdp + "a=inactive\r\n"} if method in ("INVITE", "UPDATE") else {}
    data = phone.write(method, 50, headers="Refer-To: <sip:x@example.com>\r\n", **talk.who, **body)
    header = {"to": b"To", "from": b"From", "call-id": b"Call-ID"}[wrong]
    if wrong == "call-id":
        data = data.replace(b"Call-ID: ", b"Call-ID: other")
    else:
        data = re.sub(rb"(\r\n" + header + rb": [^\r]*;tag=)", rb"\1other", data)
    right = phone.to_tag
    phone.send_raw(data)
    phone.expect(481)
    phone.to_tag = right
    assert leg.negotiation.direction == "sendrecv"
    talk.lives()
    assert talk.events == [Answered()]


def test_an_ack_with_wrong_tags_confirms_nothing(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite()
    phone.expect(200)
    right, phone.to_tag = phone.to_tag, "guess"
    phone.send("ACK")
    phone.to_tag = right
    phone.send("OPTIONS", 2)
    phone.expect(200)
    leg = office.call()
    assert office.of(leg) == []
    phone.send("ACK")
    until(lambda: office.of(leg) == [Answered()])


def test_a_stranger_who_knows_every_name_is_not_heard(make_office: MakeOffice, make_phone: MakePhone) -> None:
    office = make_office(peers=(ip_network("127.0.0.1/32"),))
    talk = Talk(office, make_phone(office), inbound=True)
    stranger = make_phone(office, ip="127.7.7.7")
    for method in ("BYE", "INVITE", "ACK", "CANCEL"):
        data = talk.phone.write(method, 20, body=stranger.sdp).replace(talk.phone.ip.encode(), b"127.7.7.7")
        stranger.send_raw(data)
    assert stranger.silent(0.2)
    assert office.endpoint.counters["refused_strangers"] == 4
    talk.lives()


def test_a_forged_answer_is_nobodys(office: Office, phone: Phone, make_phone: MakePhone) -> None:
    """A 200 for a call of ours is taken under the branch we chose, and the names we wrote, only."""
    leg = office.endpoint.dial(phone.address, caller_number="1", caller_name="", codec="PCMU")
    invite = phone.expect_request("INVITE")
    forger = make_phone(office, ip="127.7.7.7")
    whole = (
        f"SIP/2.0 200 OK\r\nVia: {invite.header('via')}\r\nFrom: {invite.header('from')}\r\n"
        f"To: {invite.header('to')};tag=f\r\nCall-ID: {invite.call_id}\r\nCSeq: {invite.header('cseq')}\r\n"
        f"Contact: <{forger.address}>\r\nContent-Type: application/sdp\r\nContent-Length: {len(forger.sdp)}\r\n\r\n"
        f"{forger.sdp}"
    )
    for old, new in (("branch=", "branch=x"), ("Call-ID: ", "Call-ID: x"), ("CSeq: ", "CSeq: 9")):
        forger.send_raw(whole.replace(old, new, 1).encode())
    until(lambda: office.endpoint.counters["stray_responses"] == 3)
    assert office.of(leg) == [] and forger.silent(0.1)
    phone.reply(invite, 200, body=phone.sdp)
    until(lambda: office.of(leg) == [Answered()])


# CANCEL that crosses


def outcome(phone: Phone) -> set[tuple[int, str]]:
    """Every final answer that comes before it is quiet."""
    finals = set()
    while True:
        try:
            message = phone.receive(0.3)
        except TimeoutError:
            return finals
        if not message.is_request and message.code >= 200:
            finals.add((message.code, message.cseq_method))
            phone.to_tag = message.to.tag


def test_cancel_and_answer_at_the_same_moment(office: Office, make_phone: MakePhone) -> None:
    """Either the call is cancelled, or it is answered: never both, never neither."""
    for round_ in range(16):
        phone = make_phone(office)
        branch = phone.invite()
        leg = office.call()
        cancel = phone.write("CANCEL", branch=branch)
        answering = threading.Thread(target=leg.answer)
        if round_ % 2:
            phone.send_raw(cancel)
            answering.start()
        else:
            answering.start()
            phone.send_raw(cancel)
        answering.join()
        finals = outcome(phone)
        assert finals in (
            {(200, "CANCEL"), (487, "INVITE")},
            {(200, "CANCEL"), (200, "INVITE")},
        ), finals
        if (487, "INVITE") in finals:
            until(lambda leg=leg: office.of(leg) == [Ended(487, "cancelled")])
        else:
            phone.send("ACK")
            until(lambda leg=leg: office.of(leg) == [Answered()])
            phone.send("BYE", 2)
            phone.expect(200)
    until(lambda: not office.endpoint.legs)


def test_a_repeated_cancel_gets_the_same_answer(office: Office, phone: Phone) -> None:
    branch = phone.invite()
    leg = office.call()
    cancel = phone.write("CANCEL", branch=branch)
    for _ in range(3):
        phone.send_raw(cancel)
    assert outcome(phone) == {(200, "CANCEL"), (487, "INVITE")}
    assert office.of(leg) == [Ended(487, "cancelled")]


def test_a_cancel_under_another_branch_is_481(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.ring()
    phone.invite()
    phone.expect(180)
    phone.to_tag = ""
    phone.send("CANCEL")
    phone.expect(481)
    assert office.of(office.call()) == []


def test_a_cancel_never_ends_a_talk(talk: Talk) -> None:
    """Neither the call's own INVITE nor a re-INVITE that has its answer can be cancelled any more."""
    branch = talk.offer()
    talk.phone.expect(200)
    talk.phone.send("CANCEL", talk.cseq, branch=branch, **talk.who)
    while (answer := talk.phone.receive()).cseq_method != "CANCEL":
        pass
    assert answer.code == 200
    talk.ack()
    talk.lives()
    assert talk.events == [Answered()]


# What comes twice


def test_repeated_requests_get_the_same_answer_and_effect_once(talk: Talk) -> None:
    for method, parts in (
        ("INVITE", {"body": talk.phone.sdp + "a=sendonly\r\n"}),
        ("UPDATE", {"body": talk.phone.sdp}),
        ("INFO", {"body": "Signal=1", "content_type": "application/dtmf-relay"}),
        ("OPTIONS", {}),
        ("BYE", {}),
    ):
        talk.cseq += 1
        data = talk.phone.write(method, talk.cseq, **talk.who, **parts)  # type: ignore[arg-type]
        answers = []
        for _ in range(3):
            talk.phone.send_raw(data)
            answers.append(talk.phone.expect(200))
        assert len({(each.heading, each.to.tag, each.content) for each in answers}) == 1
        if method == "INVITE":
            talk.ack()
    assert len(talk.events) == 5, talk.events  # answered, held, taken back, one key, ended
    assert talk.events[-1] == Ended(200, "remote_bye")


def test_a_second_bye_is_no_trouble(talk: Talk) -> None:
    talk.send("BYE")
    talk.phone.expect(200)
    talk.send("BYE")
    assert talk.phone.receive().code in (200, 481)
    talk.send("INVITE", body=talk.phone.sdp)
    talk.phone.expect(481)
    assert talk.events == [Answered(), Ended(200, "remote_bye")]


def test_both_hang_up_at_once(talk: Talk) -> None:
    talk.leg.hangup()
    bye = talk.phone.expect_request("BYE")
    talk.send("BYE")
    talk.phone.expect(200)
    talk.phone.reply(bye, 481)
    assert talk.events == [Answered(), Ended(200, "local")]


def test_we_hang_up_while_their_reinvite_is_not_acknowledged(talk: Talk) -> None:
    talk.offer()
    talk.phone.expect(200)
    talk.leg.hangup()
    talk.phone.reply(talk.phone.expect_request("BYE"), 200)
    talk.office.pass_time(5)
    assert talk.phone.silent(0.1), "the answer to the re-INVITE is repeated after our BYE"
    assert talk.events == [Answered(), Ended(200, "local")]


def test_a_lost_ack_is_made_good_by_the_next(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite()
    phone.expect(200)
    phone.invite(cseq=2)
    phone.expect(200)
    phone.send("ACK", 2)
    leg = office.call()
    until(lambda: office.of(leg) == [Answered()])
    leg.hangup()
    phone.expect_request("BYE")


@pytest.mark.parametrize("method", ["INFO", "UPDATE", "REFER", "BYE"])
def test_an_unknown_extension_is_420_inside_a_call_too(talk: Talk, method: str) -> None:
    talk.send(method, headers="Require: gruu, replaces\r\n")
    assert talk.phone.expect(420).header("unsupported") == "gruu, replaces"
    talk.lives()


# Sound


def rtp(sequence: int, payload: bytes = b"\x55" * 160) -> bytes:
    return struct.pack("!BBHII", 0x80, 0, sequence, sequence * 160, 7) + payload


def test_no_sound_from_or_to_a_third_party(office: Office, phone: Phone, make_phone: MakePhone) -> None:
    """Neither RTP, junk or not, nor forged signalling turns a talk's sound anywhere else."""
    talk = Talk(office, phone, inbound=True)
    intruder = make_phone(office, ip="127.7.7.7")
    frames: list[bytes] = []
    talk.leg.media.tap = lambda frame: frames.append(frame.payload)
    with an_ear() as ear:
        talk.offer(port=ear.getsockname()[1])
        phone.expect(200)
        talk.ack()
        bridge = ("127.0.0.1", talk.leg.media.local_port)
        ear.sendto(rtp(1), bridge)
        until(lambda: len(frames) == 1)
        for junk in (rtp(2, b"\x01" * 160), b"\x80", b"", b"\0" * 2000, b"INVITE sip:x SIP/2.0\r\n\r\n"):
            intruder.socket.sendto(junk, bridge)
        intruder.to_tag = "guess"
        intruder.call_id = phone.call_id
        intruder.invite(cseq=90)
        intruder.expect(481)
        until(lambda: talk.leg.media.counters.ignored >= 4)
        ear.sendto(rtp(3), bridge)
        until(lambda: len(frames) == 2)
        assert frames == [b"\x55" * 160] * 2
        talk.leg.media.play(b"\xff" * 1600)
        assert ear.recv(2000)
        assert intruder.silent(0.3), "sound reaches a third party"


# Who begins and vanishes


def test_two_hundred_callers_who_never_acknowledge(make_office: MakeOffice, make_phone: MakePhone) -> None:
    office = make_office(max_calls=250)
    phone = make_phone(office)
    office.when_called = lambda leg: leg.answer()
    free = len(office.endpoint._ports)
    for number in range(200):
        phone.call_id = f"half-open-{number}"
        phone.to_tag = ""
        phone.invite()
        until(lambda wanted=number + 1: len(office.calls) == wanted)
    assert len(office.endpoint._ports) == free - 200
    office.pass_time(32.5)
    until(lambda: all(office.of(leg) == [Ended(408, "no_ack")] for leg in office.calls))
    assert not office.endpoint.legs and len(office.endpoint._ports) == free
    office.pass_time(70)
    sip = office.endpoint.sip
    assert not (sip.dialogs or sip._servers or sip._invites or sip._clients)
    assert sip.timers.seconds_to_next() is None or len(sip.timers._heap) < 20, "timers pile up"
    caller = make_phone(office)
    caller.invite()
    caller.expect(200)


def test_telephones_that_ring_for_ever_are_given_up_without_a_trace(
    make_office: MakeOffice, make_phone: MakePhone
) -> None:
    """They say 180 and then nothing at all, not even to our CANCEL."""
    office = make_office()
    phone = make_phone(office)
    free = len(office.endpoint._ports)
    legs: list[Leg] = []
    for _ in range(20):
        legs.append(office.endpoint.dial(phone.address, caller_number="1", caller_name="", codec="PCMU"))
        phone.reply(phone.expect_request("INVITE"), 180)
    until(lambda: all(office.of(leg) for leg in legs))
    for leg in legs:
        leg.cancel()
    assert len(office.endpoint._ports) == free
    office.pass_time(66)
    sip = office.endpoint.sip
    assert not (sip.dialogs or sip._servers or sip._clients or sip.dialled)


def test_a_telephone_that_rings_longer_than_anyone_waits(office: Office, phone: Phone) -> None:
    leg = office.endpoint.dial(phone.address, caller_number="1", caller_name="", codec="PCMU")
    invite = phone.expect_request("INVITE")
    phone.reply(invite, 180)
    until(lambda: office.of(leg))
    office.pass_time(301)
    until(lambda: office.of(leg)[-1] == Ended(408, "timeout"))
    phone.reply(phone.expect_request("CANCEL"), 200)
    phone.reply(invite, 487)
    phone.expect_request("ACK")


def test_a_dead_dialog_is_closed_by_its_session_timer(talk: Talk) -> None:
    """Nobody agreed on a timer; the telephone vanishes without a word."""
    free = len(talk.office.endpoint._ports)
    talk.office.pass_time(335)
    until(lambda: talk.events == [Answered(), Ended(408, "timeout")])
    assert len(talk.office.endpoint._ports) == free + 1
    talk.office.pass_time(70)
    sip = talk.office.endpoint.sip
    assert not (sip.dialogs or sip._servers or sip._clients)


def test_a_caller_who_knows_timers_is_asked_to_let_us_refresh(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite(headers="Supported: timer\r\nAllow: UPDATE\r\n")
    answer = phone.expect(200)
    assert answer.header("session-expires") == "600;refresher=uas"
    phone.send("ACK")
    leg = office.call()
    until(lambda: office.of(leg) == [Answered()])
    office.pass_time(301)
    update: Message = phone.expect_request("UPDATE")
    phone.reply(update, 200, headers="Session-Expires: 600;refresher=uac\r\n")
    office.pass_time(290)
    assert office.of(leg) == [Answered()]
