"""Relay, filters and keys, with real datagrams on loopback."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable

import pytest

from sipbridge.media.hub import Hub
from sipbridge.media.stream import Frame, Stream
from tests.sipbridge.media.conftest import Phone, until

Phones = Callable[..., Phone]
Streams = Callable[..., Stream]


def test_audio_is_relayed_both_ways_byte_for_byte(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    for i in range(50):
        there, back = os.urandom(160), os.urandom(160)
        caller.send(left, there, sequence=i, timestamp=160 * i)
        assert manager.receive().payload == there
        manager.send(right, back, sequence=9000 + i, timestamp=160 * i, ssrc=8)
        assert caller.receive().payload == back
    for counters in (left.counters, right.counters):
        assert counters.received == 50
        until(lambda counters=counters: counters.sent == 50)  # counted just after it went out


def test_each_direction_is_a_source_of_its_own_and_keeps_losses_and_reordering(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    order = [65533, 65534, 1, 0, 2, 7]  # wraps around, two swapped, four lost
    heard = []
    for number in order:
        caller.send(left, sequence=number, timestamp=(160 * number) & 0xFFFFFFFF, marker=number == 7)
        heard.append(manager.receive())
    assert {packet.ssrc for packet in heard} == {heard[0].ssrc} and heard[0].ssrc != 77
    steps = [(packet.sequence - heard[0].sequence) & 0xFFFF for packet in heard]
    assert steps == [(number - order[0]) & 0xFFFF for number in order]
    assert [packet.marker for packet in heard] == [True, False, False, False, False, True]


def test_the_clock_runs_on_when_the_sender_changes(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    caller.send(left, sequence=10, timestamp=5_000)
    first = manager.receive()
    caller.send(left, sequence=40_000, timestamp=4_000_000_000, ssrc=78)
    second = manager.receive()
    assert second.ssrc == first.ssrc
    assert second.sequence == (first.sequence + 1) & 0xFFFF
    assert 160 <= (second.timestamp - first.timestamp) & 0xFFFFFFFF < 8000 * 5
    assert second.marker


def test_a_new_partner_takes_over(phone: Phones, stream: Streams) -> None:
    caller, first, second = phone(), phone(), phone()
    left, middle, right = stream(caller), stream(first), stream(second)
    left.join(middle)
    caller.send(left)
    before = first.receive()
    left.join(right)
    caller.send(left, sequence=2)
    assert second.receive().payload == before.payload
    first.send(middle)
    until(lambda: middle.counters.received == 1)
    second.send(right, b"\x01" * 160)
    assert caller.receive().payload == b"\x01" * 160
    assert first.heard_nothing()


def test_after_parting_nothing_is_relayed(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    right.part()
    caller.send(left)
    manager.send(right)
    until(lambda: left.counters.received == right.counters.received == 1)
    assert left.counters.sent == right.counters.sent == 0


def test_streams_of_different_codecs_are_not_joined(stream: Streams) -> None:
    left, right = stream(codec="PCMU"), stream(codec="PCMA")
    with pytest.raises(ValueError, match="PCMA"):
        left.join(right)
    with pytest.raises(ValueError, match="joined"):
        left.join(left)


def test_strangers_are_ignored_and_counted(phone: Phones, stream: Streams) -> None:
    caller, manager, stranger = phone(), phone(), phone("127.0.0.2")
    left, right = stream(caller), stream(manager)
    left.join(right)
    heard: list[Frame] = []
    left.tap = heard.append
    stranger.socket.sendto(b"\x80" + bytes(171), ("127.0.0.1", left.local_port))
    until(lambda: left.counters.ignored == 1)
    assert (left.counters.received, right.counters.sent, heard) == (0, 0, [])


def test_nobody_is_heard_before_a_peer_was_agreed_on(phone: Phones, stream: Streams) -> None:
    caller, left = phone(), stream()
    caller.send(left)
    until(lambda: left.counters.ignored == 1)


def test_a_nats_port_is_believed_once(phone: Phones, stream: Streams) -> None:
    announced, real, another, manager = phone(), phone(), phone(), phone()
    left, right = stream(announced), stream(manager)
    left.join(right)
    real.send(left)
    assert manager.receive().payload == bytes(160)
    manager.send(right, b"\x02" * 160)
    assert real.receive().payload == b"\x02" * 160
    another.send(left)
    announced.send(left)
    until(lambda: left.counters.ignored == 2)
    left.set_remote(announced.ip, announced.port)  # a re-INVITE that repeats the address
    manager.send(right, b"\x03" * 160, sequence=2)
    assert real.receive().payload == b"\x03" * 160
    assert announced.heard_nothing()


def test_junk_does_not_latch(phone: Phones, stream: Streams) -> None:
    caller, junk = phone(), phone()
    left = stream(caller)
    for packet in (b"x", bytes(200), b"\x80\x50" + bytes(170)):
        junk.send_raw(left, packet)
    until(lambda: left.counters.malformed + left.counters.ignored == 3)
    caller.send(left)
    until(lambda: left.counters.received == 1)
    junk.send(left)
    until(lambda: left.counters.ignored == 2)


def test_a_peer_that_speaks_is_not_replaced_but_one_that_fell_silent_is(phone: Phones, stream: Streams) -> None:
    caller, moved = phone(), phone()
    left = stream(caller)
    caller.send(left)
    until(lambda: left.counters.received == 1)
    spoke = time.monotonic()
    moved.send(left)
    until(lambda: left.counters.ignored == 1)

    def moved_is_heard() -> bool:
        moved.send(left)
        return left.counters.received > 1

    until(moved_is_heard)
    assert time.monotonic() - spoke >= 0.4


def test_hold_by_the_unspecified_address_silences_both_ways(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    left.set_remote("0.0.0.0", 0)  # noqa: S104
    manager.send(right)
    caller.send(left)
    until(lambda: right.counters.received == 1 and left.counters.ignored == 1)
    assert left.counters.sent == 0
    left.set_remote(caller.ip, caller.port)
    manager.send(right, sequence=2)
    assert caller.receive().payload == bytes(160)


@pytest.mark.parametrize(
    ("ip", "port"), [("::1", 5000), ("224.0.0.1", 5000), ("example.org", 5000), ("127.0.0.1", 70_000)]
)
def test_useless_addresses_are_refused(stream: Streams, ip: str, port: int) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        stream().set_remote(ip, port)


def test_ipv6(phone: Phones, stream: Streams) -> None:
    try:
        caller, manager = phone("::1"), phone("::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    left, right = stream(caller, ip="::1"), stream(manager, ip="::1")
    left.join(right)
    caller.send(left, b"\x05" * 160)
    assert manager.receive().payload == b"\x05" * 160
    right.set_remote("0:0:0:0:0:0:0:1", manager.port)
    caller.send(left, b"\x06" * 160, sequence=2)
    assert manager.receive().payload == b"\x06" * 160


def test_telephone_events_are_renumbered_and_told_once(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller, telephone_event=101), stream(manager, telephone_event=96)
    left.join(right)
    keys: list[str] = []
    left.on_dtmf = keys.append
    for key, timestamp in ((5, 1000), (5, 3000), (11, 5000)):
        for sequence, payload in enumerate((b"\x0a\x00\xa0", b"\x8a\x03\x20", b"\x8a\x03\x20", b"\x8a\x03\x20")):
            event = bytes([key]) + payload
            first = sequence == 0
            caller.send(left, event, payload_type=101, timestamp=timestamp, sequence=timestamp + sequence, marker=first)
            heard = manager.receive()
            assert (heard.payload_type, heard.payload, heard.marker) == (96, event, first)
    until(lambda: len(keys) == 3)
    assert keys == ["5", "5", "#"]


def test_events_are_not_sent_to_who_did_not_agree_to_them(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager, telephone_event=None)
    left.join(right)
    keys: list[str] = []
    left.on_dtmf = keys.append
    caller.send(left, b"\x01\x8a\x03\x20", payload_type=101)
    until(lambda: keys == ["1"])
    assert right.counters.sent == 0


def test_csrcs_extension_and_padding_are_taken_off(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    frames: list[Frame] = []
    left.tap = frames.append
    payload = os.urandom(160)
    packet = b"\xb1\x00" + bytes(10) + bytes(4) + b"\xbe\xde\x00\x01" + bytes(4) + payload + b"\0\0\x03"
    caller.send_raw(left, packet)
    assert manager.receive().payload == payload
    until(lambda: len(frames) == 1)
    assert frames[0].payload == payload


def test_the_tap_gets_every_accepted_frame(phone: Phones, stream: Streams) -> None:
    caller = phone()
    left = stream(caller, codec="PCMA")
    frames: list[Frame] = []
    left.tap = frames.append
    began = time.monotonic()
    for i in range(5):
        caller.send(left, bytes([i]) * 160, payload_type=8, sequence=i, timestamp=4_294_967_200 + i)
    until(lambda: len(frames) == 5)
    assert [frame.payload for frame in frames] == [bytes([i]) * 160 for i in range(5)]
    assert [frame.timestamp for frame in frames] == [4_294_967_200 + i for i in range(5)]
    assert {(frame.payload_type, frame.ssrc) for frame in frames} == {(8, 77)}
    assert all(began <= frame.arrived <= time.monotonic() for frame in frames)
    assert left.last_received == frames[-1].arrived


def test_a_tap_that_fails_does_not_stop_the_relay(phone: Phones, stream: Streams, hub: Hub) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)

    def fail(frame: Frame) -> None:
        raise ZeroDivisionError

    left.tap = fail
    for i in range(5):
        caller.send(left, bytes([i]) * 160, sequence=i)
        assert manager.receive().payload == bytes([i]) * 160
    until(lambda: hub.failures == 5)


def test_random_packets_never_stop_the_hub(phone: Phones, stream: Streams, hub: Hub) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    chance = random.Random(4)
    junk = [chance.randbytes(chance.randrange(0, 300)) for _ in range(300)]
    junk += [
        bytes([0x80 | chance.randrange(64), chance.choice((0, 101, 128))]) + chance.randbytes(chance.randrange(60))
        for _ in range(300)
    ]
    junk += [b"\x80\x00" + bytes(5000)]
    for packet in junk:
        before = _taken(left)
        caller.send_raw(left, packet)
        until(lambda before=before: _taken(left) > before)
    assert left.counters.malformed > 100
    assert hub.failures == 0
    while not manager.heard_nothing():
        pass
    caller.send(left, b"\x09" * 160, ssrc=1234)
    assert manager.receive().payload == b"\x09" * 160


def _taken(stream: Stream) -> int:
    counters = stream.counters
    return counters.received + counters.ignored + counters.malformed


def test_a_closed_stream_gives_its_port_back(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    port = left.local_port
    left.close()
    left.close()
    manager.send(right)
    until(lambda: right.counters.received == 1)

    def port_is_free() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True

    until(port_is_free)


def test_a_taken_port_and_an_unknown_codec_are_refused(hub: Hub, stream: Streams) -> None:
    taken = stream().local_port
    with pytest.raises(OSError, match="in use"):
        Stream(hub, "127.0.0.1", taken, "PCMU", None)
    with pytest.raises(ValueError, match="opus"):
        Stream(hub, "127.0.0.1", 0, "opus", None)


def test_a_stopped_hub_takes_no_stream() -> None:
    hub = Hub()
    hub.start()
    hub.stop()
    with pytest.raises(OSError, match="stopped"):
        Stream(hub, "127.0.0.1", 0, "PCMU", None)
