"""Addresses as they stand in SIP headers: SIP and tel URIs, name-addrs, header parameters (RFC 3261 25.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar
from urllib.parse import quote, unquote

HOST = r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*)"
WORD = r"[A-Za-z0-9\-.!%*_+`'~]+"
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S)

_TOKEN = re.compile(WORD)
_SIP = re.compile(rf"(?i:(sips?)):(?:([^@]*)@)?({HOST})(?::([0-9]{{1,5}}))?((?:;[^;?\s<>\"]+)*)(?:\?([^\s<>]*))?")
_TEL = re.compile(r"(?i:tel):([+0-9A-Fa-f*#().\-]+)((?:;[^;\s<>\"]+)*)")
_OPAQUE = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):[^\s<>]+")
_BAD_USER = re.compile(r'[\s<>"\x00-\x1f\x7f]')
_ESCAPED = re.compile(r"\\(.)", re.S)
# Control characters, and those that are not seen but turn the text around them or break its line: a name with
# one of them would rearrange what stands beside it on a page.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+"
)


SHORT = 256  # characters; longer texts, which only an attacker sends, are not remembered

Read = TypeVar("Read")


class BadAddress(ValueError):
    """Text that is not the URI, name-addr or parameter list it should be."""


@dataclass(frozen=True, slots=True)
class Uri:
    """A parsed URI. `user` is raw (still percent-encoded), None when absent; only sip, sips and tel are taken apart."""

    text: str
    scheme: str
    user: str | None = None
    host: str = ""
    port: int | None = None
    params: str = ""
    headers: str = ""

    @property
    def number(self) -> str:
        """The user part or telephone number without its ;parameters and password, percent-decoded."""
        if not self.user:
            return ""
        return unquote(self.user.split(":", 1)[0].split(";", 1)[0])

    @property
    def is_loose_router(self) -> bool:
        """Whether this Route entry is a loose router (RFC 3261 19.1.1)."""
        return ";lr" in f"{self.params.lower()};".replace(";lr=", ";lr;")


@dataclass(frozen=True, slots=True)
class NameAddr:
    """A From, To or Contact value: the name shown, the URI and the header parameters (names in lower case)."""

    display: str
    uri: Uri
    params: Mapping[str, str]

    @property
    def tag(self) -> str:
        return self.params.get("tag", "")


def _remembering(read: Callable[[str], Read]) -> Callable[[str], Read]:
    """Let a reader remember what it read of late: all messages of a call carry the same addresses."""
    remembered = lru_cache(maxsize=1024)(read)

    def reader(text: str) -> Read:
        return remembered(text) if len(text) <= SHORT else read(text)

    reader.__doc__ = read.__doc__
    return reader


@_remembering
def parse_uri(text: str) -> Uri:
    """Read one URI. Raises BadAddress; any scheme is allowed, sip, sips and tel must be well formed."""
    if match := _SIP.fullmatch(text):
        scheme, user, host, port, params, headers = match.groups()
        if user is not None and (not user or _BAD_USER.search(user)):
            raise BadAddress("user part")
        if port and not 0 < int(port) < 65536:
            raise BadAddress("port")
        bare = host[1:-1] if host[0] == "[" else host
        return Uri(text, scheme.lower(), user, bare, int(port) if port else None, params, headers or "")
    if match := _TEL.fullmatch(text):
        return Uri(text, "tel", match[1], params=match[2])
    if (match := _OPAQUE.fullmatch(text)) and match[1].lower() not in ("sip", "sips", "tel"):
        return Uri(text, match[1].lower())
    raise BadAddress("URI")


def dialable(text: str) -> Uri:
    """Read a SIP URI that may be called, and written into a message as it is. Raises BadAddress."""
    if not (text.isascii() and text.isprintable() and unquote(text).isprintable()):
        raise BadAddress(f"{text!r} holds characters that have no place in a SIP URI")
    uri = parse_uri(text)
    if uri.scheme != "sip" or uri.headers:
        raise BadAddress(f"{text!r} is not a SIP URI that can be called")
    return uri


@_remembering
def parse_name_addr(value: str) -> NameAddr:
    """Read `"Name" <uri>;params` or `uri;params`. Raises BadAddress."""
    value = value.strip()
    if value.startswith('"'):
        quoted = QUOTED.match(value)
        if not quoted:
            raise BadAddress("quotes")
        display = _ESCAPED.sub(r"\1", quoted[1])
        rest = value[quoted.end() :].lstrip()
        if not rest.startswith("<"):
            raise BadAddress("angle bracket")
    elif "<" in value:
        display, _, rest = value.partition("<")
        if '"' in display:
            raise BadAddress("quotes")
        rest = "<" + rest
    else:
        uri, _, params = value.partition(";")
        return NameAddr("", parse_uri(uri.strip()), parse_params(params))
    uri, bracket, params = rest[1:].partition(">")
    params = params.strip()
    if not bracket or (params and not params.startswith(";")):
        raise BadAddress("angle bracket")
    return NameAddr(readable(display.strip()), parse_uri(uri.strip()), parse_params(params))


def parse_params(text: str, *, strict: bool = False) -> dict[str, str]:
    """Read `;name=value;flag` into a dict with lower-case names. `strict` refuses empty parameters."""
    params: dict[str, str] = {}
    pieces = split(text, ";")
    if pieces and not pieces[0]:
        pieces = pieces[1:]
    for piece in pieces:
        if not piece:
            if strict:
                raise BadAddress("empty parameter")
            continue
        name, _, content = piece.partition("=")
        name = name.rstrip()
        if not _TOKEN.fullmatch(name):
            raise BadAddress("parameter name")
        params.setdefault(name.lower(), content.strip())
    return params


def split(text: str, separator: str) -> list[str]:
    """Split at `separator` outside quotes and angle brackets; the pieces are stripped."""
    if not text.strip():
        return []
    if '"' not in text and "<" not in text:
        return [piece.strip() for piece in text.split(separator)]
    pieces, start, at, in_brackets = [], 0, 0, False
    while at < len(text):
        char = text[at]
        if char == '"' and (quoted := QUOTED.match(text, at)):
            at = quoted.end()
            continue
        if char == "<":
            in_brackets = True
        elif char == ">":
            in_brackets = False
        elif char == separator and not in_brackets:
            pieces.append(text[start:at].strip())
            start = at + 1
        at += 1
    pieces.append(text[start:].strip())
    return pieces


def readable(text: str) -> str:
    """Text for people: undecodable bytes read as Latin-1, control characters removed."""
    if text.isascii() and text.isprintable():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogateescape").decode("latin-1")
    return _CONTROL.sub("", text)


def is_token(text: str) -> bool:
    return bool(_TOKEN.fullmatch(text))


def quoted(text: str) -> str:
    """`text` as a quoted-string."""
    return '"' + readable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def user_part(text: str) -> str:
    """`text` as the user part of a SIP URI."""
    return quote(readable(text), safe="+*#-_.!~'()&=$,/").replace("#", "%23")


def host_port(host: str, port: int) -> str:
    """`host:port`, IPv6 addresses in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
