"""Who is on duty: a table of cases, and the rule itself checked minute by minute, also when clocks change."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.office.models import Line, Office
from webapp.office.queries import the_office
from webapp.roster import duty
from webapp.roster.duty import Span
from webapp.roster.models import Absence, Holiday, Shift
from webapp.roster.wallclock import exists, instant, wall_clock

DAY = datetime(2026, 3, 10, tzinfo=UTC)


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def shift(user: int, start: float, end: float, rank: int = 0, override: bool = False) -> Span:
    return Span(user, at(start), at(end), rank, override)


def away(user: int, start: float, end: float) -> Span:
    return Span(user, at(start), at(end))


CASES = {
    "the start counts": ([shift(1, 9, 12)], [], 9, [(1, 12)]),
    "the end does not": ([shift(1, 9, 12)], [], 12, []),
    "a hand-over has no seam": ([shift(1, 9, 12), shift(2, 12, 18)], [], 12, [(2, 18)]),
    "adjacent shifts are one duty": ([shift(1, 9, 12), shift(1, 12, 15), shift(1, 16, 18)], [], 10, [(1, 15)]),
    "several, who came first first": (
        [shift(2, 10, 18), shift(1, 9, 12), shift(3, 9, 12)],
        [],
        11,
        [(1, 12), (3, 12), (2, 18)],
    ),
    "backups come after": ([shift(1, 8, 18, rank=1), shift(2, 9, 18)], [], 10, [(2, 18), (1, 18)]),
    "nobody twice": ([shift(1, 9, 12), shift(1, 9, 18, rank=1)], [], 10, [(1, 12)]),
    "duty does not run on into backup": ([shift(1, 9, 12), shift(1, 12, 18, rank=1)], [], 10, [(1, 12)]),
    "an override replaces everybody of its rank": (
        [shift(1, 9, 18), shift(2, 9, 18), shift(3, 11, 13, override=True)],
        [],
        12,
        [(3, 13)],
    ),
    "and only of its rank": (
        [shift(1, 9, 18), shift(2, 9, 18, 1), shift(3, 11, 13, 1, True)],
        [],
        12,
        [(1, 18), (3, 13)],
    ),
    "before it the plain shift ends where it starts": (
        [shift(1, 9, 18), shift(3, 11, 13, override=True)],
        [],
        10,
        [(1, 11)],
    ),
    "after it the plain shift goes on": ([shift(1, 9, 18), shift(3, 11, 13, override=True)], [], 13, [(1, 18)]),
    "one's own override is the same duty": ([shift(1, 9, 18), shift(1, 11, 13, override=True)], [], 10, [(1, 18)]),
    "two overrides both count": ([shift(1, 9, 18, 0, True), shift(2, 9, 12, 0, True)], [], 10, [(1, 18), (2, 12)]),
    "the absent are out": ([shift(1, 9, 18), shift(2, 9, 18)], [away(1, 8, 20)], 10, [(2, 18)]),
    "an absence cuts the duty": ([shift(1, 9, 18)], [away(1, 12, 13)], 10, [(1, 12)]),
    "its end is the return": ([shift(1, 9, 18)], [away(1, 12, 13)], 13, [(1, 18)]),
    "an absent override leaves a gap": ([shift(1, 9, 18), shift(3, 9, 18, override=True)], [away(3, 9, 18)], 10, []),
    "a shift over midnight": ([shift(1, 22, 30)], [], 25, [(1, 30)]),
}


@pytest.mark.parametrize("shifts, absences, hour, expected", CASES.values(), ids=CASES.keys())
def test_on_duty_at(shifts: list[Span], absences: list[Span], hour: float, expected: list[tuple[int, float]]) -> None:
    found = [(span.user_id, until) for span, until in duty.on_duty_at(shifts, absences, at(hour))]
    assert found == [(user, at(until)) for user, until in expected]


# Clocks go forward and back in these nights; Moscow keeps one time all year.
NIGHTS = [
    (ZoneInfo(zone), day)
    for zone in ("Europe/Kyiv", "Europe/Athens", "Europe/London", "Europe/Moscow")
    for day in (date(2026, 3, 29), date(2026, 10, 25))
]
STEP = timedelta(minutes=15)
wall_spans = st.tuples(
    st.integers(1, 3), st.integers(-96, 190), st.integers(1, 96), st.integers(0, 1), st.booleans()
)  # person, start and length in quarters of an hour from the night's midnight, rank, override


def spans_of(walls: list[tuple[int, int, int, int, bool]], zone: ZoneInfo, day: date) -> list[Span]:
    return [
        Span(user, instant(day, start * 15, zone), instant(day, (start + length) * 15, zone), rank, override)
        for user, start, length, rank, override in walls
    ]


def plainly_on_duty(shifts: list[Span], absences: list[Span], moment: datetime, rank: int) -> set[int]:
    """The rule as one would say it, for one moment."""
    now = [span for span in shifts if span.rank == rank and span.starts <= moment < span.ends]
    if any(span.override for span in now):
        now = [span for span in now if span.override]
    gone = {span.user_id for span in absences if span.starts <= moment < span.ends}
    return {span.user_id for span in now} - gone


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(NIGHTS), st.lists(wall_spans, max_size=6), st.lists(wall_spans, max_size=2))
def test_the_rule_holds_at_every_moment(night: tuple[ZoneInfo, date], walls: list, away_walls: list) -> None:  # type: ignore[type-arg]
    zone, day = night
    shifts, absences = spans_of(walls, zone, day), spans_of(away_walls, zone, day)
    moment, end = instant(day, -48 * 60, zone), instant(day, 72 * 60, zone)
    while moment < end:
        found = duty.on_duty_at(shifts, absences, moment)
        on_duty = plainly_on_duty(shifts, absences, moment, duty.DUTY)
        backup = plainly_on_duty(shifts, absences, moment, duty.BACKUP) - on_duty
        assert [span.rank for span, _ in found] == [0] * len(on_duty) + [1] * len(backup)
        assert {span.user_id for span, _ in found if span.rank == 0} == on_duty
        assert {span.user_id for span, _ in found if span.rank == 1} == backup
        for span, until in found:
            assert until > moment
            assert span.user_id not in plainly_on_duty(shifts, absences, until, span.rank)
            assert span.user_id in plainly_on_duty(shifts, absences, until - timedelta(seconds=1), span.rank)
        moment += STEP


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(NIGHTS),
    st.lists(wall_spans, max_size=6),
    st.integers(0, 95),
    st.integers(1, 96),
    st.sets(st.integers(0, 6)),
)
def test_gaps_are_exactly_the_uncovered_working_hours(
    night: tuple[ZoneInfo, date],
    walls: list,
    opens: int,
    length: int,
    workdays: set[int],  # type: ignore[type-arg]
) -> None:
    zone, day = night
    office = Office(opens=opens * 15, closes=min(opens + length, 96) * 15, workdays=sorted(workdays))
    shifts = spans_of(walls, zone, day)
    start, end = instant(day, -24 * 60, zone), instant(day, 48 * 60, zone)
    found = duty.uncovered(duty.working_hours(office, start, end, zone, {}), duty.effective(shifts, []))
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(found)), "in order, and nothing twice"
    moment = start
    while moment < end:
        date_there, minutes = wall_clock(moment, zone)
        open_now = date_there.weekday() in workdays and office.opens <= minutes < office.closes
        # In a repeated hour the clock shows a time before the opening or after the closing it has already passed.
        repeated = moment.astimezone(zone).fold == 1
        expected = open_now and not plainly_on_duty(shifts, [], moment, duty.DUTY)
        if not repeated:
            assert any(a <= moment < b for a, b in found) == expected, moment
        moment += STEP


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(NIGHTS), st.integers(-200, 300), st.integers(0, 100))
def test_wall_clock_times_never_run_backwards(night: tuple[ZoneInfo, date], start: int, later: int) -> None:
    zone, day = night
    first, second = instant(day, start * 15, zone), instant(day, (start + later) * 15, zone)
    assert first <= second
    if exists(day, start * 15, zone):
        shown, minutes = wall_clock(first, zone)
        assert (shown - day).days * 1440 + minutes == start * 15


@pytest.mark.parametrize("zone", ["Europe/Kyiv", "Europe/Athens", "Europe/London"])
def test_a_day_of_shifts_covers_every_instant_once_when_clocks_change(zone: str) -> None:
    there = ZoneInfo(zone)
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        shifts = [Span(q, instant(day, q * 15, there), instant(day, q * 15 + 15, there)) for q in range(96)]
        start, end = instant(day, 0, there), instant(day, 1440, there)
        assert end - start == timedelta(hours=hours)
        moment = start
        while moment < end:
            assert len(duty.on_duty_at(shifts, [], moment)) == 1
            moment += timedelta(minutes=5)


def test_a_skipped_time_does_not_exist() -> None:
    kyiv = ZoneInfo("Europe/Kyiv")
    assert not exists(date(2026, 3, 29), 3 * 60 + 30, kyiv)
    assert exists(date(2026, 3, 29), 4 * 60, kyiv)
    assert instant(date(2026, 3, 29), 3 * 60 + 30, kyiv) == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert exists(date(2026, 3, 29), 3 * 60 + 30, ZoneInfo("Europe/Moscow"))


def add(session: Session, user: User, start: float, end: float, rank: int = 0, override: bool = False) -> None:
    session.add(Shift(user_id=user.id, starts_at=at(start), ends_at=at(end), rank=rank, override=override))
    session.flush()


def test_on_duty_from_the_tables(session: Session, office: dict[str, User]) -> None:
    anna, boris, vera = office["anna"], office["boris"], office["vera"]
    add(session, anna, 6, 10)
    add(session, anna, 10, 15)
    add(session, boris, 6, 15, rank=1)
    add(session, vera, 6, 15)
    session.add(Absence(user_id=vera.id, starts_at=at(-48), ends_at=at(48), reason="ill"))
    session.flush()
    found = duty.on_duty(session, at(9))
    assert [(one.user.login, one.until, one.rank, one.why) for one in found] == [
        ("anna", at(15), 0, "shift"),
        ("boris", at(15), 1, "shift"),
    ]
    add(session, boris, 9, 10, override=True)
    assert [(one.user.login, one.rank, one.why) for one in duty.on_duty(session, at(9))] == [("boris", 0, "override")]


def test_people_who_left_count_for_nothing_not_even_their_overrides(session: Session, office: dict[str, User]) -> None:
    add(session, office["anna"], 6, 15)
    add(session, office["boris"], 6, 15, override=True)
    office["boris"].active = False
    session.flush()
    assert [one.user.login for one in duty.on_duty(session, at(9))] == ["anna"]


def test_absence_of(session: Session, office: dict[str, User]) -> None:
    anna = office["anna"]
    session.add(Absence(user_id=anna.id, starts_at=at(9), ends_at=at(12), reason="dentist"))
    session.add(Absence(user_id=anna.id, starts_at=at(10), ends_at=at(20), reason="then home"))
    session.flush()
    assert duty.absence_of(session, anna, at(8)) is None
    assert duty.absence_of(session, anna, at(11)).reason == "then home"  # type: ignore[union-attr]
    assert duty.absence_of(session, anna, at(20)) is None
    assert duty.absence_of(session, office["boris"], at(11)) is None


def test_gaps_of_the_working_week(session: Session, office: dict[str, User]) -> None:
    add(session, office["anna"], 6, 9)  # Tuesday 09:00-12:00 in Moscow
    add(session, office["boris"], 10, 16, rank=1)  # a backup is not the one on duty
    add(session, office["vera"], 13, 24)
    start = instant(date(2026, 3, 10), 0, ZoneInfo("Europe/Moscow"))
    assert duty.gaps(session, start, start + timedelta(days=1)) == [(at(9), at(13))]
    saturday = start + timedelta(days=4)
    assert duty.gaps(session, saturday, saturday + timedelta(days=2)) == []


def test_who_is_on_duty_takes_two_queries(
    session: Session, office: dict[str, User], count_queries: Callable[[], int]
) -> None:
    for person in ("anna", "boris", "vera"):
        add(session, office[person], 6, 15)
    session.commit()
    session.scalar(select(1))  # the transaction's own beginning is not counted
    before = count_queries()
    assert [one.user.name for one in duty.on_duty(session, at(9))]
    assert count_queries() - before == 3


def of(user: int, start: float, end: float, line: int | None, region: int | None, rank: int = 0) -> Span:
    return Span(user, at(start), at(end), rank, False, line, region)


NEAREST = {
    "a line's own come first": ([of(1, 9, 18, None, None), of(2, 9, 18, 7, None)], (7, None), [2]),
    "another line's roster is not asked": ([of(1, 9, 18, None, None), of(2, 9, 18, 7, None)], (8, None), [1]),
    "nor for a call of no line": ([of(2, 9, 18, 7, None)], (None, None), []),
    "general duty stands in": ([of(1, 9, 18, None, None), of(2, 14, 18, 7, None)], (7, None), [1]),
    "a region's own": ([of(1, 9, 18, None, None), of(2, 9, 18, None, 3)], (7, 3), [2]),
    "a line before a region": ([of(1, 9, 18, 7, None), of(2, 9, 18, None, 3)], (7, 3), [1]),
    "both before either": ([of(1, 9, 18, 7, None), of(2, 9, 18, 7, 3)], (7, 3), [2]),
    "each rank by itself": ([of(1, 9, 18, 7, None), of(2, 9, 18, None, None, 1)], (7, None), [1, 2]),
}


@pytest.mark.parametrize("shifts, place, expected", NEAREST.values(), ids=NEAREST.keys())
def test_the_nearest_shifts_count(
    shifts: list[Span], place: tuple[int | None, int | None], expected: list[int]
) -> None:
    assert [span.user_id for span, _ in duty.on_duty_at(shifts, [], at(12), *place)] == expected


def test_general_duty_stands_in_for_a_line_whose_people_are_away() -> None:
    shifts = [of(1, 9, 18, None, None), of(2, 9, 18, 7, None)]
    assert [span.user_id for span, _ in duty.on_duty_at(shifts, [away(2, 11, 13)], at(12), 7)] == [1]


def test_an_override_of_a_line_leaves_general_duty_alone() -> None:
    shifts = [of(1, 9, 18, None, None), of(2, 9, 18, 7, None), Span(3, at(9), at(18), 0, True, 7)]
    assert [span.user_id for span, _ in duty.on_duty_at(shifts, [], at(12), 7)] == [3]
    assert [span.user_id for span, _ in duty.on_duty_at(shifts, [], at(12))] == [1]


def test_a_line_with_a_roster_of_its_own_has_its_gaps_named(session: Session, office: dict[str, User]) -> None:
    line = Line(name="ads", title="Advertisements")
    session.add_all([line, Line(name="plain", title="Plain")])
    session.flush()
    add(session, office["anna"], 6, 12)
    session.add(Shift(user_id=office["boris"].id, starts_at=at(6), ends_at=at(10), line_id=line.id))
    session.flush()
    start = instant(date(2026, 3, 10), 0, ZoneInfo("Europe/Moscow"))
    found = duty.line_gaps(session, start, start + timedelta(days=1))
    assert [(gap.line.name, gap.starts, gap.ends, gap.answered) for gap in found] == [
        ("ads", at(10), at(12), True),
        ("ads", at(12), at(15), False),
    ]
    assert duty.gaps(session, start, start + timedelta(days=1)) == [(at(12), at(15))], "general duty has its own gap"
    month_later = start + timedelta(days=30)
    assert duty.line_gaps(session, month_later, month_later + timedelta(days=1)) == [], "its roster is over"


def test_everybody_on_a_shift_anywhere(session: Session, office: dict[str, User]) -> None:
    line = Line(name="ads", title="Advertisements")
    session.add(line)
    session.flush()
    add(session, office["anna"], 6, 15, rank=1)
    session.add(Shift(user_id=office["boris"].id, starts_at=at(6), ends_at=at(15), line_id=line.id))
    session.flush()
    assert [(one.user.login, one.rank, one.line_id) for one in duty.anywhere(session, at(9))] == [
        ("boris", 0, line.id),
        ("anna", 1, None),
    ]


def test_public_holidays_have_hours_of_their_own(session: Session, office: dict[str, User]) -> None:
    moscow, row = ZoneInfo("Europe/Moscow"), the_office(session)
    session.add_all(
        [
            Holiday(day=date(2026, 3, 10), name="closed"),
            Holiday(day=date(2026, 3, 11), name="short", opens=540, closes=720),
            Holiday(day=date(2026, 3, 14), name="a Saturday at work", opens=600, closes=660),
        ]
    )
    session.flush()
    start = instant(date(2026, 3, 10), 0, moscow)
    assert duty.gaps(session, start, start + timedelta(days=5)) == [
        (at(24 + 6), at(24 + 9)),
        (at(48 + 6), at(48 + 15)),
        (at(72 + 6), at(72 + 15)),
        (at(96 + 7), at(96 + 8)),
    ]
    assert not duty.is_open(session, row, at(9), moscow)
    assert duty.is_open(session, row, at(24 + 8), moscow) and not duty.is_open(session, row, at(24 + 9), moscow)
