"""The roster's other pages: the month, patterns, public holidays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.roster.test_pages import HTMX, add, at
from webapp.accounts.models import User
from webapp.roster.models import Absence, Holiday, RosterChange, Shift, ShiftPattern

SignIn = Callable[[str], FlaskClient]
PAGES = ("month", "patterns", "holidays")


@pytest.mark.parametrize("path", PAGES)
def test_all_of_sales_reads(sign_in: SignIn, path: str) -> None:
    assert sign_in("secretary").get(f"/roster/{path}").status_code == 200
    assert sign_in("admin").get(f"/roster/{path}").status_code == 403


@pytest.mark.parametrize(
    "path", ["patterns", "patterns/1", "patterns/1/end", "holidays", "holidays/fill", "holidays/2026-01-01/delete"]
)
def test_changes_are_the_heads(sign_in: SignIn, path: str) -> None:
    assert sign_in("anna").post(f"/roster/{path}").status_code == 403


def test_changes_are_read_by_the_head(sign_in: SignIn) -> None:
    assert sign_in("anna").get("/roster/changes").status_code == 403


@pytest.mark.parametrize("path", ["patterns/9", "patterns/9/end", "holidays/2026-01-01/delete", "holidays/x/delete"])
def test_an_unknown_row_is_not_found(sign_in: SignIn, path: str) -> None:
    assert sign_in("head").post(f"/roster/{path}").status_code == 404
    assert sign_in("head").get("/roster/patterns?pattern=9").status_code == 404
    assert sign_in("head").get("/roster/holidays?day=2026-01-01").status_code == 404


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "x", "9999-01"])
def test_a_month_that_is_none_is_not_found(sign_in: SignIn, month: str) -> None:
    assert sign_in("head").get("/roster/month", query_string={"month": month}).status_code == 404


def test_the_month_leads_to_the_shift(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    row = add(session, office["anna"], 9, 14)
    page = sign_in("head").get("/roster/month?month=2026-03").get_data(as_text=True)
    assert f"/roster?week=2026-W11&amp;shift={row.id}" in page and "9–14" in page and "14–18" in page
    assert f"shift={row.id}" not in sign_in("anna").get("/roster/month?month=2026-03").get_data(as_text=True)
    part = sign_in("head").get("/roster/month", headers=HTMX).get_data(as_text=True)
    assert part.lstrip().startswith('<div id="month"')


def test_a_month_takes_a_fixed_number_of_queries(
    sign_in: SignIn, session: Session, office: dict[str, User], count_queries: Callable[[], int]
) -> None:
    head, counts = sign_in("head"), []
    for day in (9, 10, 11):
        for person in ("anna", "boris", "vera"):
            add(session, office[person], 9, 18, day=day)
        session.add(Absence(user_id=office["vera"].id, starts_at=at(9, day), ends_at=at(10, day)))
        session.commit()
        before = count_queries()
        assert head.get("/roster/month").status_code == 200
        counts.append(count_queries() - before)
    assert counts[0] == counts[1] == counts[2] <= 14


def pattern(user: User, **more: str) -> dict[str, object]:
    return {
        "user_id": str(user.id), "repeat": "week", "weekdays": ["0", "2"], "starts": "9", "ends": "18", "rank": "0",
        "place": "", "first_day": "2026-03-11", **more,
    }  # fmt: skip


def test_a_pattern_is_made_changed_and_ended(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    head = sign_in("head")
    assert head.post("/roster/patterns", data=pattern(office["anna"])).status_code == 303
    row = session.scalars(select(ShiftPattern)).one()
    assert (row.cycle_days, row.days, row.starts, row.ends) == (7, [0, 5], 540, 1080), "counted from its first day"
    page = head.get("/roster/patterns").get_data(as_text=True)
    assert "Mon, Wed" in page and "16 shifts laid." in page and "from 11 Mar 2026" in page
    opened = head.get(f"/roster/patterns?pattern={row.id}").get_data(as_text=True)
    assert 'value="2" checked' in opened and 'value="1" checked' not in opened
    change = pattern(office["anna"], version="1", repeat="cycle", days_on="2", days_off="2", starts="22", ends="6")
    refused = head.post(f"/roster/patterns/{row.id}", data=change)
    assert refused.status_code == 422 and "box ticked" in refused.get_data(as_text=True)
    assert head.post(f"/roster/patterns/{row.id}", data=change | {"over_midnight": "y"}).status_code == 303
    page = head.get("/roster/patterns").get_data(as_text=True)
    assert "2 days on, 2 off" in page and "22:00–06:00 the next day" in page and "16 shifts taken off." in page
    assert head.post(f"/roster/patterns/{row.id}/end").status_code == 303
    assert session.scalar(select(func.count()).select_from(Shift)) == 0
    assert session.scalars(select(RosterChange.kind).order_by(RosterChange.id)).all() == [
        "pattern_made",
        "pattern_changed",
        "pattern_ended",
    ]


def test_of_two_who_change_a_pattern_the_second_is_told(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    head = sign_in("head")
    head.post("/roster/patterns", data=pattern(office["anna"]))
    row = session.scalars(select(ShiftPattern)).one()
    assert head.post(f"/roster/patterns/{row.id}", data=pattern(office["boris"], version="1")).status_code == 303
    answer = head.post(f"/roster/patterns/{row.id}", data=pattern(office["vera"], version="1", ends="17:30"))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409 and "Helen Markova has changed this pattern meanwhile" in text
    assert "Boris Ivanov, Mon, Wed, 09:00–18:00" in text and 'value="17:30"' in text
    session.expire_all()
    assert row.user_id == office["boris"].id
    assert head.post(f"/roster/patterns/{row.id}", data=pattern(office["vera"], version="2")).status_code == 303


@pytest.mark.parametrize(
    "change, words",
    [
        ({"user_id": "0"}, "Choose a person."),
        ({"weekdays": []}, "Tick at least one day."),
        ({"repeat": "cycle", "days_on": "", "days_off": "2"}, "From 1 to 28 days."),
        ({"repeat": "cycle", "days_on": "2", "days_off": "x"}, "Type a number."),
        ({"repeat": "nonsense"}, "Not a valid choice"),
        ({"first_day": ""}, "Choose a day."),
        ({"last_day": "2026-03-01"}, "It ends before it begins."),
        ({"starts": "25"}, "such as 9:30"),
        ({"place": "line-99"}, "Not a valid choice"),
    ],
)
def test_a_bad_pattern_comes_back_with_the_reason(
    sign_in: SignIn, session: Session, office: dict[str, User], change: dict[str, object], words: str
) -> None:
    answer = sign_in("head").post("/roster/patterns", data=pattern(office["anna"]) | change)
    assert answer.status_code == 422 and words in answer.get_data(as_text=True)
    assert session.scalar(select(func.count()).select_from(ShiftPattern)) == 0


def test_a_year_of_holidays_by_one_button(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    head = sign_in("head")
    head.post("/roster/patterns", data=pattern(office["anna"], weekdays=["4"], first_day="2026-04-24"))  # type: ignore[arg-type]
    assert head.post("/roster/holidays/fill?year=2026").headers["Location"] == "/roster/holidays?year=2026"
    page = head.get("/roster/holidays?year=2026").get_data(as_text=True)
    assert "public holidays entered." in page and "Fri 1 May" in page
    assert "1 shift laid by a pattern was taken off." in page
    head.post("/roster/holidays/fill?year=2026")
    assert "entered already" in head.get("/roster/holidays?year=2026").get_data(as_text=True)
    assert "week-holiday" in head.get("/roster?week=2026-W18").get_data(as_text=True)
    assert "month-holiday" in head.get("/roster/month?month=2026-05").get_data(as_text=True)
    head.post("/roster/undo")
    assert session.scalar(select(func.count()).select_from(Holiday)) == 0
    assert session.scalar(select(func.count()).select_from(Shift)) == 2


def test_a_day_is_entered_changed_and_removed(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    head = sign_in("head")
    day = {"day": "2026-03-11", "name": "Stocktaking", "opens": "", "closes": ""}
    assert head.post("/roster/holidays", data=day).status_code == 303
    assert "Stocktaking" in head.get("/roster?week=2026-W11").get_data(as_text=True)
    assert "Wed 11 Mar 09:00" not in head.get("/roster?week=2026-W11").get_data(as_text=True), "closed: no gap"
    assert 'value="Stocktaking"' in head.get("/roster/holidays?year=2026&day=2026-03-11").get_data(as_text=True)
    refused = head.post("/roster/holidays", data=day | {"opens": "10", "closes": "13"})
    assert refused.status_code == 409
    assert "entered already: Stocktaking, closed" in refused.get_data(as_text=True), "nobody writes over it unasked"
    head.post("/roster/holidays", data=day | {"opens": "10", "closes": "13", "was": "Stocktaking|None|None"})
    assert session.get_one(Holiday, date(2026, 3, 11)).closes == 780
    assert "Wed 11 Mar 10:00–13:00" in head.get("/roster?week=2026-W11").get_data(as_text=True)
    assert head.post("/roster/holidays/2026-03-11/delete").status_code == 303
    assert session.scalar(select(func.count()).select_from(Holiday)) == 0


@pytest.mark.parametrize(
    "change, words",
    [
        ({"name": ""}, "Type what day it is."),
        ({"day": ""}, "Choose a day."),
        ({"day": "0001-01-01"}, "far away"),
        ({"opens": "10"}, "Type both hours"),
        ({"opens": "10", "closes": "9"}, "closes before it opens"),
        ({"opens": "x"}, "such as 9:30"),
    ],
)
def test_a_bad_day_comes_back_with_the_reason(
    sign_in: SignIn, session: Session, change: dict[str, str], words: str
) -> None:
    answer = sign_in("head").post("/roster/holidays", data={"day": "2026-03-11", "name": "Day <b>", **change})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and words in text and "<b>" not in text
    assert session.scalar(select(func.count()).select_from(Holiday)) == 0
