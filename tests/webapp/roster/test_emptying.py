"""Hours an absence leaves with nobody on duty: the rule beside a minute-by-minute reading of the roster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.office.models import Line, LinePerson
from webapp.roster import duty, emptying
from webapp.roster.duty import Span
from webapp.roster.models import Absence, Shift

DAY = datetime(2026, 3, 10, tzinfo=UTC)
STEP = timedelta(minutes=30)
MOSCOW = ZoneInfo("Europe/Moscow")


def at(half_hours: int) -> datetime:
    return DAY + half_hours * STEP


def _span(user: int, start: int, length: int, **more: object) -> Span:
    return Span(user, at(start), at(start + length), **more)  # type: ignore[arg-type]


people = st.integers(1, 3)
when = st.tuples(st.integers(0, 40), st.integers(1, 12))
shifts = st.builds(
    lambda user, span, rank, override, line: _span(user, *span, rank=rank, override=override, line_id=line),
    people,
    when,
    st.sampled_from([0, 0, 0, 1]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([None, None, 1]),
)
gone = st.builds(lambda user, span: _span(user, *span), people, when)
LINE = Line(id=1, name="site", title="Site")
HOURS = [(at(6), at(20)), (at(24), at(44))]


@given(st.lists(shifts, max_size=8), st.lists(gone, max_size=3), gone)
def test_it_names_just_the_hours_that_the_absence_takes_the_last_one_from(
    laid: list[Span], before: list[Span], absence: Span
) -> None:
    found = emptying.emptied([LINE], HOURS, laid, before, [*before, absence])
    for number in range(50):
        instant = at(number)
        open_ = any(starts <= instant < ends for starts, ends in HOURS)
        general = [span for span in laid if span.line_id is None]

        def answered(spans: list[Span], away: list[Span], instant: datetime = instant) -> bool:
            return any(
                span.rank == duty.DUTY and span.starts <= instant < span.ends for span in duty.effective(spans, away)
            )

        emptied = open_ and answered(general, before) and not answered(general, [*before, absence])
        named = [one for one in found if one.line is None and one.starts <= instant < one.ends]
        assert bool(named) is emptied
        own = [span for span in laid if span.line_id == 1]
        of_line = open_ and answered(own, before) and not answered(own, [*before, absence])
        named = [one for one in found if one.line is LINE and one.starts <= instant < one.ends]
        assert bool(named) is of_line
        assert all(one.answered is answered(general, [*before, absence]) for one in named)


@given(st.lists(shifts, max_size=8), st.lists(gone, max_size=3))
def test_nothing_changed_empties_nothing(laid: list[Span], away: list[Span]) -> None:
    assert emptying.emptied([LINE], HOURS, laid, away, away) == []


def test_of_an_absence_that_is_there(session: Session, office: dict[str, User]) -> None:
    anna, boris = office["anna"], office["boris"]
    noon = DAY + timedelta(hours=9)
    session.add(Shift(user_id=anna.id, starts_at=DAY + timedelta(hours=6), ends_at=DAY + timedelta(hours=15)))
    session.add(Shift(user_id=boris.id, starts_at=DAY + timedelta(hours=11), ends_at=DAY + timedelta(hours=15)))
    absence = Absence(user_id=anna.id, starts_at=DAY, ends_at=DAY + timedelta(hours=13))
    session.add(absence)
    session.flush()
    found = emptying.by_absence(session, absence, None, noon)
    assert [(one.line, one.starts, one.ends) for one in found] == [(None, noon, DAY + timedelta(hours=11))], (
        "from now on"
    )
    (words,) = emptying.words(found, MOSCOW)
    assert (words.title, words.hours) == ("", ["Tue 10 Mar 12:00–14:00"])
    longer = Span(anna.id, DAY, DAY + timedelta(hours=10))
    found = emptying.by_absence(session, absence, longer, noon)
    assert [(one.starts, one.ends) for one in found] == [(DAY + timedelta(hours=10), DAY + timedelta(hours=11))]
    assert emptying.by_absence(session, absence, None, DAY + timedelta(hours=14)) == [], "what is over empties nothing"


def test_the_people_of_a_line_are_its_roster(session: Session, office: dict[str, User]) -> None:
    anna, boris = office["anna"], office["boris"]
    session.add(Shift(user_id=boris.id, starts_at=DAY + timedelta(hours=6), ends_at=DAY + timedelta(hours=15)))
    line = session.scalars(select(Line).order_by(Line.id)).first()
    assert line is not None
    line.people = [LinePerson(user_id=anna.id)]
    absence = Absence(user_id=anna.id, starts_at=DAY + timedelta(hours=7), ends_at=DAY + timedelta(hours=8))
    session.add(absence)
    session.flush()
    (one,) = emptying.by_absence(session, absence, None, DAY)
    assert (one.line, one.starts, one.ends, one.answered) == (line, absence.starts_at, absence.ends_at, True)


def test_who_says_all_the_same_says_it_to_what_he_was_shown() -> None:
    one = emptying.Emptied(None, at(6), at(8))
    later = emptying.Emptied(None, at(6), at(9))
    assert emptying.mark([], DAY) == ""
    assert emptying.mark([one], at(6)) == emptying.mark([emptying.Emptied(None, at(7), at(8))], at(7)), "both run"
    assert len({emptying.mark(found, DAY) for found in ([one], [later], [one, later])}) == 3
