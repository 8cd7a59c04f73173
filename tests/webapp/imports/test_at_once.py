"""Two clicks at once: one counts. On SQLite one who writes waits for the other from the beginning."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from tests.webapp.imports.conftest import HEADERS, Desk, as_csv
from webapp.accounts.models import User
from webapp.clients.changes import Author
from webapp.clients.models import Client
from webapp.db import db
from webapp.imports import decisions, lists
from webapp.imports.models import Import, ImportRow
from webapp.jobs.models import Job

pytestmark = pytest.mark.databases("postgresql")
LIST = (HEADERS, ("Рассвет", "Белкин Иван", "", "ivan@granit.example"))


@pytest.fixture
def twice(app: Flask) -> Callable[[Callable[[Session], Callable[[], Any]]], tuple[Any, Any]]:
    """`twice(begin)`: what two do at once. `begin(session)` loads what is needed and returns what is done then."""

    def run(begin: Callable[[Session], Callable[[], Any]]) -> tuple[Any, Any]:
        seen = threading.Event()

        def other() -> Any:
            with app.app_context():
                try:
                    do = begin(db.session())
                    seen.set()
                    answer = do()
                    db.session.commit()
                    return answer
                finally:
                    db.session.remove()

        with ThreadPoolExecutor(1) as pool:
            db.session.remove()
            first = begin(db.session())()
            later = pool.submit(other)
            assert seen.wait(5), "it should have come so far"
            db.session.commit()
            return first, later.result(20)

    return run


def test_a_row_is_decided_once(desk: Desk, make_card: Maker, clock: Clock, office: dict[str, User], twice: Any) -> None:
    anna_id = office["anna"].id
    make_card("Рассвет", ("+7 495 123-45-67",))
    import_id = desk.take_in(as_csv(LIST)).id
    (row,) = desk.rows(import_id, "doubtful")
    row_id = row.id

    def begin(mine: Session) -> Callable[[], str]:
        import_, row, anna = (
            mine.get_one(Import, import_id),
            mine.get_one(ImportRow, row_id),
            mine.get_one(User, anna_id),
        )

        def decide() -> str:
            try:
                decisions.decide(mine, import_, row, "another", Author(anna, clock(), "import"))
            except lists.Busy:
                return "too late"
            return "done"

        return decide

    assert twice(begin) == ("done", "too late")
    assert db.session.scalar(select(func.count()).select_from(Client)) == 2
    assert desk.list(import_id).counts["doubtful"] == 0


def test_a_list_is_taken_in_once(desk: Desk, clock: Clock, office: dict[str, User], twice: Any) -> None:
    anna_id = office["anna"].id
    import_id = desk.brought(as_csv(LIST))
    desk.look_through(import_id)

    def begin(mine: Session) -> Callable[[], str]:
        import_, anna = mine.get_one(Import, import_id), mine.get_one(User, anna_id)

        def run() -> str:
            try:
                lists.run(mine, import_, anna, clock())
            except lists.Busy:
                return "too late"
            return "done"

        return run

    assert twice(begin) == ("done", "too late")
    assert db.session.scalar(select(func.count()).select_from(Job).where(Job.kind == "import")) == 1
