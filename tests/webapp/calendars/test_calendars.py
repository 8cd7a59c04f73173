"""A person's calendar: what is in it and what is not, read back by a reader of iCalendar."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import vobject
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.calendars import icalendar, secret
from webapp.calendars.entries import Entry
from webapp.clients.models import Client
from webapp.office.models import Line
from webapp.roster.models import Absence, Shift
from webapp.roster.wallclock import instant
from webapp.tasks.models import Task

from ..conftest import Clock

SignIn = Callable[[str], FlaskClient]
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def address(client: FlaskClient) -> str:
    """A new address, as the page shows it once."""
    text = client.post("/me/calendar").get_data(as_text=True)
    found = re.search(r'value="http://localhost(/calendar/[\w-]+\.ics)"', text)
    assert found, text
    return found[1]


def events(client: FlaskClient, path: str) -> dict[str, Any]:
    """The calendar's events by their keys."""
    answer = client.get(path)
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    calendar = vobject.readOne(answer.get_data(as_text=True))
    return {event.uid.value: event for event in getattr(calendar, "vevent_list", [])}


def test_shifts_absences_and_tasks_are_in_it(
    app: Flask, sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    anna, line = office["anna"], Line(name="site", title="Windows, site; new", number="")
    client = Client(kind="organisation", name="Rassvet", created_at=NOW, status_id=None)
    session.add_all([line, client])
    session.flush()
    shift = Shift(user_id=anna.id, starts_at=NOW, ends_at=NOW + HOUR, line_id=line.id, version=3)
    backup = Shift(user_id=anna.id, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR, rank=1)
    away = Absence(user_id=anna.id, starts_at=NOW, ends_at=NOW + HOUR, kind="holiday", reason="sea")
    due = {"due_at": NOW + HOUR, "created_at": NOW, "number": "+74951234567", "text": "Rassvet asks for a price"}
    task = Task(kind="next_touch", user_id=anna.id, client_id=client.id, **due)
    done = Task(kind="promise", user_id=anna.id, done_at=NOW, **due)
    others = Task(kind="promise", user_id=office["boris"].id, **due)
    session.add_all([shift, backup, away, task, done, others])
    session.commit()
    stranger = app.test_client()
    path = address(sign_in("anna"))
    found = events(stranger, path)
    assert set(found) == {
        f"{key}@localhost"
        for key in (f"shift-{shift.id}", f"shift-{backup.id}", f"absence-{away.id}", f"task-{task.id}")
    }
    event = found[f"shift-{shift.id}@localhost"]
    assert event.summary.value == "Duty · Windows, site; new" and event.sequence.value == "3"
    assert (event.dtstart.value, event.dtend.value, event.transp.value) == (NOW, NOW + HOUR, "OPAQUE")
    assert found[f"shift-{backup.id}@localhost"].summary.value == "Backup"
    assert found[f"absence-{away.id}@localhost"].summary.value == "On leave · sea"
    event = found[f"task-{task.id}@localhost"]
    assert (event.summary.value, event.dtstart.value, event.transp.value) == ("Next touch", NOW + HOUR, "TRANSPARENT")
    assert event.url.value == f"http://localhost/clients/{client.id}"
    text = stranger.get(path).get_data(as_text=True)
    assert "Rassvet" not in text and "1234567" not in text, "it lies on other people's servers"


def test_it_is_in_its_persons_language(app: Flask, sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    office["anna"].language = "ru"
    session.add(Shift(user_id=office["anna"].id, starts_at=NOW, ends_at=NOW + HOUR))
    session.commit()
    (event,) = events(app.test_client(), address(sign_in("anna"))).values()
    assert event.summary.value == "Дежурство"


def test_a_reader_that_asks_again_learns_that_nothing_has_changed(
    app: Flask, sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    shift = Shift(user_id=office["anna"].id, starts_at=NOW, ends_at=NOW + HOUR)
    session.add(shift)
    session.commit()
    stranger, path = app.test_client(), address(sign_in("anna"))
    first = stranger.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    clock.move(minutes=30)
    again = stranger.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and again.get_data() == b""
    shift.ends_at, shift.version = NOW + 2 * HOUR, 2
    session.commit()
    assert stranger.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_the_address_is_shown_once_kept_as_a_digest_renewed_and_ended(
    app: Flask, sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    anna, stranger = sign_in("anna"), app.test_client()
    assert "no address yet" in anna.get("/me/calendar").get_data(as_text=True)
    first = address(anna)
    session.refresh(office["anna"])
    made = first.removeprefix("/calendar/").removesuffix(".ics")
    assert len(made) >= 43 and made not in office["anna"].calendar_digest and len(office["anna"].calendar_digest) == 64
    assert made not in anna.get("/me/calendar").get_data(as_text=True)
    second = address(anna)
    assert stranger.get(first).status_code == 404 and stranger.get(second).status_code == 200
    assert anna.post("/me/calendar/end").status_code == 303
    assert stranger.get(second).status_code == 404
    assert secret.whose(session, "") is None


def test_who_left_has_no_calendar(app: Flask, sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    path = address(sign_in("anna"))
    office["anna"].active = False
    session.commit()
    assert app.test_client().get(path).status_code == 404


@pytest.mark.parametrize("path", ["x.ics", "%00.ics", "x", ".ics", "a/b.ics", "x.ics?secret=1"])
def test_an_unknown_secret_is_no_address(app: Flask, office: dict[str, User], path: str) -> None:
    assert app.test_client().get(f"/calendar/{path}").status_code == 404


def test_the_page_is_for_those_who_have_a_calendar(app: Flask, sign_in: SignIn, office: dict[str, User]) -> None:
    for path in ("/me/calendar", "/me/calendar/end"):
        assert sign_in("admin").post(path).status_code == 403
        assert "/login" in app.test_client().post(path).headers["Location"]
    assert "/me/calendar" in sign_in("anna").get("/me").get_data(as_text=True)


def test_it_takes_as_many_queries_for_many_as_for_few(
    app: Flask, sign_in: SignIn, session: Session, office: dict[str, User], count_queries: Callable[[], int]
) -> None:
    stranger, path, counts = app.test_client(), address(sign_in("anna")), []
    for number in range(1, 3):
        for hour in range(number * 4):
            span = {"starts_at": NOW + hour * HOUR, "ends_at": NOW + (hour + 1) * HOUR}
            session.add(Shift(user_id=office["anna"].id, **span))
            task = Task(kind="promise", user_id=office["anna"].id, due_at=span["ends_at"], created_at=NOW)
            session.add_all([Absence(user_id=office["anna"].id, **span), task])
        session.commit()
        before = count_queries()
        stranger.get(path)
        counts.append(count_queries() - before)
    assert counts[0] == counts[1] <= 6


@pytest.mark.parametrize("zone", ["Europe/Kyiv", "Europe/Moscow", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("month", [3, 4, 10, 11])
def test_times_are_right_over_every_change_of_clocks(zone: str, month: int) -> None:
    office = ZoneInfo(zone)
    days = [datetime(2026, month, 1, tzinfo=UTC).date() + timedelta(days=number) for number in range(30)]
    found = [
        Entry(f"shift-{number}", instant(day, 22 * 60, office), instant(day, 30 * 60, office), "night", busy=True)
        for number, day in enumerate(days)
    ]
    text = icalendar.written("Anna", found, "desk.example", str, NOW)
    assert "VTIMEZONE" not in text
    for entry, event in zip(found, vobject.readOne(text).vevent_list, strict=True):
        assert (event.dtstart.value, event.dtend.value) == (entry.starts, entry.ends)
        assert event.dtstart.value.astimezone(office).hour == 22 and event.dtend.value.astimezone(office).hour == 6


@given(st.text(max_size=200), st.text(max_size=60))
def test_any_words_come_back_as_they_were(title: str, name: str) -> None:
    text = icalendar.written(name, [Entry("task-1", NOW, NOW + HOUR, title, busy=False)], "desk.example", str, NOW)
    lines = text.encode().split(b"\r\n")
    assert all(len(line) <= 75 for line in lines) and not any(line.strip(b"\r\n") != line for line in lines)
    calendar = vobject.readOne(text)
    tidy = lambda words: re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", words).strip()  # noqa: E731
    assert calendar.vevent.summary.value == tidy(title)
    assert calendar.x_wr_calname.value == tidy(name)
    assert len(calendar.vevent_list) == 1
