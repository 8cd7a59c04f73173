"""A list from the file to the cards in a real browser, with a real worker that is killed on the way."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select, update

from tests.e2e.conftest import SignIn
from tests.e2e.installation import wait_for
from tests.e2e.office import Desk
from webapp import clock
from webapp.clients.models import Client
from webapp.imports.models import Import, ImportRow
from webapp.jobs.models import Job

HEADERS = ("Фирма", "Контактное лицо", "Тел.", "Примечание")
SOUNDS = [
    *("ба", "во", "ге", "ди", "жо", "зу", "ка", "ле", "ми", "но"),
    *("пу", "ра", "се", "ти", "фо", "ху", "ца", "че", "ши", "ща"),
]
ROWS = 900


def _word(number: int) -> str:
    return "".join(SOUNDS[number // 20**place % 20] for place in range(3)).capitalize()


def _list() -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";")
    writer.writerow(HEADERS)
    writer.writerow(("Granit", "Зимин Олег", "+7 495 111-00-11", ""))  # doubtful: the name of a card, another number
    writer.writerow(("", "", "", "=1+1"))
    for number in range(ROWS):
        firm = f"{_word(number * 7)} {_word(number * 13 + 5)}{_word(number * 29 + 11)}"
        writer.writerow((firm, "", f"+7 495 {200 + number // 10000:03}-{number:04}", ""))
    return file.getvalue().encode("cp1251")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "list.csv"
    path.write_bytes(_list())
    yield path


def _facts(desk: Desk) -> dict[str, Any]:
    def look(session: Any) -> dict[str, Any]:
        import_ = session.scalars(select(Import).order_by(Import.id.desc())).first()
        return {
            "cards": session.scalar(select(func.count()).select_from(Client)),
            "rows": session.scalar(select(func.count()).where(ImportRow.import_id == import_.id)),
            "done": import_.job.done if import_.job else 0,
            "state": import_.state,
            "counts": dict(import_.counts),
        }

    return desk.ask(look)


def _long_silent(session: Any) -> None:
    """As if a minute had gone by since the worker last said anything."""
    session.execute(update(Job).where(Job.ended_at.is_(None)).values(beat_at=clock.now() - timedelta(minutes=5)))
    session.commit()


def test_a_list_is_taken_in_by_hand_and_by_a_worker_that_dies(desk: Desk, sign_in: SignIn, file: Path) -> None:
    desk.start("worker")
    page = sign_in("anna")
    page.goto(desk.url + "/clients/imports")
    page.locator("#import-file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#sample")).to_contain_text("Granit")
    expect(page.locator("select[name=c1]")).to_have_value("full_name")
    page.locator("select[name=c3]").select_option("product")
    expect(page.locator("#sample")).to_contain_text("No name, phone or e-mail")
    page.get_by_role("button", name="Look through the list").click()
    expect(page.get_by_role("button", name="Take the list in")).to_be_visible(timeout=90_000)
    expect(page.locator(".import-doubtful dd")).to_have_text("1")
    expect(page.locator(".import-new dd")).to_have_text(str(ROWS))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    expect(page.locator("[data-doubt] [data-key=A]")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Take the list in").click()

    wait_for(lambda: _facts(desk)["done"] > 0, 60, "the run does not begin")
    desk.kill("worker")
    stopped = _facts(desk)
    assert stopped["rows"] >= stopped["done"] and stopped["cards"] <= ROWS + 4
    desk.ask(_long_silent)
    desk.start("worker")
    wait_for(lambda: _facts(desk)["state"] == "done", 120, "the run does not end")
    found = _facts(desk)
    assert found["counts"] == {"new": ROWS + 1, "refused": 1}
    assert (found["cards"], found["rows"]) == (3 + ROWS + 1, ROWS + 2)

    page.goto(desk.url + "/clients/imports")
    page.get_by_role("link", name="list.csv").click()
    expect(page.locator(".import-new dd")).to_have_text(str(ROWS + 1))
    with page.expect_download() as download:
        page.get_by_role("link", name="All as CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    assert "'=1+1" in text and "No name, phone or e-mail" in text

    page.goto(desk.url + "/clients/imports")
    page.locator("#import-file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("select[name=c3]")).to_have_value("product")
    page.get_by_role("button", name="Look through the list").click()
    expect(page.get_by_role("button", name="Take the list in")).to_be_visible(timeout=90_000)
    expect(page.locator(".import-matched dd")).to_have_text(str(ROWS + 1))
    page.get_by_role("button", name="Take the list in").click()
    wait_for(lambda: _facts(desk)["state"] == "done", 120)
    again = _facts(desk)
    assert again["counts"] == {"matched": ROWS + 1, "refused": 1} and again["cards"] == found["cards"]
