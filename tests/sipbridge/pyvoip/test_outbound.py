"""Calls that we place, message by message."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from sipbridge.pyvoip import Account, Answered, Ended, Leg, NoPort, Ringing
from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.sdp import parse
from tests.ports import free_port

from .conftest import Office, Phone, until

MakePhone = Callable[..., Phone]
MakeOffice = Callable[..., Office]


def dial(office: Office, uri: str, codec: str = "PCMU", number: str = "+74951234567", name: str = "") -> Leg:
    return office.endpoint.dial(uri, caller_number=number, caller_name=name, codec=codec)


def talk(office: Office, phone: Phone) -> tuple[Leg, Message]:
    """Dial the phone and let it pick up."""
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    phone.reply(invite, 200, body=phone.sdp)
    phone.expect_request("ACK")
    until(lambda: Answered() in office.of(leg))
    return leg, invite


def test_the_offer_and_the_caller_shown(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address + ";answermode=auto", "PCMA", name='Иван "Ваня" Петров')
    invite = phone.expect_request("INVITE")
    assert invite.uri.endswith(";answermode=auto")
    assert invite.from_.display == 'Иван "Ваня" Петров' and invite.from_.uri.user == "+74951234567"
    assert invite.header("p-asserted-identity").startswith('"Иван')
    offer = parse(invite.content)[0]
    assert offer.formats == ["8", "101"] and offer.port == leg.media.local_port
    assert not leg.inbound and leg.codec == "PCMA"


def test_a_hidden_caller_stays_hidden(office: Office, phone: Phone) -> None:
    dial(office, phone.address, number="")
    invite = phone.expect_request("INVITE")
    assert invite.header("from").startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=')
    assert not invite.header("p-asserted-identity")


def test_ringing_answer_and_their_bye(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    phone.reply(invite, 100)
    phone.reply(invite, 180)
    phone.reply(invite, 183)
    until(lambda: office.of(leg) == [Ringing()])
    phone.reply(invite, 200, body=phone.sdp)
    ack = phone.expect_request("ACK")
    assert ack.uri == phone.address and ack.to.tag == "phone" and ack.vias[0].branch != invite.vias[0].branch
    phone.reply(invite, 200, body=phone.sdp)
    assert phone.receive().method == "ACK", "a repeated 200 is acknowledged again"
    bye = (
        f"BYE {invite.contact.uri.text} SIP/2.0\r\n"  # type: ignore[union-attr]
        f"Via: SIP/2.0/UDP {phone.ip}:{phone.port};branch=z9hG4bKbye\r\n"
        f"From: {invite.header('to')};tag=phone\r\nTo: {invite.header('from')}\r\n"
        f"Call-ID: {invite.call_id}\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n"
    )
    phone.send_raw(bye.encode())
    phone.expect(200)
    until(lambda: office.of(leg) == [Ringing(), Answered(), Ended(200, "remote_bye")])


def test_hangup_goes_by_the_route_set(office: Office, phone: Phone, make_phone: MakePhone) -> None:
    proxy = make_phone(office)
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    routes = f"Record-Route: <sip:10.9.9.8;lr>\r\nRecord-Route: <sip:{proxy.ip}:{proxy.port};lr>\r\n"
    phone.reply(invite, 200, headers=routes, body=phone.sdp)
    wanted = [f"<sip:{proxy.ip}:{proxy.port};lr>", "<sip:10.9.9.8;lr>"]
    assert proxy.expect_request("ACK").values("route") == wanted
    until(lambda: office.of(leg))
    leg.hangup()
    bye = proxy.expect_request("BYE")
    assert bye.values("route") == wanted and bye.cseq > invite.cseq


def test_a_strict_router_gets_what_rfc_2543_wanted(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    phone.reply(invite, 200, headers=f"Record-Route: <sip:{phone.ip}:{phone.port}>\r\n", body=phone.sdp)
    ack = phone.expect_request("ACK")
    assert ack.uri == f"sip:{phone.ip}:{phone.port}" and ack.values("route") == [f"<{phone.address}>"]
    leg.hangup()


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (486, "busy"),
        (600, "busy"),
        (603, "rejected"),
        (403, "rejected"),
        (302, "rejected"),
        (404, "unreachable"),
        (480, "unreachable"),
        (503, "unreachable"),
        (408, "timeout"),
        (488, "failed"),
        (401, "unreachable"),
    ],
)
def test_refusals_are_acknowledged_and_named(office: Office, phone: Phone, code: int, cause: str) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    phone.reply(invite, code)
    ack = phone.expect_request("ACK")
    assert ack.vias[0].branch == invite.vias[0].branch and ack.to.tag == "phone" and ack.cseq == invite.cseq
    phone.reply(invite, code)
    assert phone.receive().method == "ACK"
    assert office.of(leg) == [Ended(code, cause)]


def test_silence_is_a_timeout(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    office.pass_time(33)
    assert office.of(leg) == [Ended(408, "timeout")]


def test_a_telephone_that_is_off_is_known_at_once(office: Office) -> None:
    leg = dial(office, f"sip:anna@127.0.0.1:{free_port()}")
    until(lambda: office.of(leg) == [Ended(503, "unreachable")], 2)


def test_an_unknown_host_is_unreachable(office: Office) -> None:
    leg = dial(office, "sip:anna@host.invalid")
    until(lambda: office.of(leg) == [Ended(503, "unreachable")], 20)


@pytest.mark.parametrize("uri", ["anna", "tel:+7495", "sips:a@127.0.0.1", "sip:", "sip:a b@c", "sip:a@b?x=y"])
def test_what_is_no_sip_uri_can_not_be_dialled(office: Office, uri: str) -> None:
    with pytest.raises(ValueError):
        dial(office, uri)


def test_no_port_left(make_office: MakeOffice) -> None:
    with pytest.raises(NoPort):
        dial(make_office(rtp_ports=range(0)), "sip:a@127.0.0.1")


def test_cancel_waits_for_a_provisional_answer(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    leg.cancel(elsewhere=True)
    leg.cancel()
    assert office.of(leg) == [Ended(487, "cancelled")]
    assert phone.silent(0.2), "CANCEL before a provisional response"
    phone.reply(invite, 180)
    cancel = phone.expect_request("CANCEL")
    assert cancel.vias[0].branch == invite.vias[0].branch and cancel.cseq == invite.cseq
    assert cancel.header("reason").startswith("SIP;cause=200")
    phone.reply(cancel, 200)
    phone.reply(invite, 487)
    phone.expect_request("ACK")
    assert office.of(leg) == [Ended(487, "cancelled")]


def test_picked_up_while_our_cancel_was_on_its_way(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    phone.reply(invite, 180)
    until(lambda: office.of(leg))
    leg.cancel()
    phone.expect_request("CANCEL")
    phone.reply(invite, 200, body=phone.sdp)
    phone.expect_request("ACK")
    phone.reply(phone.expect_request("BYE"), 200)
    assert office.of(leg) == [Ringing(), Ended(487, "cancelled")]


def test_a_second_fork_is_acknowledged_and_hung_up(office: Office, phone: Phone) -> None:
    leg, invite = talk(office, phone)
    phone.to_tag = "other"
    phone.reply(invite, 200, body=phone.sdp)
    assert phone.expect_request("ACK").to.tag == "other"
    assert phone.expect_request("BYE").to.tag == "other"
    assert office.of(leg) == [Answered()]


def test_an_answer_without_our_codec_is_no_call(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address, "PCMA")
    invite = phone.expect_request("INVITE")
    phone.reply(invite, 200, body=phone.sdp.replace("0 8 101", "0"))
    phone.expect_request("ACK")
    phone.expect_request("BYE")
    assert office.of(leg) == [Ended(488, "failed")]


def digest_of(text: str, algorithm: str = "SHA-256") -> str:
    return hashlib.new({"SHA-256": "sha256", "MD5": "md5"}[algorithm], text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("code", "asks", "answers"),
    [(407, "Proxy-Authenticate", "proxy-authorization"), (401, "WWW-Authenticate", "authorization")],
)
def test_our_pbx_may_ask_who_we_are(
    make_office: MakeOffice, make_phone: MakePhone, code: int, asks: str, answers: str
) -> None:
    port = free_port()
    account = Account(line="desk", user="1000", password="geheim", host="127.0.0.1", port=port)
    office = make_office(accounts=(account,))
    phone = make_phone(office, port=port)
    phone.reply(phone.expect_request("REGISTER"), 200)
    leg = dial(office, f"sip:201@127.0.0.1:{port}")
    first = phone.expect_request("INVITE")
    challenges = (
        f'{asks}: Basic realm="x"\r\n{asks}: Digest realm="pbx", nonce="n1", qop="auth", algorithm=MD5\r\n'
        f'{asks}: Digest realm="pbx", nonce="n2", qop="auth-int,auth", opaque="o", algorithm=SHA-256\r\n'
    )
    phone.reply(first, code, headers=challenges)
    phone.expect_request("ACK")
    second = phone.expect_request("INVITE")
    proof = dict(re.findall(r'(\w+)="?([^",]+)', second.header(answers)))
    ha1, ha2 = digest_of("1000:pbx:geheim"), digest_of(f"INVITE:{second.uri}")
    assert proof["response"] == digest_of(f"{ha1}:n2:00000001:{proof['cnonce']}:auth:{ha2}")
    assert proof["opaque"] == "o" and second.cseq == first.cseq + 1 and second.call_id == first.call_id
    phone.reply(second, code, headers=challenges)
    phone.expect_request("ACK")
    until(lambda: office.of(leg) == [Ended(code, "unreachable")])
    assert phone.silent(0.2), "a refused password is not tried again"


def test_a_stranger_who_asks_for_our_password_gets_nothing(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    phone.reply(phone.expect_request("INVITE"), 401, headers='WWW-Authenticate: Digest realm="pbx", nonce="n1"\r\n')
    phone.expect_request("ACK")
    until(lambda: office.of(leg) == [Ended(401, "unreachable")])


def test_a_phone_outside_the_peers_may_end_the_call_we_placed(make_office: MakeOffice, make_phone: MakePhone) -> None:
    office = make_office(peers=(ip_network("127.0.0.1/32"),))
    phone = make_phone(office, ip="127.9.9.9")
    leg, invite = talk(office, phone)
    assert not invite.header("p-asserted-identity"), "only peers are trusted with an asserted identity"
    phone.call_id, phone.to_tag = invite.call_id, invite.from_.tag
    phone.send("BYE", 1, from_=f"{invite.header('to')};tag=phone", to=invite.header("from"))
    phone.expect(200)
    until(lambda: office.of(leg)[-1] == Ended(200, "remote_bye"))
    phone.to_tag = ""
    phone.send("OPTIONS")
    assert phone.silent(), "a stranger is served"
    assert office.endpoint.counters["refused_strangers"] >= 1


def test_hold_by_the_phone_we_dialled(office: Office, phone: Phone) -> None:
    leg, invite = talk(office, phone)
    phone.call_id, phone.to_tag = invite.call_id, invite.from_.tag
    who: Any = {"from_": f"{invite.header('to')};tag=phone", "to": invite.header("from")}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(5)
        phone.invite(body=phone.sdp + "a=sendonly\r\n", **who)
        assert parse(phone.expect(200).content)[0].direction == "recvonly"
        assert leg.held
        phone.send("ACK", **who)
        phone.invite(cseq=2, body=phone.sdp.replace("40000", str(ear.getsockname()[1])), **who)
        assert parse(phone.expect(200).content)[0].direction == "sendrecv"
        phone.send("ACK", 2, **who)
        leg.media.play(b"\xff" * 160)
        assert ear.recv(2000)


def test_session_timer_refreshed_by_update_where_known(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    timed = "Session-Expires: 100;refresher=uac\r\nAllow: INVITE, ACK, BYE, UPDATE\r\n"
    phone.reply(invite, 200, headers=timed, body=phone.sdp)
    phone.expect_request("ACK")
    office.pass_time(51)
    update = phone.expect_request("UPDATE")
    assert not update.content
    phone.reply(update, 481)
    phone.expect_request("BYE")
    assert office.of(leg) == [Answered(), Ended(481, "timeout")]


def test_a_bye_may_be_challenged_too(make_office: MakeOffice, make_phone: MakePhone) -> None:
    port = free_port()
    account = Account(line="desk", user="1000", password="geheim", host="127.0.0.1", port=port)
    office = make_office(accounts=(account,))
    phone = make_phone(office, port=port)
    phone.reply(phone.expect_request("REGISTER"), 200)
    leg, _ = talk(office, phone)
    leg.hangup()
    bye = phone.expect_request("BYE")
    phone.reply(bye, 407, headers='Proxy-Authenticate: Digest realm="pbx", nonce="n1"\r\n')
    again = phone.expect_request("BYE")
    assert again.header("proxy-authorization") and again.cseq == bye.cseq + 1
