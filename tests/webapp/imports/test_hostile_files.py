"""Files that are no lists, or mean harm: each a clear message, nothing changed, memory bounded."""

from __future__ import annotations

import io
import random
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask, request
from sqlalchemy import func, select

from tests.webapp.imports.conftest import HEADERS, ROWS, Desk, as_csv, as_xlsx
from webapp.db import db
from webapp.imports import files, reading, reasons, xlsx
from webapp.imports.files import BadFile
from webapp.imports.models import Import

LIST = (HEADERS, *ROWS)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def changed(body: bytes, **parts: bytes) -> bytes:
    """A workbook with other parts: `sheet1` stands for xl/worksheets/sheet1.xml."""
    names = {"sheet1": "xl/worksheets/sheet1.xml", "strings": "xl/sharedStrings.xml", "book": "xl/workbook.xml"}
    wanted = {names[name]: part for name, part in parts.items()}
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, wanted.get(part.filename, old.read(part.filename)))
    return file.getvalue()


def sheet(cells: str, head: str = "") -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?>{head}<worksheet xmlns="{space}"><sheetData>{cells}</sheetData></worksheet>'.encode()


def entity_bomb() -> bytes:
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    head = f'<!DOCTYPE bomb [<!ENTITY l0 "lol">{lines}]>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&l9;</t></is></c></row>'
    return changed(as_xlsx(LIST), sheet1=sheet(cell, head))


def outside_entity() -> bytes:
    head = '<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
    cell = '<row r="1"><c r="A1" t="inlineStr"><is><t>&secret;</t></is></c></row>'
    return changed(as_xlsx(LIST), sheet1=sheet(cell, head))


def zip_bomb() -> bytes:
    return changed(as_xlsx(LIST), sheet1=b"<worksheet>" + b" " * (30 << 20))


def many_parts() -> bytes:
    file = io.BytesIO(as_xlsx(LIST))
    with zipfile.ZipFile(file, "a") as archive:
        for number in range(xlsx.MOST_PARTS):
            archive.writestr(f"xl/part{number}", "")
    return file.getvalue()


def another_zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    return file.getvalue()


def locked_zip() -> bytes:
    body = bytearray(as_xlsx(LIST))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        for _part in archive.infolist():
            pass
    at = body.find(b"PK\x01\x02")
    body[at + 8] |= 1
    return bytes(body)


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "The file is empty."),
    "blank": (b"\n\n ;;\n", "The list is empty."),
    "names only": (as_csv([HEADERS]), "Under the names of the columns there is no row."),
    "names only in xlsx": (as_xlsx([HEADERS]), "Under the names of the columns there is no row."),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "This is no list"),
    "noise": (bytes(range(256)) * 20, "This is no list"),
    "pdf": (b"%PDF-1.7\nhello", "This is no list"),
    "old xls": (OLE, "This is the old xls format."),
    "locked": (OLE + "EncryptedPackage".encode("utf-16-le"), "locked with a password"),
    "locked zip": (locked_zip(), "locked with a password"),
    "another zip": (another_zip(), "This is no list"),
    "half": (as_xlsx(LIST)[:3000], "broken or not whole"),
    "PK and nothing": (b"PK\x03\x04", "broken or not whole"),
    "half a sheet": (changed(as_xlsx(LIST), sheet1=b"<worksheet><sheetData><row"), "broken or not whole"),
    "no sheet": (changed(as_xlsx(LIST), sheet1=b"\0\1\2"), "broken or not whole"),
    "no book": (changed(as_xlsx(LIST), book=b"<nothing/>"), "The list is empty."),
    "entities": (entity_bomb(), "entities"),
    "entity of a file": (outside_entity(), "entities"),
    "zip bomb": (zip_bomb(), "far too big"),
    "many parts": (many_parts(), "far too big"),
    "wide": (as_csv([[f"c{n}" for n in range(101)], ["1"]]), "At most 100 columns"),
    "wide in xlsx": (as_xlsx([[f"c{n}" for n in range(101)], ["1"]]), "At most 100 columns"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_no_list_is_refused_with_a_reason(desk: Desk, tmp_path: Path, what: str) -> None:
    body, said = REFUSED[what]
    answer = desk.upload(body, "list.xlsx")
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert db.session.scalar(select(func.count()).select_from(Import)) == 0
    assert not list((tmp_path / "var" / "imports").glob("*")), "nothing of it stays on the disk"


def test_no_file_at_all(desk: Desk) -> None:
    answer = desk.client.post("/clients/imports", data={"kind": "clients"})
    assert answer.status_code == 422 and "Choose a file first." in answer.get_data(as_text=True)


def test_a_file_that_is_too_big_is_refused_before_it_is_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 1000)
    assert "It is bigger than" in (answer := desk.upload(b"a;b\n" * 1000)).get_data(as_text=True)
    assert answer.status_code == 422
    answer = desk.upload(b"a" * (2 << 20))
    assert answer.status_code == 413 and "It is bigger than" in answer.get_data(as_text=True)


