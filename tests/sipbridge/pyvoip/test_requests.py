"""Every request gets the right final answer, by the right way, from those who are served."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network

import pytest

from .conftest import Office, Phone

MakePhone = Callable[..., Phone]
MakeOffice = Callable[..., Office]


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("OPTIONS", 200),
        ("BYE", 481),
        ("CANCEL", 481),
        ("UPDATE", 481),
        ("INFO", 481),
        ("PRACK", 481),
        ("NOTIFY", 481),
        ("REFER", 403),
        ("SUBSCRIBE", 405),
        ("MESSAGE", 405),
        ("PUBLISH", 405),
        ("REGISTER", 405),
        ("FROBNICATE", 501),
    ],
)
def test_methods_outside_a_call(office: Office, phone: Phone, method: str, code: int) -> None:
    phone.send(method)
    answer = phone.expect(code)
    if code in (200, 405, 501):
        assert "INVITE" in answer.header("allow")


@pytest.mark.parametrize("method", ["INVITE", "BYE", "OPTIONS", "UPDATE", "INFO"])
def test_unknown_dialogs(office: Office, phone: Phone, method: str) -> None:
    phone.to_tag = "gone"
    phone.send(method)
    phone.expect(481)


def test_an_ack_is_never_answered(office: Office, phone: Phone) -> None:
    phone.send("ACK")
    phone.send_raw(phone.write("ACK").replace(b"CSeq: 1", b"CSeq: x"))
    assert phone.silent()


@pytest.mark.parametrize(
    ("headers", "code", "told"),
    [
        ("Require: 100rel, timer, gruu\r\n", 420, ("unsupported", "100rel, gruu")),
        ("Accept: text/plain\r\n", 406, None),
        ("Content-Encoding: gzip\r\n", 415, ("accept-encoding", "identity")),
    ],
)
def test_what_an_invite_may_not_ask(
    office: Office, phone: Phone, headers: str, code: int, told: tuple[str, str] | None
) -> None:
    phone.invite(headers=headers)
    answer = phone.expect(code)
    if told:
        assert answer.header(told[0]) == told[1]
    assert not office.calls


def test_unknown_body(office: Office, phone: Phone) -> None:
    phone.invite(content_type="application/x-unknown")
    assert "application/sdp" in phone.expect(415).header("accept")


def test_no_hop_left(office: Office, phone: Phone) -> None:
    phone.send_raw(phone.write("INVITE", body=phone.sdp).replace(b"Max-Forwards: 70", b"Max-Forwards: 0"))
    phone.expect(483)
    phone.to_tag = ""
    phone.send_raw(phone.write("OPTIONS").replace(b"Max-Forwards: 70", b"Max-Forwards: 0"))
    phone.expect(200)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b" SIP/2.0\r\n", b" SIP/7.0\r\n", 505),
        (b" SIP/2.0\r\n", b"\r\n", 400),
        (b"sip:desk@example.com SIP", b"sip:desk@example.com;  SIP", 400),
        (b"sip:desk@example.com SIP", b"<sip:desk@example.com> SIP", 400),
        (b"sip:desk@example.com SIP", b"sip:2001:db8::1 SIP", 400),
        (b"sip:desk@example.com SIP", b"urn:service:sos SIP", 416),
        (b"sip:desk@example.com SIP", b"sips:desk@example.com SIP", 416),
        (b"CSeq: 1 INVITE", b"CSeq: 1 OPTIONS", 400),
        (b"CSeq: 1 INVITE", b"CSeq: 4294967296 INVITE", 400),
        (b"CSeq: 1 INVITE", b"CSeq: INVITE", 400),
        (b"Call-ID: ", b"Call-ID: two words ", 400),
        (b"Call-ID: ", b"X-Call-ID: ", 400),
        (b"From: ", b"X-From: ", 400),
        (b"From: ", b"From: <sip:x@y>\r\nFrom: ", 400),
        (b'"Anna" <', b'"Anna <', 400),
        (b"Content-Length: ", b"Content-Length: 9", 400),
        (b"Content-Length: ", b"Content-Length: -", 400),
        (b"Content-Length: ", b"Content-Length: 1\r\nContent-Length: ", 400),
        (b"Max-Forwards: 70", b"Max-Forwards: many", 400),
        (b"Max-Forwards: 70", b"no colon here", 400),
        (b"Max-Forwards: 70", b"bad name: x", 400),
        (b"Max-Forwards: 70", b"Subject: a\rb", 400),
        (b"\r\n", b"\n", 400),
        (b"\r\n\r\n", b"\r\n", 400),
    ],
)
def test_malformed_invites_are_refused(office: Office, phone: Phone, old: bytes, new: bytes, code: int) -> None:
    count = -1 if old == b"\r\n" else 1
    phone.send_raw(phone.write("INVITE", body=phone.sdp).replace(old, new, count))
    assert phone.socket.recv(4096).startswith(b"SIP/2.0 %d " % code)
    assert not office.calls
    assert (office.endpoint.counters["malformed"] == 1) == (code in (400, 505))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"From: ", b"from:"),
        (b"Contact: ", b"Subject: a\r\n folded\r\n\tsubject\r\nCONTACT :  "),
        (b'"Anna"', "Анна".encode()),
        (b'"Anna"', b'"J\xfcrgen"'),
        (b'"Anna"', b'"\\"Evil\\" <sip:x@y>, z"'),
        (b'"Anna" ', b"Bell, Alexander"),
        (b"<sip:+74951234567@example.com>;tag=a1", b"<tel:+7-495-123-45-67>;x=y;tag=a1"),
        (b'"Anna" <sip:+74951234567@example.com>;tag=a1', b"sip:anna@example.com;tag=a1;x"),
        (b"<sip:+74951234567@example.com>", b"< sip:+7495;npi@[2001:db8::1]:5070;user=phone >"),
        (b"INVITE sip:desk@example.com", b"INVITE tel:+74951112233"),
        (b"INVITE sip:desk@example.com", b"INVITE sip:example.com:5060;transport=udp"),
        (b"Max-Forwards: 70", b"Max-Forwards: 0070"),
        (b"Max-Forwards: 70\r\n", b""),
        (b"Max-Forwards: 70", b"Session-Expires: nonsense\r\nP-Asserted-Identity: <<<"),
        (b"INVITE sip", b"\r\n\r\nINVITE sip"),
        (b";tag=a1", b""),
        (b"Contact: ", b"X-Contact: "),
        (b"a=rtpmap", b"a=x-eq:a=b=c\r\na=candidate:1\r\na=rtpmap:99 foo/8000\r\na=rtpmap"),
        (b"RTP/AVP", b"RTP/AVPF"),
        (b"RTP/AVP 0 8", b"RTP/AVP 9 18 96 8 0"),
    ],
)
def test_odd_but_legal_invites_ring(office: Office, phone: Phone, old: bytes, new: bytes) -> None:
    office.when_called = lambda leg: leg.ring()
    data = phone.write("INVITE", body=phone.sdp)
    head, blank, body = data.partition(b"\r\n\r\n")
    assert old in data
    body = body.replace(old, new, 1)
    head = head.replace(old, new, 1)
    head = head[: head.rindex(b"Content-Length")] + b"Content-Length: %d" % len(body)
    phone.send_raw(head + blank + body)
    phone.expect(180)


@pytest.mark.parametrize(
    ("headers", "from_", "number", "name"),
    [
        ("", '"Anna" <sip:+7495@x>;tag=1', "+7495", "Anna"),
        ("", "<sip:anna;phone-context=+7@x>;tag=1", "anna", ""),
        ("", "<sip:%2B7495@x>;tag=1", "+7495", ""),
        ("", "<tel:+7495;ext=1>;tag=1", "+7495", ""),
        ("", "<sip:x>;tag=1", "", ""),
        ("", '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', "", ""),
        ("", '"Unknown" <sip:Restricted@pbx>;tag=1', "", ""),
        ("Privacy: id\r\n", '"Anna" <sip:+7495@x>;tag=1', "", ""),
        ("Privacy: none\r\n", '"Anna" <sip:+7495@x>;tag=1', "+7495", "Anna"),
        ("P-Asserted-Identity: <sip:+7812@pbx>\r\n", '"Anna" <sip:+7495@x>;tag=1', "+7812", "Anna"),
        ('P-Asserted-Identity: "Bob" <sip:201@pbx>, <tel:+7812>\r\n', "<sip:1@x>;tag=1", "+7812", "Bob"),
        ("P-Asserted-Identity: nonsense\r\n", "<sip:+7495@x>;tag=1", "+7495", ""),
        (
            "P-Asserted-Identity: <sip:+7812@pbx>\r\n",
            '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1',
            "+7812",
            "",
        ),
        ("", '"A\x07\\"B" <sip:' + "9" * 500 + "@x>;tag=1", "9" * 64, 'A"B'),
    ],
)
def test_who_is_calling(office: Office, phone: Phone, headers: str, from_: str, number: str, name: str) -> None:
    phone.invite(headers=headers, from_=from_, to="<sip:+74950000000;x=y@trunk>", uri="sip:Desk@1.2.3.4")
    leg = office.call()
    assert (leg.caller_number, leg.caller_name) == (number, name)
    assert (leg.line, leg.dialed_number) == ("desk", "+74950000000")
    assert len(leg.id) == 32 and leg.id != leg.call_id


def test_answers_go_by_via_when_there_is_no_rport(make_office: MakeOffice, make_phone: MakePhone) -> None:
    office = make_office()
    sender, other = make_phone(office), make_phone(office)
    via = f"Via: SIP/2.0/UDP pbx.example.com:{other.port};branch=z9hG4bKa\r\nVia: SIP/2.0/TCP 10.0.0.1\r\n"
    sender.send("OPTIONS", via=via)
    data = other.socket.recv(4096)
    assert b"pbx.example.com:%d;branch=z9hG4bKa;received=127.0.0.1\r\n" % other.port in data
    assert b"Via: SIP/2.0/TCP 10.0.0.1\r\n" in data
    via = f"Via: SIP/2.0/UDP 10.9.9.9:{other.port};rport;branch=z9hG4bKb\r\n"
    sender.send("OPTIONS", via=via)
    answer = sender.expect(200)
    assert answer.vias[0].params["rport"] == str(sender.port)
    assert answer.vias[0].params["received"] == "127.0.0.1"


def test_strangers_are_dropped_and_counted(make_office: MakeOffice, make_phone: MakePhone) -> None:
    office = make_office(peers=(ip_network("127.0.0.1/32"),))
    stranger, peer = make_phone(office, ip="127.66.6.6"), make_phone(office)
    for method in ("INVITE", "OPTIONS", "REGISTER", "BYE"):
        stranger.send(method)
    stranger.send_raw(b"garbage")
    assert stranger.silent()
    peer.send("OPTIONS")
    peer.expect(200)
    assert office.endpoint.counters["refused_strangers"] == 5
    assert not office.calls


def test_responses_to_nothing_are_dropped(office: Office, phone: Phone) -> None:
    phone.send_raw(
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKz\r\nFrom: <sip:a@b>;tag=1\r\n"
        b"To: <sip:c@d>;tag=2\r\nCall-ID: nope\r\nCSeq: 1 INVITE\r\n\r\n"
    )
    assert phone.silent()
