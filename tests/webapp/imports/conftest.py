"""Lists to take in."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import stream_encode_multipart

from tests.webapp.clients.conftest import make_card
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.db import db
from webapp.imports.models import Import, ImportRow
from webapp.jobs.runner import Runner

__all__ = ["make_card"]

HEADERS = ("Компания", "Контакт", "Телефон", "Почта")
ROWS = (
    ("ООО «Рассвет»", "Орлов Павел Ильич", "+7 495 123-45-67", "pavel@rassvet.example"),
    ("ЗАО Гранит", "Белкин Иван", "8 (495) 765-43-21", "ivan@granit.example."),
    ("", "", "", ""),
    ("Базальт", "", "звоните позже", ""),
)
SignIn = Callable[[str], FlaskClient]


def as_csv(rows: Sequence[Sequence[str]], encoding: str = "utf-8", delimiter: str = ";") -> bytes:
    """The rows as a file."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue().encode(encoding)


def as_xlsx(rows: Sequence[Sequence[Any]]) -> bytes:
    """The rows as a workbook."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


class Desk:
    """A user who takes lists in, and the worker that does what they ask."""

    def __init__(self, app: Flask, clock: Clock, client: FlaskClient) -> None:
        self.app, self.clock, self.client = app, clock, client

    def upload(self, body: bytes, name: str = "list.csv", kind: str = "clients") -> Any:
        """The answer to an uploaded list."""
        form = {"file": FileStorage(io.BytesIO(body), name), "kind": kind}
        # The test client by itself writes a large form into a file that it never closes.
        stream, _length, boundary = stream_encode_multipart(form, use_tempfile=False)
        kind_of_form = f"multipart/form-data; boundary={boundary}"
        return self.client.post("/clients/imports", data=stream.read(), content_type=kind_of_form)

    def brought(self, body: bytes, name: str = "list.csv", kind: str = "clients") -> int:
        """The id of a list that was taken."""
        answer = self.upload(body, name, kind)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return int(answer.headers["Location"].rpartition("/")[2])

    def page(self, import_id: int, part: str = "") -> str:
        """A page of the list."""
        answer = self.client.get(f"/clients/imports/{import_id}{part}")
        assert answer.status_code == 200
        return str(answer.get_data(as_text=True))

    def look_through(self, import_id: int, **form: Any) -> Import:
        """Columns as guessed, or as given (c0="name"); the list once it is looked through."""
        import_ = db.session.get_one(Import, import_id)
        columns = {f"c{at}": name for at, name in import_.mapping.items()}
        answer = self.client.post(f"/clients/imports/{import_id}/mapping", data={**columns, **form})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        self.work()
        return self.list(import_id)

    def run(self, import_id: int) -> Import:
        """The list once it is taken in."""
        assert self.client.post(f"/clients/imports/{import_id}/run").status_code == 303
        self.work()
        return self.list(import_id)

    def take_in(self, body: bytes, name: str = "list.csv", kind: str = "clients", **form: Any) -> Import:
        """From the file to the cards."""
        import_id = self.brought(body, name, kind)
        self.look_through(import_id, **form)
        return self.run(import_id)

    def work(self) -> None:
        """What the worker does."""
        db.session.remove()
        Runner(self.app, self.clock).work()
        db.session.remove()

    def list(self, import_id: int) -> Import:
        """The list as it is now."""
        import_ = db.session.get_one(Import, import_id, populate_existing=True)
        assert import_.job is None or import_.job.state != "failed", import_.job.said
        return import_

    def rows(self, import_id: int, state: str) -> Sequence[ImportRow]:
        """Its rows in a state, in order."""
        query = select(ImportRow).where(ImportRow.import_id == import_id, ImportRow.state == state)
        return db.session.scalars(query.order_by(ImportRow.number)).all()


@pytest.fixture
def desk(app: Flask, clock: Clock, sign_in: SignIn, session: Session, office: dict[str, User]) -> Desk:
    """Anna, a manager, takes lists in."""
    return Desk(app, clock, sign_in("anna"))


@pytest.fixture
def heads_desk(app: Flask, clock: Clock, sign_in: SignIn, session: Session, office: dict[str, User]) -> Desk:
    """The head takes lists in."""
    return Desk(app, clock, sign_in("head"))
