"""Who is away: absences set, refused with a reason (D58)."""

from __future__ import annotations

from datetime import date, timedelta, tzinfo

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.roster.models import Absence
from webapp.roster.shifts import Refused, instant_typed, span_words

LONGEST_ABSENCE = timedelta(days=366)


def set_absence(
    session: Session,
    absence: Absence | None,
    user: User,
    start: tuple[date, int],
    end: tuple[date, int],
    reason: str,
    zone: tzinfo,
) -> Absence:
    """Note that `user` is away from `start` to `end` (date, minutes), the expected return (D58). Raises Refused."""
    starts_at, ends_at = instant_typed("starts", *start, zone), instant_typed("ends", *end, zone)
    if ends_at <= starts_at:
        raise Refused("ends", _("The return is before the leave."))
    if ends_at - starts_at > LONGEST_ABSENCE:
        raise Refused("last_day", _("An absence lasts a year at most."))
    others = select(Absence).where(Absence.user_id == user.id, Absence.starts_at < ends_at, Absence.ends_at > starts_at)
    other = session.scalars(others.where(Absence.id != absence.id) if absence else others).first()
    if other is not None:
        raise Refused(
            "user_id", _("%(name)s is already away then: %(span)s.", name=user.name, span=span_words(other, zone))
        )
    if absence is None:
        absence = Absence()
        session.add(absence)
    absence.user_id, absence.starts_at, absence.ends_at, absence.reason = user.id, starts_at, ends_at, reason
    session.flush()
    return absence
