"""Public holidays of a country: entered once, in the reader's language, and left as they were edited."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from webapp.roster import holidays
from webapp.roster.models import Holiday


def test_a_year_is_filled_once_and_edits_stay(session: Session) -> None:
    session.add(Holiday(day=date(2027, 2, 23), name="Half a day", opens=540, closes=780))
    session.flush()
    new = holidays.fill(session, "RU", "ru", 2027)
    assert date(2027, 1, 1) in {row.day for row in new} and "Рождество Христово" in {row.name for row in new}
    assert holidays.fill(session, "RU", "en", 2027) == []
    there = holidays.between(session, date(2027, 1, 1), date(2027, 12, 31))
    assert there[date(2027, 2, 23)].closes == 780 and len(there) == len(new) + 1


def test_a_country_nobody_collected_proposes_nothing() -> None:
    assert holidays.proposed("XX", "en", 2027) == {}
    assert holidays.proposed("GB", "ru", 2027), "in its own language when there is no other"
