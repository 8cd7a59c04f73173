"""Where a 301 or 302 sends us: the first Contact we can call that was not tried yet (RFC 3261 8.1.3.4).

A telephone may name another telephone of the office. A number outside it never: what may be called at our cost is
the desk's to say, and a telephone that diverts its calls abroad would spend without asking.
"""

from __future__ import annotations

from sipbridge.pyvoip.message import Message
from sipbridge.pyvoip.uri import BadAddress, Uri, dialable, parse_name_addr

MAX_HOPS = 5
MAX_CONTACTS = 8
LONGEST_INNER = 5  # digits of a number inside an office


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
        if uri.text not in tried and not is_outside(uri):
            targets.append((_preference(contact.params.get("q", "")), uri))
    return max(targets, key=lambda target: target[0])[1] if targets else None


def is_outside(uri: Uri) -> bool:
    """Whether this is a number that a trunk would dial, or a PBX take for an order, and not a telephone's name."""
    number = uri.number
    return not any(sign.isalpha() for sign in number) and (
        any(sign in "+*#" for sign in number) or sum(sign.isdigit() for sign in number) > LONGEST_INNER
    )


def _preference(q: str) -> float:
    try:
        return min(1.0, max(0.0, float(q)))
    except ValueError:
        return 1.0
