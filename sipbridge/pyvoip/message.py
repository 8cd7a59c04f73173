"""Parsing of SIP messages: strict about what would be ambiguous, tolerant of every legal spelling.

`Message` replaces the parser of pyVoIP, which knows one spelling of a handful of headers. A request that is
wrong but can be answered carries a `fault`, the status to refuse it with; anything else raises `NotSip`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import pyVoIP.VoIP  # noqa: F401  # pyVoIP.SIP can't be imported before it
from pyVoIP import SIP

from sipbridge.pyvoip.uri import (
    HOST,
    WORD,
    BadAddress,
    NameAddr,
    is_token,
    parse_name_addr,
    parse_params,
    parse_uri,
    split,
)
from sipbridge.pyvoip.uri import Uri as Uri

Address = tuple[str, int]

MAX_BYTES = 65_535
MAX_FIELDS = 400
BRANCH_COOKIE = "z9hG4bK"

COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
NEEDED = ("via", "from", "to", "call-id", "cseq")
SINGLE = ("from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type", "expires")

_USUAL = """Via Max-Forwards Record-Route Route From To Call-ID CSeq Contact Allow Supported Require User-Agent Server
    Accept Expires Session-Expires Min-SE Content-Type Content-Length Authorization P-Asserted-Identity"""
_USUAL_NAMES = {name: name.lower() for name in _USUAL.split()}  # as nearly everybody writes them

_REQUEST_LINE = re.compile(r"(\S+) (\S+) (?i:SIP)/([0-9]+\.[0-9]+)")
_STATUS_LINE = re.compile(r"(?i:SIP)/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.S)
_ROUGH_REQUEST = re.compile(rf"({WORD})[ \t]+(\S.*)", re.S)
_FOLD = re.compile(r"[ \t]*\r\n[ \t]+")
_STRAY_LINE_END = re.compile(r"\r(?!\n)|(?<!\r)\n")
_VIA = re.compile(rf"SIP\s*/\s*2\.0\s*/\s*({WORD})\s+({HOST})\s*(?::\s*([0-9]{{1,5}}))?\s*(;.*)?", re.I | re.S)
_CSEQ = re.compile(rf"([0-9]{{1,10}})\s+({WORD})")
_ABSENT = ("",)
_CALL_ID = re.compile(r"[^\s,;]+(?:[,;][^\s,;]+)*")


class NotSip(SIP.SIPParseError):
    """A datagram that can't be answered: not SIP, or a malformed response."""


class _Fault(Exception):
    def __init__(self, code: int, phrase: str) -> None:
        super().__init__(code, phrase)
        self.code, self.phrase = code, phrase


@dataclass(frozen=True, slots=True)
class Via:
    """One Via value; `raw` is its text as received, with folds undone."""

    raw: str
    host: str
    port: int | None
    params: dict[str, str]

    @property
    def branch(self) -> str:
        return self.params.get("branch", "")


