"""Absences: what is refused and why."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.roster import absences
from webapp.roster.models import Absence
from webapp.roster.shifts import Refused

MOSCOW = ZoneInfo("Europe/Moscow")
TUESDAY = date(2026, 3, 10)


def test_absences(session: Session, office: dict[str, User]) -> None:
    anna = office["anna"]
    row = absences.set_absence(session, None, anna, (TUESDAY, 540), (TUESDAY, 720), "dentist", MOSCOW)
    with pytest.raises(Refused, match="already away"):
        absences.set_absence(session, None, anna, (TUESDAY, 600), (TUESDAY, 800), "", MOSCOW)
    with pytest.raises(Refused, match="before the leave"):
        absences.set_absence(session, None, anna, (TUESDAY, 600), (TUESDAY, 600), "", MOSCOW)
    with pytest.raises(Refused, match="a year"):
        absences.set_absence(session, None, office["vera"], (TUESDAY, 0), (date(2028, 1, 1), 0), "", MOSCOW)
    absences.set_absence(session, row, anna, (TUESDAY, 600), (TUESDAY, 800), "dentist", MOSCOW)
    assert session.scalars(select(Absence)).one().reason == "dentist"
