"""Offers and answers (RFC 3264, RFC 4566): one G.711 audio stream, everything else politely declined."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace

CODECS = {"PCMU": 0, "PCMA": 8}
DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
MIRRORED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}
PROTOCOLS = ("RTP/AVP", "RTP/AVPF")
DEFAULT_EVENT = 101
MAX_MEDIA = 16


class Unacceptable(ValueError):
    """An offer or answer we can't take. `code` and the text make the Warning header (RFC 3261 20.43)."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(slots=True)
class Section:
    """One m= section; `address` is its own c= or else the session's."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    network: str = ""
    address: str = ""
    direction: str = ""
    names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audio:
    """The stream both sides can do. `direction` is the far end's view; `ip` is '' when it holds with 0.0.0.0."""

    index: int
    codec: str
    event: int | None
    ip: str
    port: int
    direction: str


def parse(content: bytes) -> list[Section]:
    """The media sections of a session description. Raises Unacceptable when it can't be read."""
    sections: list[Section] = []
    network = address = direction = ""
    for line in content.decode("utf-8", "replace").splitlines():
        kind, equals, value = line[:1], line[1:2], line[2:].strip()
        if not line.strip():
            continue
        if equals != "=":
            continue  # tolerated: stray lines occur and carry nothing we use
        if kind == "m":
            sections.append(_read_media(value, network, address, direction))
            if len(sections) > MAX_MEDIA:
                raise Unacceptable(399, "Too many media sections")
        elif kind == "c":
            words = value.split()
            if len(words) != 3:
                raise Unacceptable(399, "Unreadable connection line")
            where = words[2].split("/")[0]
            if sections:
                sections[-1].network, sections[-1].address = words[0], where
            else:
                network, address = words[0], where
        elif kind == "a" and value in DIRECTIONS:
            if sections:
                sections[-1].direction = value
            else:
                direction = value
        elif kind == "a" and value.startswith("rtpmap:") and sections:
            payload_type, _, name = value[7:].partition(" ")
            sections[-1].names[payload_type] = name.strip().lower()
    return sections


def _read_media(value: str, network: str, address: str, direction: str) -> Section:
    words = value.split()
    if len(words) < 4 or not re.fullmatch(r"[0-9]{1,5}(/[0-9]{1,3})?", words[1]):
        raise Unacceptable(399, "Unreadable media line")
    port = int(words[1].split("/")[0])
    if port > 65535:
        raise Unacceptable(399, "Unreadable media line")
    return Section(words[0].lower(), port, words[2].upper(), words[3:64], network, address, direction)


def choose(sections: list[Section], wanted: str | None, *, ipv6: bool) -> Audio:
    """The first audio section we can take, its codec being `wanted` or else the first G.711 law it names.

    `ipv6` is the family of our own address. Raises Unacceptable with the nearest reason.
    """
    reason = Unacceptable(304, "No audio offered")
    for index, section in enumerate(sections):
        if section.kind != "audio" or section.port == 0:
            continue
        try:
            return _choose_in(section, index, wanted, ipv6)
        except Unacceptable as refusal:
            reason = refusal
    raise reason


def _choose_in(section: Section, index: int, wanted: str | None, ipv6: bool) -> Audio:
    if section.protocol not in PROTOCOLS:
        raise Unacceptable(302, "Only RTP/AVP is supported")
    codecs = [name for name in (_codec(section, number) for number in section.formats) if name]
    if not codecs or (wanted is not None and wanted not in codecs):
        raise Unacceptable(305, "Only G.711 is supported" if wanted is None else f"Only {wanted} is possible")
    codec = wanted or codecs[0]
    if section.network.upper() != "IN":
        raise Unacceptable(300, "Only Internet addresses are supported")
    try:
        address = ipaddress.ip_address(section.address)
    except ValueError:
        raise Unacceptable(301, "Only numeric addresses are supported") from None
    if (address.version == 6) != ipv6 and not address.is_unspecified:
        raise Unacceptable(301, "Address family not supported")
    if address.is_multicast:
        raise Unacceptable(330, "Multicast is not supported")
    direction = section.direction or "sendrecv"
    if address.is_unspecified and direction == "sendrecv":
        direction = "sendonly"  # hold as RFC 2543 did it
    event = next((int(f) for f in section.formats if _is_event(section, f)), None)
    return Audio(index, codec, event, "" if address.is_unspecified else str(address), section.port, direction)


