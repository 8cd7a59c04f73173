"""Where a 301 or 302 sends us: the first Contact we can call that was not tried yet (RFC 3261 8.1.3.4)."""

from __future__ import annotations

from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.uri import BadAddress, Uri, dialable, parse_name_addr

MAX_HOPS = 5
MAX_CONTACTS = 8


def next_target(response: Message, tried: list[str]) -> Uri | None:
    """The Contact with the highest q that can be called; None when there is none or the way is too long."""
    if len(tried) > MAX_HOPS:
        return None
    targets = []
    for value in response.values("contact")[:MAX_CONTACTS]:
        try:
            contact = parse_name_addr(value)
            uri = dialable(contact.uri.text)
        except BadAddress:
            continue
        if uri.text not in tried:
            targets.append((_preference(contact.params.get("q", "")), uri))
    return max(targets, key=lambda target: target[0])[1] if targets else None


def _preference(q: str) -> float:
    try:
        return min(1.0, max(0.0, float(q)))
    except ValueError:
        return 1.0
