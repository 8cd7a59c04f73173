"""One way into a list whatever its format: a look at its beginning, all its rows, and the rows once they were read."""

from __future__ import annotations

import itertools
import json
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from flask_babel import lazy_gettext as _l

from webapp.imports import columns, csvs, xlsx
from webapp.imports.files import BadFile
from webapp.imports.rows import MOST_COLUMNS, Row

SHOWN = 5
MOST_SHEETS = 20
"""Of a workbook so many sheets are tried for a list: each costs as much as opening it with all of them."""
_LOOKED_AT = 60
_MOST_TITLES = 10


@dataclass(frozen=True)
class Look:
    """The beginning of a list: how it is read, the names of its columns ('' for none) and its first rows."""

    form: dict[str, Any]
    headers: list[str]
    first: list[Row]


def look(path: Path, wanted: dict[str, Any] | None = None) -> Look:
    """Find out how to read a list; what `wanted` says (sheet, encoding, delimiter, header) is not guessed.

    Raises BadFile when it is none, holds nothing, or has names of columns only.
    """
    form = dict(wanted or {})
    with path.open("rb") as file:
        start = file.read(8)
    if xlsx.is_zip(start):
        xlsx.check(path)
        form["sheets"] = xlsx.sheets(path)
        if form.get("sheet") not in form["sheets"]:
            form["sheet"] = next((one for one in form["sheets"][:MOST_SHEETS] if _first(path, {"sheet": one}, 1)), "")
    else:
        xlsx.refuse_other_formats(path)
        form["encoding"] = form.get("encoding") or csvs.guess_encoding(path)
        form["delimiter"] = form.get("delimiter") or csvs.guess_delimiter(path, form["encoding"])
        if form["delimiter"] not in csvs.DELIMITERS:
            raise BadFile(_l("Choose one of the list."))
    first = _first(path, form, _LOOKED_AT)
    if not first:
        raise BadFile(_l("The list is empty."))
    form["above"] = above = _titles(first)
    if "header" not in form:
        form["header"] = _names_columns(first[above])
    width = max(len(row.cells) for row in first)
    if width > MOST_COLUMNS or any(row.flaw == "cells" for row in first):
        raise BadFile(_l("At most %(most)d columns; delete those that are not needed.", most=MOST_COLUMNS))
    names = first[above].cells if form["header"] else []
    headers = [" ".join(name.split())[:80] for name in names] + [""] * (width - len(names))
    below = first[above + 1 :] if form["header"] else first
    if not below:
        raise BadFile(_l("Under the names of the columns there is no row."))
    return Look(form, headers, below)


def _first(path: Path, form: dict[str, Any], most: int) -> list[Row]:
    if not form.get("sheet") and "encoding" not in form:
        return []
    with closing(_all(path, form, look=True)) as found:
        return list(itertools.islice(found, most))


def _all(path: Path, form: dict[str, Any], look: bool = False) -> Generator[Row]:
    if "encoding" in form:
        return csvs.rows(path, form["encoding"], form["delimiter"])
    return xlsx.rows(path, form["sheet"], look)


def _titles(first: list[Row]) -> int:
    """How many rows stand above the names of the columns: the list's own name, its date, each alone in its row."""
    for above, row in enumerate(first[:_MOST_TITLES]):
        if sum(map(bool, row.cells)) > 1:
            return above if above and columns.named(row.cells) > 1 else 0
    return 0


def _names_columns(row: Row) -> bool:
    """Names of columns hold no number of a telephone and no address."""
    return not any("@" in cell or sum(sign.isdigit() for sign in cell) > 4 for cell in row.cells)


def rows(path: Path, form: dict[str, Any], width: int) -> Iterator[Row]:
    """Every row below the names of the columns. One with more than `width` cells has a flaw. Raises BadFile."""
    for place, row in enumerate(_all(path, form)):
        if place > form.get("above", 0) or not form["header"]:
            if len(row.cells) > width:
                row.flaw = row.flaw or "cells"
            yield row


# Rows that were read, one a line: a place in them is an offset, so that work goes on where it was.


def write(file: IO[bytes], row: Row) -> None:
    """Add a row to those that were read."""
    file.write(json.dumps([row.number, row.flaw, row.column, row.cells], ensure_ascii=False).encode() + b"\n")


def read(file: IO[bytes]) -> Row | None:
    """The next row of those that were read; None at the end, and at half a line."""
    line = file.readline()
    if not line.endswith(b"\n"):
        return None
    number, flaw, column, cells = json.loads(line)
    return Row(number, cells, flaw, column)
