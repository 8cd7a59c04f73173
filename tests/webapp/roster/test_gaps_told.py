"""Hours with nobody on duty are told to the heads in time: once, again when they grew, and taken back when filled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.db import db
from webapp.feed import Feed
from webapp.mail.models import OutgoingMail
from webapp.office.models import Line
from webapp.roster import gaps_told
from webapp.roster.models import Absence, GapTold, Shift
from webapp.tasks.models import Task
from webapp.tasks.queries import title

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)  # Tuesday, noon
MINUTE = timedelta(minutes=1)


def at(hour: float, day: int = 10) -> datetime:
    """An hour of Moscow's day in March 2026."""
    return datetime(2026, 3, day, tzinfo=UTC) + timedelta(hours=hour - 3)


def on(session: Session, user: User, start: float, end: float, day: int, **more: object) -> Shift:
    row = Shift(user_id=user.id, starts_at=at(start, day), ends_at=at(end, day), **more)
    session.add(row)
    session.flush()
    return row


@pytest.fixture
def covered(session: Session, office: dict[str, User]) -> Shift:
    """Anna is on duty at every working hour but Wednesday afternoon; her shift of Wednesday."""
    for day in (10, 12, 13, 16):
        on(session, office["anna"], 9, 18, day)
    office["head"].email = "head@desk.example"
    return on(session, office["anna"], 9, 14, 11)


def open_tasks(session: Session) -> list[Task]:
    return list(session.scalars(select(Task).where(Task.done_at.is_(None)).order_by(Task.id)))


def tell(session: Session, now: datetime) -> int:
    told = gaps_told.tell(session, now, MOSCOW)
    session.commit()
    return told


def test_a_gap_is_told_once_by_task_feed_and_mail(session: Session, office: dict[str, User], covered: Shift) -> None:
    assert tell(session, NOW) == 1
    assert tell(session, NOW + MINUTE) == 0
    (task,) = open_tasks(session)
    assert (task.kind, task.user_id, task.text, task.due_at) == ("gap", None, "Wed 11 Mar 14:00–18:00", NOW)
    assert title(task) == "nobody on duty"
    (mail,) = session.scalars(select(OutgoingMail)).all()
    assert mail.to_address == "head@desk.example" and mail.subject == "Nobody on duty: Wed 11 Mar 14:00–18:00"
    assert "Wed 11 Mar 14:00–18:00" in mail.body
    told = session.execute(select(Feed.kind, Feed.user_id, Feed.ref)).all()
    assert ("tasks", office["head"].id, str(task.id)) in [tuple(row) for row in told]


def test_the_head_sees_the_hours_and_who_rang_in_them(
    sign_in: Callable[[str], FlaskClient], session: Session, covered: Shift
) -> None:
    tell(session, NOW)
    call = Call(call_id="in-the-gap", number="+74951234567", offered_at=NOW, ended_at=NOW, state="ended")
    session.add(call)
    session.flush()
    session.add(Task(kind="gap", number=call.number, due_at=NOW, created_at=NOW, call_id=call.id))
    session.commit()
    text = sign_in("head").get("/desk/idle").get_data(as_text=True)
    assert "Nobody on duty" in text and "Wed 11 Mar 14:00–18:00" in text
    assert "+7 495 123-45-67" in text and "a call rang while nobody was on duty" in text
    assert "Wed 11 Mar 14:00" not in sign_in("anna").get("/desk/idle").get_data(as_text=True)


def test_no_address_no_mail(session: Session, office: dict[str, User], covered: Shift) -> None:
    office["head"].email = ""
    assert tell(session, NOW) == 1 and session.scalars(select(OutgoingMail)).all() == []


def test_it_is_told_again_when_it_grew_and_only_what_grew(session: Session, covered: Shift) -> None:
    tell(session, NOW)
    covered.ends_at = at(12, 11)
    session.flush()
    assert tell(session, NOW + MINUTE) == 1 and tell(session, NOW + 2 * MINUTE) == 0
    assert [task.text for task in open_tasks(session)] == ["Wed 11 Mar 14:00–18:00", "Wed 11 Mar 12:00–14:00"]
    assert len(session.scalars(select(OutgoingMail)).all()) == 2


def test_filled_in_time_it_closes_its_task_and_opened_again_it_is_told_again(
    session: Session, office: dict[str, User], covered: Shift
) -> None:
    tell(session, NOW)
    boris = on(session, office["boris"], 14, 18, 11)
    assert tell(session, NOW + MINUTE) == 0
    (task,) = session.scalars(select(Task)).all()
    assert task.done_at == NOW + MINUTE and task.report and open_tasks(session) == []
    session.delete(boris)
    assert tell(session, NOW + 2 * MINUTE) == 1
    assert len(open_tasks(session)) == 1 and len(session.scalars(select(OutgoingMail)).all()) == 2


