"""Two heads and a worker in one moment: nothing is lost, nothing twice."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from datetime import date, timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.roster.test_pages import WEEK, add, edit, shift
from webapp.accounts.models import User
from webapp.db import db
from webapp.roster import patterns
from webapp.roster.models import Holiday, RosterChange, Shift, ShiftPattern
from webapp.roster.places import GENERAL

SignIn = Callable[[str], FlaskClient]


def together(*doings: Callable[[], object]) -> None:
    """Do them all in one moment, each in a thread of its own."""
    start, failed = threading.Barrier(len(doings)), []

    def do(doing: Callable[[], object]) -> None:
        start.wait(5)
        try:
            doing()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=do, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not failed


def test_of_two_changes_of_one_shift_one_is_saved_and_one_is_told(
    sign_in: SignIn, session: Session, office: dict[str, User]
) -> None:
    row = add(session, office["anna"], 9, 14)
    address, codes = f"/roster/shift/{row.id}", []
    forms = [edit(row, office["boris"], 1, ends="15"), edit(row, office["vera"], 1, ends="16")]
    saves = [functools.partial(sign_in("head").post, address, data=form) for form in forms]
    session.rollback()
    together(*(lambda save=save: codes.append(save().status_code) for save in saves))  # type: ignore[misc]
    assert sorted(codes) == [303, 409]
    assert session.scalar(select(func.count(RosterChange.id))) == 1
    assert session.scalars(select(Shift.version)).one() == 2


def test_nobody_is_put_on_twice(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    heads, codes, form = [sign_in("head"), sign_in("head")], [], shift(office["anna"])
    session.rollback()
    together(
        *(
            lambda head=head: codes.append(head.post(f"/roster/shift?week={WEEK}", data=form).status_code)
            for head in heads
        )  # type: ignore[misc]
    )
    assert sorted(codes) == [303, 422]
    assert session.scalar(select(func.count(Shift.id))) == 1


def test_two_fill_one_year(sign_in: SignIn, session: Session, office: dict[str, User]) -> None:
    heads = [sign_in("head"), sign_in("head")]
    session.rollback()
    together(*(lambda head=head: head.post("/roster/holidays/fill?year=2026") for head in heads))  # type: ignore[misc]
    days = session.scalars(select(Holiday.day)).all()
    assert len(days) == len(set(days)) > 5
    assert session.scalar(select(func.count(RosterChange.id))) == 1


def test_a_worker_lays_while_the_head_ends_the_pattern(
    app: Flask, sign_in: SignIn, session: Session, office: dict[str, User], clock: Clock
) -> None:
    head, zone = sign_in("head"), app.config["SETTINGS"].timezone
    rhythm = patterns.Rhythm(date(2026, 3, 9), None, 1, [0], 540, 1080)
    pattern, laid = patterns.make(
        session, office["anna"], rhythm, 0, GENERAL, office["head"], clock(), zone
    )  # fmt: skip
    pattern_id = pattern.id
    session.commit()
    clock.move(days=3)

    def work() -> None:
        with app.app_context():
            patterns.lay_all(db.session(), clock(), zone)
            db.session.remove()

    together(work, work, lambda: head.post(f"/roster/patterns/{pattern_id}/end"))
    session.expire_all()
    ended = session.get_one(ShiftPattern, pattern_id)
    assert ended.last_day == clock().date()
    starts = session.scalars(select(Shift.starts_at).order_by(Shift.starts_at)).all()
    assert len(starts) == len(set(starts)) and starts[-1] < clock() + timedelta(days=1), "nothing after its end"
    assert laid == 56
