"""Absences on the roster's page: by the head for anybody, by each for himself; asked about when nobody is left."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.roster import duty
from webapp.roster.models import Absence, Shift
from webapp.tasks.models import Task

from ..conftest import Clock

SignIn = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}
WEEK = "2026-W11"


def at(hour: float, day: int = 10) -> datetime:
    """An hour of Moscow's day in March 2026."""
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour - 3)


def put_on(session: Session, user: User, start: float = 9, end: float = 18, **more: object) -> Shift:
    row = Shift(user_id=user.id, starts_at=at(start), ends_at=at(end), **more)
    session.add(row)
    session.commit()
    return row


def typed(user: User | None = None, prefix: str = "away", **more: str) -> dict[str, str]:
    values = {
        "kind": "illness", "first_day": "2026-03-10", "starts": "9", "last_day": "2026-03-12", "ends": "9",
        "reason": "exhibition", **({"user_id": str(user.id)} if user else {}), **more,
    }  # fmt: skip
    return {f"{prefix}-{name}": value for name, value in values.items()}


def all_the_same(text: str) -> dict[str, str]:
    """What the button sends that says so."""
    found = re.search(r'<button[^>]* name="([\w-]*anyway)" value="(\w+)"', text)
    assert found, text
    return {found[1]: found[2]}


def absences(session: Session) -> list[Absence]:
    session.expire_all()
    return list(session.scalars(select(Absence).order_by(Absence.id)))


