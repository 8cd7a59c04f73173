"""Keys pressed in a call, told in the sound, by INFO, or by both at once."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from sipbridge.pyvoip import Answered, Dtmf
from sipbridge.pyvoip.dtmf import Keypad

from .conftest import Office, Phone, until
from .talk import Talk, an_ear

KEYS = "0123456789*#ABCD"


class Ear:
    """The telephone's RTP socket, which presses keys."""

    def __init__(self, talk: Talk, sock: socket.socket) -> None:
        self.talk, self.sock = talk, sock
        self.sequence, self.timestamp = 1, 1000

    def press(self, key: str) -> None:
        """An RFC 4733 event: its begin and, three times over, its end."""
        self.timestamp += 1600
        for end in (0, 0, 0x80, 0x80, 0x80):
            self.sequence += 1
            packet = struct.pack("!BBHII", 0x80, 101, self.sequence, self.timestamp, 7)
            packet += struct.pack("!BBH", KEYS.index(key), end | 10, 800)
            self.sock.sendto(packet, ("127.0.0.1", self.talk.leg.media.local_port))


@pytest.fixture(params=[True, False], ids=["inbound", "outbound"])
def talk(request: pytest.FixtureRequest, office: Office, phone: Phone) -> Talk:
    return Talk(office, phone, inbound=request.param)


@pytest.fixture
def ear(talk: Talk) -> Iterator[Ear]:
    with an_ear() as sock:
        talk.offer("a=rtpmap:101 telephone-event/8000\r\n", port=sock.getsockname()[1])
        talk.phone.expect(200)
        talk.ack()
        yield Ear(talk, sock)


def pressed(talk: Talk) -> str:
    return "".join(event.key for event in talk.events if isinstance(event, Dtmf))


def tell(talk: Talk, body: str, kind: str = "application/dtmf-relay", code: int = 200) -> None:
    talk.send("INFO", body=body, content_type=kind)
    talk.phone.expect(code)


def test_keys_in_the_sound(talk: Talk, ear: Ear) -> None:
    for key in KEYS + "55":
        ear.press(key)
    until(lambda: pressed(talk) == KEYS + "55")


@pytest.mark.parametrize(
    ("body", "kind", "key"),
    [
        ("Signal=5\r\nDuration=160\r\n", "application/dtmf-relay", "5"),
        ("Signal= *\r\n", "application/dtmf-relay", "*"),
        ("signal=d", "application/dtmf-relay", "D"),
        ("Signal=11\nDuration=250\n", "application/dtmf-relay", "#"),
        ("7", "application/dtmf", "7"),
        ("#\r\n", "application/dtmf", "#"),
    ],
)
def test_keys_by_info(office: Office, phone: Phone, body: str, kind: str, key: str) -> None:
    talk = Talk(office, phone, inbound=True)
    tell(talk, body, kind)
    assert pressed(talk) == key


@pytest.mark.parametrize("body", ["Signal=\r\n", "Signal=16", "Signal=99", "x", "Signal=5 6", "5" * 60_000, "\0\r\n"])
def test_what_is_no_key(office: Office, phone: Phone, body: str) -> None:
    talk = Talk(office, phone, inbound=True)
    tell(talk, body, code=400)
    tell(talk, "x", "text/plain", 415)
    assert talk.events == [Answered()]
    talk.lives()


def test_a_repeated_info_is_one_press(office: Office, phone: Phone) -> None:
    talk = Talk(office, phone, inbound=True)
    info = phone.write("INFO", 2, body="Signal=1", content_type="application/dtmf-relay")
    for _ in range(3):
        phone.send_raw(info)
        phone.expect(200)
    assert pressed(talk) == "1"


def test_told_both_ways_is_one_press(talk: Talk, ear: Ear) -> None:
    ear.press("5")
    until(lambda: pressed(talk) == "5")
    tell(talk, "Signal=5")
    tell(talk, "Signal=5")
    until(lambda: pressed(talk) == "55")
    ear.press("5")
    ear.press("6")
    until(lambda: pressed(talk) == "556")


def test_twins_are_found_in_any_order_and_age() -> None:
    now, keys = [0.0], []
    pad = Keypad(lambda: now[0], keys.append)
    for _ in range(3):
        pad.heard("1")
    for _ in range(3):
        assert pad.told(b"Signal=1")
    assert keys == ["1"] * 3
    pad.told(b"2")
    now[0] = 3
    pad.heard("2")
    assert keys[3:] == ["2", "2"], "pressed again much later"
    for _ in range(1000):
        pad.heard("3")
    assert keys.count("3") == 1000 and len(pad._unpaired) <= 32


def test_no_key_is_told_after_the_end(talk: Talk, ear: Ear) -> None:
    talk.leg.hangup()
    talk.leg._keypad.heard("1")
    assert pressed(talk) == ""
