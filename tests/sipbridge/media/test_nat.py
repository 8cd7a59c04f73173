"""A telephone whose SDP names an address its sound does not come from."""

from __future__ import annotations

from collections.abc import Callable

from sipbridge.media.stream import Stream
from tests.sipbridge.media.conftest import Phone, until

Phones = Callable[..., Phone]
Streams = Callable[..., Stream]


def test_sound_from_where_the_signalling_comes_is_believed_and_answered(phone: Phones, stream: Streams) -> None:
    caller, hidden = phone(), phone("127.0.0.2")
    left, right = stream(caller), stream()
    right.set_remote("192.0.2.2", hidden.port)  # what the phone behind a NAT takes for its address
    right.signalled_from = hidden.ip
    left.join(right)
    hidden.socket.sendto(packet(b"\x01"), ("127.0.0.1", right.local_port))
    assert caller.receive().payload == b"\x01" * 160
    caller.send(left, b"\x02" * 160)
    assert hidden.receive().payload == b"\x02" * 160


def test_it_is_believed_once(phone: Phones, stream: Streams) -> None:
    caller, hidden, second = phone(), phone("127.0.0.2"), phone("127.0.0.2")
    left, right = stream(caller), stream()
    right.set_remote("192.0.2.2", 4000)
    right.signalled_from = hidden.ip
    left.join(right)
    hidden.socket.sendto(packet(b"\x01"), ("127.0.0.1", right.local_port))
    assert caller.receive().payload == b"\x01" * 160
    second.socket.sendto(packet(b"\x03"), ("127.0.0.1", right.local_port))
    until(lambda: right.counters.ignored == 1)
    caller.send(left, b"\x02" * 160)
    assert hidden.receive().payload == b"\x02" * 160
    assert second.heard_nothing()


def test_a_third_address_stays_a_stranger(phone: Phones, stream: Streams) -> None:
    caller, stranger = phone(), phone("127.0.0.3")
    left, right = stream(caller), stream()
    right.set_remote("192.0.2.2", stranger.port)
    right.signalled_from = "127.0.0.2"
    left.join(right)
    stranger.socket.sendto(packet(b"\x01"), ("127.0.0.1", right.local_port))
    until(lambda: right.counters.ignored == 1)
    assert caller.heard_nothing()


def packet(byte: bytes) -> bytes:
    return bytes((0x80, 0)) + bytes(9) + b"\x07" + byte * 160
