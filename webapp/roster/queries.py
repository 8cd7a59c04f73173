"""Reads of the roster's pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload

from webapp.access import SALES
from webapp.accounts.models import User
from webapp.roster.models import Absence, Shift, ShiftPattern


def shifts_between(session: Session, start: datetime, end: datetime) -> Sequence[Shift]:
    """Everybody's shifts that touch the span, with their people, whether they still work here or not."""
    return session.scalars(
        select(Shift)
        .join(Shift.user)
        .where(Shift.ends_at > start, Shift.starts_at < end)
        .order_by(Shift.starts_at, Shift.id)
        .options(contains_eager(Shift.user), joinedload(Shift.line), joinedload(Shift.region))
    ).all()


def absences_between(session: Session, start: datetime, end: datetime) -> Sequence[Absence]:
    """The absences that touch the span of people who work here."""
    return session.scalars(
        select(Absence)
        .join(Absence.user)
        .where(User.active, Absence.ends_at > start, Absence.starts_at < end)
        .order_by(Absence.starts_at, Absence.id)
        .options(contains_eager(Absence.user))
    ).all()


def coming_shifts(session: Session, user_id: int, now: datetime, until: datetime) -> Sequence[Shift]:
    """Somebody's shifts that begin after `now` and before `until`, with their line and region."""
    return session.scalars(
        select(Shift)
        .where(Shift.user_id == user_id, Shift.starts_at > now, Shift.starts_at < until)
        .order_by(Shift.starts_at, Shift.id)
        .options(joinedload(Shift.line), joinedload(Shift.region))
    ).all()


def people(session: Session) -> Sequence[User]:
    """Those who can be put on the roster, by name."""
    return session.scalars(select(User).where(User.active, User.role.in_(SALES)).order_by(User.name, User.id)).all()


def patterns(session: Session, today: date) -> Sequence[ShiftPattern]:
    """All patterns: those that go on by person, then those that have ended."""
    rows = session.scalars(
        select(ShiftPattern)
        .join(ShiftPattern.user)
        .order_by(User.name, ShiftPattern.starts, ShiftPattern.id)
        .options(contains_eager(ShiftPattern.user), joinedload(ShiftPattern.line), joinedload(ShiftPattern.region))
    ).all()
    return sorted(rows, key=lambda row: row.last_day is not None and row.last_day < today)
