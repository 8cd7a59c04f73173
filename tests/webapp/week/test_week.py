"""A week of an office in fast time: what the desk counts at its end is what was sent to it, to the call.

Every call that was offered ends in exactly one of talked, missed and waiting, missed and closed by a reason or by a
later talk; nobody who is absent or away is rung by the desk's own plan; the head hears of every call that found nobody
on duty.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import Flask
from sqlalchemy import func, select

from tests.webapp.conftest import Bench, Clock
from tests.webapp.week import sums
from tests.webapp.week.bridge import Answer, Ask
from tests.webapp.week.week import Week
from webapp.calls.models import BridgeEvent, Call
from webapp.db import db
from webapp.touches.models import Touch

AUTUMN, SPRING = date(2026, 10, 19), date(2026, 3, 23)
"""Mondays of weeks whose last night has an hour twice, and one too few."""


def asker(app: Flask) -> Ask:
    """The bridge's door of the app itself."""
    client, headers = app.test_client(), {"Authorization": f"Bearer {app.config['BRIDGE_TOKEN']}"}

    def ask(method: str, path: str, body: object) -> Answer:
        answer = client.open(path, method=method, json=body, headers=headers)
        db.session.remove()  # the context of a test outlives its requests, and so would their transactions
        return answer.status_code, answer.get_json()

    return ask


def test_a_week_adds_up_to_the_call(app: Flask, database: Bench, clock: Clock, soaking: bool) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], timezone=ZoneInfo("Europe/Berlin"))
    monday = AUTUMN if database.url.startswith("sqlite") else SPRING
    many, every = (2000, 5) if soaking else (90, 60)
    week = Week(app, asker(app), clock, many, monday, every=timedelta(minutes=every))
    week.run()

    told = sums.by_the_book(week)
    with week.desk() as session:
        assert sums.differences(told, sums.by_the_desk(session, week)) == []
        assert session.scalar(select(func.count(Call.id))) == len(week.book.calls)
        touches = session.scalars(select(Touch.call_id)).all()
        assert len(touches) == len(set(touches)) == len(week.book.calls), "a row a call"
        assert session.scalar(select(func.count(BridgeEvent.event_id))) == week.bridge.sent, "each event once"
    assert week.wrong_plans == []
    assert week.bridge.outbox == [] and week.bridge.twice > 0

    # That there was something to add up.
    ends, how = told["ends"], told["closed how"]
    assert set(ends) >= {"talked", "made_good", "closed", "missed", "not_reached"} and "live" not in ends
    assert set(how) == {"in", "out", "reason", ""}
    assert min(told["promises"].values()) > 0 and told["gaps"] and told["notes"]
    assert week.followed["standing"] >= 3 and len(week.late) >= 2
    assert len(Counter(one.line for one in week.book.calls.values())) == 3
