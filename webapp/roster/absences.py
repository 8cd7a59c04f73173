"""Who is away: absences set, changed, taken off, each refused with a reason (D58); and away from now on by one key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.roster import journal
from webapp.roster.models import Absence
from webapp.roster.shifts import Refused, instant_typed, span_words
from webapp.roster.wallclock import instant, wall_clock

LONGEST_ABSENCE = timedelta(days=366)
KINDS = {"holiday": _l("On leave"), "illness": _l("Illness"), "meeting": _l("Meeting"), "other": _l("Other")}
"""Why somebody is away, in the reader's language."""
QUICK_MINUTES = (20, 40, 60)
"""How long somebody leaves the telephone for by one key."""


@dataclass(frozen=True, slots=True)
class Away:
    """An absence as it was typed: from and back at (date, minutes after midnight), why."""

    start: tuple[date, int]
    end: tuple[date, int]
    kind: str = "other"
    reason: str = ""


def kind_words(kind: str) -> str:
    """Why somebody is away, in a word of the reader's language."""
    return str(KINDS.get(kind, KINDS["other"]))


def may_change(absence: Absence, user: User) -> bool:
    """True for a head, and for whoever entered his own absence himself: what the head entered, the head changes."""
    return user.has_role(Role.HEAD) or absence.user_id == absence.made_by_id == user.id


def set_absence(
    session: Session,
    absence: Absence | None,
    user: User,
    typed: Away,
    by: User,
    now: datetime,
    zone: tzinfo,
    version: int | None = None,
) -> Absence:
    """Note that `user` is away, until the expected return (D58), or change `absence` so. Raises Refused.

    `version`: the absence's when it was shown; who changes what somebody else has changed meanwhile is told.
    """
    before = _held(session, absence, version, zone) if absence else None
    starts_at, ends_at = instant_typed("starts", *typed.start, zone), instant_typed("ends", *typed.end, zone)
    if ends_at <= starts_at:
        raise Refused("ends", _("The return is before the leave."))
    if ends_at - starts_at > LONGEST_ABSENCE:
        raise Refused("last_day", _("An absence lasts a year at most."))
    _refuse_overlap(session, absence, user, starts_at, ends_at, zone)
    if absence is None:
        absence = Absence(made_by_id=by.id)
        session.add(absence)
    else:
        absence.version += 1
    absence.starts_at, absence.ends_at = starts_at, ends_at
    absence.kind, absence.reason = typed.kind, typed.reason
    absence.user = user
    session.flush()
    kind = "absence_made" if before is None else "absence_changed"
    _record(session, kind, absence, before, by, now)
    return absence


def remove(
    session: Session, absence: Absence, by: User, now: datetime, zone: tzinfo, version: int | None = None
) -> None:
    """The absence is off the roster: somebody is here after all. Raises Refused as `set_absence` does."""
    _held(session, absence, version, zone)
    journal.record(session, "absence_removed", [journal.removed(absence)], by, now, **facts(absence))
    session.delete(absence)
    session.flush()


def away_now(
    session: Session, user: User, until: datetime, now: datetime, zone: tzinfo, kind: str = "meeting"
) -> Absence:
    """`user` leaves the telephone at once, until `until`; an absence that goes on already ends then. Raises Refused."""
    if until <= now:
        raise Refused("until", _("That time has passed. Type when you will be back."))
    if until - now > LONGEST_ABSENCE:
        raise Refused("until", _("An absence lasts a year at most."))
    there = running(session, user, now)
    absence = there[0] if there else None
    before = journal.snapshot(absence) if absence else None
    _refuse_overlap(session, absence, user, now, until, zone)
    if absence is None:
        absence = Absence(user=user, starts_at=now, ends_at=until, kind=kind, made_by_id=user.id)
        session.add(absence)
    else:
        absence.ends_at = until
        absence.version += 1
    session.flush()
    _record(session, "absence_made" if before is None else "absence_changed", absence, before, user, now)
    return absence


def back(session: Session, user: User, now: datetime, zone: tzinfo) -> int:
    """`user` is back: whatever keeps him away now ends now. Returns how many absences that were."""
    there = running(session, user, now)
    for absence in there:
        if absence.starts_at >= now:  # within the same instant: as if it had never been
            remove(session, absence, user, now, zone)
            continue
        before = journal.snapshot(absence)
        absence.ends_at = now
        absence.version += 1
        session.flush()
        _record(session, "absence_ended", absence, before, user, now)
    return len(there)


def facts(absence: Absence) -> dict[str, str]:
    """What the journal's sentence says of an absence."""
    return {
        "name": absence.user.name,
        "starts": absence.starts_at.isoformat(),
        "ends": absence.ends_at.isoformat(),
    }


def running(session: Session, user: User, now: datetime) -> list[Absence]:
    """What keeps the user away now, the latest return first; held until a transaction that writes ends."""
    return list(
        session.scalars(
            select(Absence)
            .where(Absence.user_id == user.id, Absence.starts_at <= now, Absence.ends_at > now)
            .order_by(Absence.ends_at.desc())
            .with_for_update()
        )
    )


def until_clock(minutes: int, now: datetime, zone: tzinfo) -> datetime:
    """The instant today at which the office's clock shows `minutes` after midnight."""
    return instant(wall_clock(now, zone)[0], minutes, zone)


def _held(session: Session, absence: Absence, version: int | None, zone: tzinfo) -> dict[str, object]:
    """The absence as it is now, held until the transaction ends. Raises Refused when it is not the one shown."""
    try:
        session.refresh(absence, with_for_update=True)
    except InvalidRequestError:
        raise Refused("version", _("This absence has been taken off meanwhile.")) from None
    if version is not None and absence.version != version:
        last = journal.last_of(session, Absence.__tablename__, absence.id)
        name = last.by.name if last and last.by else _("Somebody")
        raise Refused(
            "version",
            _(
                "%(name)s has changed this absence meanwhile: it is now %(span)s.",
                name=name,
                span=span_words(absence, zone),
            ),
        )
    return journal.snapshot(absence)


def _refuse_overlap(
    session: Session, absence: Absence | None, user: User, starts_at: datetime, ends_at: datetime, zone: tzinfo
) -> None:
    others = select(Absence).where(Absence.user_id == user.id, Absence.starts_at < ends_at, Absence.ends_at > starts_at)
    other = session.scalars(others.where(Absence.id != absence.id) if absence else others).first()
    if other is not None:
        words = _("%(name)s is already away then: %(span)s.", name=user.name, span=span_words(other, zone))
        raise Refused("user_id", words)


def _record(
    session: Session,
    kind: str,
    absence: Absence,
    before: dict[str, object] | None,
    by: User,
    now: datetime,
) -> None:
    row = journal.made(absence) if before is None else journal.changed(absence, before)
    journal.record(session, kind, [row], by, now, **facts(absence))
