"""The simulator's page: what would ring and why, in words; for the head alone; nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.calls.conftest import make_client, on_duty
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client
from webapp.feed import Feed
from webapp.office.models import Line
from webapp.presence import marking
from webapp.roster.models import Absence
from webapp.tasks.models import Task

__all__ = ["make_client", "on_duty"]
SignIn = Callable[[str], FlaskClient]
NOW = {"number": "+7 495 123-45-67", "line_id": "1", "dialed": "", "day": "", "time": ""}


def test_it_is_the_heads(app: Flask, sign_in: SignIn) -> None:
    assert sign_in("head").get("/simulator").status_code == 200
    for login in ("anna", "secretary", "admin"):
        assert sign_in(login).get("/simulator").status_code == 403
        assert sign_in(login).post("/simulator", data=NOW).status_code == 403
    assert "/login" in app.test_client().get("/simulator").headers["Location"]


def test_it_says_who_rings_when_and_why_and_who_is_passed_over(
    session: Session,
    on_duty: dict[str, User],
    sign_in: SignIn,
    clock: Clock,
    make_client: Callable[..., Client],
) -> None:
    vera = on_duty["vera"]
    make_client("Rassvet", "+74951234567", owner_id=vera.id)
    session.add(Absence(user_id=vera.id, starts_at=clock(), ends_at=clock() + timedelta(hours=2)))
    marking.away(session, on_duty["boris"], clock(), clock() + timedelta(minutes=30))
    session.commit()
    page = sign_in("head").post("/simulator", data=NOW).get_data(as_text=True)
    assert "Rassvet" in page
    assert "Vera Sokolova, the client&#39;s manager, can&#39;t be rung (absent until 14:00)" in page
    assert "<b>Boris Ivanov</b> away until 12:30" in page
    assert "0–20" in page and "20–40" in page  # Anna, then Helen
    assert "after 10 s, on ring 2" in page
    assert "Call for an absent colleague" in page


def test_for_another_time_the_roster_alone_counts(
    session: Session, on_duty: dict[str, User], sign_in: SignIn, clock: Clock
) -> None:
    marking.away(session, on_duty["anna"], clock())
    session.commit()
    head = sign_in("head")
    assert "<b>Anna Petrova</b> away" in head.post("/simulator", data=NOW).get_data(as_text=True)
    later = head.post("/simulator", data=NOW | {"time": "13:00"}).get_data(as_text=True)
    assert "on duty until 17:00: Anna Petrova" in later
    night = head.post("/simulator", data=NOW | {"day": "2026-03-11", "time": "3"}).get_data(as_text=True)
    assert "Nobody is on duty now; rings Helen Markova" in night


def test_asking_changes_nothing_and_tells_nobody(session: Session, on_duty: dict[str, User], sign_in: SignIn) -> None:
    head = sign_in("head")

    def rows() -> list[int | None]:
        return [session.scalar(select(func.count()).select_from(table)) for table in (Call, Feed, Task)]

    before = rows()
    assert head.post("/simulator", data=NOW).status_code == 200
    assert rows() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"number": "Vera"}, "Type the number, such as +74951234567."),
        ({"dialed": "desk"}, "Type the number, such as +74951234567."),
        ({"time": "soon"}, "Type a time such as 9:30."),
        ({"day": "2026-03-11"}, "Type a time such as 9:30."),
        ({"day": "9999-01-01", "time": "9"}, "That year is far away."),
        ({"line_id": "99"}, "Not a valid choice"),
    ],
)
def test_what_can_not_be_read_is_said_and_kept(
    office: dict[str, User], sign_in: SignIn, change: dict[str, str], said: str
) -> None:
    answer = sign_in("head").post("/simulator", data=NOW | change)
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)
    assert "+7 495 123-45-67" in answer.get_data(as_text=True) or "number" in change


def test_a_time_that_the_clock_skips_is_said(app: Flask, office: dict[str, User], sign_in: SignIn) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], timezone=ZoneInfo("Europe/Athens"))
    answer = sign_in("head").post("/simulator", data=NOW | {"day": "2026-03-29", "time": "3:30"})
    assert answer.status_code == 422
    assert "The clock skips this time" in answer.get_data(as_text=True)


def test_a_dialled_own_number_leads_to_its_owner_and_the_line_keeps_its_order(
    session: Session, on_duty: dict[str, User], sign_in: SignIn
) -> None:
    on_duty["vera"].direct_number = "+74955556677"
    session.commit()
    page = sign_in("head").post("/simulator", data=NOW | {"dialed": "8 495 555-66-77"}).get_data(as_text=True)
    assert "Rings Vera Sokolova, whose own number was dialled." in page
    line = session.scalars(select(Line)).one()
    line.hunt = [{"who": "duty", "seconds": 7}, {"who": "asked", "seconds": None}]
    session.commit()
    page = sign_in("head").post("/simulator", data=NOW | {"dialed": "84955556677"}).get_data(as_text=True)
    assert "0–7" in page and "7–27" in page


def test_few_queries(on_duty: dict[str, User], sign_in: SignIn, count_queries: Callable[[], int]) -> None:
    head = sign_in("head")
    head.post("/simulator", data=NOW)
    before = count_queries()
    head.post("/simulator", data=NOW)
    assert count_queries() - before <= 18
