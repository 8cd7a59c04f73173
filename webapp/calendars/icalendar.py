"""A calendar as iCalendar (RFC 5545). Times are UTC, so that no reader needs to know the office's clock changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import vobject

from webapp.calendars.entries import Entry

MIMETYPE = "text/calendar"
PRODUCT = "-//Second Ring//Calendar//EN"
ASK_AGAIN = "PT1H"
LONGEST_LINE = 75
"""Octets of a line, its end not counted."""
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]+")
"""What no line of a calendar may hold, or what a reader would take for the end of one."""


def written(name: str, entries: Sequence[Entry], host: str, card: Callable[[int], str], now: datetime) -> str:
    """The calendar called `name`. `host` makes its keys unique in the world, `card` gives the address of a client's."""
    calendar = vobject.iCalendar()
    calendar.add("prodid").value = PRODUCT
    calendar.add("x-wr-calname").value = _line(name)
    calendar.add("refresh-interval").value = ASK_AGAIN
    calendar.refresh_interval.params["VALUE"] = ["DURATION"]
    calendar.add("x-published-ttl").value = ASK_AGAIN
    for entry in entries:
        event = calendar.add("vevent")
        event.add("uid").value = f"{entry.key}@{host}"
        event.add("dtstamp").value = _utc(now)
        event.add("dtstart").value = _utc(entry.starts)
        event.add("dtend").value = _utc(entry.ends)
        event.add("sequence").value = str(entry.version)
        event.add("summary").value = _line(entry.title)
        event.add("transp").value = "OPAQUE" if entry.busy else "TRANSPARENT"
        if entry.client_id is not None:
            event.add("url").value = card(entry.client_id)
    return "\r\n".join(part for line in str(calendar.serialize()).split("\r\n") for part in _folded(line))


def _folded(line: str) -> Iterator[str]:
    """The line in parts of LONGEST_LINE octets (RFC 5545 3.1): vobject counts characters where it decides to fold."""
    part, size = "", 0
    for letter in line:
        octets = len(letter.encode())
        if size + octets > LONGEST_LINE:
            yield part
            part, size = " ", 1
        part, size = part + letter, size + octets
    yield part


def _utc(at: datetime) -> datetime:
    return at.astimezone(vobject.icalendar.utc).replace(microsecond=0)


def _line(text: str) -> str:
    return _UNSEEN.sub(" ", text).strip()
