"""The day of one manager fits on one sheet, as on paper: printed by a real browser."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Route
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.reports.conftest import Book

pytestmark = pytest.mark.e2e


def printed(browser: Browser, client: FlaskClient, address: str) -> bytes:
    """The PDF a browser prints of a page, its files served by the test's own app."""

    def serve(route: Route) -> None:
        answer = client.get(route.request.url.removeprefix("http://desk.test"), buffered=True)
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.data)

    page = browser.new_page(java_script_enabled=False)
    page.route("**/*", serve)
    page.goto(f"http://desk.test{address}")
    pdf = page.pdf(prefer_css_page_size=True)
    page.close()
    return pdf


def sheets(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of every page, in points."""
    text = pdf
    for found in re.finditer(rb"stream\r?\n", pdf):
        try:
            text += zlib.decompressobj().decompress(pdf[found.end() :])
        except zlib.error:
            continue
    boxes = re.findall(rb"/Type\s*/Page\b(?!s).*?/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", text, re.S)
    return [(float(width), float(height)) for width, height in boxes]


@pytest.mark.parametrize("how_many", [1, 18, 35])
def test_the_day_of_a_manager_is_one_sheet(
    browser: Browser,
    sign_in: Callable[[str], FlaskClient],
    session: Session,
    book: Book,
    clock: Clock,
    how_many: int,
) -> None:
    for number in range(how_many):
        client = book.client(f"Northern Corrugated Packaging Works number {number} Ltd")
        next_at = clock() + timedelta(days=number)
        book.add("anna", clock(), "meeting", 90, number % 6, client, next_at=next_at, next_kind="meeting_theirs")
    session.commit()
    [(width, height)] = sheets(printed(browser, sign_in("anna"), "/ledger"))
    assert (round(width), round(height)) == (842, 595), "A4, lying"
