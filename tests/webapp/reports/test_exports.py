"""The ledger's files: nothing in a cell is calculated, all rows and sums are there."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.reports.conftest import Book
from tests.webapp.test_sheets import EVIL
from webapp.jobs.models import Job

SignIn = Callable[[str], FlaskClient]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def evil_rows(book: Book, session: Session, clock: Clock) -> int:
    for text in EVIL:
        client = book.client(text)
        client.people[0].surname = text
        book.add("anna", clock(), "meeting", 90, 0, client, note=text, next_at=clock() + timedelta(days=1))
    session.commit()
    return len(EVIL)


def test_csv_holds_all_rows_and_is_harmless(sign_in: SignIn, evil_rows: int) -> None:
    answer = sign_in("anna").get("/ledger.csv", buffered=True)
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == "attachment; filename=ledger-2026-03-10-anna.csv"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"), newline="")))
    for line in lines:
        for cell in line:
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")), cell
    assert len(lines[0]) == len(lines[1]) == 15
    assert "+7 495 000-12-34" in lines[1][4], "the phone can still be read"
    body = lines[1 : 1 + evil_rows]
    assert all(line[0] == "2026-03-10 12:00" and line[8] == "2026-03-11 12:00" for line in body)
    assert {line[14].lstrip("'") for line in body} == set(EVIL)
    sums = {line[0]: line[1] for line in lines[2 + evil_rows :] if len(line) > 1}
    assert sums["Total contacts"] == sums["Meetings set"] == sums["Website"] == str(evil_rows)
    assert float(sums["Minutes of talk"]) == 1.5 * evil_rows


def test_a_file_of_the_ledger_is_written_down(sign_in: SignIn, evil_rows: int, session: Session) -> None:
    anna = sign_in("anna")
    anna.get("/ledger.xlsx", buffered=True)
    assert session.scalars(select(Job.done).where(Job.kind == "export")).all() == [evil_rows]
    assert "Ledger: 2026-03-10 anna · Excel" in anna.get("/exports").get_data(as_text=True)
    assert "Ledger" not in sign_in("boris").get("/exports").get_data(as_text=True).partition("<table")[2]


def test_xlsx_holds_texts_and_no_formula(sign_in: SignIn, evil_rows: int) -> None:
    answer = sign_in("anna").get("/ledger.xlsx", buffered=True)
    assert "ledger-2026-03-10-anna.xlsx" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314  (our own file)
        styles = book.read("xl/styles.xml")
    assert not sheet.findall(f".//{MAIN}f")
    rows = sheet.findall(f".//{MAIN}row")
    texts = {node.text for node in sheet.iter(f"{MAIN}t")}
    for text in EVIL:
        # a carriage return is kept as a newline by the reader of XML
        assert text.replace("\r", "\n") in texts or text in texts or f"_x000D_{text[1:]}" in texts, text
    assert "+7 495 000-12-34" in texts
    assert len(rows) == 2 + evil_rows + 10, "heading, titles, rows, eight sums, and the channel with its heading"
    assert b'quotePrefix="1"' in styles, "a text stays a text when its cell is edited"


def test_the_files_of_an_empty_day(sign_in: SignIn) -> None:
    anna = sign_in("anna")
    assert "Total contacts,0" in anna.get("/ledger.csv", buffered=True).get_data(as_text=True)
    assert zipfile.is_zipfile(io.BytesIO(anna.get("/ledger.xlsx", buffered=True).data))
