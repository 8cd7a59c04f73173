"""The ledger as a file: xlsx and CSV, written row by row, with nothing in a cell that a program would calculate."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import IO
from zoneinfo import ZoneInfo

import xlsxwriter
from anyascii import anyascii
from flask_babel import gettext as _

from webapp.reports.labels import next_step, state_word
from webapp.reports.ledger import Row, Totals

Cell = str | float | datetime | None
_CALCULATES = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with when a spreadsheet may calculate it; the wide ones count in East Asian settings."""

_IN_MEMORY = 1024 * 1024
MAX_CELL = 32_000
"""A cell of a spreadsheet holds 32,767 characters."""


def file_name(parts: Iterable[str], ending: str) -> str:
    """`ledger-2026-03-10-anna.csv`: plain Latin letters and digits only, whatever the parts hold."""
    slug = "-".join(re.sub(r"[^a-z0-9]+", "-", anyascii(part).lower()).strip("-")[:40] for part in parts if part)
    return f"{re.sub('-+', '-', slug).strip('-') or 'ledger'}.{ending}"


def defused(text: str) -> str:
    """`text` for a CSV cell: with an apostrophe before anything a spreadsheet would take for a formula."""
    text = text.replace("\0", "")[:MAX_CELL]
    return f"'{text}" if text.lstrip(" ").startswith(_CALCULATES) else text


def as_csv(rows: Iterable[Row], zone: ZoneInfo, phone: Callable[[str], str], counts: str) -> Iterator[bytes]:
    """The file in pieces, UTF-8 with the mark spreadsheets look for; the sums stand under the rows."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    sums = Totals(counts)

    def piece() -> bytes:
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text.encode()

    writer.writerow(titles())
    yield b"\xef\xbb\xbf" + piece()
    for row in rows:
        sums.add(row)
        writer.writerow([_as_text(cell) for cell in cells(row, zone, phone)])
        yield piece()
    writer.writerow([])
    for line in sum_lines(sums):
        writer.writerow([_as_text(cell) for cell in line])
    yield piece()


def as_xlsx(rows: Iterable[Row], zone: ZoneInfo, phone: Callable[[str], str], counts: str, heading: str) -> IO[bytes]:
    """The file, rewound. Only one row is held at a time; texts are texts, whatever they begin with."""
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  (the response closes it)
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    text = book.add_format({"text_wrap": True, "valign": "top", "quote_prefix": True})
    when = book.add_format({"num_format": "yyyy-mm-dd hh:mm", "valign": "top", "align": "left"})
    number = book.add_format({"valign": "top"})
    bold = book.add_format({"bold": True, "quote_prefix": True})
    sheet = book.add_worksheet("Ledger")
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    for column, width in enumerate(_WIDTHS):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, heading, bold)
    for column, title in enumerate(titles()):
        sheet.write_string(1, column, title, bold)
    sheet.freeze_panes(2, 0)
    sums, line = Totals(counts), 2

    def write(cells: Iterable[Cell]) -> None:
        for column, cell in enumerate(cells):
            if isinstance(cell, datetime):
                sheet.write_datetime(line, column, cell, when)
            elif isinstance(cell, str):
                sheet.write_string(line, column, cell[:MAX_CELL], text)
            elif cell is not None:
                sheet.write_number(line, column, cell, number)

    for row in rows:
        sums.add(row)
        write(cells(row, zone, phone))
        line += 1
    line += 1
    for summed in sum_lines(sums):
        write(summed)
        line += 1
    book.close()
    file.seek(0)
    return file


_WIDTHS = (17, 18, 28, 30, 20, 28, 20, 26, 17, 20, 18, 14, 7, 9, 50)


def titles() -> list[str]:
    """The columns' names."""
    return [
        _("Date and time"),
        _("Manager"),
        _("Full name"),
        _("Organisation"),
        _("Phone"),
        _("E-mail"),
        _("Purpose"),
        _("Result"),
        _("Next touch"),
        _("Next step"),
        _("Channel"),
        _("State"),
        _("Rings"),
        _("Talk, min"),
        _("Note"),
    ]


def cells(row: Row, zone: ZoneInfo, phone: Callable[[str], str]) -> list[Cell]:
    """One row; times on the office's wall."""
    return [
        _on_the_wall(row.at, zone),
        row.manager,
        row.person or (row.client if row.is_private else row.caller_name),
        "" if row.is_private else row.client,
        phone(row.phone),
        row.email,
        row.purpose,
        row.outcome,
        _on_the_wall(row.next_at, zone),
        next_step(row),
        row.channel,
        state_word(row.state),
        row.rings or None,
        round(row.talk_seconds / 60, 1) if row.talk_seconds else None,
        row.note,
    ]


def sum_lines(sums: Totals) -> list[list[Cell]]:
    """The sums under the rows, a name and a value each; then the contacts by channel."""
    small = _("small sample") if sums.small_sample and sums.contacts else ""
    lines: list[list[Cell]] = [
        [_("Total contacts"), sums.contacts],
        [_("Meetings set"), sums.meetings],
        [_("Sales"), sums.sales],
        [_("Conversion, %"), None if sums.conversion is None else round(sums.conversion, 1), small],
        [_("Incoming calls"), sums.incoming_calls],
        [_("Missed calls"), sums.missed],
        [_("Minutes of talk"), round(sums.talk_seconds / 60, 1)],
        [_("Offers made"), sums.offers],
        [],
        [_("Contacts by channel")],
    ]
    return lines + [[channel or _("not known"), count] for channel, count in sums.channels.most_common()]


def _on_the_wall(at: datetime | None, zone: ZoneInfo) -> datetime | None:
    return at.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0) if at else None


def _as_text(cell: Cell) -> str:
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M")
    return defused(cell) if isinstance(cell, str) else "" if cell is None else str(cell)
