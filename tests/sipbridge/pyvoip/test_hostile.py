"""Hostile datagrams: whatever comes, the endpoint lives, keeps its memory, and serves the next caller."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sipbridge.pyvoip import Leg
from sipbridge.pyvoip.digest import read
from sipbridge.pyvoip.message import Message, NotSip
from sipbridge.pyvoip.referral import refer_to
from sipbridge.pyvoip.sdp import Unacceptable, choose, parse
from sipbridge.pyvoip.uri import BadAddress, parse_name_addr, parse_uri

from .conftest import Office, Phone

INVITE = (
    b"INVITE sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bKx;rport\r\n"
    b'From: "A" <sip:+7495@x>;tag=1\r\nTo: <sip:desk@x>\r\nCall-ID: abc\r\nCSeq: 1 INVITE\r\n'
    b"Contact: <sip:a@127.0.0.1:5999>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\n"
    b"Content-Length: %d\r\n\r\n%s"
)
SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
# A busy machine makes generating slow, which says nothing about the parser.
bounded = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def datagrams() -> Iterator[bytes]:
    """Some 400 of them: random, mutated, cut, doubled, blown up, spoofed."""
    chance = random.Random(7)
    whole = INVITE % (len(SDP), SDP)
    yield from (b"", b"\0" * 4, b"\r\n\r\n", b"\xff\xfe\xfd", b"SIP/2.0", b"SIP/2.0 abc\r\n\r\n", b"INVITE", b" ")
    for _ in range(60):
        yield chance.randbytes(chance.randint(1, 1400))
    for number in range(150):
        mutated = bytearray(whole.replace(b"abc", b"m%d" % number))
        for _ in range(chance.randint(1, 12)):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        yield bytes(mutated)
    for cut in range(0, len(whole), 9):
        yield whole[:cut]
    for line in whole.split(b"\r\n"):
        if line:
            yield whole.replace(line, line + b"\r\n" + line, 1)
            yield whole.replace(line, line * 50, 1)
            yield whole.replace(line, b"", 1)
            yield whole.replace(line, line.replace(b" ", b"\0"), 1)
            yield whole.replace(line, line + b'\xc3\x28;;,,"<', 1)
    yield whole.replace(b"Max-Forwards: 70", b"\r\n".join(b"X-%d: y" % n for n in range(3000)))
    yield whole.replace(b"Max-Forwards: 70", b"X: " + b"a" * 50_000)
    yield whole.replace(b"Max-Forwards: 70", b"Via: " + b"SIP/2.0/UDP a;x=y," * 2000 + b"SIP/2.0/UDP a")
    yield whole.replace(b"Max-Forwards: 70", b"Contact: " + b"<" * 20_000)
    yield whole.replace(b'"A"', b'"' + b"\\" * 20_001)
    yield INVITE % (len(SDP) + 60_000, SDP + b"m=audio 1 RTP/AVP 0\r\n" * 2900)
    yield INVITE % (10**9, SDP)
    for method in (b"ACK", b"BYE", b"CANCEL", b"OPTIONS", b"REGISTER", b"PRACK", b"UPDATE", b"\xd0\xb6"):
        yield whole.replace(b"INVITE", method)
    for code in (b"100", b"180", b"200", b"302", b"401", b"487", b"999", b"4294967301"):
        yield whole.replace(b"INVITE sip:desk@127.0.0.1 SIP/2.0", b"SIP/2.0 " + code + b" x")


def test_alive_after_hostile_datagrams(office: Office, phone: Phone, make_phone: Callable[..., Phone]) -> None:
    office.when_called = lambda leg: leg.ring()
    sent = 0
    for sent, data in enumerate(datagrams(), 1):
        phone.send_raw(data[:65_000])
        if sent % 20 == 0:
            prober = make_phone(office)
            prober.send("OPTIONS")
            prober.expect(200)
    assert sent > 231
    caller = make_phone(office)
    for leg in office.calls:
        leg.hangup()
    caller.invite()
    caller.expect(180)
    assert office.endpoint.counters["errors"] == 0


def test_hostile_datagrams_inside_a_call(office: Office, phone: Phone) -> None:
    office.when_called = lambda leg: leg.answer()
    phone.invite()
    phone.expect(200)
    phone.send("ACK")
    chance = random.Random(8)
    for cseq in range(2, 202):
        method = chance.choice(["INVITE", "UPDATE", "INFO", "REFER"])
        to = chance.choice(["<sip:201@example.com>", "<sip:x@y?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>", "<tel:+7495>"])
        kind = chance.choice(["application/sdp", "application/dtmf-relay", "application/dtmf"])
        body = phone.sdp if kind.endswith("sdp") else "Signal=5\r\nDuration=160\r\n"
        headers = f"Refer-To: {to}\r\n"
        data = bytearray(phone.write(method, cseq, headers=headers, body=body, content_type=kind))
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(60, len(data))] = chance.randrange(256)
        phone.send_raw(bytes(data))
    while not phone.silent(0.3):
        pass
    phone.send("OPTIONS", 100_000)
    while (answer := phone.receive()).cseq_method != "OPTIONS":
        pass
    assert answer.code == 200
    assert office.endpoint.counters["errors"] == 0


def test_finished_calls_leave_nothing_behind(office: Office, phone: Phone) -> None:
    def quickly(leg: Leg) -> None:
        leg.ring()
        leg.reject(486, "Busy Here")

    office.when_called = quickly
    for number in range(300):
        phone.call_id, phone.to_tag = f"call-{number}", ""
        branch = phone.invite()
        phone.expect(180)
        phone.expect(486)
        phone.send("ACK", branch=branch)
    office.pass_time(40)
    sip = office.endpoint.sip
    assert not (sip.dialogs or sip._servers or sip._invites or sip._clients or office.endpoint.legs)


def test_a_flood_beyond_the_cap_costs_no_memory(
    make_office: Callable[..., Office], make_phone: Callable[..., Phone]
) -> None:
    office = make_office(max_calls=1)
    phone = make_phone(office)
    for number in range(500):
        phone.call_id = f"flood-{number}"
        phone.invite()
        if number % 50 == 49:
            phone.receive()
    assert len(office.endpoint.sip._servers) <= 1 and len(office.endpoint.legs) == 1


@bounded
@given(st.binary(max_size=400) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_message_or_not_sip(data: bytes) -> None:
    for whole in (data, INVITE % (len(data), data), (INVITE % (0, b"")).replace(b"Max-Forwards: 70", data)):
        try:
            message = Message(whole, ("127.0.0.1", 5060))
        except NotSip:
            continue
        assert message.fault or not message.is_request or message.transaction_key


@bounded
@given(st.text(max_size=120))
def test_any_text_is_an_address_or_a_bad_one(text: str) -> None:
    for whole in (text, f"sip:{text}", f'"{text}" <sip:a@b>;{text}', f"<sip:{text}@x>", f"<tel:{text}>"):
        for reader in (parse_uri, parse_name_addr):
            try:
                assert reader(whole)
            except BadAddress:
                continue
    read("Digest " + text)
    for whole in (text, f"<sip:{text}@x>", f"<sip:x@y?Replaces={text}>", f"<sip:x@y?Replaces=a%3B{text}>"):
        lines = INVITE.replace(b"INVITE", b"REFER").replace(b"Max-Forwards: 70", b"Refer-To: %s") % (
            whole.encode("utf-8", "replace"),
            0,
            b"",
        )
        try:
            target, _ = refer_to(Message(lines, ("127.0.0.1", 5060)))
            assert target.isascii() and target.isprintable()
        except (BadAddress, NotSip):
            continue


@bounded
@given(st.lists(st.sampled_from("vosctam") | st.text(max_size=2), max_size=12), st.text(max_size=40), st.integers())
def test_any_session_description_is_taken_or_refused(kinds: list[str], text: str, number: int) -> None:
    lines = [f"{kind}={text}{number}" for kind in kinds]
    lines += [f"m=audio {number} RTP/AVP 0 {text}", f"c=IN IP4 {text}", f"a=rtpmap:{number} {text}"]
    for body in ("\r\n".join(lines), text, struct.pack("!q", number % 2**31).decode("latin-1")):
        try:
            choose(parse(body.encode("utf-8", "replace")), None, ipv6=False)
        except Unacceptable as refusal:
            assert 300 <= refusal.code <= 399
