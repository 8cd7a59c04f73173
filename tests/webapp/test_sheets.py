"""Lists as files: nothing in a cell is calculated, names are plain, long lists take no memory."""

from __future__ import annotations

import csv
import io
import re
import tracemalloc
from collections.abc import Iterator
from datetime import date, datetime

import openpyxl
import pytest
from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from webapp import sheets
from webapp.sheets import Column

EVIL = [
    '=HYPERLINK("http://evil.example","x")',
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "  =1+1",
    "＝1+1",
]
NOON, MIDNIGHT = datetime.fromisoformat("2026-03-10T12:00"), datetime.fromisoformat("2026-03-11T00:00")
COLUMNS = [Column("Name"), Column("Count"), Column("When"), Column("Day")]
ROWS: list[sheets.Row] = [
    ('Рассвет; "Юг"\nи Ко', 12.5, NOON, date(2026, 3, 11)),
    ("", None, None, None),
]


@given(st.text(max_size=30) | st.sampled_from(EVIL))
@example("+7 495 000-12-34")
def test_no_text_begins_like_a_formula(text: str) -> None:
    cell = sheets.defused(text)
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert text.replace("\0", "") in cell
    if re.match(r"\w", text):
        assert cell == text.replace("\0", "")


@given(st.lists(st.text(max_size=60), max_size=4))
def test_file_names_are_plain(parts: list[str]) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\.csv", sheets.file_name(parts, "csv"))


def read_csv(pieces: Iterator[bytes]) -> list[list[str]]:
    text = b"".join(pieces).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_holds_what_was_given() -> None:
    assert read_csv(sheets.as_csv(COLUMNS, ROWS, lambda: [["Sum", 3]])) == [
        ["Name", "Count", "When", "Day"],
        ['Рассвет; "Юг"\nи Ко', "12.5", "2026-03-10 12:00", "2026-03-11"],
        ["", "", "", ""],
        [],
        ["Sum", "3"],
    ]


def test_a_spreadsheet_holds_what_was_given() -> None:
    with sheets.as_xlsx(COLUMNS, ROWS, "All of it", lambda: [["Sum", 3]]) as file:
        [sheet] = openpyxl.load_workbook(file).worksheets
    assert list(sheet.iter_rows(values_only=True)) == [
        ("All of it", None, None, None),
        ("Name", "Count", "When", "Day"),
        ('Рассвет; "Юг"\nи Ко', 12.5, NOON, MIDNIGHT),
        (None, None, None, None),
        (None, None, None, None),
        ("Sum", 3, None, None),
    ]


def test_what_one_sheet_does_not_hold_goes_on_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 3)
    with sheets.as_xlsx([Column("N")], ([number] for number in range(5))) as file:
        book = openpyxl.load_workbook(file)
    found = [[row[0] for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets]
    assert found == [["N", 0, 1], ["N", 2, 3], ["N", 4]]


@pytest.mark.parametrize("ending", sheets.ENDINGS)
def test_memory_does_not_grow_with_the_list(ending: str) -> None:
    def peak(count: int) -> int:
        rows = (["x" * 200, number] for number in range(count))
        tracemalloc.start()
        if ending == "csv":
            for _piece in sheets.as_csv(COLUMNS[:2], rows):
                pass
        else:
            sheets.as_xlsx(COLUMNS[:2], rows).close()
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    # A spreadsheet of up to a megabyte is packed in memory, a longer one on disk: both of these are on disk.
    assert peak(12_000) < peak(3_000) + 2_000_000


@pytest.mark.parametrize("ending", sheets.ENDINGS)
def test_all_rows_are_read_before_the_answer_goes_out(app: Flask, ending: str) -> None:
    rows = iter([["a"], ["b"]])
    with app.test_request_context():
        response = sheets.send(ending, ("things",), [sheets.Column("Name")], rows)
        assert next(rows, None) is None
        response.close()
