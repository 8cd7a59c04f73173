"""The Contacts of a REGISTER: what a telephone asks to be bound to its user, and what nobody may ask."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.uri import BadAddress, NameAddr, Uri, parse_name_addr

MAX_EXPIRES = 3600  # seconds
MOST_CONTACTS = 20  # in one request
LONGEST_URI = 400

_INSTANCE = re.compile(r'"<[!#-;=?-~]{1,200}>"')  # printable ASCII, in angle brackets and quotes (RFC 5626 4.1)
_ESCAPED_CONTROL = re.compile(r"%(?:[01][0-9a-f]|7f)", re.I)


@dataclass(frozen=True, slots=True)
class Asked:
    """One Contact of a REGISTER: what to bind and for how many seconds, 0 to take it back."""

    uri: Uri
    instance: str
    seconds: int


def asked_by(request: Message) -> list[Asked] | None:
    """What the Contacts ask for; None for `*`, which takes everything back. Raises BadAddress."""
    values = request.values("contact")
    if "*" in values:
        if len(values) > 1 or request.number("expires", MAX_EXPIRES) != 0:
            raise BadAddress("* stands alone and needs Expires: 0")
        return None
    if len(values) > MOST_CONTACTS:
        raise BadAddress("too many")
    default = request.number("expires", MAX_EXPIRES)
    asked = [_one(parse_name_addr(value), MAX_EXPIRES if default is None else default) for value in values]
    if len({(each.uri.user, each.uri.host.lower(), each.uri.port) for each in asked}) < len(asked):
        raise BadAddress("one telephone twice")
    return asked


def _one(contact: NameAddr, default: int) -> Asked:
    uri = contact.uri
    if uri.scheme != "sip" or not uri.host:
        raise BadAddress("not a SIP URI")
    if len(uri.text) > LONGEST_URI or not uri.text.isascii() or not uri.text.isprintable():
        raise BadAddress("too long or not plain ASCII")
    if uri.headers or _ESCAPED_CONTROL.search(uri.text):
        raise BadAddress("headers or control characters in the URI")
    if not _is_one_host(uri.host):
        raise BadAddress("no single host")
    instance = contact.params.get("+sip.instance", "")
    if instance and not _INSTANCE.fullmatch(instance):
        raise BadAddress("no instance id")
    asked = contact.params.get("expires", "")
    valid = asked.isascii() and asked.isdigit()
    seconds = int(asked[:10]) if valid else default if not asked else MAX_EXPIRES  # nonsense counts as 3600
    return Asked(uri, instance, min(seconds, MAX_EXPIRES))


def _is_one_host(host: str) -> bool:
    """False for addresses that are many or none: multicast, broadcast, unspecified."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host.rstrip(".").lower() not in ("", "0")
    return not (ip.is_multicast or ip.is_unspecified or ip == ipaddress.ip_address("255.255.255.255"))
