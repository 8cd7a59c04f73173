"""Ways to a telephone: early media, diversions, a line's account, an address behind a NAT."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from ipaddress import ip_network

import pytest

from sipbridge.pyvoip import Account, Answered, Ended, Leg, NoLine, Ringing
from sipbridge.pyvoip.message import Message
from tests.ports import free_port

from .conftest import Office, Phone, until
from .talk import an_ear

MakePhone = Callable[..., Phone]
MakeOffice = Callable[..., Office]


def dial(office: Office, uri: str, **more: object) -> Leg:
    settings = {"caller_number": "+74951234567", "caller_name": "", "codec": "PCMU", **more}
    return office.endpoint.dial(uri, **settings)  # type: ignore[arg-type]


def accept(phone: Phone, invite: Message) -> None:
    phone.reply(invite, 200, body=phone.sdp)
    phone.expect_request("ACK")


# Early media


def test_early_media_is_heard_before_the_answer(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    with an_ear() as ear:
        early = phone.sdp.replace("40000", str(ear.getsockname()[1]))
        packet = struct.pack("!BBHII", 0x80, 0, 1, 160, 7) + b"\xff" * 160
        ear.sendto(packet, ("127.0.0.1", leg.media.local_port))
        phone.reply(invite, 180)
        until(lambda: office.of(leg) == [Ringing()])
        until(lambda: leg.media.counters.ignored == 1)
        phone.reply(invite, 183, body=early)
        until(lambda: office.of(leg) == [Ringing(), Ringing(early_media=True)])
        ear.sendto(packet, ("127.0.0.1", leg.media.local_port))
        until(lambda: leg.media.counters.received == 1)
        phone.reply(invite, 183, body=early)
        phone.reply(invite, 180)
        accept(phone, invite)
        until(lambda: office.of(leg) == [Ringing(), Ringing(early_media=True), Answered()])


@pytest.mark.parametrize(("direction", "sounds"), [("sendonly", True), ("recvonly", False), ("inactive", False)])
def test_only_who_sends_has_early_media(office: Office, phone: Phone, direction: str, sounds: bool) -> None:
    leg = dial(office, phone.address)
    phone.reply(phone.expect_request("INVITE"), 183, body=phone.sdp + f"a={direction}\r\n")
    until(lambda: office.of(leg) == [Ringing(early_media=sounds)])


def test_early_media_at_once_is_one_ringing(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    phone.reply(invite, 183, body=phone.sdp)
    phone.reply(invite, 180)
    phone.reply(invite, 200)  # the answer was in the 183 and is not said again
    phone.expect_request("ACK")
    until(lambda: office.of(leg) == [Ringing(early_media=True), Answered()])


def test_of_two_forks_the_first_is_heard_until_one_answers(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    with an_ear() as first, an_ear() as second:
        for tag, ear in (("one", first), ("two", second)):
            phone.to_tag = tag
            phone.reply(invite, 183, body=phone.sdp.replace("40000", str(ear.getsockname()[1])))
        until(lambda: office.of(leg) == [Ringing(early_media=True)])
        packet = struct.pack("!BBHII", 0x80, 0, 1, 160, 7) + b"\xff" * 160
        second.sendto(packet, ("127.0.0.1", leg.media.local_port))
        until(lambda: leg.media.counters.ignored + leg.media.counters.received == 1)
        phone.reply(invite, 200, body=phone.sdp.replace("40000", str(second.getsockname()[1])))
        phone.expect_request("ACK")
        until(lambda: Answered() in office.of(leg))
        leg.media.play(b"\xff" * 160)
        assert second.recv(2000)
    phone.to_tag = "three"
    phone.reply(invite, 200)
    assert phone.expect_request("ACK").to.tag == "three"
    assert phone.expect_request("BYE").to.tag == "three"


@pytest.mark.parametrize("body", ["v=0\r\nm=audio x", "m=audio 4000 RTP/SAVP 0\r\n", "\0"])
def test_an_early_description_that_can_not_be_used(office: Office, phone: Phone, body: str) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    phone.reply(invite, 183, body=body)
    until(lambda: office.of(leg) == [Ringing()])
    accept(phone, invite)
    until(lambda: office.of(leg) == [Ringing(), Answered()])


def test_a_reliable_183_that_nobody_offered(office: Office, phone: Phone) -> None:
    """We don't say that we know 100rel. Who uses it all the same gets no PRACK, and the call goes on."""
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    assert "100rel" not in invite.options("supported") and "PRACK" not in invite.values("allow")
    for _ in range(3):
        phone.reply(invite, 183, headers="Require: 100rel\r\nRSeq: 1\r\n", body=phone.sdp)
    until(lambda: office.of(leg) == [Ringing(early_media=True)])
    accept(phone, invite)
    until(lambda: office.of(leg) == [Ringing(early_media=True), Answered()])


