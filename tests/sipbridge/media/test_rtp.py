from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipbridge.media.rtp import HEADER, ended_event, payload_bounds

PAYLOAD = bytes(range(160))


def header(flags: int) -> bytes:
    return HEADER.pack(flags, 0, 1, 160, 7)


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(header(0x80) + PAYLOAD, id="plain"),
        pytest.param(header(0x82) + bytes(8) + PAYLOAD, id="two CSRCs"),
        pytest.param(header(0x90) + b"\xbe\xde\x00\x02" + bytes(8) + PAYLOAD, id="extension"),
        pytest.param(header(0x91) + bytes(4) + b"\xbe\xde\x00\x00" + PAYLOAD, id="CSRC and empty extension"),
        pytest.param(header(0xA0) + PAYLOAD + b"\0\0\0\x04", id="padding"),
        pytest.param(header(0xB1) + bytes(8) + PAYLOAD + b"\x01", id="all of them"),
    ],
)
def test_the_payload_is_found(packet: bytes) -> None:
    bounds = payload_bounds(packet, len(packet))
    assert bounds is not None
    assert packet[bounds[0] : bounds[1]] == PAYLOAD


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"", id="empty"),
        pytest.param(header(0x80)[:11], id="short"),
        pytest.param(header(0x40) + PAYLOAD, id="version 1"),
        pytest.param(header(0x8F) + bytes(20), id="CSRCs past the end"),
        pytest.param(header(0x90) + b"\0\0", id="cut extension"),
        pytest.param(header(0x90) + b"\xbe\xde\xff\xff" + PAYLOAD, id="extension past the end"),
        pytest.param(header(0xA0) + PAYLOAD + b"\0", id="no padding where some was promised"),
        pytest.param(header(0xA0) + bytes(9) + b"\xff", id="padding longer than the packet"),
    ],
)
def test_malformed_packets_are_told(packet: bytes) -> None:
    assert payload_bounds(packet, len(packet)) is None


@given(st.binary(max_size=64))
def test_bounds_never_lie_outside(packet: bytes) -> None:
    bounds = payload_bounds(packet, len(packet))
    assert bounds is None or 12 <= bounds[0] <= bounds[1] <= len(packet)


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        (b"\x05\x8a\x03\x20", "5"),
        (b"\x0a\x80\x03\x20", "*"),
        (b"\x0f\x80\x03\x20", "D"),
        (b"\x05\x0a\x03\x20", None),
        (b"\x10\x8a\x03\x20", None),
        (b"\x05\x8a\x03", None),
    ],
)
def test_only_the_end_of_a_key_counts(payload: bytes, key: str | None) -> None:
    assert ended_event(payload) == key
