"""Lists as xlsx: what the file claims is checked before it is opened, and nothing in it is ever calculated.

openpyxl reads the parts; its XML readers are defusedxml's, which refuse entities. Rows come one by one: of a file,
only its table of strings is held, and that is bounded.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Generator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
from flask_babel import lazy_gettext as _l
from openpyxl.reader.excel import ExcelReader
from openpyxl.worksheet._reader import FORMULA_TAG, VALUE_TAG, WorkSheetParser
from openpyxl.xml.constants import SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from webapp.imports.files import BadFile
from webapp.imports.rows import MOST_COLUMNS, Row, checked, tidy

MOST_PARTS = 1_000
MOST_UNPACKED = 400 << 20
MOST_STRINGS = 100 << 20
"""Bytes of the table of strings as XML: it is the one part that is held in memory."""
MOST_RATIO = 300
MOST_NUMBER = 1 << 20
"""Rows of a sheet have numbers up to this one."""
_SMALL = 1 << 20
_STRINGS_TO_LOOK = 5_000
_NO_LISTS = (b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")

if not openpyxl.DEFUSEDXML or openpyxl.LXML:  # pragma: no cover - the lock file sees to it
    raise RuntimeError("xlsx files may be read with defusedxml only")


def is_zip(start: bytes) -> bool:
    """True when a file that begins so is packed as xlsx files are."""
    return start.startswith(b"PK")


def refuse_other_formats(path: Path) -> None:
    """Raises BadFile for a workbook of another format, saying what to do; a file of none of them passes."""
    with path.open("rb") as file:
        start = file.read(1 << 16)
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise BadFile(_l("The workbook is locked with a password. Save it without one and upload it again."))
        raise BadFile(_l("This is the old xls format. Open it in a spreadsheet and save it as xlsx or CSV."))
    if start.startswith(
        (b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
    ):
        raise BadFile(_l("This is no list: neither an xlsx file nor text. Save it as xlsx or CSV."))


def check(path: Path) -> None:
    """Look at what the archive says of itself, before anything is unpacked. Raises BadFile.

    Python's zipfile unpacks no more of a part than was declared, so what is declared bounds what happens.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise BadFile(_l("The file is broken or not whole. Save it again and upload it anew.")) from None
    names = {part.filename for part in parts}
    if any(part.flag_bits & 1 for part in parts):
        raise BadFile(_l("The workbook is locked with a password. Save it without one and upload it again."))
    if "xl/workbook.bin" in names:
        raise BadFile(_l("This is the xlsb format. Open it in a spreadsheet and save it as xlsx or CSV."))
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise BadFile(_l("This is no list: neither an xlsx file nor text. Save it as xlsx or CSV."))
    strings = sum(part.file_size for part in parts if "sharedstrings" in part.filename.casefold())
    if (
        len(parts) > MOST_PARTS
        or sum(part.file_size for part in parts) > MOST_UNPACKED
        or strings > MOST_STRINGS
        or any(part.file_size > _SMALL and part.file_size > MOST_RATIO * part.compress_size for part in parts)
    ):
        raise BadFile(
            _l("Unpacked, this file would be far too big. Copy the list into a new workbook, or save it as CSV.")
        )


class _Strings(list[str]):
    """The table of strings, or its beginning: what lies beyond reads as an ellipsis."""

    def __getitem__(self, place: Any) -> Any:
        return super().__getitem__(place) if place < len(self) else "…"


class _Reader(ExcelReader):
    """openpyxl's reader, with a bound to the strings it takes."""

    most_strings: int | None = None

    def read_strings(self) -> None:
        super_path = next(
            (one.PartName[1:] for one in self.package.Override if one.ContentType.endswith("sharedStrings+xml")), ""
        )
        self.shared_strings = strings = _Strings()
        if not super_path:
            return
        item, text = f"{{{SHEET_MAIN_NS}}}si", f"{{{SHEET_MAIN_NS}}}t"
        spoken = f"{{{SHEET_MAIN_NS}}}rPh"
        with self.archive.open(super_path) as source:
            for _event, node in iterparse(source):
                if node.tag == spoken:  # how a word is pronounced: no part of it
                    node.clear()
                elif node.tag == item:
                    strings.append("".join(part.text or "" for part in node.iter(text)))
                    node.clear()
                    if self.most_strings is not None and len(strings) >= self.most_strings:
                        return


