"""Playing into a stream: pace, clock, ends."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

import pytest

from sipbridge.media.hub import Hub, Turn
from sipbridge.media.stream import Stream
from tests.sipbridge.media.conftest import Phone, until

Phones = Callable[..., Phone]
Streams = Callable[..., Stream]


def test_a_second_of_sound_takes_a_second(phone: Phones, stream: Streams) -> None:
    caller = phone()
    left = stream(caller)
    sound = bytes(i % 251 for i in range(8000))
    done: list[tuple[str, float]] = []
    began = time.monotonic()
    left.play(sound, lambda: done.append((threading.current_thread().name, time.monotonic())))
    packets, times = [], []
    for _ in range(50):
        packets.append(caller.receive())
        times.append(time.monotonic())
    until(lambda: len(done) == 1)
    assert b"".join(packet.payload for packet in packets) == sound
    assert [packet.marker for packet in packets] == [True] + [False] * 49
    assert [(p.sequence - packets[0].sequence) & 0xFFFF for p in packets] == list(range(50))
    assert [(p.timestamp - packets[0].timestamp) & 0xFFFFFFFF for p in packets] == [160 * i for i in range(50)]
    assert {packet.payload_type for packet in packets} == {0}
    # Never ahead of the schedule: each packet may be late on a busy machine, none may be early.
    assert all(at - began >= 0.020 * i - 0.002 for i, at in enumerate(times))
    assert done[0][0] == "media-hub" and done[0][1] - began >= 0.998
    assert not left.playing and left.counters.sent == 50
    assert caller.heard_nothing()


@pytest.mark.parametrize(("codec", "payload_type", "silence"), [("PCMU", 0, 0xFF), ("PCMA", 8, 0xD5)])
def test_the_last_packet_is_filled_with_silence(
    phone: Phones, stream: Streams, codec: str, payload_type: int, silence: int
) -> None:
    caller = phone()
    stream(caller, codec=codec).play(b"\x01" * 200)
    caller.receive()
    last = caller.receive()
    assert last.payload == b"\x01" * 40 + bytes([silence]) * 120
    assert last.payload_type == payload_type


def test_an_empty_sound_is_over_at_once(stream: Streams) -> None:
    done: list[bool] = []
    stream().play(b"", lambda: done.append(True))
    until(lambda: done == [True])


@pytest.mark.parametrize("length", [7, 160, 250])
def test_a_loop_has_no_seam(phone: Phones, stream: Streams, length: int) -> None:
    caller = phone()
    left = stream(caller)
    sound = bytes(range(length))
    left.play(sound, loop=True)
    heard = b"".join(caller.receive().payload for _ in range(8))
    assert heard == (sound * (8 * 160 // length + 1))[: 8 * 160]
    left.stop_playing()
    assert not left.playing


def test_what_was_stopped_or_replaced_is_never_done(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    done: list[str] = []
    left.play(bytes(1600), lambda: done.append("replaced"))
    left.play(bytes(1600), lambda: done.append("stopped by join"))
    left.join(right)
    assert not left.playing
    right.play(bytes(320), lambda: done.append("played"))
    until(lambda: bool(done))
    assert done == ["played"]


def test_a_sound_replaces_the_relay_and_the_relay_comes_back_on_the_same_clock(phone: Phones, stream: Streams) -> None:
    caller, manager = phone(), phone()
    left, right = stream(caller), stream(manager)
    left.join(right)
    manager.send(right, b"\x01" * 160)
    relayed = caller.receive()
    left.play(b"\x02" * 320)
    played = caller.receive()
    manager.send(right, b"\x03" * 160, sequence=2)  # not heard: the sound is playing
    until(lambda: right.counters.received == 2)
    again = caller.receive()
    until(lambda: not left.playing)
    manager.send(right, b"\x04" * 160, sequence=3)
    back = caller.receive()
    assert [packet.payload[0] for packet in (relayed, played, again, back)] == [1, 2, 2, 4]
    assert len({packet.ssrc for packet in (relayed, played, again, back)}) == 1
    assert [(p.sequence - relayed.sequence) & 0xFFFF for p in (played, again, back)] == [1, 2, 3]
    assert [p.marker for p in (played, again, back)] == [True, False, True]
    assert (again.timestamp - played.timestamp) & 0xFFFFFFFF == 160
    assert 160 <= (back.timestamp - again.timestamp) & 0xFFFFFFFF < 8000 * 5


class HubByHand(Hub):
    """A hub whose turns the test takes, at times of its choosing."""

    turn: Turn

    def pace(self, turn: Turn) -> None:
        self.turn = turn


@pytest.fixture
def by_hand(phone: Phones) -> object:
    hub = HubByHand()
    caller = phone()
    left = Stream(hub, "127.0.0.1", 0, "PCMU", None)
    left.set_remote(caller.ip, caller.port)
    left.play(bytes(160 * 1000))
    yield hub, caller
    left.close()
    hub.stop()


def test_lateness_does_not_add_up(by_hand: tuple[HubByHand, Phone]) -> None:
    hub, _caller = by_hand
    now = 100.0
    for _ in range(500):
        due = hub.turn(now)
        assert due is not None
        now = due + 0.004  # the thread is 4 ms late, every time
    assert now - 100.0 == pytest.approx(500 * 0.020 + 0.004)


def test_a_delay_is_caught_up_without_a_burst(by_hand: tuple[HubByHand, Phone]) -> None:
    hub, caller = by_hand
    times = [100.0]
    while len(times) < 60:
        due = hub.turn(times[-1])
        assert due is not None
        times.append(due + 0.2 if len(times) == 10 else due)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= 0.00999
    assert times[-1] == pytest.approx(100.0 + 59 * 0.020)
    stamps = [caller.receive().timestamp for _ in range(59)]
    assert {(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(stamps)} == {160}


def test_a_hopeless_delay_moves_the_schedule_and_the_clock_tells(by_hand: tuple[HubByHand, Phone]) -> None:
    hub, caller = by_hand
    assert hub.turn(100.0) == pytest.approx(100.020)
    assert hub.turn(103.0) == pytest.approx(103.020)
    first, second = caller.receive(), caller.receive()
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 3 * 8000
    assert (second.sequence - first.sequence) & 0xFFFF == 1
    assert second.marker