def test_given_up_during_early_media(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    phone.reply(invite, 183, body=phone.sdp)
    until(lambda: office.of(leg))
    leg.cancel()
    phone.reply(phone.expect_request("CANCEL"), 200)
    phone.reply(invite, 183, body=phone.sdp)
    phone.reply(invite, 487)
    phone.expect_request("ACK")
    assert office.of(leg) == [Ringing(early_media=True), Ended(487, "cancelled")]


# Diversions


def divert(phone: Phone, invite: Message, contact: str, code: int = 302) -> None:
    phone.reply(invite, code, headers=f"Contact: {contact}\r\n")
    phone.expect_request("ACK")


@pytest.mark.parametrize("code", [301, 302])
def test_a_diversion_is_followed(office: Office, make_phone: MakePhone, code: int) -> None:
    phone, second = make_phone(office), make_phone(office)
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    divert(phone, invite, f"<sip:x@host.invalid>;q=0.1, <mailto:a@b>, <{second.address}>;q=0.7", code)
    again = second.expect_request("INVITE")
    assert again.uri == second.address and again.header("to") == invite.header("to")
    assert (again.call_id, again.from_.tag, again.cseq) == (invite.call_id, invite.from_.tag, invite.cseq + 1)
    second.reply(again, 180)
    accept(second, again)
    until(lambda: office.of(leg) == [Ringing(), Answered()])
    leg.hangup()
    second.reply(second.expect_request("BYE"), 200)


def test_circles_end(office: Office, make_phone: MakePhone) -> None:
    phone = make_phone(office)
    leg = dial(office, phone.address)
    divert(phone, phone.expect_request("INVITE"), f"<{phone.address};again=1>")
    divert(phone, phone.expect_request("INVITE"), f"<{phone.address}>")
    until(lambda: office.of(leg) == [Ended(302, "rejected")])


def test_long_ways_end(office: Office, make_phone: MakePhone) -> None:
    phone = make_phone(office)
    leg = dial(office, phone.address)
    for hop in range(6):
        divert(phone, phone.expect_request("INVITE"), f"<{phone.address};hop={hop}>")
    until(lambda: office.of(leg) == [Ended(302, "rejected")])
    assert phone.silent(0.2)


@pytest.mark.parametrize(
    "contact",
    [
        "",
        "*",
        "<sips:x@127.0.0.1>",
        "<tel:+74957654321>",
        "<sip:a@127.0.0.1?Replaces=x>",
        "<sip:a%0d%0ab@127.0.0.1>",
        "<sip:premium@127.8.8.8:{stranger}>",
        "<sip:desk@127.0.0.1:{ourselves}>",
        "<sip:x@host.invalid>",
        "<sip:+19005551234@127.0.0.1:{port}>",
        "<sip:%2b1900555;x=1@127.0.0.1:{port}>",
        "<sip:8-900-555@127.0.0.1:{port};user=phone>",
        "<sip:*21*100%23@127.0.0.1:{port}>",
    ],
)
def test_where_nobody_is_diverted_to(make_office: MakeOffice, make_phone: MakePhone, contact: str) -> None:
    office = make_office(peers=(ip_network("127.0.0.1/32"),))
    stranger, phone = make_phone(office, ip="127.8.8.8"), make_phone(office)
    leg = dial(office, phone.address)
    to = contact.format(stranger=stranger.port, ourselves=office.endpoint.port, port=phone.port)
    divert(phone, phone.expect_request("INVITE"), to)
    until(lambda: office.of(leg) == [Ended(302, "rejected")], 20)
    assert stranger.silent(0.1) and not office.calls


def test_a_stranger_we_dial_may_divert_to_another_telephone_of_the_same_host(
    make_office: MakeOffice, make_phone: MakePhone
) -> None:
    office = make_office(peers=(ip_network("127.0.0.1/32"),))
    phone, second = make_phone(office, ip="127.8.8.8"), make_phone(office, ip="127.8.8.8")
    leg = dial(office, phone.address)
    divert(phone, phone.expect_request("INVITE"), f"<{second.address}>")
    accept(second, second.expect_request("INVITE"))
    until(lambda: office.of(leg) == [Answered()])


def test_a_telephone_diverts_nobody_to_our_trunk(make_office: MakeOffice, make_phone: MakePhone) -> None:
    """The trunk would call whomever the telephone names, at our cost and with a proof of our password."""
    port = free_port()
    office = make_office(accounts=(Account("sales", "1000", "geheim", "127.0.0.1", port),))
    pbx, phone = make_phone(office, port=port), make_phone(office, ip="127.8.8.8")
    pbx.reply(pbx.expect_request("REGISTER"), 200)
    leg = dial(office, phone.address)
    divert(phone, phone.expect_request("INVITE"), f"<sip:mallory@127.0.0.1:{pbx.port}>")
    until(lambda: office.of(leg) == [Ended(302, "rejected")])
    assert pbx.silent(0.1)


def test_a_registered_telephone_diverts_nobody_and_gets_no_proof(
    make_office: MakeOffice, make_phone: MakePhone
) -> None:
    """It may be at the address of our PBX: behind the same proxy, or on the same machine."""
    port = free_port()
    office = make_office(accounts=(Account("sales", "1000", "geheim", "127.0.0.1", port),))
    pbx, phone, second = make_phone(office, port=port), make_phone(office), make_phone(office)
    pbx.reply(pbx.expect_request("REGISTER"), 200)
    challenge = 'WWW-Authenticate: Digest realm="pbx", nonce="of-the-trunk", algorithm=MD5\r\n'
    leg = dial(office, "sip:+19005551234@trunk.example", address=(phone.ip, phone.port))
    phone.reply(phone.expect_request("INVITE"), 401, headers=challenge)
    phone.expect_request("ACK")
    until(lambda: office.of(leg) == [Ended(401, "unreachable")])
    leg = dial(office, "sip:anna@10.9.9.9", address=(phone.ip, phone.port))
    divert(phone, phone.expect_request("INVITE"), f"<{second.address}>")
    until(lambda: office.of(leg) == [Ended(302, "rejected")])
    leg = dial(office, "sip:anna@10.9.9.9", address=(phone.ip, phone.port))
    accept(phone, phone.expect_request("INVITE"))
    until(lambda: office.of(leg) == [Answered()])
    leg.hold()
    phone.reply(phone.expect_request("INVITE"), 401, headers=challenge)
    phone.expect_request("ACK")
    assert phone.silent(0.2) and pbx.silent(0.1) and second.silent(0.1)


def test_given_up_while_a_diversion_is_looked_up(office: Office, make_phone: MakePhone) -> None:
    phone = make_phone(office)
    waiting: list[Callable[[str | None], None]] = []
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    office.endpoint.look_up = lambda host, found: waiting.append(found)  # type: ignore[method-assign]
    divert(phone, invite, "<sip:second@host.example>")
    until(lambda: waiting)
    leg.cancel()
    waiting[0]("127.0.0.1")
    assert phone.silent(0.2), "called after we gave up"
    assert office.of(leg) == [Ended(487, "cancelled")]


def test_a_caller_is_sent_elsewhere(office: Office, phone: Phone) -> None:
    phone.invite()
    leg = office.call()
    for bad in ((), ("boss",), ("sip:a@b\r\nX: y",), ("sip:a@b>, <sip:evil@c",), ("sip:ok@b", "")):
        with pytest.raises(ValueError):
            leg.redirect(bad)
    leg.redirect(("sip:201@example.com", "sip:202@example.com;user=phone"))
    moved = phone.expect(302)
    assert moved.header("contact") == "<sip:201@example.com>, <sip:202@example.com;user=phone>"
    assert office.of(leg) == [Ended(302, "local")]
    leg.redirect(("sip:203@example.com",))
    leg.answer()
    assert office.of(leg) == [Ended(302, "local")]


# Through a line's account


@pytest.fixture
def trunk(make_office: MakeOffice, make_phone: MakePhone) -> tuple[Office, Phone]:
    """An office with two lines at one PBX."""
    port = free_port()
    accounts = tuple(
        Account(line, user, "geheim", "127.0.0.1", port) for line, user in (("Sales", "1000"), ("service", "2000"))
    )
    office = make_office(accounts=accounts)
    phone = make_phone(office, port=port)
    for _ in accounts:
        phone.reply(phone.expect_request("REGISTER"), 200)
    return office, phone


@pytest.mark.parametrize("uri", ["tel:+74957654321;phone-context=x", "sip:+74957654321@anywhere", "TEL:+74957654321"])
def test_through_a_lines_account(trunk: tuple[Office, Phone], uri: str) -> None:
    office, pbx = trunk
    leg = dial(office, uri, via_line="Service", caller_name="Отдел")
    first = pbx.expect_request("INVITE")
    assert first.uri == f"sip:+74957654321@127.0.0.1:{pbx.port}"
    assert first.from_.uri.text == f"sip:2000@127.0.0.1:{pbx.port}" and first.from_.display == "Отдел"
    assert first.contact and first.contact.uri.user == "2000" and not first.header("p-asserted-identity")
    pbx.reply(first, 407, headers='Proxy-Authenticate: Digest realm="pbx", nonce="n1", algorithm=MD5\r\n')
    pbx.expect_request("ACK")
    second = pbx.expect_request("INVITE")
    proof = dict(re.findall(r'(\w+)="?([^",]+)', second.header("proxy-authorization")))
    assert proof["username"] == "2000", "another line's account answered"
    accept(pbx, second)
    until(lambda: office.of(leg) == [Answered()])
    assert leg.line == "service" and leg.dialed_number == "+74957654321"
    leg.hold()
    pbx.reply(pbx.expect_request("INVITE"), 407, headers='Proxy-Authenticate: Digest realm="pbx", nonce="n2"\r\n')
    pbx.expect_request("ACK")
    assert 'username="2000"' in pbx.expect_request("INVITE").header("proxy-authorization")


def test_a_line_without_account(trunk: tuple[Office, Phone]) -> None:
    office, _ = trunk
    with pytest.raises(NoLine):
        dial(office, "tel:+74957654321", via_line="nobody")
    assert issubclass(NoLine, ValueError) and not office.endpoint.legs


@pytest.mark.parametrize("uri", ["tel:", "tel:+7\r\nX: y", "sip:example.com", "mailto:a@b", "sip:a%0d%0ab@c", "+7495"])
def test_what_no_account_can_call(trunk: tuple[Office, Phone], uri: str) -> None:
    office, pbx = trunk
    with pytest.raises(ValueError):
        dial(office, uri, via_line="sales")
    assert pbx.silent(0.05) and not office.endpoint.legs


def test_a_longer_session_interval_is_taken(office: Office, phone: Phone) -> None:
    leg = dial(office, phone.address)
    invite = phone.expect_request("INVITE")
    assert invite.header("session-expires") == "600"
    phone.reply(invite, 422, headers="Min-SE: 1800\r\n")
    phone.expect_request("ACK")
    again = phone.expect_request("INVITE")
    assert again.header("session-expires") == "1800"
    phone.reply(again, 422, headers="Min-SE: 1800\r\n")
    phone.expect_request("ACK")
    until(lambda: office.of(leg) == [Ended(422, "unreachable")])


# To an address


def test_behind_a_nat(make_office: MakeOffice, make_phone: MakePhone) -> None:
    """The URI and the Contact name an address nobody can reach; the packets' own is what counts."""
    office = make_office(peers=(ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8")))
    phone = make_phone(office)
    leg = dial(office, "sip:anna@10.9.9.9:5062;ob", address=(phone.ip, phone.port))
    invite = phone.expect_request("INVITE")
    assert invite.uri == "sip:anna@10.9.9.9:5062;ob"
    phone.reply(invite, 200, headers="Contact: <sip:anna@10.9.9.9:5062>\r\n", body=phone.sdp)
    assert phone.expect_request("ACK").uri == "sip:anna@10.9.9.9:5062"
    until(lambda: office.of(leg) == [Answered()])
    leg.hold()
    phone.reply(phone.expect_request("INVITE"), 200, body=phone.sdp + "a=inactive\r\n")
    phone.expect_request("ACK")
    leg.hangup()
    phone.reply(phone.expect_request("BYE"), 200)


@pytest.mark.parametrize("address", [("phone.example.com", 5060), ("127.0.0.1", 0), ("127.0.0.1", 70000), ("", 5060)])
def test_what_is_no_address(office: Office, address: tuple[str, int]) -> None:
    with pytest.raises(ValueError):
        dial(office, "sip:anna@example.com", address=address)
    assert not office.endpoint.legs


# Hostile URIs


@pytest.mark.parametrize(
    "uri",
    [
        "sip:anna@127.0.0.1:{port}\r\nX-Evil: yes",
        "sip:anna\r\nX-Evil: yes@127.0.0.1:{port}",
        "sip:anna@127.0.0.1:{port};x=\ry",
        "sip:anna@127.0.0.1:{port}\n",
        "\nsip:anna@127.0.0.1:{port}",
        "sip:anna@127.0.0.1:{port};x=\x00",
        "sip:an\x7fna@127.0.0.1:{port}",
        "sip:anna@127.0.0.1:{port};x=\x85y",
        "sip:anna@127.0.0.1:{port};x=\u2028y",
        "sip:anna%0d%0aX-Evil:%20yes@127.0.0.1:{port}",
        "sip:anna@127.0.0.1:{port};x=%0a",
        "sip:anna@127.0.0.1:{port}?X-Evil=yes",
        "sip:anna@127.0.0.1:{port} SIP/2.0",
        "sip:anna@127.0.0.1:{port}>",
        "sip:\u202eanna@127.0.0.1:{port}",
        "sip:\udcffanna@127.0.0.1:{port}",
        "",
    ],
)
@pytest.mark.parametrize("direct", [True, False], ids=["to an address", "by the URI"])
def test_a_hostile_uri_never_reaches_the_wire(office: Office, phone: Phone, uri: str, direct: bool) -> None:
    with pytest.raises(ValueError):
        dial(office, uri.format(port=phone.port), address=(phone.ip, phone.port) if direct else None)
    assert phone.silent(0.05) and not office.endpoint.legs


def test_a_hostile_name_and_number_are_shown_harmlessly(office: Office, phone: Phone) -> None:
    name = 'A"\r\nX-Evil: yes\r\n\r\n\x00\u202e<b>\udcff' + "x" * 60_000
    dial(office, phone.address, caller_name=name, caller_number='+7"\r\nX-Evil: yes@evil.example.com>')
    invite = phone.expect_request("INVITE")
    assert not invite.fault and not invite.fields.get("x-evil") and len(invite.from_.display) <= 128
    assert invite.from_.uri.host == "127.0.0.1"
