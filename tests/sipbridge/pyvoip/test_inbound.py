"""Calls that come to us, message by message."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_network

import pytest

from sipbridge.pyvoip import Answered, Ended
from sipbridge.pyvoip.sdp import choose, parse

from .conftest import Office, Phone, until

MakePhone = Callable[..., Phone]
MakeOffice = Callable[..., Office]


def talk(office: Office, phone: Phone, **parts: str) -> None:
    """Bring a call up."""
    office.when_called = lambda leg: leg.answer()
    phone.invite(**parts)
    phone.expect(200)
    phone.send("ACK")


def test_trying_at_once_then_ringing_then_the_answer_until_ack(office: Office, phone: Phone) -> None:
    phone.invite()
    assert phone.receive().code == 100
    leg = office.call()
    leg.ring()
    ringing = phone.expect(180)
    assert ringing.to.tag and "+sip.instance" in ringing.header("contact")
    leg.answer()
    answer = phone.expect(200)
    assert answer.to.tag == ringing.to.tag
    office.pass_time(0.6)
    assert phone.expect(200).to.tag == answer.to.tag, "not repeated"
    phone.send("ACK")
    until(lambda: office.of(leg) == [Answered()])
    office.pass_time(40)
    assert phone.silent(), "repeated after ACK"
    phone.send("BYE", 2)
    phone.expect(200)
    until(lambda: office.of(leg) == [Answered(), Ended(200, "remote_bye")])


def test_an_answer_that_is_never_acknowledged_ends_with_bye(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite()
    leg = office.call()
    office.pass_time(33)
    assert office.of(leg) == [Ended(408, "no_ack")]
    while not (message := phone.receive()).is_request:
        assert message.code in (100, 200)
    assert message.method == "BYE"
    phone.reply(message, 200)


def test_a_retransmitted_invite_gets_the_same_answer_and_makes_no_second_call(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.ring()
    invite = phone.write("INVITE", body=phone.sdp)
    phone.send_raw(invite)
    tag = phone.expect(180).to.tag
    phone.send_raw(invite)
    assert phone.expect(180).to.tag == tag
    assert len(office.calls) == 1


def test_cancel_is_a_missed_call(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.ring()
    branch = phone.invite()
    phone.expect(180)
    tag, phone.to_tag = phone.to_tag, ""
    phone.send("CANCEL", branch=branch)
    assert phone.expect(200).cseq_method == "CANCEL"
    assert phone.expect(487).to.tag == tag
    phone.send("ACK", branch=branch)
    leg = office.call()
    until(lambda: office.of(leg) == [Ended(487, "cancelled")])
    leg.answer()  # a moment too late
    leg.hangup()
    office.pass_time(3)
    assert phone.silent(), "487 repeated after ACK, or a ghost answer"
    assert office.of(leg) == [Ended(487, "cancelled")]


@pytest.mark.parametrize(
    ("reason", "elsewhere"),
    [
        ('SIP;cause=200;text="Call completed elsewhere"', True),
        ("Q.850;cause=16, SIP ;cause=200", True),
        ("SIP;cause=487", False),
        ("Q.850;cause=200", False),
    ],
)
def test_cancel_tells_whether_a_colleague_took_it(office: Office, phone: Phone, reason: str, elsewhere: bool) -> None:
    branch = phone.invite()
    leg = office.call()
    phone.send("CANCEL", branch=branch, headers=f"Reason: {reason}\r\n")
    until(lambda: office.of(leg) == [Ended(487, "cancelled", elsewhere)])


def test_a_cancel_that_comes_after_the_answer_changes_nothing(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    branch = phone.invite()
    phone.expect(200)
    tag, phone.to_tag = phone.to_tag, ""
    phone.send("CANCEL", branch=branch)
    until(lambda: phone.receive().cseq_method == "CANCEL")
    phone.to_tag = tag
    phone.send("ACK")
    leg = office.call()
    until(lambda: office.of(leg) == [Answered()])


def test_cancel_of_nothing_is_481(office: Office, phone: Phone) -> None:
    phone.send("CANCEL")
    phone.expect(481)


def test_a_refusal_is_repeated_until_ack(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.reject(302, "Moved", (("Contact", "<sip:boss@example.com>"),))
    branch = phone.invite()
    moved = phone.expect(302)
    assert moved.header("contact") == "<sip:boss@example.com>"
    office.pass_time(1)
    phone.expect(302)
    phone.send("ACK", branch=branch)
    office.pass_time(0.1)
    until(lambda: not phone.silent(0.05) or True)
    office.pass_time(40)
    assert phone.silent()
    assert office.of(office.call()) == [Ended(302, "local")]


def test_the_cap_is_a_polite_503(make_office: MakeOffice, make_phone: MakePhone) -> None:
    office = make_office(max_calls=1)
    first, second = make_phone(office), make_phone(office)
    first.invite()
    leg = office.call()
    second.invite()
    assert second.expect(503).number("retry-after", 99) == 5
    leg.reject(486, "Busy Here")
    second.to_tag = ""
    second.invite(cseq=2)
    assert office.call()


def test_no_rtp_port_is_a_polite_503(make_office: MakeOffice, make_phone: MakePhone) -> None:
    office = make_office(rtp_ports=range(0))
    phone = make_phone(office)
    phone.invite()
    assert phone.expect(503).number("retry-after", 99)


def test_ports_come_back(make_office: MakeOffice, make_phone: MakePhone) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        base = probe.getsockname()[1] & ~1
    office = make_office(rtp_ports=range(base, base + 16), max_calls=1000)
    office.when_called = lambda leg: leg.reject(486, "Busy Here")
    phone = make_phone(office)
    for _ in range(20):
        phone.call_id += "x"
        phone.to_tag = ""
        phone.invite()
        phone.expect(486)
        office.call()


def test_the_same_call_by_two_ways_is_taken_once(office: Office, phone: Phone) -> None:
    phone.invite()
    phone.invite()  # another branch, all else the same
    phone.expect(482)
    assert len(office.calls) == 1


def test_hold_and_resume(office: Office, phone: Phone) -> None:
    talk(office, phone)
    leg = office.call()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        for cseq, (change, theirs) in enumerate(
            [
                ("a=sendonly", "recvonly"),
                ("a=inactive", "inactive"),
                ("a=recvonly", "sendonly"),
                ("a=sendrecv", "sendrecv"),
            ],
            2,
        ):
            offer = phone.sdp.replace("40000", str(ear.getsockname()[1])) + change + "\r\n"
            phone.invite(cseq=cseq, body=offer)
            answer = parse(phone.expect(200).content)[0]
            phone.send("ACK", cseq)
            assert answer.direction == theirs and answer.port == leg.media.local_port
            assert leg.held == (change in ("a=sendonly", "a=inactive"))
        leg.media.play(b"\xff" * 160)
        ear.settimeout(5)
        assert ear.recv(2000), "audio does not go where the last offer says"


def test_hold_by_the_old_way(office: Office, phone: Phone) -> None:
    talk(office, phone)
    leg = office.call()
    phone.invite(cseq=2, body=phone.sdp.replace(f"c=IN IP4 {phone.ip}", "c=IN IP4 0.0.0.0"))
    assert parse(phone.expect(200).content)[0].direction == "recvonly"
    phone.send("ACK", 2)
    assert leg.held


def test_an_offer_in_midcall_that_we_can_not_take_leaves_the_call_alone(office: Office, phone: Phone) -> None:
    talk(office, phone)
    leg = office.call()
    branch = phone.invite(cseq=2, body=phone.sdp.replace("RTP/AVP 0 8 101", "RTP/SAVP 0"))
    assert phone.expect(488).header("warning").startswith("302 ")
    phone.send("ACK", 2, branch=branch)
    phone.send("OPTIONS", 3)
    phone.expect(200)
    assert office.of(leg) == [Answered()]


def test_an_invite_without_an_offer_gets_ours_and_the_ack_answers(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.send("INVITE")
    offer = parse(phone.expect(200).content)
    assert choose(offer, None, ipv6=False).codec == "PCMU"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(5)
        phone.send("ACK", body=phone.sdp.replace("40000", str(ear.getsockname()[1])))
        leg = office.call()
        until(lambda: office.of(leg) == [Answered()])
        leg.media.play(b"\xff" * 160)
        assert ear.recv(2000)


def test_an_ack_without_the_answer_ends_the_call(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.send("INVITE")
    phone.expect(200)
    phone.send("ACK")
    phone.reply(phone.expect_request("BYE"), 200)
    assert office.of(office.call()) == [Ended(488, "failed")]


@pytest.mark.parametrize(
    ("offer", "warning"),
    [
        ("m=audio 4000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n", "305"),
        ("m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n", "302"),
        ("m=video 4000 RTP/AVP 34\r\n", "304"),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\n", "301"),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 phone.example.com\r\n", "301"),
        ("m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\n", "330"),
        ("m=audio 4000\r\n", "399"),
        ("m=audio 999999 RTP/AVP 0\r\n", "399"),
    ],
)
def test_an_offer_that_we_can_not_take_says_why(office: Office, phone: Phone, offer: str, warning: str) -> None:
    phone.invite(body=f"v=0\r\no=- 1 1 IN IP4 {phone.ip}\r\ns=-\r\nc=IN IP4 {phone.ip}\r\nt=0 0\r\n{offer}")
    assert phone.expect(488).header("warning").startswith(warning + " ")
    assert not office.calls


def test_video_beside_audio_is_declined_in_its_place(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    video = "m=video 4002 RTP/AVP 97\r\na=rtpmap:97 H264/90000\r\n"
    phone.invite(body=phone.sdp.replace("m=audio", video + "m=audio"))
    answer = parse(phone.expect(200).content)
    assert [(each.kind, each.port == 0) for each in answer] == [("video", True), ("audio", False)]


def test_multipart_bodies_and_compact_headers(office: Office, phone: Phone) -> None:
    body = f"--b1\r\nContent-Type: application/sdp\r\n\r\n{phone.sdp}\r\n--b1--\r\n"
    data = phone.write("INVITE", body=body, content_type='multipart/mixed;boundary="b1"')
    for long, short in (("Via", "v"), ("From", "f"), ("To", "t"), ("Call-ID", "i"), ("Content-Type", "c")):
        data = data.replace(f"\r\n{long}:".encode(), f"\r\n{short} :".encode(), 1)
    phone.send_raw(data)
    assert office.call().codec == "PCMU"


def test_route_set_and_contact_carry_our_bye(office: Office, phone: Phone, make_phone: MakePhone) -> None:
    proxy = make_phone(office)
    routes = f"Record-Route: <sip:{proxy.ip}:{proxy.port};lr>, <sip:10.9.9.8;lr>\r\n"
    talk(office, phone, headers=routes)
    leg = office.call()
    until(lambda: office.of(leg) == [Answered()])
    leg.hangup()
    bye = proxy.expect_request("BYE")
    assert bye.uri == f"sip:anna@{phone.ip}:{phone.port}"
    assert bye.values("route") == [f"<sip:{proxy.ip}:{proxy.port};lr>", "<sip:10.9.9.8;lr>"]
    assert (bye.to.tag, bye.from_.tag) == ("a1", phone.to_tag)
    proxy.reply(bye, 200)
    assert office.of(leg)[-1] == Ended(200, "local")


def test_our_bye_waits_for_the_ack(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite()
    phone.expect(200)
    leg = office.call()
    leg.hangup()
    assert office.of(leg) == [Ended(200, "local")]
    assert phone.silent(0.2), "BYE before the call was confirmed"
    phone.send("ACK")
    phone.reply(phone.expect_request("BYE"), 200)


def test_requests_with_wrong_tags_do_not_touch_the_call(office: Office, phone: Phone) -> None:
    talk(office, phone)
    leg = office.call()
    until(lambda: office.of(leg))
    right, phone.to_tag = phone.to_tag, "wrong"
    phone.send("BYE", 2)
    phone.expect(481)
    phone.to_tag = right
    phone.send("BYE", 3, from_="<sip:+74951234567@example.com>;tag=other")
    phone.expect(481)
    phone.send("OPTIONS", 4)
    phone.expect(200)
    assert office.of(leg) == [Answered()]


def test_an_old_sequence_number_is_refused(office: Office, phone: Phone) -> None:
    talk(office, phone, cseq=5)  # type: ignore[arg-type]
    phone.send("OPTIONS", 4)
    phone.expect(500)


def test_in_dialog_info_update_and_the_rest(office: Office, phone: Phone) -> None:
    talk(office, phone)
    for cseq, (method, parts, code) in enumerate(
        [
            ("INFO", {}, 200),
            ("INFO", {"body": "Signal=5\r\n", "content_type": "application/dtmf-relay"}, 200),
            ("INFO", {"body": "x", "content_type": "application/x-unknown"}, 415),
            ("UPDATE", {}, 200),
            ("UPDATE", {"body": phone.sdp + "a=sendonly\r\n"}, 200),
            ("NOTIFY", {"headers": "Event: refer\r\n"}, 481),
            ("PRACK", {"headers": "RAck: 1 1 INVITE\r\n"}, 481),
            ("OPTIONS", {}, 200),
        ],
        2,
    ):
        phone.send(method, cseq, **parts)  # type: ignore[arg-type]
        phone.expect(code)


def test_session_timer_the_far_end_refreshes_or_the_call_is_dead(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite(headers="Session-Expires: 90\r\nSupported: timer\r\n")
    answer = phone.expect(200)
    assert answer.header("session-expires") == "90;refresher=uac"
    assert answer.options("require") == {"timer"}
    phone.send("ACK")
    leg = office.call()
    until(lambda: office.of(leg))
    office.pass_time(50)
    phone.send("UPDATE", 2, headers="Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n")
    phone.expect(200)
    office.pass_time(50)
    assert office.of(leg) == [Answered()]
    office.pass_time(15)
    assert office.of(leg) == [Answered(), Ended(408, "timeout")]
    phone.reply(phone.expect_request("BYE"), 200)


def test_session_timer_we_refresh_when_asked(office: Office, phone: Phone) -> None:
    talk(office, phone, headers="Session-Expires: 120;refresher=uas\r\nSupported: timer\r\n")
    leg = office.call()
    until(lambda: office.of(leg))
    office.pass_time(60.2)
    refresh = phone.expect_request("INVITE")
    assert refresh.header("session-expires") == "120;refresher=uac"
    phone.reply(refresh, 200, headers="Session-Expires: 120;refresher=uac\r\n", body=phone.sdp)
    assert phone.expect_request("ACK").cseq == refresh.cseq
    office.pass_time(60.2)
    phone.expect_request("INVITE")
    assert office.of(leg) == [Answered()]


def test_session_timer_too_short(office: Office, phone: Phone) -> None:
    phone.invite(headers="Session-Expires: 20\r\nSupported: timer\r\n")
    assert phone.expect(422).number("min-se", 999) == 90


def test_long_ringing_is_said_again(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.ring()
    phone.invite()
    phone.expect(180)
    office.pass_time(61)
    phone.expect(180)


def test_stop_ends_every_leg_politely(office: Office, phone: Phone, make_phone: MakePhone) -> None:
    talk(office, phone)
    leg = office.call()
    until(lambda: office.of(leg))
    waiting = make_phone(office)
    office.when_called = lambda leg: leg.ring()
    waiting.invite()
    waiting.expect(180)
    office.endpoint.stop()
    assert [events[-1] for events in map(office.of, [leg, office.call()])] == [
        Ended(200, "local"),
        Ended(480, "local"),
    ]
    phone.expect_request("BYE")
    waiting.expect(480)


def test_no_call_begins_while_stopping(make_office: MakeOffice, make_phone: MakePhone) -> None:
    office = make_office()
    phones = [make_phone(office) for _ in range(20)]
    for phone in phones:
        phone.invite()
    office.endpoint.stop()
    told = len(office.calls)
    assert all(office.of(leg) == [Ended(480, "local")] for leg in office.calls)
    assert not office.endpoint.legs and len(office.calls) == told
    with pytest.raises(OSError):
        office.endpoint.dial("sip:a@127.0.0.1", caller_number="", caller_name="", codec="PCMU")


def test_a_busy_port_is_an_os_error(office: Office, make_office: MakeOffice) -> None:
    with pytest.raises(OSError):
        make_office(port=office.endpoint.port)


def test_a_refused_refresh_is_tried_again(office: Office, phone: Phone) -> None:
    talk(office, phone, headers="Session-Expires: 120;refresher=uas\r\nSupported: timer\r\nAllow: UPDATE\r\n")
    leg = office.call()
    until(lambda: office.of(leg))
    office.pass_time(61)
    phone.reply(phone.expect_request("UPDATE"), 491)
    office.pass_time(4)
    phone.reply(phone.expect_request("UPDATE"), 200, headers="Session-Expires: 120;refresher=uac\r\n")
    office.pass_time(50)
    assert office.of(leg) == [Answered()]


def test_a_bye_instead_of_the_ack_ends_the_repetition(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite()
    phone.expect(200)
    phone.send("BYE", 2)
    phone.expect(200)
    office.pass_time(40)
    assert phone.silent()
    assert office.of(office.call()) == [Ended(200, "remote_bye")]


def test_listening_everywhere_shows_the_address_that_faces_the_caller(
    make_office: MakeOffice, make_phone: MakePhone
) -> None:
    office = make_office(host="0.0.0.0")  # noqa: S104
    office.when_called = lambda leg: leg.answer()
    phone = make_phone(office)
    phone.invite()
    answer = phone.expect(200)
    assert answer.contact and answer.contact.uri.host == "127.0.0.1"
    assert parse(answer.content)[0].address == "127.0.0.1"


def test_ipv6(make_office: MakeOffice) -> None:
    try:
        ear = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        ear.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine")
    office = make_office(host="::1", peers=(ip_network("::1/128"),))
    office.when_called = lambda leg: leg.answer()
    port = ear.getsockname()[1]
    sdp = f"v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 ::1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
    invite = (
        f"INVITE sip:desk@[::1] SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:{port};branch=z9hG4bKv6\r\n"
        f"From: <sip:a@[::1]>;tag=1\r\nTo: <sip:desk@[::1]>\r\nCall-ID: v6\r\nCSeq: 1 INVITE\r\n"
        f"Contact: <sip:a@[::1]:{port}>\r\nContent-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n\r\n{sdp}"
    )
    ear.settimeout(5)
    ear.sendto(invite.encode(), ("::1", office.endpoint.port))
    while not (data := ear.recv(4096)).startswith(b"SIP/2.0 200"):
        assert data.startswith(b"SIP/2.0 100")
    assert b"c=IN IP6 ::1" in data and b"Contact: <sip:desk@[::1]:" in data
    ear.close()