def test_the_head_sets_changes_and_deletes_anybodys(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    put_on(session, office["boris"])
    head = sign_in("head")
    text = head.post(f"/roster/absence?week={WEEK}", data=typed(office["anna"]), headers=HTMX).get_data(as_text=True)
    assert "Anna Petrova away until 12 Mar 09:00 · illness · exhibition" in text
    assert f"/tasks/reassign?person={office['anna'].id}" in text and "Hand over what Anna Petrova owes" in text
    (row,) = absences(session)
    assert (row.starts_at, row.ends_at, row.made_by_id) == (at(9), at(9, 12), office["head"].id)
    bad = head.post("/roster/absence", data=typed(office["anna"], last_day="2026-03-09"), headers=HTMX)
    assert bad.status_code == 422 and "The return is before the leave." in bad.get_data(as_text=True)
    assert 'value="exhibition"' in bad.get_data(as_text=True)
    for wrong in ({"first_day": "0001-01-01"}, {"kind": "nonsense"}, {"starts": "25"}, {"user_id": "999"}):
        assert head.post("/roster/absence", data=typed(office["anna"]) | typed(**wrong)).status_code == 422
    page = head.get(f"/roster?absence={row.id}").get_data(as_text=True)
    assert 'name="edit-version" type="hidden" value="1"' in page
    change = typed(office["anna"], "edit", reason="ill", version="1")
    assert head.post(f"/roster/absence/{row.id}", data=change).status_code == 303
    assert "ill" in head.get(f"/roster?absence={row.id}").get_data(as_text=True)
    assert head.post(f"/roster/absence/{row.id}/delete").status_code == 303
    assert absences(session) == []


def test_each_enters_his_own_and_nobody_elses(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    anna = sign_in("anna")
    assert 'name="away-user_id"' not in anna.get("/roster").get_data(as_text=True)
    assert anna.post("/roster/absence", data=typed(office["boris"])).status_code == 303
    (row,) = absences(session)
    assert row.user_id == row.made_by_id == office["anna"].id, "whoever's she names"
    assert f"absence={row.id}" in anna.get(f"/roster?week={WEEK}").get_data(as_text=True)
    assert anna.post(f"/roster/absence/{row.id}", data=typed(None, "edit", reason="at home")).status_code == 303
    assert absences(session)[0].reason == "at home"
    boris = sign_in("boris")
    for path in (f"/roster/absence/{row.id}", f"/roster/absence/{row.id}/delete", "/roster/absence/77"):
        assert boris.post(path, data=typed(None, "edit")).status_code == 404
    assert boris.get(f"/roster?absence={row.id}").status_code == 404
    assert sign_in("admin").post("/roster/absence", data=typed()).status_code == 403
    row.made_by_id = office["head"].id
    session.commit()
    assert anna.post(f"/roster/absence/{row.id}/delete").status_code == 404, "what the head entered, the head changes"


def test_ones_own_that_overlaps_comes_back_with_the_reason(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    anna = sign_in("anna")
    assert anna.post("/roster/absence", data=typed()).status_code == 303
    answer = anna.post("/roster/absence", data=typed(reason="once more"))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Anna Petrova is already away then" in text and 'value="once more"' in text


def test_strangers_are_sent_to_the_login(app: Flask, office: dict[str, User]) -> None:
    client = app.test_client()
    for path in ("/roster/absence", "/roster/away", "/roster/back"):
        assert "/login" in client.post(path).headers["Location"]


def test_hours_with_nobody_are_asked_about_and_named(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    put_on(session, office["anna"], 9, 14)
    put_on(session, office["boris"], 13, 18)
    anna = sign_in("anna")
    asked = anna.post("/roster/absence", data=typed(), headers=HTMX)
    text = asked.get_data(as_text=True)
    assert asked.status_code == 422 and "Nobody would be on duty:" in text
    assert "Tue 10 Mar 12:00–13:00" in text and "All lines" in text, "from now on, until Boris comes"
    assert 'value="exhibition"' in text and absences(session) == []
    assert session.scalar(select(func.count()).select_from(Feed).where(Feed.kind == "roster")) == 0
    session.delete(session.scalars(select(Shift).where(Shift.user_id == office["boris"].id)).one())
    session.commit()
    again = anna.post("/roster/absence", data=typed() | all_the_same(text), headers=HTMX)
    assert again.status_code == 422, "the roster has changed meanwhile: it asks anew"
    text = again.get_data(as_text=True)
    assert "12:00–14:00" in text
    assert anna.post("/roster/absence", data=typed() | all_the_same(text), headers=HTMX).status_code == 200
    assert len(absences(session)) == 1
    (task,) = session.scalars(select(Task)).all()
    assert (task.kind, task.user_id) == ("gap", None)
    assert task.text == "Anna Petrova is away, and nobody else is on duty:\nTue 10 Mar 12:00–14:00"
    assert office["head"].id in session.scalars(select(Feed.user_id).where(Feed.kind == "tasks")).all()


def test_the_head_is_asked_too_and_then_knows(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    put_on(session, office["anna"])
    head = sign_in("head")
    text = head.post("/roster/absence", data=typed(office["anna"])).get_data(as_text=True)
    assert head.post("/roster/absence", data=typed(office["anna"]) | all_the_same(text)).status_code == 303
    assert len(absences(session)) == 1 and session.scalars(select(Task)).all() == []


def test_the_later_of_two_editors_keeps_what_he_typed(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    head, anna = sign_in("head"), sign_in("anna")
    anna.post("/roster/absence", data=typed())
    (row,) = absences(session)
    assert head.post(f"/roster/absence/{row.id}", data=typed(office["anna"], "edit", version="1")).status_code == 303
    late = anna.post(f"/roster/absence/{row.id}", data=typed(None, "edit", version="1", reason="mine"), headers=HTMX)
    text = html.unescape(late.get_data(as_text=True))
    assert late.status_code == 409 and "Helen Markova has changed this absence meanwhile" in text
    assert 'value="mine"' in text and 'name="edit-version" type="hidden" value="2"' in text
    mine = typed(None, "edit", version="2", reason="mine")
    assert anna.post(f"/roster/absence/{row.id}", data=mine, headers=HTMX).status_code == 200
    assert absences(session)[0].reason == "mine"


@pytest.mark.parametrize("sent, minutes", [({"minutes": "40"}, 40), ({"until": "12:30"}, 30)])
def test_away_by_one_key_takes_out_at_once_and_back_ends_it(
    sign_in: SignIn,
    session: Session,
    office: dict[str, User],
    clock: Clock,
    sent: dict[str, str],
    minutes: int,
) -> None:
    put_on(session, office["anna"])
    put_on(session, office["boris"])
    anna = sign_in("anna")
    text = anna.post("/roster/away", data=sent, headers=HTMX).get_data(as_text=True)
    assert "You are away" in text and "I am back" in text
    (row,) = absences(session)
    assert (row.starts_at, row.ends_at, row.kind) == (clock(), clock() + timedelta(minutes=minutes), "meeting")
    assert [one.user.login for one in duty.on_duty(session, clock())] == ["boris"]
    told = set(session.execute(select(Feed.kind, Feed.user_id)).tuples())
    assert ("standing", None) in told and ("now", office["head"].id) in told
    clock.move(minutes=5)
    text = anna.post("/roster/back", headers=HTMX).get_data(as_text=True)
    assert "You are away" not in text and "40 min" in text
    assert [one.user.login for one in duty.on_duty(session, clock())] == ["anna", "boris"]


def test_the_last_one_is_asked_before_leaving(
    sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    put_on(session, office["anna"])
    anna = sign_in("anna")
    asked = anna.post("/roster/away", data={"minutes": "20"}, headers=HTMX)
    text = asked.get_data(as_text=True)
    assert asked.status_code == 422 and "Tue 10 Mar 12:00–12:20" in text and absences(session) == []
    until = re.search(r'name="at" value="([^"]+)"', text)
    assert until
    clock.move(seconds=20)
    said = anna.post("/roster/away", data={"at": until[1]} | all_the_same(text), headers=HTMX)
    assert said.status_code == 200 and "You are away" in said.get_data(as_text=True)
    assert session.scalars(select(Task.text)).one().startswith("Anna Petrova is away")
    assert "40 min" not in anna.get("/roster/away", headers=HTMX).get_data(as_text=True)


@pytest.mark.parametrize(
    "sent, words",
    [
        ({"until": "11:00"}, "has passed"),
        ({"until": "soon"}, "such as 9:30"),
        ({"minutes": "7"}, "such as 15:30"),
        ({}, "such as 15:30"),
        ({"at": "never"}, "such as 15:30"),
        ({"at": "9999-12-31T23:59:59+00:00"}, "a year at most"),
    ],
)
def test_a_bad_time_comes_back_with_the_reason(
    sign_in: SignIn, session: Session, office: dict[str, User], sent: dict[str, str], words: str
) -> None:
    anna = sign_in("anna")
    answer = anna.post("/roster/away", data=sent, headers=HTMX)
    assert answer.status_code == 422 and words in answer.get_data(as_text=True)
    if "until" in sent:
        assert f'value="{sent["until"]}"' in answer.get_data(as_text=True)
    assert anna.post("/roster/away", data=sent).status_code == 422
    assert absences(session) == []
