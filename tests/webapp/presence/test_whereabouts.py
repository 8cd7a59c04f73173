"""Where people are: every state by example, which comes first, and what ends by the clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call, CallAudience
from webapp.presence import marking, whereabouts
from webapp.roster.models import Absence, Shift

MOSCOW = ZoneInfo("Europe/Moscow")


def state(session: Session, user: User, at: datetime) -> str:
    return whereabouts.of(session, [user], at, MOSCOW)[0].state


def talk(session: Session, user: User, at: datetime, seat: str = "taken") -> Call:
    call = Call(call_id=f"c{at}", offered_at=at, answered_at=at, state="talking", answered_by_id=user.id)
    session.add(call)
    session.flush()
    session.add(CallAudience(call_id=call.id, user_id=user.id, state=seat))
    session.flush()
    return call


def test_whoever_nothing_is_known_of_is_here_in_working_hours_and_off_outside_them(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    assert state(session, office["anna"], clock()) == "here"
    assert state(session, office["anna"], clock() + timedelta(hours=12)) == "off"


def test_a_shift_at_night_is_work(session: Session, office: dict[str, User], clock: Clock) -> None:
    night = clock() + timedelta(hours=12)
    session.add(Shift(user_id=office["anna"].id, starts_at=night, ends_at=night + timedelta(hours=1)))
    session.add(Shift(user_id=office["boris"].id, starts_at=night, ends_at=night + timedelta(hours=1), rank=1))
    session.flush()
    anna, boris = whereabouts.of(session, [office["anna"], office["boris"]], night, MOSCOW)
    assert (anna.state, anna.on_duty, anna.backup) == ("here", True, False)
    assert (boris.state, boris.on_duty, boris.backup) == ("here", False, True)


def test_a_talk_comes_before_all_and_names_its_call(session: Session, office: dict[str, User], clock: Clock) -> None:
    marking.away(session, office["anna"], clock())
    call = talk(session, office["anna"], clock())
    found = whereabouts.of(session, [office["anna"]], clock(), MOSCOW)[0]
    assert (found.state, found.call, found.since) == ("talk", call, clock())


@pytest.mark.parametrize("seat", ["rung", "gone", "gave"])
def test_who_does_not_have_the_call_is_in_no_talk(
    session: Session, office: dict[str, User], clock: Clock, seat: str
) -> None:
    talk(session, office["anna"], clock(), seat)
    assert state(session, office["anna"], clock()) == "here"


def test_an_absence_says_when_he_returns_and_the_latest_return_counts(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    for hours in (5, 2):
        ends_at = clock() + timedelta(hours=hours)
        session.add(Absence(user_id=office["anna"].id, starts_at=clock() - timedelta(hours=1), ends_at=ends_at))
    session.flush()
    found = whereabouts.of(session, [office["anna"]], clock(), MOSCOW)[0]
    assert (found.state, found.until) == ("absent", clock() + timedelta(hours=5))
    assert state(session, office["anna"], clock() + timedelta(hours=5)) == "here"


def test_away_ends_by_itself_when_he_said_or_by_the_key(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    anna = office["anna"]
    marking.away(session, anna, clock(), clock() + timedelta(minutes=20))
    assert state(session, anna, clock() + timedelta(minutes=19, seconds=59)) == "away"
    assert state(session, anna, clock() + timedelta(minutes=20)) == "here"
    marking.away(session, anna, clock())
    assert state(session, anna, clock() + timedelta(hours=4)) == "away"
    marking.back(session, anna, clock.move(hours=4))
    assert state(session, anna, clock()) == "here"


def test_who_forgot_to_say_that_he_is_back_is_not_away_for_ever(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    marking.away(session, office["anna"], clock())
    assert state(session, office["anna"], clock() + timedelta(days=1)) == "here"


def test_wrap_up_ends_by_the_clock_or_with_the_row(session: Session, office: dict[str, User], clock: Clock) -> None:
    anna, boris = office["anna"], office["boris"]
    marking.wrap_up(session, [anna.id, boris.id], clock(), 60, clock())
    assert state(session, anna, clock() + timedelta(seconds=59)) == "wrap_up"
    assert state(session, anna, clock() + timedelta(seconds=60)) == "here"
    marking.written_down(session, anna.id, clock())
    assert state(session, anna, clock()) == "here"
    assert state(session, boris, clock()) == "wrap_up"


def test_an_office_is_read_with_few_queries(
    session: Session, office: dict[str, User], clock: Clock, count_queries: Callable[[], int]
) -> None:
    people = list(office.values())
    whereabouts.of(session, people, clock(), MOSCOW)
    before = count_queries()
    assert len(whereabouts.of(session, people, clock(), MOSCOW)) == len(people)
    assert count_queries() - before <= 8
