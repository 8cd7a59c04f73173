"""What rings a user: any SIP URI that a bridge can ring, or `registered:LOGIN` for softphones registered with it."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

from flask_babel import gettext as _

MAX_LENGTH = 200
REGISTERED = "registered:"
_URI = re.compile(
    r"(?P<scheme>sips?):"
    r"(?:(?P<user>[A-Za-z0-9\-_.!~*'()&=+$,;?/%]{1,80})@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,98}[A-Za-z0-9])?)"
    r"(?::(?P<port>\d{1,5}))?"
    r"(?P<parameters>(?:;[A-Za-z0-9\-_.!~*'()%]{1,40}(?:=[A-Za-z0-9\-_.!~*'()%\[\]:]{1,60})?)*)",
    re.ASCII,
)


def is_sip_uri(text: str) -> bool:
    """True for `sip:anna@192.168.1.20:5062` and the like (RFC 3261 19.1.1), without headers or passwords."""
    match = _URI.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if not match or (match["port"] and not 0 < int(match["port"]) < 65536):
        return False
    host = match["host"]
    if re.search(r"%(?![2-7][0-9A-Fa-f]|[89A-Fa-f][0-9A-Fa-f])|%7[Ff]", text):  # half an escape, or a control character
        return False
    if host.startswith("[") or re.fullmatch(r"[\d.]+", host):
        return _is_address(host.strip("[]"))
    return all(re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", label) for label in host.split("."))


def user_part(text: str) -> str:
    """The user of a SIP address as it is meant, '' for anything else: `+74951234567` of `sip:+74951234567@pbx`."""
    match = _URI.fullmatch(text)
    return unquote(re.split("[;:]", match["user"])[0]) if match and match["user"] else ""


def in_words(extension: str) -> str:
    """An extension for the reader; a SIP address speaks for itself."""
    if extension.startswith(REGISTERED):
        return _("softphone of %(login)s, registered here", login=extension.removeprefix(REGISTERED))
    return extension


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
