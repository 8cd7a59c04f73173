"""One leg's RTP stream: hear the negotiated peer alone, relay to another leg, play, be recorded."""

from __future__ import annotations

import functools
import ipaddress
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sipbridge.media.hub import PACKET_SECONDS, Hub
from sipbridge.media.rtp import (
    HEADER,
    HEADER_BYTES,
    MARKER,
    PAYLOAD_TYPES,
    PLAIN,
    SAMPLE_RATE,
    SAMPLES_PER_PACKET,
    ended_event,
    payload_bounds,
)

SILENCE = {"PCMU": b"\xff", "PCMA": b"\xd5"}

# The negotiated port must have been silent for so long before another port of the same host is believed:
# a NAT that rebinds falls silent on the old port, an intruder does not make the peer silent.
_RELATCH_AFTER = 0.5
# A playback that was held up is caught up at twice its pace; one that is this late goes on from where it is.
_CATCH_UP_SECONDS = 0.010
_HOPELESSLY_LATE = 0.5
_LONGEST = 1500  # bytes; no network packet of audio is longer
_EXPEDITED = 0xB8  # DSCP EF, what networks give voice

_address = functools.lru_cache(maxsize=256)(ipaddress.ip_address)
_changing = threading.Lock()


class Frame(NamedTuple):
    """An audio frame as it was received. `arrived` is monotonic seconds, `timestamp` the sender's clock."""

    payload_type: int
    timestamp: int
    arrived: float
    payload: bytes
    ssrc: int


@dataclass(slots=True)
class Counters:
    """Packets of one stream. `ignored` came from strangers or in formats nobody agreed on."""

    received: int = 0
    sent: int = 0
    ignored: int = 0
    malformed: int = 0
    unsent: int = 0


