"""Lists as files, short and long: who may take what, that all of it is there, and that it is written down."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker, make_card  # noqa: F401
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients import contacts, listfile
from webapp.clients.models import PairVerdict, Person
from webapp.doubles.models import DoublePair
from webapp.exports import work as exports
from webapp.jobs import work
from webapp.jobs.models import Job
from webapp.rules import extra
from webapp.rules.models import ExtraField
from webapp.tasks.models import Task

SignIn = Callable[[str], FlaskClient]


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.fixture
def cards(make_card: Maker, session: Session, office: dict[str, User]) -> None:  # noqa: F811
    size = ExtraField(key="size", names={"en": "Size"}, kind="number")
    session.add(size)
    session.flush()
    granit = make_card("Granit", ("+7 495 555-00-21",), "info@granit.example", owner_id=office["anna"].id, category="B")
    granit.people.append(Person(surname="Орлов", given_name="Павел", position="=buyer"))
    granit.people.append(Person(surname="Серова"))
    session.flush()
    contacts.add(session, granit, "mobile", "8 916 555-00-22", "RU", granit.people[0])
    contacts.add(session, granit, "mobile", "8 916 555-00-23", "RU", granit.people[0])
    extra.put(session, granit, size, "12.5", None)
    make_card("Bazalt", owner_id=office["boris"].id)
    session.commit()


def test_the_head_takes_all_of_the_list_with_a_row_for_each_person(
    sign_in: SignIn, cards: None, session: Session, office: dict[str, User]
) -> None:
    answer = sign_in("head").post("/clients/export.csv", data={"sort": "name"}, buffered=True)
    assert answer.status_code == 200 and answer.headers["Content-Disposition"].endswith("clients-2026-03-10.csv")
    pavel, olga, bazalt = read(answer.data)
    assert [row["Company"] for row in (pavel, olga, bazalt)] == ["Granit", "Granit", "Bazalt"]
    assert (pavel["Surname"], pavel["Position"], olga["Surname"]) == ("Орлов", "'=buyer", "Серова")
    assert pavel["Mobile"] == "8 916 555-00-22\n8 916 555-00-23" and olga["Mobile"] == ""
    assert pavel["Phone"] == olga["Phone"] == "'+7 495 555-00-21"
    assert (pavel["Category"], pavel["Manager"], pavel["Size"]) == ("B", "Anna Petrova", "12.5")
    job = session.scalars(select(Job)).one()
    assert (job.kind, job.state, job.done, job.made_by_id) == ("export", "done", 2, office["head"].id)


def test_a_manager_takes_his_own_clients_alone(sign_in: SignIn, cards: None, office: dict[str, User]) -> None:
    anna = sign_in("anna")
    sheet = openpyxl.load_workbook(io.BytesIO(anna.post("/clients/export.xlsx", buffered=True).data)).active
    assert [row[1].value for row in sheet.iter_rows(min_row=2)] == ["Granit", "Granit"]
    boris = str(office["boris"].id)
    assert (
        read(anna.post("/clients/export.csv", data={"owner": boris, "mine": boris}, buffered=True).data)[0]["Company"]
        == "Granit"
    )
    assert (
        read(sign_in("head").post("/clients/export.csv", data={"owner": boris}, buffered=True).data)[0]["Company"]
        == "Bazalt"
    )


def test_exports_are_for_those_who_sell_and_ask_for_what_can_be_read(sign_in: SignIn, cards: None) -> None:
    assert sign_in("admin").post("/clients/export.csv", buffered=True).status_code == 403
    assert sign_in("admin").get("/exports").status_code == 403
    head = sign_in("head")
    assert head.post("/clients/export.csv", data={"status": "999"}, buffered=True).status_code == 404
    assert head.post("/clients/export.pdf").status_code == 404
    assert head.get("/exports/99").status_code == head.get("/exports/99/file").status_code == 404


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_long_list_is_made_in_the_background(
    sign_in: SignIn, make_card: Maker, session: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch, ending: str  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setattr(exports, "AT_ONCE", 3)
    monkeypatch.setattr(listfile, "AT_A_TIME", 2)
    for number in range(7):
        make_card(f"Firm {number}")
    head = sign_in("head")
    answer = head.post(f"/clients/export.{ending}")
    assert answer.status_code == 303
    place = answer.headers["Location"]
    assert "waiting to begin" in head.get(place).get_data(as_text=True)
    assert head.get(f"{place}/file").status_code == 404
    job = work.claim(session, clock())
    assert job is not None
    job_id = job.id
    session.commit()
    assert work.carry_on(session, job_id, clock())
    exports._under_way[job_id].after = 0  # not the place that the job remembers: another worker's file
    while work.carry_on(session, job_id, clock()):
        pass
    page = head.get(place).get_data(as_text=True)
    assert "Download the file" in page and "7 of 7" in page
    file = head.get(f"{place}/file", buffered=True)
    assert file.headers["Content-Disposition"].endswith(f"clients-2026-03-10.{ending}")
    if ending == "csv":
        found = [row["Company"] for row in read(file.data)]
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(file.data)).active
        found = [row[1].value for row in sheet.iter_rows(min_row=2)]
    assert found == [f"Firm {number}" for number in range(7)]
    assert sign_in("anna").get(place).status_code == 404
    assert "Helen Markova" in head.get("/exports").get_data(as_text=True)
    clock.move(days=2)
    assert head.get(f"{place}/file").status_code == 404


def test_old_files_are_deleted(app: Flask, session: Session, clock: Clock) -> None:
    folder: Path = exports.folder()
    folder.mkdir()
    (folder / "1.csv").write_text("x")
    exports.forget(session, clock.move(days=-3650))
    assert (folder / "1.csv").exists()
    exports.forget(session, clock.move(days=20 * 365))
    assert not (folder / "1.csv").exists()


def test_calls_as_a_file(sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock) -> None:
    for number, login in enumerate(("anna", "boris")):
        session.add(
            Call(
                call_id=f"c{number}", number="+74951234567", offered_at=clock(), state="ended",
                answered_at=clock(), answered_by_id=office[login].id, end_reason="completed", talk_seconds=90, rings=2,
            )
        )  # fmt: skip
    session.add(Call(call_id="m", number="+74951234568", offered_at=clock(), state="ended", end_reason="abandoned"))
    session.commit()
    rows = read(sign_in("head").post("/calls/export.csv", buffered=True).data)
    assert [row["Answered by"] for row in rows] == ["Anna Petrova", "Boris Ivanov", ""]
    assert rows[0]["Talk, min"] == "1.5" and rows[2]["State"] == "missed"
    answered = sign_in("secretary").post("/calls/export.csv", data={"show": "answered"}, buffered=True)
    assert len(read(answered.data)) == 2
    assert len(read(sign_in("anna").post("/calls/export.csv", buffered=True).data)) == 1
    assert sign_in("admin").post("/calls/export.csv", buffered=True).status_code == 403


def test_open_tasks_as_a_file(
    sign_in: SignIn, session: Session, make_card: Maker, office: dict[str, User], clock: Clock  # noqa: F811
) -> None:  # fmt: skip
    card = make_card("Granit")
    for login, about in (("anna", {"client_id": card.id}), ("boris", {"number": "+74955550021"})):
        due = clock() + timedelta(days=30)
        session.add(
            Task(kind="promise", text="=call", user_id=office[login].id, due_at=due, created_at=clock(), **about)
        )
    session.add(Task(kind="inbox", text="what?", due_at=clock(), created_at=clock()))
    session.add(
        Task(kind="promise", user_id=office["anna"].id, due_at=clock(), created_at=clock(), done_at=clock(), report="x")
    )
    session.commit()
    everybodys = read(sign_in("head").post("/tasks/export.csv", buffered=True).data)
    assert [(row["Manager"], row["Client"], row["Number"], row["Details"]) for row in everybodys] == [
        ("Anna Petrova", "Granit", "", "'=call"), ("Boris Ivanov", "", "'+7 495 555-00-21", "'=call"),
        ("", "", "", "what?"),
    ]  # fmt: skip
    anna = sign_in("anna")
    assert [row["Manager"] for row in read(anna.post("/tasks/export.csv", buffered=True).data)] == ["Anna Petrova"]
    sheet = openpyxl.load_workbook(io.BytesIO(anna.post("/tasks/export.xlsx", buffered=True).data)).active
    assert [row[5].value for row in sheet.iter_rows(min_row=2)] == ["=call"]
    assert "/tasks/export.xlsx" in anna.get("/desk").get_data(as_text=True)
    assert sign_in("admin").post("/tasks/export.csv", buffered=True).status_code == 403
    assert anna.post("/tasks/export.pdf").status_code == 404
    assert session.scalars(select(Job.facts)).first()["list"] == "tasks"
    assert "Tasks" in sign_in("head").get("/exports").get_data(as_text=True)


def test_probable_doubles_as_a_file(
    sign_in: SignIn, session: Session, make_card: Maker, office: dict[str, User], clock: Clock,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("webapp.doubles.listfile.AT_A_TIME", 1)
    anna, boris = office["anna"].id, office["boris"].id
    ids = [
        make_card(name, owner_id=owner).id for name, owner in (("Granit", boris), ("Гранит", anna), ("Granyt", boris))
    ]
    for low, high in ((0, 1), (0, 2), (1, 2)):
        session.add(
            DoublePair(low_id=ids[low], high_id=ids[high], score=0.5, reasons=["company_near"], found_at=clock())
        )
    session.add(PairVerdict(low_id=ids[1], high_id=ids[2], verdict="unsure", user_id=anna, at=clock()))
    session.commit()

    def pairs(login: str, show: str) -> list[tuple[str, str]]:
        data = sign_in(login).post("/doubles/export.csv", data={"show": show}, buffered=True).data
        found = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
        assert found[0][:5] == ["Card", "Name", "Contacts", "Manager", "May be the same as"]
        return [(row[1], row[5]) for row in found[1:]]

    assert pairs("head", "open") == [("Granit", "Гранит"), ("Granit", "Granyt")]
    assert pairs("anna", "open") == [("Granit", "Гранит")]
    assert pairs("head", "unsure") == [("Гранит", "Granyt")]
    assert pairs("head", "same") == []
    answer = sign_in("head").post("/doubles/export.xlsx", buffered=True)
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet.cell(2, 9).value == "company name, one letter differs"
    assert "/doubles/export.xlsx" in sign_in("anna").get("/doubles").get_data(as_text=True)
    assert sign_in("admin").post("/doubles/export.csv", buffered=True).status_code == 403