class _Parser(WorkSheetParser):
    """openpyxl's parser of a sheet, which says so when a formula has no result beside it."""

    def parse_cell(self, element: Any) -> dict[str, Any]:
        cell: dict[str, Any] = super().parse_cell(element)
        if cell["value"] is None and element.find(FORMULA_TAG) is not None and not element.findtext(VALUE_TAG):
            cell["data_type"] = "f"
        return cell


def sheets(path: Path) -> list[str]:
    """The names of the sheets with cells. Raises BadFile."""
    with _Book(path, look=True) as book:
        return [sheet.title for sheet in book.worksheets]


def rows(path: Path, sheet: str, look: bool = False) -> Generator[Row]:
    """Every row with something in it. Raises BadFile.

    Of a formula the result counts that was saved with it; one without is a flaw of its row. `look`: for the first
    rows only, so that the strings far down need not be read.
    """
    with _Book(path, look) as book:
        found = next((one for one in book.worksheets if one.title == sheet), None)
        if found is None:
            raise BadFile(_l("There is no such sheet in this workbook."))
        try:
            with found._get_source() as source:
                parser = _Parser(
                    source,
                    found._shared_strings,
                    data_only=True,
                    epoch=book.epoch,
                    date_formats=book._date_formats,
                    timedelta_formats=book._timedelta_formats,
                )
                for number, cells in parser.parse():
                    if not 0 < int(number) <= MOST_NUMBER:
                        raise ValueError("no spreadsheet has such a row")
                    row = _row(int(number), cells)
                    if row.cells or row.flaw:
                        yield row
        except (BadFile, GeneratorExit):
            raise
        except Exception as error:  # whatever a hostile sheet makes the parser stumble over
            raise _broken(error) from None


class _Book:
    """An opened workbook. Raises BadFile when it can't be opened."""

    def __init__(self, path: Path, look: bool) -> None:
        check(path)
        warnings.filterwarnings("ignore", module=r"openpyxl\.")  # styles and the like: nothing a list needs
        self.file = path.open("rb")  # openpyxl believes the endings of names, and ours have none
        try:
            self.reader = _Reader(self.file, read_only=True, data_only=True, keep_links=False)
            self.reader.most_strings = _STRINGS_TO_LOOK if look else None
            self.reader.read()
        except Exception as error:  # openpyxl's own checks raise anything from KeyError to TypeError
            self.file.close()
            raise _broken(error) from None

    def __enter__(self) -> Any:
        return self.reader.wb

    def __exit__(self, *_error: object) -> None:
        self.reader.archive.close()
        self.file.close()


def _broken(error: Exception) -> BadFile:
    causes = (error, error.__cause__, error.__context__)  # openpyxl wraps what its readers raise
    if any(type(one).__module__.startswith("defusedxml") for one in causes):
        return BadFile(_l("The file holds what no list needs (entities) and is refused. Save it as CSV instead."))
    return BadFile(_l("The file is broken or not whole. Save it again and upload it anew."))


def _row(number: int, cells: list[dict[str, Any]]) -> Row:
    row = Row(number, [])
    for cell in cells:
        column = int(cell["column"]) - 1
        if column >= MOST_COLUMNS:
            if cell["value"] not in (None, ""):
                row.flaw, row.column = row.flaw or "cells", -1
            continue
        if cell["data_type"] in "ef":
            row.flaw = row.flaw or ("formula" if cell["data_type"] == "f" else "error")
            row.column = column if row.column < 0 else row.column
        row.cells += [""] * (column + 1 - len(row.cells))
        row.cells[column] = _text(cell["value"])
    row.cells = tidy(row.cells)
    return checked(row)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d" if value.time() == time() else "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return str(value)
