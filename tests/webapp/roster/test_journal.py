"""The journal of the roster: what is kept of a change, and when it can be undone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.roster import journal
from webapp.roster.models import Absence, Holiday, RosterChange, Shift, ShiftPattern

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)


def a_shift(session: Session, user: User, start: int = 6, end: int = 15) -> Shift:
    row = Shift(user_id=user.id, starts_at=NOW.replace(hour=start), ends_at=NOW.replace(hour=end))
    session.add(row)
    session.flush()
    return row


def made(session: Session, row: Shift, by: User) -> RosterChange:
    return journal.record(session, "shift_made", [journal.made(row)], by, NOW)


def moved(session: Session, row: Shift, by: User, hours: int) -> RosterChange:
    before = journal.snapshot(row)
    row.ends_at += timedelta(hours=hours)
    row.version += 1
    session.flush()
    return journal.record(session, "shift_changed", [journal.changed(row, before)], by, NOW, hours=hours)


def test_a_shift_that_was_made_is_taken_off_again(session: Session, office: dict[str, User]) -> None:
    change = made(session, a_shift(session, office["anna"]), office["head"])
    journal.undo(session, change, office["head"], NOW)
    assert session.scalars(select(Shift)).all() == []
    assert (change.undone_at, change.undone_by_id) == (NOW, office["head"].id)
    with pytest.raises(journal.CantUndo, match="already"):
        journal.undo(session, change, office["head"], NOW)


def test_changes_are_undone_one_after_the_other(session: Session, office: dict[str, User]) -> None:
    head, row = office["head"], a_shift(session, office["anna"])
    first, second = moved(session, row, head, 1), moved(session, row, head, 2)
    assert journal.to_undo(session, head) == second
    journal.undo(session, second, head, NOW)
    assert row.ends_at == NOW.replace(hour=16) and row.version == 4, "a version never comes back"
    assert journal.to_undo(session, head) == first
    journal.undo(session, first, head, NOW)
    assert row.ends_at == NOW.replace(hour=15)
    assert journal.to_undo(session, head) is None and journal.to_undo(session, office["anna"]) is None


def test_what_somebody_changed_since_stays(session: Session, office: dict[str, User]) -> None:
    row = a_shift(session, office["anna"])
    change = made(session, row, office["head"])
    moved(session, row, office["secretary"], 1)
    with pytest.raises(journal.CantUndo, match="Sofia Belova has changed this since"):
        journal.undo(session, change, office["head"], NOW)


def test_a_removed_shift_comes_back_when_its_person_is_free(session: Session, office: dict[str, User]) -> None:
    row = a_shift(session, office["anna"])
    gone = journal.removed(row)
    session.delete(row)
    change = journal.record(session, "shift_removed", [gone], office["head"], NOW)
    other = a_shift(session, office["anna"], 14, 18)
    session.flush()
    if other.id == gone["id"]:  # SQLite gives the last key again
        with pytest.raises(journal.CantUndo):
            journal.undo(session, change, office["head"], NOW)
    else:
        with pytest.raises(journal.CantUndo, match="Anna Petrova has another shift"):
            journal.undo(session, change, office["head"], NOW)
    session.rollback()


def test_several_rows_come_back_together(session: Session, office: dict[str, User]) -> None:
    anna, head = office["anna"], office["head"]
    pattern = ShiftPattern(user_id=anna.id, first_day=date(2026, 3, 9), days=[0], starts=540, ends=1080)
    absence = Absence(user_id=anna.id, starts_at=NOW, ends_at=NOW + timedelta(days=1), kind="illness")
    holiday = Holiday(day=date(2026, 3, 8), name="Women's Day")
    session.add_all([pattern, absence, holiday])
    session.flush()
    row = a_shift(session, anna)
    row.pattern_id = pattern.id
    session.flush()
    rows = [journal.removed(one) for one in (row, pattern, absence, holiday)]
    for one in (row, absence, holiday):
        session.delete(one)
    session.flush()
    session.delete(pattern)
    change = journal.record(session, "cleared", rows, head, NOW)
    session.expire_all()
    journal.undo(session, change, head, NOW)
    session.expire_all()
    back = session.scalars(select(ShiftPattern)).one()
    assert (back.first_day, back.days, back.last_day) == (date(2026, 3, 9), [0], None)
    assert session.scalars(select(Shift.pattern_id)).one() == back.id
    assert session.scalars(select(Absence)).one().kind == "illness"
    assert session.scalars(select(Holiday)).one().day == date(2026, 3, 8)


def test_the_last_change_of_a_row_is_found(session: Session, office: dict[str, User]) -> None:
    row = a_shift(session, office["anna"])
    made(session, row, office["head"])
    last = moved(session, row, office["secretary"], 1)
    made(session, a_shift(session, office["boris"]), office["head"])
    assert journal.last_of(session, "shift", row.id) == last
    assert journal.last_of(session, "shift", 999) is None
