"""The pages of lists: they work, keep strangers out, keep what was typed, and ask few questions."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import openpyxl
import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from tests.webapp.imports.conftest import HEADERS, ROWS, Desk, SignIn, as_csv, as_xlsx
from webapp.accounts.models import User
from webapp.db import db
from webapp.imports import columns, files, forgetting
from webapp.imports.models import Import
from webapp.jobs.models import Job

LIST = as_csv((HEADERS, *ROWS))
POSTS = ("form", "sample", "mapping", "columns", "run", "leave", "rows/1")
GETS = ("", "/counts", "/doubtful", "/refused.csv", "/refused.xlsx")


@pytest.mark.parametrize("login", ["secretary", "agent", "expert", "admin"])
def test_lists_are_for_managers_and_the_head(app: Flask, sign_in: SignIn, desk: Desk, login: str) -> None:
    import_id = desk.brought(LIST)
    g.pop("_login_user", None)
    client = sign_in(login)
    assert client.get("/clients/imports").status_code == 403
    assert client.post("/clients/imports").status_code == 403
    for part in GETS:
        assert client.get(f"/clients/imports/{import_id}{part}").status_code == 403
    for part in POSTS:
        assert client.post(f"/clients/imports/{import_id}/{part}").status_code == 403
    g.pop("_login_user", None)
    assert "/login" in app.test_client().get("/clients/imports").headers["Location"]


def test_a_list_is_shown_to_whoever_brought_it_and_to_the_head(sign_in: SignIn, desk: Desk) -> None:
    import_id = desk.brought(LIST)
    for login, status in (("boris", 404), ("head", 200)):
        client = sign_in(login)
        assert client.get(f"/clients/imports/{import_id}").status_code == status
        assert (f"/clients/imports/{import_id}" in client.get("/clients/imports").get_data(as_text=True)) is (
            status == 200
        )
    for part in POSTS:
        assert sign_in("boris").post(f"/clients/imports/{import_id}/{part}").status_code == 404


@pytest.mark.parametrize("part", POSTS)
def test_a_list_that_is_not_there(desk: Desk, part: str) -> None:
    assert desk.client.post(f"/clients/imports/999/{part}").status_code == 404
    assert desk.client.get("/clients/imports/999").status_code == 404


def test_a_row_that_is_not_there(desk: Desk) -> None:
    import_id = desk.brought(LIST)
    assert desk.client.post(f"/clients/imports/{import_id}/rows/999", data={"verdict": "same"}).status_code == 404


def test_exhibition_lists_are_the_heads(desk: Desk) -> None:
    assert desk.upload(LIST, kind="exhibition").status_code == 403
    assert desk.upload(LIST, kind="nonsense").status_code == 404


def test_the_columns_are_guessed_and_shown_as_cards(desk: Desk) -> None:
    page = desk.page(desk.brought(as_csv((HEADERS, *ROWS), "cp1251")))
    for words in ("ООО «Рассвет»", "Орлов Павел Ильич", "kept as written", 'value="cp1251" selected'):
        assert words in page


def test_columns_are_chosen_live_and_remembered(desk: Desk) -> None:
    import_id = desk.brought(LIST)
    address = f"/clients/imports/{import_id}/sample"
    part = desk.client.post(address, data={"c0": "product", "c1": ""}).get_data(as_text=True)
    assert "which column holds a name" in part and "<html" not in part
    chosen = {"c0": "management", "c1": "full_name", "c2": "mobile", "c3": "", "c9": "name", "c1x": "name"}
    answer = desk.client.post(f"/clients/imports/{import_id}/mapping", data=chosen)
    assert answer.status_code == 303
    again = db.session.get_one(Import, desk.brought(LIST))
    assert again.mapping == {"0": "management", "1": "full_name", "2": "mobile"}
    assert again.options["remembered"] is True


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({}, "which column holds a name"),
        ({"c0": "name", "c1": "name"}, "Two columns are read as Company."),
        ({"c0": "shoe_size"}, "which column holds a name"),
        ({"c0": "name", "status": "999"}, "Choose one of the list."),
        ({"c0": "name", "owner": "x"}, "Choose one of the list."),
    ],
)
def test_columns_that_cant_be_read_so(desk: Desk, chosen: dict[str, str], said: str) -> None:
    import_id = desk.brought(LIST)
    answer = desk.client.post(f"/clients/imports/{import_id}/mapping", data=chosen)
    assert answer.status_code == 422 and said in answer.get_data(as_text=True)
    assert desk.list(import_id).state == "mapping"


def test_the_file_is_read_otherwise(desk: Desk) -> None:
    import_id = desk.brought(as_csv((HEADERS, *ROWS), "cp1251"))
    address = f"/clients/imports/{import_id}/form"
    assert desk.client.post(address, data={"encoding": "utf-8-sig", "delimiter": ";"}).status_code == 422
    assert desk.client.post(address, data={"encoding": "klingon", "delimiter": ";"}).status_code == 422
    assert desk.client.post(address, data={"encoding": "cp1251", "delimiter": "x"}).status_code == 422
    assert desk.client.post(address, data={"encoding": "cp1251", "delimiter": ","}).status_code == 303
    assert len(desk.list(import_id).headers) == 1


def test_nothing_happens_out_of_turn(desk: Desk) -> None:
    import_id = desk.brought(LIST)
    assert desk.client.post(f"/clients/imports/{import_id}/run").status_code == 303
    assert desk.list(import_id).state == "mapping"
    desk.look_through(import_id)
    assert desk.client.post(f"/clients/imports/{import_id}/columns").status_code == 303
    assert desk.list(import_id).state == "mapping"
    desk.look_through(import_id)
    desk.run(import_id)
    for verb in ("run", "columns", "leave"):
        assert desk.client.post(f"/clients/imports/{import_id}/{verb}").status_code == 303
        assert desk.list(import_id).state == "done"


def test_a_list_that_is_given_up_leaves_nothing_on_the_disk(desk: Desk, app: Flask) -> None:
    import_id = desk.brought(LIST)
    desk.look_through(import_id)
    folder = files.folder(app.config["SETTINGS"].data)
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}
    desk.client.post(f"/clients/imports/{import_id}/leave")
    assert desk.list(import_id).state == "stopped" and not list(folder.iterdir())


def test_a_list_nobody_comes_back_to_is_forgotten(desk: Desk, app: Flask, clock: Clock) -> None:
    import os

    import_id = desk.brought(LIST)
    folder = files.folder(app.config["SETTINGS"].data)
    for path in folder.iterdir():
        os.utime(path, (clock().timestamp(),) * 2)
    assert forgetting.forget(db.session(), app.config["SETTINGS"].data, clock.move(days=6)) == 0
    assert forgetting.forget(db.session(), app.config["SETTINGS"].data, clock() + timedelta(days=2)) == 1
    db.session.commit()
    assert desk.list(import_id).state == "stopped" and not list(folder.iterdir())


def test_refused_rows_come_as_files_with_nothing_to_calculate(desk: Desk) -> None:
    rows = [(*HEADERS, "Примечание", "Категория"), *(("", "", "", "", f"=cmd|'{n}'!A1", "") for n in range(3))]
    import_ = desk.take_in(as_csv([*rows, ("Рассвет", "", "", "", "", "Q")]))
    assert import_.counts == {"refused": 4}
    with desk.client.get(f"/clients/imports/{import_.id}/refused.csv") as answer:
        text = answer.get_data().decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    assert len(table) == 5 and table[1][:2] == ["2", "No name, phone or e-mail: nothing to make a card of."]
    assert table[1][6] == "'=cmd|'0'!A1" and table[4][1] == "Категория: “Q” is not on the list."
    with desk.client.get(f"/clients/imports/{import_.id}/refused.xlsx") as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active
    assert db.session.scalars(select(Job.done).where(Job.kind == "export")).all() == [4, 4], "both are written down"
    assert "Refused rows: list · CSV" in desk.client.get("/exports").get_data(as_text=True)
    assert sheet is not None and "=cmd|'0'!A1" in [cell.value for row in sheet for cell in row if cell.data_type == "s"]


def test_the_preview_shows_what_would_happen(desk: Desk, make_card: Maker) -> None:
    make_card("Рассвет", ("+7 495 123-45-67",))
    make_card("Гранит")
    import_id = desk.brought(as_csv([HEADERS, *ROWS[:2], *ROWS[3:], ("Новая", "", "", ""), ("Новая", "", "", "")]))
    import_ = desk.look_through(import_id)
    assert {name: import_.counts.get(name, 0) for name in ("new", "matched", "doubtful", "refused")} == {
        "new": 2, "matched": 2, "doubtful": 1, "refused": 0,
    }  # fmt: skip
    page = desk.page(import_id)
    for words in ("Новая", "same phone", "same company name", "Take the list in"):
        assert words in page, words


def test_the_preview_says_of_rows_that_are_alike_what_the_run_does(desk: Desk) -> None:
    rows = (
        ("Металлоконструкция", "", "", ""),
        ("Металоконструкция", "", "", ""),  # one letter away
        ("Магазин 12", "", "", ""),
        ("Магазин 13", "", "", ""),  # digits never slip
        ("", "Орлов Павел", "+7 495 123-45-67", ""),
        ("", "Орлов Павел", "+7 812 123-45-67", ""),  # one name, and numbers that end alike
        ("", "Орлов Павел", "+7 812 765-99-99", ""),
    )
    import_id = desk.brought(as_csv([HEADERS, *rows]))
    looked = dict(desk.look_through(import_id).counts)
    assert [row.number for row in desk.rows(import_id, "doubtful")] == [3, 7]
    desk.run(import_id)
    assert desk.list(import_id).counts == looked == {"new": 5, "doubtful": 2}
    assert [row.number for row in desk.rows(import_id, "doubtful")] == [3, 7]


def test_a_page_of_many_rows_asks_few_questions(desk: Desk, make_card: Maker, count_queries: Callable[[], int]) -> None:
    names = [f"Рассвет {word}" for word in ("окна", "двери", "стекло", "сервис", "логистика", "мебель", "текстиль")]
    for name in names:
        make_card(name)
    import_id = desk.brought(as_csv([HEADERS, *((name, "", "", "") for name in names)]))
    desk.look_through(import_id)
    before = count_queries()
    assert desk.page(import_id).count("data-doubt") == len(names)
    assert count_queries() - before <= 24


def test_the_name_of_the_list_may_stand_above_those_of_the_columns(desk: Desk) -> None:
    title = [("Выставка «Упаковка», 12–15 марта 2026 года",), (), ("Список участников",)]
    import_ = desk.take_in(as_xlsx([*title, (), HEADERS, *ROWS]), "fair.xlsx")
    assert import_.headers == list(HEADERS)
    assert import_.counts == {"new": 3, "marked": 1}


def test_a_name_alone_in_the_first_row_is_no_title_of_the_list(desk: Desk) -> None:
    rows = [("ООО Рассвет",), ("ЗАО Гранит", "8 (495) 765-43-21"), ("Базальт", "+7 495 123-45-67")]
    import_ = db.session.get(Import, desk.brought(as_xlsx(rows), "list.xlsx"))
    assert import_ is not None and import_.form["above"] == 0


@pytest.mark.parametrize("name", ["Тел./факс", "Телефон / факс", "Phone/fax"])
def test_a_telephone_that_is_a_fax_as_well_is_called(name: str) -> None:
    assert columns.guess([name], [], {}, "RU") == {"0": "phone"}


def test_column_names_are_known_in_four_languages() -> None:
    for header, name in (
        ("Company", "name"), ("Организация", "name"), ("Назва", "name"), ("Εταιρεία", "name"), ("Телефон 2", "phone"),
        ("Моб. тел.", "mobile"), ("E-MAIL", "email"), ("Ηλ. Ταχυδρομείο", "email"), ("Контактное лицо", "full_name"),
        ("Phone (work)", "phone"), ("Прізвище", "surname"), ("Wert", ""),
    ):  # fmt: skip
        assert columns.guess([header], [], {}, "RU") == ({"0": name} if name else {}), header


def test_a_decision_is_refused_when_it_makes_no_sense(
    desk: Desk, sign_in: Callable[[str], FlaskClient], make_card: Maker, office: dict[str, User]
) -> None:
    make_card("Гранит")
    import_id = desk.brought(LIST)
    desk.look_through(import_id)
    (row,) = desk.rows(import_id, "doubtful")
    answer = desk.client.post(f"/clients/imports/{import_id}/rows/{row.id}", data={"verdict": "perhaps"})
    assert answer.status_code == 422 and "Choose one of the list." in answer.get_data(as_text=True)
