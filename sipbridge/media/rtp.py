"""RTP on the wire: the header (RFC 3550 5.1) and telephone events (RFC 4733)."""

from __future__ import annotations

import struct

HEADER_BYTES = 12
SAMPLE_RATE = 8000
SAMPLES_PER_PACKET = 160
PLAIN = 0x80  # version 2, no padding, no extension, no CSRC: nearly every packet there is
MARKER = 0x80
PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}

HEADER = struct.Struct("!BBHII")  # flags, marker and payload type, sequence, timestamp, SSRC

_EVENTS = "0123456789*#ABCD"


def payload_bounds(packet: bytes | bytearray | memoryview, size: int) -> tuple[int, int] | None:
    """Where the payload of the first `size` bytes begins and ends, or None when this is no RTP packet.

    Handles CSRC lists, header extensions and padding; lengths that point outside make it malformed.
    """
    if size < HEADER_BYTES:
        return None
    flags = packet[0]
    if flags >> 6 != 2:
        return None
    start, end = HEADER_BYTES + 4 * (flags & 0x0F), size
    if flags & 0x10:
        if start + 4 > end:
            return None
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    if flags & 0x20 and start < end:
        padding = packet[end - 1]
        if padding == 0:
            return None
        end -= padding
    return (start, end) if start <= end else None


def ended_event(payload: bytes | bytearray | memoryview) -> str | None:
    """The key of a telephone event whose end this is (RFC 4733 2.3), or None."""
    if len(payload) < 4 or payload[0] >= len(_EVENTS) or not payload[1] & 0x80:
        return None
    return _EVENTS[payload[0]]
