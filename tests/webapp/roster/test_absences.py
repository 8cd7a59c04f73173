"""Absences: what is refused and why, away by one key and back, and of two editors the later one is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.roster import absences, duty
from webapp.roster.absences import Away
from webapp.roster.models import Absence, RosterChange, Shift
from webapp.roster.shifts import Refused

MOSCOW = ZoneInfo("Europe/Moscow")
TUESDAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)  # noon in Moscow


def put(session: Session, user: User, start: int, end: int, absence: Absence | None = None, **more: object) -> Absence:
    typed = Away((TUESDAY, start), (TUESDAY, end), "illness", "dentist")
    return absences.set_absence(session, absence, user, typed, user, NOW, MOSCOW, **more)  # type: ignore[arg-type]


def test_what_is_refused(session: Session, office: dict[str, User]) -> None:
    anna = office["anna"]
    row = put(session, anna, 540, 720)
    with pytest.raises(Refused, match="already away"):
        put(session, anna, 600, 800)
    with pytest.raises(Refused, match="before the leave"):
        put(session, anna, 600, 600)
    year = Away((TUESDAY, 0), (date(2028, 1, 1), 0))
    with pytest.raises(Refused, match="a year"):
        absences.set_absence(session, None, office["vera"], year, anna, NOW, MOSCOW)
    put(session, anna, 600, 800, row)
    kept = session.scalars(select(Absence)).one()
    assert (kept.kind, kept.reason, kept.made_by_id, kept.version) == ("illness", "dentist", anna.id, 2)


def test_the_later_of_two_editors_is_told(session: Session, office: dict[str, User]) -> None:
    anna, head = office["anna"], office["head"]
    row = put(session, anna, 540, 720)
    changed = Away((TUESDAY, 540), (TUESDAY, 780))
    absences.set_absence(session, row, anna, changed, head, NOW, MOSCOW, version=1)
    with pytest.raises(Refused, match="Helen Markova has changed this absence meanwhile: it is now 09:00–13:00"):
        put(session, anna, 540, 600, row, version=1)
    with pytest.raises(Refused, match="Helen Markova"):
        absences.remove(session, row, anna, NOW, MOSCOW, version=1)
    put(session, anna, 540, 600, row, version=2)
    absences.remove(session, row, anna, NOW, MOSCOW, version=3)
    kinds = session.scalars(select(RosterChange.kind).order_by(RosterChange.id)).all()
    assert kinds == ["absence_made", "absence_changed", "absence_changed", "absence_removed"]


def test_away_at_once_and_back(session: Session, office: dict[str, User]) -> None:
    anna = office["anna"]
    session.add(Shift(user_id=anna.id, starts_at=NOW - timedelta(hours=2), ends_at=NOW + timedelta(hours=5)))
    session.flush()
    absences.away_now(session, anna, NOW + timedelta(minutes=40), NOW, MOSCOW)
    assert not duty.on_duty(session, NOW)
    later = NOW + timedelta(minutes=10)
    absences.away_now(session, anna, NOW + timedelta(hours=1), later, MOSCOW)
    row = session.scalars(select(Absence)).one()
    assert (row.starts_at, row.ends_at, row.kind) == (NOW, NOW + timedelta(hours=1), "meeting"), (
        "prolonged, not doubled"
    )
    assert absences.back(session, anna, later, MOSCOW) == 1
    assert row.ends_at == later and duty.on_duty(session, later)[0].user is anna
    assert absences.back(session, anna, later, MOSCOW) == 0


def test_back_in_the_same_instant_leaves_nothing(session: Session, office: dict[str, User]) -> None:
    absences.away_now(session, office["anna"], NOW + timedelta(minutes=20), NOW, MOSCOW)
    absences.back(session, office["anna"], NOW, MOSCOW)
    assert session.scalars(select(Absence)).all() == []


def test_away_now_needs_a_time_to_come_that_is_free(session: Session, office: dict[str, User]) -> None:
    anna = office["anna"]
    put(session, anna, 13 * 60, 14 * 60)
    with pytest.raises(Refused, match="has passed"):
        absences.away_now(session, anna, NOW, NOW, MOSCOW)
    with pytest.raises(Refused, match="13:00–14:00"):
        absences.away_now(session, anna, NOW + timedelta(hours=3), NOW, MOSCOW)


def test_who_may_change_one(office: dict[str, User]) -> None:
    anna, boris, head = office["anna"], office["boris"], office["head"]
    own = Absence(user_id=anna.id, made_by_id=anna.id)
    by_head = Absence(user_id=anna.id, made_by_id=head.id)
    assert absences.may_change(own, anna) and absences.may_change(own, head)
    assert not absences.may_change(own, boris)
    assert not absences.may_change(by_head, anna) and absences.may_change(by_head, head)