class Message(SIP.SIPMessage):
    """One request or response.

    `fields` holds every header by its full lower-case name; `content` the body up to Content-Length. Of the base
    class there is what pyVoIP's own call object reads: `headers` with the Call-ID, a `body` without media.
    Undecodable bytes survive as surrogates, so what is echoed is what came.
    """

    source: Address
    method: str
    uri: str
    code: int
    phrase: str
    vias: list[Via]
    from_: NameAddr
    to: NameAddr
    call_id: str
    cseq: int
    cseq_method: str

    def __init__(self, data: bytes, source: Address = ("", 0)) -> None:
        self.source = source
        self.fields: dict[str, list[str]] = {}
        self.vias = []
        self.content = b""
        self.fault: tuple[int, str] | None = None
        self.parse(data)

    @property
    def is_request(self) -> bool:
        return bool(self.type == SIP.SIPMessageType.MESSAGE)

    def header(self, name: str) -> str:
        """The first value of the header, '' when absent. `name` in lower case."""
        values = self.fields.get(name)
        return values[0] if values else ""

    def values(self, name: str) -> list[str]:
        """All values of a header that is a comma-separated list."""
        return [value for line in self.fields.get(name, ()) for value in split(line, ",") if value]

    def options(self, name: str) -> set[str]:
        """The option tags of Require, Supported and their like, in lower case."""
        return {value.lower() for value in self.values(name)}

    @property
    def media_type(self) -> str:
        """The Content-Type without parameters, in lower case."""
        return self.header("content-type").split(";", 1)[0].strip().lower()

    @cached_property
    def contact(self) -> NameAddr | None:
        """The first Contact, None when absent or unreadable."""
        try:
            contacts = self.values("contact")
            return parse_name_addr(contacts[0]) if contacts else None
        except BadAddress:
            return None

    @cached_property
    def request_uri(self) -> Uri:
        return parse_uri(self.uri)

    @cached_property
    def transaction_key(self) -> tuple[str, ...]:
        """What retransmissions, ACK and CANCEL share with their request (RFC 3261 17.2.3), method apart.

        The Call-ID and CSeq are part of it, so that senders with poor branches don't get each other's answers.
        """
        via = self.vias[0]
        if via.branch.startswith(BRANCH_COOKIE) and len(via.branch) > len(BRANCH_COOKIE):
            return (via.branch, via.host.lower(), str(via.port or 5060), self.call_id, str(self.cseq))
        return (via.raw, self.from_.tag, self.call_id, str(self.cseq))

    def number(self, name: str, limit: int) -> int | None:
        """A header that is a count of seconds or hops, None when absent or nonsense, at most `limit`."""
        text = self.header(name).split(";", 1)[0].split("(", 1)[0].strip()
        return min(int(text), limit) if re.fullmatch(r"[0-9]{1,40}", text) else None

    def parse(self, data: bytes) -> None:
        data = data.lstrip(b"\r\n")
        if not data or len(data) > MAX_BYTES:
            raise NotSip("empty or too large")
        head, blank_line, rest = data.partition(b"\r\n\r\n")
        start, _, block = head.decode("utf-8", "surrogateescape").partition("\r\n")
        self.body = {"c": [], "m": []}
        self.heading = start.encode("utf-8", "surrogateescape")
        try:
            if not blank_line:
                start, block = self._without_end(head)
            self._read_start(start)
            self._read_fields(block)
            if not blank_line:
                raise _Fault(400, "Missing Blank Line")
            self._check()
            self._read_body(rest)
        except _Fault as fault:
            if not self.is_request:
                raise NotSip(fault.phrase) from None
            self.fault = self.fault or (fault.code, fault.phrase)
        if self.is_request and not self.fields.get("via"):
            raise NotSip("no Via to answer to")

    def _without_end(self, head: bytes) -> tuple[str, str]:
        """Start line and headers of a datagram without the blank line: read only to refuse it."""
        text = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
        start, _, block = text.partition("\n")
        return start, block.split("\n\n", 1)[0].replace("\n", "\r\n")

    def _read_start(self, line: str) -> None:
        if line[:4].upper() == "SIP/":
            self.type = SIP.SIPMessageType.RESPONSE
            match = _STATUS_LINE.fullmatch(line)
            if not match:
                raise NotSip("status line")
            self.code, self.phrase = int(match[1]), match[2] or ""
            return
        self.type = SIP.SIPMessageType.MESSAGE
        if match := _REQUEST_LINE.fullmatch(line):
            self.method, self.uri = match[1], match[2]
            if not is_token(self.method):
                raise NotSip("request line")
            if match[3] != "2.0":
                self.fault = (505, "Version Not Supported")
        elif match := _ROUGH_REQUEST.fullmatch(line):
            self.method, self.uri = match[1], ""
            self.fault = (400, "Bad Request Line")
        else:
            raise NotSip("request line")

    def _read_fields(self, block: str) -> None:
        if "\r\n " in block or "\r\n\t" in block:
            block = _FOLD.sub(" ", block)
        stray = _STRAY_LINE_END.search(block)
        lines = block.split("\r\n")
        bad = stray is not None or len(lines) > MAX_FIELDS
        for line in lines[:MAX_FIELDS]:
            if not line:
                continue
            if stray:
                line = _STRAY_LINE_END.sub(" ", line)
            written, colon, value = line.partition(":")
            name = _USUAL_NAMES.get(written) or _full_name(written)
            if not colon or not name:
                bad = True
                continue
            self.fields.setdefault(name, []).append(value.strip())
        if bad:
            raise _Fault(400, "Bad Header Line")

    def _check(self) -> None:
        fields = self.fields
        for name in NEEDED:
            if not fields.get(name, _ABSENT)[0]:
                raise _Fault(400, f"Missing {name.title()} Header")
        for name in SINGLE:
            if len(fields.get(name, _ABSENT)) > 1:
                raise _Fault(400, f"Repeated {name.title()} Header")
        if self.fault and self.fault[0] == 505:
            return
        try:
            self.vias = [_read_via(value) for line in fields["via"] for value in split(line, ",")]
            self.from_ = parse_name_addr(fields["from"][0])
            self.to = parse_name_addr(fields["to"][0])
        except BadAddress:
            raise _Fault(400, "Bad Via, From Or To Header") from None
        self.call_id = fields["call-id"][0]
        if not _CALL_ID.fullmatch(self.call_id):
            raise _Fault(400, "Bad Call-ID Header")
        cseq = _CSEQ.fullmatch(fields["cseq"][0])
        if not cseq or int(cseq[1]) >= 2**31:
            raise _Fault(400, "Bad CSeq Header")
        self.cseq, self.cseq_method = int(cseq[1]), cseq[2]
        self.headers = {"Call-ID": self.call_id}
        if self.is_request:
            self._check_request()

    def _check_request(self) -> None:
        if self.cseq_method != self.method:
            raise _Fault(400, "CSeq Does Not Match Method")
        try:
            if self.uri and self.request_uri.headers:
                raise _Fault(400, "Headers In Request-URI")
        except BadAddress:
            raise _Fault(400, "Bad Request-URI") from None
        hops = self.fields.get("max-forwards")
        if hops and not re.fullmatch(r"[0-9]{1,5}", hops[0]):
            raise _Fault(400, "Bad Max-Forwards Header")
        if self.method == "INVITE" and self.fields.get("contact") and self.contact is None:
            raise _Fault(400, "Bad Contact Header")

    def _read_body(self, rest: bytes) -> None:
        if "content-length" not in self.fields:
            self.content = rest
            return
        length = self.fields["content-length"][0]
        if not re.fullmatch(r"[0-9]{1,10}", length) or int(length) > len(rest):
            raise _Fault(400, "Bad Content-Length Header")
        self.content = rest[: int(length)]


def _full_name(written: str) -> str:
    """The full lower-case name of a header that may be written in any way, '' for what is no name."""
    name = written.rstrip(" \t").lower()
    return COMPACT.get(name, name) if is_token(name) else ""


def _read_via(value: str) -> Via:
    match = _VIA.fullmatch(value)
    if not match:
        raise BadAddress("Via")
    port = int(match[3]) if match[3] else None
    if port is not None and not 0 < port < 65536:
        raise BadAddress("Via port")
    params = parse_params(match[4] or "", strict=True)
    host = match[2]
    return Via(value, host[1:-1] if host[0] == "[" else host, port, params)
