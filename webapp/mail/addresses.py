"""E-mail addresses that mail can be sent to (RFC 5321): one box at one host, in plain Latin letters on the wire."""

from __future__ import annotations

import re

LONGEST = 254
_BOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def wire(address: str) -> str:
    """The address as mail servers take it, with a host such as `почта.рф` in its Latin form; '' when it is none."""
    box, at, host = address.strip().rpartition("@")
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError:
        return ""
    found = f"{box}@{host}"
    labels = host.split(".")
    if not at or len(found) > LONGEST or len(box) > 64 or not _BOX.fullmatch(box):
        return ""
    return found if all(_LABEL.fullmatch(label) for label in labels) else ""


def is_address(text: str) -> bool:
    """Whether somebody in the world can be written to there: `anna@northwind.example`."""
    found = wire(text)
    return "." in found.rpartition("@")[2] and not found[-1].isdigit()
