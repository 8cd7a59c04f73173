"""Lines of a list as people paste them: which part of each is the number, the firm, the person and what it is about."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from webapp.clients import keys
from webapp.clients.models import Client

MOST = 20_000
LONGEST_LINE = 2000
CALLED = ("phone", "mobile")

_PHONE = re.compile(r"[+(]?\d(?:[\d\s().\-–/]|доб|ext){5,}\d|[+(]?\d{5,}", re.I)
_SIGNS = re.compile(r"[\d\s()+.\-–/,;#]|доб|ext|тел|tel|phone|[.:]", re.I)


class Line(NamedTuple):
    """`number` is E.164, or what stood there when it can't be read ('' when nothing did)."""

    number: str
    company: str
    person: str
    about: str


def split(text: str) -> list[list[str]]:
    """The cells of each line that isn't empty; columns are divided by tabs, semicolons or commas."""
    written = [line[:LONGEST_LINE] for line in text.replace("\0", "").splitlines() if line.strip()]
    return [
        cells
        for row in csv.reader(written, delimiter=_divider(written))
        if any(cells := [" ".join(cell.split()) for cell in row])
    ]


def _divider(written: Sequence[str]) -> str:
    for sign in ("\t", ";", ","):
        if sum(sign in line for line in written) * 2 > len(written):
            return sign
    return "\t"


def layout(rows: Sequence[Sequence[str]]) -> tuple[int | None, int]:
    """Which column holds the numbers (None: the only one, amid other words), and how many first rows only name columns.

    Quick, however long the list: no number is read yet.
    """
    if not rows or max(map(len, rows)) == 1:
        return None, 0
    where = Counter(place for row in rows for place, cell in enumerate(row) if is_like_a_phone(cell))
    if not where:
        return 0, 0
    named = not any(sign.isdigit() for text in rows[0] for sign in text)
    return min(where, key=lambda place: (-where[place], place)), int(named)


def read(rows: Iterable[Sequence[str]], column: int | None, country: str) -> list[Line]:
    """What each row of cells says: the number stands in `column`, then come firm, person, the rest.

    A row with its number elsewhere is understood; one without a number keeps what stands in its place.
    """
    if column is None:
        return [_loose(row[0], country) for row in rows]
    found = []
    for row in rows:
        place = column
        if not is_like_a_phone(row[column] if column < len(row) else ""):
            place = next((place for place, text in enumerate(row) if is_like_a_phone(text)), column)
        cell = row[place] if place < len(row) else ""
        found.append(_line(cell, [*(text for at, text in enumerate(row) if at != place), "", ""], country))
    return found


def is_like_a_phone(text: str) -> bool:
    """Mostly digits, and enough of them."""
    return sum(sign.isdigit() for sign in text) >= 5 and not _SIGNS.sub("", text).strip()


def of_card(client: Client) -> str:
    """A line for a card: its first telephone, name, person and what they want; '' for one without a telephone."""
    phone = next((point.normal or point.value for point in client.contact_points if point.kind in CALLED), "")
    person = client.people[0].full_name if client.people else ""
    cells = (phone, client.name, person, client.product or client.reason)
    return ";".join(text.replace(";", ",").replace('"', "") for text in cells) if phone else ""


def _loose(text: str, country: str) -> Line:
    found = _PHONE.search(text)
    if found is None:
        return _line(text, ["", "", ""], country)
    rest = f"{text[: found.start()]} {text[found.end() :]}".strip(" ,;:-–|\t")
    return _line(found[0], [" ".join(rest.split()), "", ""], country)


def _line(number: str, rest: Sequence[str], country: str) -> Line:
    normal = keys.normal_phone(number, country)
    kept = normal or number
    about = "; ".join(text for text in rest[2:] if text)
    return Line(kept[:40], rest[0][:200], rest[1][:200], about[:400])