def test_a_list_may_be_larger_than_what_other_pages_take(app: Flask) -> None:
    for address, most in (("/clients/imports", files.MOST_BYTES), ("/clients", 0)):
        with app.test_request_context(address, method="POST"):
            app.preprocess_request()
            assert (request.max_content_length or 0) > most
            assert most or (request.max_content_length or 0) < files.MOST_BYTES


def one_sheet(*rows: str) -> bytes:
    return changed(as_xlsx(LIST), sheet1=sheet("".join(rows)))


HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>Company</t></is></c></row>'


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ('<c r="A2"><f>1+1</f></c>', "formula"),
        ('<c r="A2"><f>HYPERLINK("http://x.example")</f><v></v></c>', "formula"),
        ('<c r="A2" t="e"><v>#REF!</v></c>', "error"),
        (f'<c r="A2" t="inlineStr"><is><t>{"x" * 40_000}</t></is></c>', "long"),
        (f'<c r="A2" t="inlineStr"><is><t>{random.Random(1).randbytes(5 << 20).hex()}</t></is></c>', "long"),  # 10 MB
    ],
)
def test_a_cell_that_cant_be_taken_refuses_its_row_alone(desk: Desk, cell: str, kind: str) -> None:
    good = '<row r="3"><c r="A3" t="inlineStr"><is><t>Rassvet</t></is></c></row>'
    import_ = desk.take_in(one_sheet(HEAD, f'<row r="2">{cell}</row>', good), "list.xlsx")
    assert import_.counts == {"new": 1, "refused": 1}
    (row,) = desk.rows(import_.id, "refused")
    about = reasons.read(row.reason)
    assert (row.number, about["kind"], about["column"]) == (2, kind, "Company")
    assert reasons.words(row.reason).startswith("Company: ")


def test_a_formula_counts_by_the_result_saved_with_it(desk: Desk) -> None:
    cell = '<row r="2"><c r="A2" t="str"><f>"Ras"&amp;"svet"</f><v>Rassvet</v></c></row>'
    assert desk.take_in(one_sheet(HEAD, cell), "list.xlsx").counts == {"new": 1}


def test_a_row_far_down_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(one_sheet(HEAD, '<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>x</t></is></c></row>'))
    look = reading.look(path)
    assert [row.number for row in look.first] == [1048576]


def test_numbers_and_dates_are_what_people_see(tmp_path: Path) -> None:
    path = tmp_path / "list"
    day = datetime(2026, 3, 10)  # noqa: DTZ001 - a spreadsheet knows no zones
    path.write_bytes(as_xlsx([["a", "b", "c", "d"], [74951234567, 12.5, day, True]]))
    assert reading.look(path).first[0].cells == ["74951234567", "12.5", "2026-03-10", "yes"]


def test_an_open_quote_loses_its_record_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "list"
    path.write_bytes(b'a;b\n1;"open' + b"x" * 140_000 + b"\n" + b"2;two\n" * 3)
    found = list(reading.rows(path, {"encoding": "utf-8-sig", "delimiter": ";", "header": True}, 2))
    assert [(row.flaw, row.cells) for row in found] == [("quote", []), *[("", ["2", "two"])] * 3]


def test_a_cell_of_ten_megabytes_refuses_its_row_alone(desk: Desk) -> None:
    import_ = desk.take_in(as_csv([("Company", "Phone"), ("x" * 10_000_000, "1"), ("Zakat", "+7 495 123-45-68")]))
    assert import_.counts == {"refused": 1, "new": 1}
    assert [(row.number, reasons.read(row.reason)["kind"]) for row in desk.rows(import_.id, "refused")] == [(2, "long")]


def test_a_row_with_more_cells_than_columns_is_refused(desk: Desk) -> None:
    body = as_csv([("Company", "Phone"), *((f"Firm {n}", f"+7 495 12345{n}") for n in range(10, 80))])
    import_ = desk.take_in(body + b"Zakat;+7 495 1234568;x;y\n")
    assert [(row.number, reasons.read(row.reason)["kind"]) for row in desk.rows(import_.id, "refused")] == [
        (72, "cells")
    ]


