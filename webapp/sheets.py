"""Any list as a file: xlsx and CSV, written row by row, with nothing in a cell that a program would calculate.

A page that shows a list sends it as a file like this, and links to `url_for(..., ending="xlsx")` and `"csv"`:

    @bp.get("/things.<any(csv, xlsx):ending>")
    @allow(*SALES)
    def export(ending: str) -> ResponseReturnValue:
        columns = [Column(_("When"), 17), Column(_("Name"), 30)]
        rows = ([on_the_wall(thing.at, here.zone()), thing.name] for thing in queries.each(db.session()))
        return sheets.send(ending, ("things",), columns, rows)

`rows` may be any iterable, a generator above all: one row is held at a time, however many there are. Cells are texts,
numbers, dates, times on the office's wall (`on_the_wall`) or None. A list that may be longer than `exports.AT_ONCE`
belongs to `webapp/exports`, which makes it in the background.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import IO, Any, Protocol
from zoneinfo import ZoneInfo

import xlsxwriter
from anyascii import anyascii
from flask import Response, send_file

Cell = str | float | date | datetime | None
Row = Sequence[Cell]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ENDINGS = ("xlsx", "csv")
MAX_CELL = 32_000
"""A cell of a spreadsheet holds 32,767 characters."""
MAX_ROWS = 1_048_576
"""Rows of one sheet; what is more goes on the next."""

_CALCULATES = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with when a spreadsheet may calculate it; the wide ones count in East Asian settings."""
_IN_MEMORY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and its width in characters where there are widths."""

    title: str
    width: int = 18


class Book(Protocol):
    """A file under way."""

    def add(self, row: Row) -> None:
        """One more row."""

    def close(self) -> None:
        """Finish the file; it stays open for reading."""


def file_name(parts: Iterable[str], ending: str) -> str:
    """`ledger-2026-03-10-anna.csv`: plain Latin letters and digits only, whatever the parts hold."""
    slug = "-".join(re.sub(r"[^a-z0-9]+", "-", anyascii(part).lower()).strip("-")[:40] for part in parts if part)
    return f"{re.sub('-+', '-', slug).strip('-') or 'list'}.{ending}"


def on_the_wall(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    """An instant as the office's clock shows it, to the minute."""
    return at.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0) if at else None


def defused(text: str) -> str:
    """`text` for a CSV cell: with an apostrophe before anything a spreadsheet would take for a formula."""
    text = text.replace("\0", "")[:MAX_CELL]
    return f"'{text}" if text.lstrip(" ").startswith(_CALCULATES) else text


def undefused(cell: str) -> str:
    """The text that `defused` was given."""
    text = cell[1:]
    return text if cell.startswith("'") and text.lstrip(" ").startswith(_CALCULATES) else cell


def send(
    ending: str,
    name: Iterable[str],
    columns: Sequence[Column],
    rows: Iterable[Row],
    heading: str = "",
    after: Callable[[], Iterable[Row]] = tuple,
) -> Response:
    """The list as a file to download, `ending` xlsx or csv. `name`: what tells such files apart, for the file's name.

    `heading` stands above the titles of a spreadsheet; `after()` gives rows that stand under the list once it is
    through, after an empty one.
    """
    # All rows are read before the answer goes out: what is read later begins a transaction that nobody ends.
    file = as_xlsx(columns, rows, heading, after) if ending == "xlsx" else in_a_file(as_csv(columns, rows, after))
    return sent(file, ending, name)


def sent(file: IO[bytes], ending: str, name: Iterable[str]) -> Response:
    """A finished file to download."""
    kind = XLSX if ending == "xlsx" else "text/csv"
    response = send_file(file, kind, as_attachment=True, download_name=file_name(name, ending), max_age=0)
    response.headers["Cache-Control"] = "no-store"
    return response


def as_csv(
    columns: Sequence[Column], rows: Iterable[Row], after: Callable[[], Iterable[Row]] = tuple
) -> Iterator[bytes]:
    """The file in pieces, UTF-8 with the mark spreadsheets look for."""
    buffer = io.BytesIO()
    book = CsvBook(buffer, columns)
    for row in _all(rows, after):
        book.add(row)
        if buffer.tell() > 1 << 14:
            yield _emptied(buffer)
    yield _emptied(buffer)


def as_xlsx(
    columns: Sequence[Column], rows: Iterable[Row], heading: str = "", after: Callable[[], Iterable[Row]] = tuple
) -> IO[bytes]:
    """The file, rewound. Only one row is held at a time."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (the response closes it)
    book = XlsxBook(file, columns, heading)
    for row in _all(rows, after):
        book.add(row)
    book.close()
    file.seek(0)
    return file


def in_a_file(pieces: Iterable[bytes]) -> IO[bytes]:
    """The pieces as one file, rewound."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (the response closes it)
    file.writelines(pieces)
    file.seek(0)
    return file


def _all(rows: Iterable[Row], after: Callable[[], Iterable[Row]]) -> Iterator[Row]:
    yield from rows
    if last := list(after()):
        yield ()
        yield from last


def _emptied(buffer: io.BytesIO) -> bytes:
    piece = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return piece


class CsvBook:
    """A CSV file under way."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column]) -> None:
        self._file, self._text = file, io.StringIO()
        self._writer = csv.writer(self._text)
        file.write(b"\xef\xbb\xbf")
        self.add([column.title for column in columns])

    def add(self, row: Row) -> None:
        """One more row."""
        self._writer.writerow([_as_text(cell) for cell in row])
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def close(self) -> None:
        """All is written."""
        self._file.flush()


class XlsxBook:
    """A spreadsheet under way: texts are texts, whatever they begin with."""

    def __init__(self, file: Any, columns: Sequence[Column], heading: str = "") -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(file, options)
        self._columns, self._heading = columns, heading
        add = self._book.add_format
        self._text = add({"text_wrap": True, "valign": "top", "quote_prefix": True})
        self._when = add({"num_format": "yyyy-mm-dd hh:mm", "valign": "top", "align": "left"})
        self._day = add({"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"})
        self._number = add({"valign": "top"})
        self._bold = add({"bold": True, "quote_prefix": True})
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        self._sheet = sheet = self._book.add_worksheet()
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        self._line = 1 if self._heading else 0
        if self._heading:
            sheet.write_string(0, 0, self._heading, self._bold)
        for place, column in enumerate(self._columns):
            sheet.set_column(place, place, column.width)
            sheet.write_string(self._line, place, column.title, self._bold)
        self._line += 1
        sheet.freeze_panes(self._line, 0)

    def add(self, row: Row) -> None:
        """One more row."""
        if self._line >= MAX_ROWS:
            self._begin_sheet()
        sheet, line = self._sheet, self._line
        for place, cell in enumerate(row):
            if isinstance(cell, str):
                if cell:
                    sheet.write_string(line, place, cell[:MAX_CELL], self._text)
            elif isinstance(cell, datetime):
                sheet.write_datetime(line, place, cell, self._when)
            elif isinstance(cell, date):
                sheet.write_datetime(line, place, cell, self._day)
            elif cell is not None:
                sheet.write_number(line, place, cell, self._number)
        self._line += 1

    def close(self) -> None:
        """Pack the sheets into the file."""
        self._book.close()


def _as_text(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, date):
        return cell.isoformat()
    return defused(cell) if isinstance(cell, str) else "" if cell is None else str(cell)
