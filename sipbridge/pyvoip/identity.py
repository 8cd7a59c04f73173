"""Who calls whom: what the headers of an INVITE say about people, and how we present a caller to others."""

from __future__ import annotations

import re

from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.uri import (
    BadAddress,
    NameAddr,
    Uri,
    dialable,
    host_port,
    parse_name_addr,
    parse_uri,
    quoted,
    readable,
    user_part,
)
from sipbridge.pyvoip.wire import Fields

MAX_NUMBER = 64
MAX_NAME = 128
HIDDEN = {"anonymous", "unavailable", "restricted", "unknown", "private", "withheld"}

_REASON = re.compile(r"SIP\s*;(?:.*;)?\s*cause\s*=\s*\"?200\b", re.I)


def caller(invite: Message) -> tuple[str, str]:
    """Number and name of the caller, ('', '') when he hides them.

    P-Asserted-Identity wins over From (RFC 3325: the sender is a configured peer); Privacy hides both.
    """
    if _privacy(invite) & {"id", "user", "header"}:
        return "", ""
    shown = invite.from_
    asserted = _asserted(invite)
    if asserted:
        tel = next((each for each in asserted if each.uri.scheme == "tel"), asserted[0])
        name = next((each.display for each in asserted if each.display), "") or _name(shown)
        return bounded(_number(tel), MAX_NUMBER), bounded(name, MAX_NAME)
    return bounded(_number(shown), MAX_NUMBER), bounded(_name(shown), MAX_NAME)


def _privacy(invite: Message) -> set[str]:
    return {word.strip().lower() for word in invite.header("privacy").split(";")}


def _asserted(invite: Message) -> list[NameAddr]:
    try:
        return [parse_name_addr(value) for value in invite.values("p-asserted-identity")[:4]]
    except BadAddress:
        return []


def _number(who: NameAddr) -> str:
    hidden = who.uri.host.lower() == "anonymous.invalid" or who.uri.number.lower() in HIDDEN
    return "" if hidden else who.uri.number


def _name(who: NameAddr) -> str:
    return "" if not _number(who) and who.display.lower() in HIDDEN else who.display


def bounded(text: str, limit: int) -> str:
    """Text of the network fit to be shown: printable, trimmed, of bounded length."""
    return readable(text).strip()[:limit]


def answered_elsewhere(request: Message) -> bool:
    """Whether a Reason header says that another phone took the call (RFC 3326)."""
    return any(_REASON.match(value.strip()) for value in request.values("reason"))


def presented(number: str, name: str, via: tuple[str, int], *, trusted: bool) -> tuple[str, Fields]:
    """The From value (without tag) and further headers that show a caller to a telephone of ours."""
    if not number:
        display = name or "Anonymous"
        return f"{quoted(display)} <sip:anonymous@anonymous.invalid>", ()
    who = f"<sip:{user_part(number)}@{host_port(*via)}>"
    shown = f"{quoted(name)} {who}" if name else who
    return shown, (("P-Asserted-Identity", shown),) if trusted else ()


def of_account(user: str, host: str, port: int, name: str) -> str:
    """The From value (without tag) of a call that goes out through an account: its address of record."""
    who = f"<sip:{user_part(user)}@{registrar(host, port)}>"
    return f"{quoted(name)} {who}" if name else who


def registrar(host: str, port: int) -> str:
    """A registrar as URIs name it: the usual port is left out."""
    if port == 5060:
        return f"[{host}]" if ":" in host else host
    return host_port(host, port)


def at_account(uri: str, host: str, port: int) -> Uri:
    """The URI that reaches the user or number of `uri` (sip or tel) through a registrar. Raises BadAddress."""
    number = uri[4:].partition(";")[0] if uri[:4].lower() == "tel:" and parse_uri(uri) else dialable(uri).user
    if not number:
        raise BadAddress(f"{uri!r} names nobody who can be called")
    return dialable(f"sip:{number}@{registrar(host, port)}")