class Stream:
    """A UDP socket that speaks G.711. Methods may be called from any thread; callbacks come on the hub's.

    `codec` is "PCMU" or "PCMA"; `telephone_event` is the payload type agreed for RFC 4733, None without.
    `signalled_from` is the address the peer's SIP comes from: behind a NAT its sound comes from there, too,
    whatever its SDP says. `local_port` 0 takes a free one. Raises OSError when the port is taken, ValueError
    for an address or a codec that can't be used.
    """

    def __init__(self, hub: Hub, local_ip: str, local_port: int, codec: str, telephone_event: int | None) -> None:
        if codec not in PAYLOAD_TYPES:
            raise ValueError(f"codec {codec!r} is neither PCMU nor PCMA")
        self.codec = codec
        self.tap: Callable[[Frame], None] | None = None
        self.on_dtmf: Callable[[str], None] | None = None
        self.counters = Counters()
        self.last_received = 0.0
        self.signalled_from = ""
        self._hub = hub
        self._payload_type = PAYLOAD_TYPES[codec]
        self._telephone_event = telephone_event
        self._version = _address(local_ip).version
        self._announced: tuple[str, int] | None = None
        self._peer_ip = ""
        self._remote: Any = None  # the peer's socket address, as recvfrom gives it; None: nobody
        self._latched = False
        self._agreed_at = 0.0
        self._other: Stream | None = None
        self._player: _Player | None = None
        self._closed = False
        self._last_event: tuple[int, int] | None = None
        # What leaves here is one RTP source for the whole life of the stream, whoever feeds it.
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(32)
        self._sent_at: float | None = None
        self._fed_by: Stream | None = None
        self._fed_ssrc = 0
        self._sequence_offset = 0
        self._timestamp_offset = 0
        self._socket = _bind(self._version, local_ip, local_port)
        self.local_port: int = self._socket.getsockname()[1]
        try:
            hub.add(self._socket, self._readable)
        except OSError:
            self._socket.close()
            raise

    def set_remote(self, ip: str, port: int) -> None:
        """Speak with this address, from the peer's SDP. An unspecified address or port 0 means nobody.

        The same address again changes nothing, so a NAT's port found earlier survives a re-INVITE. Raises
        ValueError for what is no unicast address of the stream's IP version.
        """
        if (ip, port) == self._announced:
            return
        address = _address(ip)
        if address.version != self._version or address.is_multicast or not 0 <= port <= 65535:
            raise ValueError(f"RTP can't be sent to {ip} port {port}")
        with _changing:
            self._announced, self._latched, self._agreed_at = (ip, port), False, time.monotonic()
            if address.is_unspecified or port == 0 or self._closed:
                self._remote, self._peer_ip = None, ""
                return
            self._peer_ip = str(address)
            self._remote = (self._peer_ip, port) if self._version == 4 else (self._peer_ip, port, 0, 0)

    def join(self, other: Stream) -> None:
        """Relay between the two, both ways, until `part`; ends earlier pairings and anything playing.

        Raises ValueError when their codecs differ: nothing is transcoded.
        """
        if other is self or other.codec != self.codec:
            raise ValueError(f"a {self.codec} stream can't be joined to this {other.codec} stream")
        with _changing:
            self._leave()
            other._leave()
            self._player = other._player = None
            self._other, other._other = other, self

    def part(self) -> None:
        """End the relay, both ways."""
        with _changing:
            self._leave()

    def _leave(self) -> None:
        other, self._other = self._other, None
        if other is not None and other._other is self:
            other._other = None

    def play(self, payload: bytes, on_done: Callable[[], None] | None = None, loop: bool = False) -> None:
        """Send `payload`, G.711 bytes of the stream's codec, at 20 ms a packet, instead of what is relayed.

        Replaces what was playing. `on_done` is called once, when all was played; not when it was stopped,
        and never for a loop.
        """
        if self._closed or (loop and not payload):
            return
        player = _Player(self, payload, on_done, loop)
        self._player = player
        self._hub.pace(player.turn)

    def stop_playing(self) -> None:
        self._player = None

    @property
    def playing(self) -> bool:
        return self._player is not None

    def close(self) -> None:
        """End everything and give the port back; it is free after the hub's next turn (milliseconds)."""
        if self._closed:
            return
        self._closed = True
        with _changing:
            self._leave()
            self._remote, self._peer_ip = None, ""
        self._player = None
        self.tap = self.on_dtmf = None
        self._hub.remove(self._socket)
        # The thread may be about to read this very descriptor: closing it here could hand it a stranger's.
        self._hub.run(self._socket.close)

    def _readable(self) -> None:
        hub, counters = self._hub, self.counters
        buffer = hub.buffer
        try:
            size, source = self._socket.recvfrom_into(buffer)
        except OSError:  # nothing there after all, or the network's complaint about an earlier packet
            return
        known = source == self._remote
        if not known and not self._from_peer(source):
            counters.ignored += 1
            return
        end = size
        if not HEADER_BYTES < size < _LONGEST or buffer[0] != PLAIN:
            end = self._flatten(size)
            if end == 0:
                counters.malformed += 1
                return
        _flags, kind, sequence, timestamp, ssrc = HEADER.unpack_from(buffer)
        payload_type = kind & 0x7F
        audio = payload_type == self._payload_type
        if end == HEADER_BYTES or not (audio or payload_type == self._telephone_event):
            counters.ignored += 1
            return
        if not known:
            self._latch(source)
        now = hub.beat
        counters.received += 1
        self.last_received = now
        other = self._other
        if other is not None:
            other._forward(self, end, kind & MARKER, audio, sequence, timestamp, ssrc, now)
        if not audio:
            self._heard_event(ssrc, timestamp, end)
        elif (tap := self.tap) is not None:
            tap(Frame(payload_type, timestamp, now, bytes(hub.view[HEADER_BYTES:end]), ssrc))

    def _from_peer(self, source: Any) -> bool:
        """Whether a packet from another address may be the peer's after all: a NAT's doing, believed once."""
        remote, ip = self._remote, _plain_ip(source[0])
        if remote is None or ip not in (self._peer_ip, self.signalled_from):
            return False
        if _same(source, remote):  # an IPv6 scope or flow label that SDP could not tell
            return True
        if self._latched:
            return False
        heard = self.last_received > self._agreed_at
        return not heard or self._hub.beat - self.last_received >= _RELATCH_AFTER

    def _latch(self, source: Any) -> None:
        with _changing:
            if self._remote is not None and not self._closed:  # held or closed a moment ago
                self._latched = self._latched or not _same(source, self._remote)
                self._remote = source

    def _flatten(self, size: int) -> int:
        """Strip CSRCs, extension and padding from the packet in the buffer: its new size, 0 if malformed."""
        view = self._hub.view
        bounds = payload_bounds(view, size)
        if bounds is None or size >= _LONGEST:
            return 0
        start, end = bounds
        flat = HEADER_BYTES + end - start
        view[HEADER_BYTES:flat] = view[start:end]
        return flat

    def _heard_event(self, ssrc: int, timestamp: int, end: int) -> None:
        key = ended_event(self._hub.view[HEADER_BYTES:end])
        # The end is sent three times over; the timestamp is the event's identity (RFC 4733 2.5.1.4).
        if key is None or self._last_event == (ssrc, timestamp):
            return
        self._last_event = (ssrc, timestamp)
        if (on_dtmf := self.on_dtmf) is not None:
            on_dtmf(key)

    def _forward(
        self,
        source: Stream,
        end: int,
        marker: int,
        audio: bool,
        sequence: int,
        timestamp: int,
        ssrc: int,
        now: float,
    ) -> None:
        """Send the packet in the hub's buffer as this stream's own. Losses and reordering stay visible."""
        remote, payload_type = self._remote, self._payload_type if audio else self._telephone_event
        if remote is None or payload_type is None or self._player is not None:
            return
        if ssrc != self._fed_ssrc or source is not self._fed_by:
            self._fed_by, self._fed_ssrc = source, ssrc
            next_sequence, next_timestamp = self._follow_on(now)
            self._sequence_offset = next_sequence - sequence
            self._timestamp_offset = next_timestamp - timestamp
            marker = MARKER if audio else marker
        sequence = (sequence + self._sequence_offset) & 0xFFFF
        timestamp = (timestamp + self._timestamp_offset) & 0xFFFFFFFF
        HEADER.pack_into(self._hub.buffer, 0, PLAIN, marker | payload_type, sequence, timestamp, self._ssrc)
        if (sequence - self._sequence) & 0xFFFF < 0x8000:
            self._sequence, self._timestamp, self._sent_at = sequence, timestamp, now
        self._transmit(self._hub.view[:end], remote)

    def _follow_on(self, now: float) -> tuple[int, int]:
        """Sequence and timestamp for a new source of audio, so that the peer's clock runs on unbroken."""
        if self._sent_at is None:
            return self._sequence + 1, self._timestamp
        elapsed = max(SAMPLES_PER_PACKET, round((now - self._sent_at) * SAMPLE_RATE))
        return self._sequence + 1, self._timestamp + elapsed

    def _send_played(self, chunk: bytes, now: float, fresh: bool) -> None:
        self._fed_by = None
        timestamp = self._timestamp + SAMPLES_PER_PACKET
        sequence = self._sequence + 1
        if fresh:
            sequence, timestamp = self._follow_on(now)
        self._sequence, self._timestamp, self._sent_at = sequence & 0xFFFF, timestamp & 0xFFFFFFFF, now
        kind = self._payload_type | (MARKER if fresh else 0)
        if self._remote is not None:
            header = HEADER.pack(PLAIN, kind, self._sequence, self._timestamp, self._ssrc)
            self._transmit(header + chunk, self._remote)

    def _transmit(self, packet: bytes | memoryview, remote: Any) -> None:
        try:
            self._socket.sendto(packet, remote)
            self.counters.sent += 1
        except OSError:  # no route, buffer full, closed: RTP has no second chance, the next packet may fare better
            self.counters.unsent += 1


