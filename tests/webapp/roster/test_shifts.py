"""Changing the roster: what is refused and why, and a week copied across a change of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.office.models import Line
from webapp.roster import journal, shifts
from webapp.roster.forms import shift_values
from webapp.roster.models import Shift
from webapp.roster.places import Place
from webapp.roster.shifts import Copied, Refused, Wall
from webapp.roster.wallclock import exists, instant, wall_clock

MOSCOW, KYIV = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Kyiv")
TUESDAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)


def put(
    session: Session,
    user: User,
    day: date,
    start: int,
    end: int,
    *,
    override: bool = False,
    zone: ZoneInfo = MOSCOW,
    shift: Shift | None = None,
) -> Shift:
    return shifts.set_shift(session, shift, user, Wall(day, start * 60, end * 60), 0, override, zone)


def test_a_shift_is_kept_in_utc(session: Session, office: dict[str, User]) -> None:
    row = put(session, office["anna"], TUESDAY, 9, 18)
    assert (row.starts_at, row.ends_at) == (datetime(2026, 3, 10, 6, tzinfo=UTC), datetime(2026, 3, 10, 15, tzinfo=UTC))


def test_a_shift_over_midnight(session: Session, office: dict[str, User]) -> None:
    row = put(session, office["anna"], TUESDAY, 22, 30)
    assert wall_clock(row.ends_at, MOSCOW) == (TUESDAY + timedelta(days=1), 6 * 60)


@pytest.mark.parametrize("start, end, word", [(18, 9, "before"), (9, 9, "before"), (9, 34, "24 hours")])
def test_an_impossible_shift_is_refused(
    session: Session, office: dict[str, User], start: int, end: int, word: str
) -> None:
    with pytest.raises(Refused, match=word) as refused:
        put(session, office["anna"], TUESDAY, start, end)
    assert refused.value.field == "ends"


def test_a_time_the_clocks_skip_is_refused(session: Session, office: dict[str, User]) -> None:
    with pytest.raises(Refused, match="no 03:00") as refused:
        put(session, office["anna"], date(2026, 3, 29), 3, 9, zone=KYIV)
    assert refused.value.field == "starts"
    with pytest.raises(Refused, match="clocks go forward"):
        put(session, office["anna"], date(2026, 3, 28), 22, 27, zone=KYIV)
    put(session, office["anna"], date(2026, 3, 29), 3, 9, zone=MOSCOW)


def test_nobody_has_two_shifts_at_once(session: Session, office: dict[str, User]) -> None:
    anna = office["anna"]
    first = put(session, anna, TUESDAY, 9, 14)
    put(session, anna, TUESDAY, 14, 18)
    put(session, office["boris"], TUESDAY, 9, 14)
    with pytest.raises(Refused, match="09:00–14:00"):
        put(session, anna, TUESDAY, 13, 15)
    put(session, anna, TUESDAY, 8, 14, shift=first)  # its own old time is not in the way
    put(session, anna, TUESDAY, 8, 10, override=True)  # a change for the day lies over it
    with pytest.raises(Refused):
        put(session, anna, TUESDAY, 9, 11, override=True)


def test_a_week_is_copied_at_the_same_wall_clock_times_when_clocks_change(
    session: Session, office: dict[str, User]
) -> None:
    monday = date(2026, 3, 23)  # Kyiv's clocks go forward on the 29th
    put(session, office["anna"], monday, 9, 18, zone=KYIV)
    put(session, office["boris"], monday + timedelta(days=5), 22, 30, zone=KYIV)
    put(session, office["vera"], monday + timedelta(days=1), 9, 18, zone=KYIV, override=True)
    office["secretary"].active = False
    put(session, office["secretary"], monday, 9, 18, zone=KYIV)
    assert shifts.copy_week(session, monday, 1, office["head"], NOW, KYIV) == Copied(made=2, skipped=0)
    copied = session.scalars(
        select(Shift).where(Shift.starts_at > instant(monday, 7 * 1440, KYIV)).order_by(Shift.starts_at)
    ).all()
    assert [wall_clock(row.starts_at, KYIV) for row in copied] == [
        (date(2026, 3, 30), 9 * 60),
        (date(2026, 4, 4), 22 * 60),
    ]
    assert wall_clock(copied[1].ends_at, KYIV) == (date(2026, 4, 5), 6 * 60)
    assert copied[0].starts_at.hour == 6, "summer time: an hour earlier in UTC than the week before"


def test_a_second_copy_skips_what_is_there(session: Session, office: dict[str, User]) -> None:
    monday = date(2026, 3, 9)
    put(session, office["anna"], monday, 9, 14)
    put(session, office["boris"], monday, 14, 18)
    put(session, office["boris"], monday + timedelta(days=7), 17, 20)
    assert shifts.copy_week(session, monday, 1, office["head"], NOW, MOSCOW) == Copied(made=1, skipped=1)
    assert shifts.copy_week(session, monday, 1, office["head"], NOW, MOSCOW) == Copied(made=0, skipped=2)
    assert shifts.copy_week(session, date(2026, 1, 5), 1, office["head"], NOW, MOSCOW) == Copied(0, 0)


def test_a_night_shift_copied_onto_the_skipped_hour_neither_vanishes_nor_overlaps(
    session: Session, office: dict[str, User]
) -> None:
    saturday = date(2026, 3, 21)
    half_past_three = Wall(saturday, 22 * 60, 24 * 60 + 3 * 60 + 30)
    shifts.set_shift(session, None, office["anna"], half_past_three, 0, False, KYIV)
    shifts.set_shift(
        session, None, office["boris"], Wall(date(2026, 3, 22), 3 * 60 + 30, 9 * 60), 0, False, KYIV
    )  # fmt: skip
    shifts.copy_week(session, date(2026, 3, 16), 1, office["head"], NOW, KYIV)
    anna, boris = session.scalars(
        select(Shift).where(Shift.starts_at > datetime(2026, 3, 25, tzinfo=UTC)).order_by(Shift.starts_at)
    )
    assert anna.ends_at == boris.starts_at == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_week_is_copied_several_weeks_ahead_with_lines_and_regions(session: Session, office: dict[str, User]) -> None:
    line = Line(name="ads", title="Advertisements")
    session.add(line)
    session.flush()
    monday, head = date(2026, 3, 9), office["head"]
    put(session, office["anna"], monday, 9, 14)
    shifts.set_shift(
        session, None, office["anna"], Wall(monday, 540, 840), 0, False, MOSCOW, Place(line_id=line.id)
    )  # fmt: skip
    assert shifts.copy_week(session, monday, 3, head, NOW, MOSCOW) == Copied(made=6, skipped=0)
    assert [row.line_id for row in session.scalars(select(Shift).order_by(Shift.id))].count(line.id) == 4
    change = journal.to_undo(session, head)
    assert change is not None and change.facts == {"monday": "2026-03-09", "weeks": 3, "count": 6}
    journal.undo(session, change, head, NOW)
    assert len(session.scalars(select(Shift)).all()) == 2


def test_a_week_is_cleared_from_now_on(session: Session, office: dict[str, User]) -> None:
    begun, coming = put(session, office["anna"], TUESDAY, 9, 14), put(session, office["boris"], TUESDAY, 14, 18)
    put(session, office["vera"], TUESDAY + timedelta(days=6), 9, 14)
    assert shifts.clear_week(session, date(2026, 3, 9), office["head"], NOW, MOSCOW) == 1
    assert begun in session.scalars(select(Shift)).all() and coming not in session.scalars(select(Shift)).all()
    assert shifts.clear_week(session, date(2026, 3, 9), office["head"], NOW, MOSCOW) == 0
    journal.undo(session, journal.to_undo(session, office["head"]), office["head"], NOW)  # type: ignore[arg-type]
    assert len(session.scalars(select(Shift)).all()) == 3


NIGHTS = [
    (ZoneInfo(zone), day)
    for zone in ("Europe/Kyiv", "Europe/Athens", "Europe/London")
    for day in (date(2026, 3, 28), date(2026, 3, 29), date(2026, 10, 24), date(2026, 10, 25))
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(NIGHTS), st.integers(0, 95), st.integers(1, 96))
def test_wall_clock_and_utc_agree_in_the_nights_when_clocks_change(
    night: tuple[ZoneInfo, date], start: int, length: int
) -> None:
    """What the clock shows at both ends of a shift is what was typed, and its length is that of the real hours."""
    zone, day = night
    begins, ends = start * 15, (start + length) * 15
    typed_exists = exists(day, begins, zone) and exists(day, ends, zone)
    try:
        starts_at, ends_at = (shifts.instant_typed("x", day, minutes, zone) for minutes in (begins, ends))
    except Refused:
        assert not typed_exists
        return
    assert typed_exists
    for instant_, minutes in ((starts_at, begins), (ends_at, ends)):
        shown, at = wall_clock(instant_, zone)
        assert (shown - day).days * 1440 + at == minutes
    shift_of_clocks = starts_at.astimezone(zone).utcoffset() - ends_at.astimezone(zone).utcoffset()  # type: ignore[operator]
    assert ends_at - starts_at == timedelta(minutes=length * 15) + shift_of_clocks
    values = shift_values(
        Shift(user_id=1, starts_at=starts_at, ends_at=ends_at, rank=0, override=False, version=1), zone
    )
    back = values["ends"] + (1440 if values["over_midnight"] else 0)
    assert (values["day"], values["starts"]) == ((day + timedelta(days=begins // 1440)).isoformat(), begins % 1440)
    assert back == ends - begins // 1440 * 1440, "the form shows what would make the same shift again"