_MEMORY = """
import resource, sys
from pathlib import Path
from webapp.imports import reading
from webapp.imports.files import BadFile
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    look = reading.look(Path(sys.argv[1]))
    for row in reading.rows(Path(sys.argv[1]), look.form, len(look.headers)):
        pass
except BadFile:
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def _huge_row(number: int) -> str:
    text = random.Random(number).randbytes(5 << 20).hex()
    return f'<row r="{number}"><c r="A{number}" t="inlineStr"><is><t>{text}</t></is></c></row>'


def _long_list() -> bytes:
    book: Any = openpyxl.Workbook(write_only=True)
    page = book.create_sheet()
    for number in range(20_000):
        page.append([f"Company {number}", f"+7 495 {number:07}", "x" * 50, "note"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(entity_bomb, id="entities"),
        pytest.param(zip_bomb, id="zip bomb"),
        pytest.param(lambda: one_sheet(HEAD, *map(_huge_row, (2, 3))), id="10 MB cells"),
        pytest.param(lambda: b"a;b\n" + b'"' + b"x" * (30 << 20), id="a line of 30 MB"),
        pytest.param(_long_list, id="20,000 rows"),
    ],
)  # fmt: skip
def test_reading_takes_little_memory(tmp_path: Path, body: Any) -> None:
    path = tmp_path / "list"
    path.write_bytes(body())
    command = [sys.executable, "-c", _MEMORY, str(path)]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)
    assert grown < 120, f"{grown} MB"


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(BadFile):
        files.path_of(tmp_path, "nothing")


def test_a_row_with_a_number_no_sheet_has(desk: Desk) -> None:
    cells = "".join(
        f'<row r="{number}"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row>'
        for number, text in ((1, "Company"), (2, "Granit"), (2**31, "Basalt"))
    )
    answer = desk.upload(changed(as_xlsx(LIST), sheet1=sheet(cells)), "far.xlsx")
    assert answer.status_code == 422 and "broken or not whole" in answer.get_data(as_text=True)


@pytest.mark.parametrize("name", [b'filename="a\0b.csv"', b"filename*=UTF-8''a%00b.csv"])
def test_a_nul_in_the_name_of_a_file(desk: Desk, name: bytes) -> None:
    body = b'--B\r\nContent-Disposition: form-data; name="file"; %s\r\n\r\n%s\r\n--B--\r\n' % (name, as_csv(LIST))
    answer = desk.client.post("/clients/imports", data=body, content_type="multipart/form-data; boundary=B")
    assert answer.status_code == 303
    assert db.session.scalars(select(Import)).one().name == "ab.csv"


@pytest.mark.parametrize("after", ["-1", str(2**31), str(2**63), "9" * 30])
def test_rows_past_a_number_no_list_has(desk: Desk, after: str) -> None:
    import_id = desk.brought(as_csv(LIST))
    assert desk.client.get(f"/clients/imports/{import_id}/doubtful?after={after}").status_code == 200


def test_work_that_a_list_has_left_behind_is_not_carried_on(desk: Desk) -> None:
    import_id = desk.brought(as_csv([*LIST, ["Granit", "", "", "", "one cell more"]]))
    columns = {f"c{at}": name for at, name in desk.list(import_id).mapping.items()}
    assert desk.client.post(f"/clients/imports/{import_id}/mapping", data=columns).status_code == 303
    left = desk.list(import_id).job_id
    assert desk.client.post(f"/clients/imports/{import_id}/columns").status_code == 303
    desk.look_through(import_id)
    before = [row.id for state in ("refused", "doubtful") for row in desk.rows(import_id, state)]
    assert before
    assert desk.client.post(f"/jobs/{left}/resume").status_code == 200
    desk.work()
    assert [row.id for state in ("refused", "doubtful") for row in desk.rows(import_id, state)] == before


def test_of_a_thousand_empty_sheets_a_few_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book, path, opened = openpyxl.Workbook(), tmp_path / "list", list[str]()
    for number in range(reading.MOST_SHEETS + 5):
        book.create_sheet(f"empty{number}")
    book.save(path)
    rows = xlsx.rows
    monkeypatch.setattr(xlsx, "rows", lambda path, sheet, look=False: opened.append(sheet) or rows(path, sheet, look))
    with pytest.raises(BadFile):
        reading.look(path)
    assert len(opened) == reading.MOST_SHEETS