class _Player:
    """Something playing into a stream, a turn of the hub for each packet."""

    def __init__(self, stream: Stream, payload: bytes, on_done: Callable[[], None] | None, loop: bool) -> None:
        self._stream = stream
        self._payload = payload
        self._on_done = on_done
        self._loop = loop
        self._position = 0
        self._due: float | None = None

    def turn(self, now: float) -> float | None:
        stream = self._stream
        if stream._player is not self:
            return None
        if self._position >= len(self._payload):
            stream._player = None
            if self._on_done is not None:
                self._on_done()
            return None
        fresh = self._due is None or now - self._due > _HOPELESSLY_LATE
        due = now if fresh or self._due is None else self._due
        stream._send_played(self._next_chunk(), now, fresh)
        self._due = due + PACKET_SECONDS
        return max(self._due, now + _CATCH_UP_SECONDS)

    def _next_chunk(self) -> bytes:
        begin = self._position
        chunk = self._payload[begin : begin + SAMPLES_PER_PACKET]
        self._position += SAMPLES_PER_PACKET
        while self._loop and len(chunk) < SAMPLES_PER_PACKET:
            self._position = SAMPLES_PER_PACKET - len(chunk)
            chunk += self._payload[: self._position]
        if self._loop and self._position >= len(self._payload):
            self._position -= len(self._payload)
        return chunk.ljust(SAMPLES_PER_PACKET, SILENCE[self._stream.codec])


def _bind(version: int, ip: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if version == 4:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _EXPEDITED)
        sock.bind((ip, port))
    except OSError:
        sock.close()
        raise
    return sock


def _same(one: Any, other: Any) -> bool:
    return bool(one[1] == other[1] and _plain_ip(one[0]) == _plain_ip(other[0]))


def _plain_ip(ip: str) -> str:
    return ip.split("%", 1)[0]
