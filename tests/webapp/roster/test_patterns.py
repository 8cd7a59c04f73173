"""Repeating shifts: laid once and ahead, never again where somebody decided otherwise, also when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.roster import journal, patterns, shifts
from webapp.roster.models import Holiday, RosterChange, Shift, ShiftPattern
from webapp.roster.patterns import Rhythm
from webapp.roster.places import GENERAL
from webapp.roster.wallclock import instant, wall_clock

MOSCOW, KYIV = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Kyiv")
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)  # Tuesday noon in Moscow
TODAY = date(2026, 3, 10)
WORKDAYS = Rhythm(date(2026, 3, 9), None, 7, [0, 1, 2, 3, 4], 540, 1080)
TWO_ON_TWO_OFF = Rhythm(date(2026, 3, 11), date(2026, 3, 22), 4, [0, 1], 540, 1080)


def make(session: Session, user: User, rhythm: Rhythm, by: User, zone: ZoneInfo = MOSCOW) -> ShiftPattern:
    return patterns.make(session, user, rhythm, 0, GENERAL, by, NOW, zone)[0]


def days(session: Session, zone: ZoneInfo = MOSCOW) -> list[date]:
    return [wall_clock(at, zone)[0] for at in session.scalars(select(Shift.starts_at).order_by(Shift.starts_at))]


def test_weekdays_are_laid_eight_weeks_ahead(session: Session, office: dict[str, User]) -> None:
    make(session, office["anna"], WORKDAYS, office["head"])
    laid = days(session)
    assert laid[0] == date(2026, 3, 11), "today's has begun already"
    assert laid[-1] == date(2026, 5, 5) and all(day.weekday() < 5 for day in laid) and len(laid) == 40
    row = session.scalars(select(Shift).order_by(Shift.starts_at)).first()
    assert row is not None and (row.starts_at, row.ends_at) == (
        NOW.replace(day=11, hour=6),
        NOW.replace(day=11, hour=15),
    )
    assert row.version == 1 and row.pattern_id is not None


def test_two_days_on_two_off(session: Session, office: dict[str, User]) -> None:
    make(session, office["anna"], TWO_ON_TWO_OFF, office["head"])
    assert [day.day for day in days(session)] == [11, 12, 15, 16, 19, 20]


def test_the_worker_lays_on_and_never_twice(session: Session, office: dict[str, User]) -> None:
    pattern = make(session, office["anna"], WORKDAYS, office["head"])
    session.commit()
    assert patterns.lay_all(session, NOW, MOSCOW) == 0
    assert patterns.lay_all(session, NOW + timedelta(days=1), MOSCOW) == 1
    assert session.scalars(select(Feed.kind)).all().count("standing") == 1, "open pages and bridges are told"
    assert patterns.lay_all(session, NOW + timedelta(days=1), MOSCOW) == 0
    assert pattern.laid_until == TODAY + timedelta(weeks=8, days=1)
    assert len(days(session)) == len(set(days(session))) == 41
    assert session.scalars(select(RosterChange.kind)).all() == ["pattern_made"], "the clock's work is nobody's change"


def test_killed_before_the_commit_nothing_is_half_laid(session: Session, office: dict[str, User]) -> None:
    pattern = make(session, office["anna"], WORKDAYS, office["head"])
    session.commit()
    patterns.lay(session, pattern, NOW + timedelta(days=7), MOSCOW)
    session.rollback()
    assert len(days(session)) == 40 and pattern.laid_until == TODAY + timedelta(weeks=8)
    assert patterns.lay_all(session, NOW + timedelta(days=7), MOSCOW) == 5


def test_of_two_workers_one_lays(session: Session, office: dict[str, User]) -> None:
    pattern = make(session, office["anna"], WORKDAYS, office["head"])
    session.commit()
    later = NOW + timedelta(days=7)
    stale = ShiftPattern(
        **{name: getattr(pattern, name) for name in ("id", "version", "laid_until", "last_day", "first_day")}
    )
    assert len(patterns.lay(session, pattern, later, MOSCOW)) == 5
    assert patterns.lay(session, stale, later, MOSCOW) == [], "what it had read is not so any more"


def test_a_shift_taken_off_stays_off(session: Session, office: dict[str, User]) -> None:
    pattern = make(session, office["anna"], WORKDAYS, office["head"])
    thursday = session.scalars(select(Shift).where(Shift.starts_at == NOW.replace(day=12, hour=6))).one()
    shifts.take_off(session, [thursday])
    session.commit()
    patterns.lay_all(session, NOW + timedelta(hours=1), MOSCOW)
    assert date(2026, 3, 12) not in days(session)
    later = Rhythm(**{**{name: getattr(WORKDAYS, name) for name in Rhythm.__slots__}, "ends": 1200})
    patterns.change(session, pattern, office["anna"], later, 0, GENERAL, office["head"], NOW, MOSCOW)
    assert date(2026, 3, 12) not in days(session), "nor does a changed pattern bring it back"
    assert len(days(session)) == 39


def test_a_change_leaves_what_was_edited_and_what_is_past(session: Session, office: dict[str, User]) -> None:
    anna, boris, head = office["anna"], office["boris"], office["head"]
    pattern = make(session, anna, WORKDAYS, head)
    past = Shift(user_id=anna.id, starts_at=NOW - timedelta(days=1), ends_at=NOW, pattern_id=pattern.id)
    session.add(past)
    edited = session.scalars(select(Shift).where(Shift.starts_at == NOW.replace(day=12, hour=6))).one()
    edited.ends_at, edited.version = NOW.replace(day=12, hour=12), 2
    session.flush()
    evening = Rhythm(date(2026, 3, 9), None, 7, [0, 1, 2, 3, 4], 720, 1200)
    gone, laid = patterns.change(session, pattern, boris, evening, 0, GENERAL, head, NOW, MOSCOW)
    assert (gone, laid) == (39, 39)
    assert {past.user_id, edited.user_id} == {anna.id} and edited.ends_at == NOW.replace(day=12, hour=12)
    others = [row for row in session.scalars(select(Shift)) if row not in (past, edited)]
    assert {(row.user_id, wall_clock(row.starts_at, MOSCOW)[1]) for row in others} == {(boris.id, 720)}
    assert date(2026, 3, 12) not in [wall_clock(row.starts_at, MOSCOW)[0] for row in others]
    change = journal.to_undo(session, head)
    assert change is not None
    journal.undo(session, change, head, NOW)
    session.expire_all()
    assert session.scalars(select(ShiftPattern)).one().user_id == anna.id and len(days(session)) == 41
    assert {row.version for row in session.scalars(select(Shift)) if row.id != edited.id} == {1}


def test_an_ended_pattern_takes_its_coming_shifts_with_it(session: Session, office: dict[str, User]) -> None:
    pattern = make(session, office["anna"], WORKDAYS, office["head"])
    assert patterns.end(session, pattern, date(2026, 3, 13), office["head"], NOW, MOSCOW) == 37
    assert [day.day for day in days(session)] == [11, 12, 13]
    session.commit()
    assert patterns.lay_all(session, NOW + timedelta(days=30), MOSCOW) == 0


def test_a_whole_pattern_is_undone(session: Session, office: dict[str, User]) -> None:
    make(session, office["anna"], WORKDAYS, office["head"])
    change = journal.to_undo(session, office["head"])
    assert change is not None
    journal.undo(session, change, office["head"], NOW)
    assert days(session) == [] and session.scalars(select(ShiftPattern)).all() == []


def test_public_holidays_are_left_out_unless_ticked(session: Session, office: dict[str, User]) -> None:
    session.add_all(
        [Holiday(day=date(2026, 3, 12), name="closed"), Holiday(day=date(2026, 3, 13), name="s", opens=540, closes=720)]
    )
    session.flush()
    make(session, office["anna"], WORKDAYS, office["head"])
    assert [day.day for day in days(session)[:3]] == [11, 13, 16], "on a short day somebody is needed"
    through = Rhythm(date(2026, 3, 9), date(2026, 3, 15), 7, [0, 1, 2, 3, 4], 540, 1080, on_holidays=True)
    make(session, office["boris"], through, office["head"])
    of_boris = session.scalars(select(Shift.starts_at).where(Shift.user_id == office["boris"].id)).all()
    assert NOW.replace(day=12, hour=6) in of_boris


def test_a_holiday_entered_later_takes_off_what_was_laid(session: Session, office: dict[str, User]) -> None:
    make(session, office["anna"], WORKDAYS, office["head"])
    edited = session.scalars(select(Shift).where(Shift.starts_at == NOW.replace(day=13, hour=6))).one()
    edited.version = 2
    session.flush()
    gone = patterns.rest_on(session, [date(2026, 3, 12), date(2026, 3, 13)], NOW, MOSCOW)
    assert [entry["before"]["starts_at"][:10] for entry in gone] == ["2026-03-12"]
    assert edited in session.scalars(select(Shift)).all()


def test_whoever_has_a_shift_then_or_has_left_is_not_put_on(session: Session, office: dict[str, User]) -> None:
    session.add(
        Shift(user_id=office["anna"].id, starts_at=NOW.replace(day=11, hour=8), ends_at=NOW.replace(day=11, hour=9))
    )
    session.flush()
    make(session, office["anna"], TWO_ON_TWO_OFF, office["head"])
    assert [day.day for day in days(session)] == [11, 12, 15, 16, 19, 20], "the eleventh is the shift that was there"
    office["boris"].active = False
    make(session, office["boris"], TWO_ON_TWO_OFF, office["head"])
    assert len(days(session)) == 6


@pytest.mark.parametrize("starts, ends, word", [(540, 540, "before it starts"), (540, 2000, "24 hours")])
def test_impossible_hours_are_refused(
    session: Session, office: dict[str, User], starts: int, ends: int, word: str
) -> None:
    with pytest.raises(shifts.Refused, match=word):
        make(session, office["anna"], Rhythm(TODAY, None, 7, [0], starts, ends), office["head"])


def test_nights_are_laid_by_the_wall_clock_when_clocks_change(session: Session, office: dict[str, User]) -> None:
    nights = Rhythm(date(2026, 3, 27), date(2026, 3, 29), 1, [0], 22 * 60, 30 * 60)
    make(session, office["anna"], nights, office["head"], KYIV)
    rows = session.scalars(select(Shift).order_by(Shift.starts_at)).all()
    assert [(row.ends_at - row.starts_at) // timedelta(hours=1) for row in rows] == [8, 7, 8]
    assert {(wall_clock(row.starts_at, KYIV)[1], wall_clock(row.ends_at, KYIV)[1]) for row in rows} == {(1320, 360)}


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["Europe/Kyiv", "Europe/Athens", "Europe/London"]),
    st.sampled_from([date(2026, 3, 25), date(2026, 10, 21)]),
    st.integers(1, 6),
    st.integers(0, 95),
    st.integers(1, 96),
)
def test_matching_days_keep_their_wall_clock(zone: str, first: date, cycle: int, start: int, length: int) -> None:
    """Every laid shift shows the pattern's hours on the wall, or the instant of the change where those don't exist."""
    there = ZoneInfo(zone)
    pattern = ShiftPattern(first_day=first, last_day=None, cycle_days=cycle, days=[0], starts=start * 15, ends=0)
    found = list(patterns.matching(pattern, first - timedelta(days=3), first + timedelta(days=9)))
    assert found == [first + timedelta(days=step) for step in range(0, 10, cycle)]
    for day in found:
        starts, ends = instant(day, start * 15, there), instant(day, (start + length) * 15, there)
        assert starts <= ends
        shown, minutes = wall_clock(starts, there)
        late = (shown - day).days * 1440 + minutes - start * 15
        assert 0 <= late <= 60 and (late == 0 or instant(day, start * 15 - late, there) <= starts)
