"""A running hub, and telephones made of plain sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from sipbridge.media.hub import Hub
from sipbridge.media.rtp import HEADER
from sipbridge.media.stream import Stream


class Packet(NamedTuple):
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a condition that other threads bring about; fail when it does not come true."""
    pause, deadline = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        pause.wait(0.002)


class Phone:
    """The far end of a stream."""

    def __init__(self, ip: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((ip, 0))
        self.socket.settimeout(5)
        self.ip = ip
        self.port: int = self.socket.getsockname()[1]

    def send(
        self,
        stream: Stream,
        payload: bytes = bytes(160),
        *,
        sequence: int = 1,
        timestamp: int = 0,
        payload_type: int = 0,
        marker: bool = False,
        ssrc: int = 77,
    ) -> None:
        kind = payload_type | (0x80 if marker else 0)
        self.send_raw(stream, HEADER.pack(0x80, kind, sequence, timestamp, ssrc) + payload)

    def send_raw(self, stream: Stream, packet: bytes) -> None:
        self.socket.sendto(packet, (self.ip, stream.local_port))

    def receive(self) -> Packet:
        data = self.socket.recv(4096)
        flags, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
        assert flags == 0x80
        return Packet(bool(kind & 0x80), kind & 0x7F, sequence, timestamp, ssrc, data[12:])

    def heard_nothing(self) -> bool:
        self.socket.setblocking(False)
        try:
            self.socket.recv(4096)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(5)
        return False


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    hub.start()
    yield hub
    hub.stop()


@pytest.fixture
def phone() -> Iterator[Callable[..., Phone]]:
    phones: list[Phone] = []

    def make(ip: str = "127.0.0.1") -> Phone:
        phones.append(Phone(ip))
        return phones[-1]

    yield make
    for made in phones:
        made.socket.close()


@pytest.fixture
def stream(hub: Hub) -> Iterator[Callable[..., Stream]]:
    streams: list[Stream] = []

    def make(
        peer: Phone | None = None,
        codec: str = "PCMU",
        telephone_event: int | None = 101,
        ip: str = "127.0.0.1",
    ) -> Stream:
        made = Stream(hub, ip, 0, codec, telephone_event)
        streams.append(made)
        if peer is not None:
            made.set_remote(peer.ip, peer.port)
        return made

    yield make
    for made in streams:
        made.close()