def _codec(section: Section, number: str) -> str:
    """The G.711 law a format means, '' for any other format."""
    for name, static in CODECS.items():
        if number == str(static) and section.names.get(number, name.lower()).startswith(name.lower()):
            return name
    return ""


def _is_event(section: Section, payload_type: str) -> bool:
    known = section.names.get(payload_type, "")
    return known == "telephone-event/8000" and payload_type.isdigit() and 95 < int(payload_type) < 128


def answering(theirs: str, hold: str) -> str:
    """The direction that answers `theirs` while we hold with `hold` ("sendonly", "inactive" or "" for not)."""
    if not hold:
        return MIRRORED[theirs]
    return hold if theirs in ("sendrecv", "recvonly") else "inactive"


@dataclass(frozen=True, slots=True)
class Local:
    """Our side of a session: what our descriptions say. `version` grows whenever the content changes."""

    ip: str
    port: int
    codec: str
    event: int | None
    session_id: int
    version: int = 1

    def changed(self) -> Local:
        return replace(self, version=self.version + 1)

    def offer(self, direction: str = "sendrecv") -> bytes:
        """A description with our one audio stream."""
        return self._session([self._audio("RTP/AVP", direction)])

    def answer(self, sections: list[Section], audio: Audio, direction: str) -> bytes:
        """The answer to an offer: our stream at the chosen place, port 0 at every other (RFC 3264 6)."""
        lines = []
        for index, section in enumerate(sections):
            if index == audio.index:
                lines.append(self._audio(section.protocol, direction))
            else:
                kind = re.sub(r"[^a-z0-9]", "", section.kind) or "audio"
                protocol = re.sub(r"[^A-Z0-9/]", "", section.protocol) or "RTP/AVP"
                first = re.sub(r"[^A-Za-z0-9.*-]", "", section.formats[0]) or "0"
                lines.append(f"m={kind} 0 {protocol} {first}\r\n")
        return self._session(lines)

    def _session(self, media: list[str]) -> bytes:
        family = "IP6" if ":" in self.ip else "IP4"
        head = (
            f"v=0\r\no=- {self.session_id} {self.version} IN {family} {self.ip}\r\ns=-\r\n"
            f"c=IN {family} {self.ip}\r\nt=0 0\r\n"
        )
        return (head + "".join(media)).encode()

    def _audio(self, protocol: str, direction: str) -> str:
        number = CODECS[self.codec]
        formats = f"{number}" if self.event is None else f"{number} {self.event}"
        lines = [f"m=audio {self.port} {protocol} {formats}", f"a=rtpmap:{number} {self.codec}/8000"]
        if self.event is not None:
            lines += [f"a=rtpmap:{self.event} telephone-event/8000", f"a=fmtp:{self.event} 0-15"]
        return "\r\n".join([*lines, "a=ptime:20", f"a={direction}", ""])


def body_of(media_type: str, content_type: str, content: bytes) -> bytes | None:
    """The session description in a message body, also inside a multipart one; None when it holds none."""
    if media_type == "application/sdp":
        return content
    if not media_type.startswith("multipart/"):
        return None
    boundary = re.search(r'boundary="?([^";]+)"?', content_type, re.I)
    if not boundary:
        return None
    for part in content.split(b"--" + boundary[1].strip().encode("utf-8", "surrogateescape"))[1:32]:
        head, blank, body = part.lstrip(b"\r\n").partition(b"\r\n\r\n")
        if blank and re.search(rb"^content-type\s*:\s*application/sdp", head, re.I | re.M):
            return body
    return None