def test_filled_in_part_it_stays_and_the_rest_can_open_anew(
    session: Session, office: dict[str, User], covered: Shift
) -> None:
    tell(session, NOW)
    boris = on(session, office["boris"], 15, 16, 11)
    assert tell(session, NOW + MINUTE) == 0
    spans = session.execute(select(GapTold.starts_at, GapTold.ends_at).order_by(GapTold.starts_at)).all()
    assert [tuple(span) for span in spans] == [(at(14, 11), at(15, 11)), (at(16, 11), at(18, 11))]
    assert len(open_tasks(session)) == 1
    session.delete(boris)
    assert tell(session, NOW + 2 * MINUTE) == 1
    assert [task.text for task in open_tasks(session)][1] == "Wed 11 Mar 15:00–16:00"


def test_the_gap_of_a_running_hour_is_told_and_stays_one(
    session: Session, covered: Shift, office: dict[str, User]
) -> None:
    session.add(Absence(user_id=office["anna"].id, starts_at=at(11), ends_at=at(15)))
    session.flush()
    assert tell(session, NOW) == 2
    for minutes in range(1, 4):
        assert tell(session, NOW + minutes * MINUTE) == 0
    assert [task.text for task in open_tasks(session)] == ["Tue 10 Mar 12:00–15:00", "Wed 11 Mar 14:00–18:00"]
    assert tell(session, at(15.5)) == 0, "it is over; its task waits for the head's word"
    assert len(open_tasks(session)) == 2


def test_mondays_gaps_are_told_on_friday(session: Session, office: dict[str, User], covered: Shift) -> None:
    on(session, office["boris"], 14, 18, 11)
    session.delete(session.scalars(select(Shift).where(Shift.starts_at == at(9, 16))).one())
    session.flush()
    assert tell(session, at(12, 12)) == 0, "on Thursday it is far off"
    assert tell(session, at(9, 13)) == 1
    assert open_tasks(session)[0].text == "Mon 16 Mar 09:00–18:00"


def test_a_line_without_its_own_people_is_told_with_its_name(
    session: Session, office: dict[str, User], covered: Shift
) -> None:
    on(session, office["boris"], 14, 18, 11)
    line = Line(name="site", title="Windows site", number="")
    session.add(line)
    session.flush()
    on(session, office["vera"], 9, 18, 10, line_id=line.id)
    on(session, office["vera"], 9, 16, 11, line_id=line.id)
    assert tell(session, NOW) == 1
    (task,) = open_tasks(session)
    assert task.text == "Windows site: Wed 11 Mar 16:00–18:00, general duty answers"
    on(session, office["vera"], 16, 18, 11, line_id=line.id)
    assert tell(session, NOW + MINUTE) == 0 and open_tasks(session) == []


def test_killed_before_it_was_kept_it_is_told_by_the_next_round(session: Session, covered: Shift) -> None:
    session.commit()
    assert gaps_told.tell(session, NOW, MOSCOW) == 1
    session.rollback()
    assert open_tasks(session) == [] and session.scalars(select(OutgoingMail)).all() == []
    assert tell(session, NOW + MINUTE) == 1 and len(open_tasks(session)) == 1


def test_two_workers_at_once_tell_it_once(app: Flask, session: Session, covered: Shift) -> None:
    session.commit()
    start = threading.Barrier(2)

    def work() -> None:
        with app.app_context():
            start.wait()
            tell(db.session(), NOW)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.expire_all()
    assert len(open_tasks(session)) == len(session.scalars(select(OutgoingMail)).all()) == 1


spans = st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda pair: (at(pair[0]), at(pair[0] + pair[1])))


def apart(found: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """In order and without overlaps, as gaps are."""
    kept: list[tuple[datetime, datetime]] = []
    for span in sorted(found):
        if not kept or span[0] > kept[-1][1]:
            kept.append(span)
    return kept


@given(st.lists(st.lists(spans, max_size=5).map(apart), min_size=1, max_size=6))
def test_however_the_gaps_change_each_open_minute_was_told_exactly_once_since_it_opened(
    rounds: list[list[tuple[datetime, datetime]]],
) -> None:
    now, told, number = at(0), {}, 0
    for open_ in rounds:
        step = gaps_told.step(list(told.items()), open_, now)
        before = [(max(one[0], two[0]), min(one[1], two[1])) for one in told.values() for two in open_]
        for new in step.new:
            assert not any(new[0] < end and new[1] > start for start, end in before), "told already"
        kept = [span for _key, span in step.stay] + step.new
        told = {}
        for span in kept:
            number += 1
            told[number] = span
        for half in range(0, 80):
            instant = at(half / 2)
            times = sum(start <= instant < end for start, end in kept)
            assert times == (1 if any(start <= instant < end for start, end in open_) else 0)
