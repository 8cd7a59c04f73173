"""Public holidays: days on which the office is closed or opens for other hours than usual."""

from __future__ import annotations

from datetime import date

import holidays as countries
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.office.models import Office
from webapp.roster.models import Holiday

LONGEST_NAME = 120


def between(session: Session, first: date, last: date) -> dict[date, Holiday]:
    """The holidays from `first` to `last`, both included, by day."""
    rows = session.scalars(select(Holiday).where(Holiday.day >= first, Holiday.day <= last).order_by(Holiday.day))
    return {row.day: row for row in rows}


def mark(row: Holiday | None) -> str:
    """What a day is, in a word that its form carries: of two who change it, the later one is told."""
    return "" if row is None else f"{row.name}|{row.opens}|{row.closes}"


def alone(session: Session) -> None:
    """Of two who change the calendar in one moment, the second waits and sees what the first has done."""
    session.execute(select(Office.id).with_for_update())


def proposed(country: str, language: str, year: int) -> dict[date, str]:
    """The public holidays of a country (ISO 3166, two letters) in a year, named in `language` where they can be.

    Empty for a country whose holidays nobody has collected, and for a year without any.
    """
    known = countries.list_localized_countries()
    if country not in countries.list_supported_countries():
        return {}
    names = next((one for one in known.get(country, []) if one.split("_")[0] == language), None)
    days = countries.country_holidays(country, years=year, language=names)
    return {day: name[:LONGEST_NAME] for day, name in sorted(days.items()) if day.year == year}


def fill(session: Session, country: str, language: str, year: int) -> list[Holiday]:
    """Enter a country's public holidays of `year`; returns those that are new. What is there stays as it is."""
    alone(session)
    there = between(session, date(year, 1, 1), date(year, 12, 31))
    new = [Holiday(day=day, name=name) for day, name in proposed(country, language, year).items() if day not in there]
    session.add_all(new)
    session.flush()
    return new
