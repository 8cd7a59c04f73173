"""Where people are now: in a talk, writing one down, away for a moment, absent, off work, or here.

Nobody keeps this by hand but the one key "away": talks are read from the calls that go on, absences and duty from the
roster, working hours from the office. What ends by the clock ends when it is read; no job need run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.calls.models import LIVE, Call, CallAudience
from webapp.office.models import Office
from webapp.office.queries import the_office
from webapp.presence.models import Presence
from webapp.roster import duty, holidays
from webapp.roster.models import Holiday
from webapp.roster.wallclock import wall_clock

LONGEST_AWAY = timedelta(hours=12)
"""Who said that he is away, and not until when, has forgotten to say that he is back."""

State = Literal["talk", "wrap_up", "away", "absent", "off", "here"]
Knows = Literal["all", "away", "roster"]


@dataclass(frozen=True)
class Whereabouts:
    """Where one person is. `since` and `until` are None where nobody knows; `call` is the talk he is in.

    `on_duty` and `backup` are by the roster at this moment, on any line or for any region.
    """

    user: User
    state: State
    since: datetime | None = None
    until: datetime | None = None
    on_duty: bool = False
    backup: bool = False
    call: Call | None = None


@dataclass(frozen=True)
class Sheet:
    """Everybody's whereabouts between two instants, read once: what is asked of it afterwards asks no database.

    `counting` are the shifts without absences and the time somebody is away by his own word, `planned` with them.
    `knows`: all that is known of this moment; only who is away, for times near now; only the roster, for later ones.
    """

    users: Mapping[int, User]
    counting: Sequence[duty.Span]
    planned: Sequence[duty.Span]
    absences: Sequence[duty.Span]
    presences: Mapping[int, Presence]
    talks: Mapping[int, Call]
    office: Office
    special: Mapping[date, Holiday]
    zone: tzinfo
    knows: Knows

    def of(self, user: User, at: datetime) -> Whereabouts:
        """Where `user` is at `at`. A talk comes first: whoever speaks is there."""
        shifts = [span for span in self.counting if span.user_id == user.id and span.starts <= at < span.ends]
        on_duty = any(span.rank == duty.DUTY for span in shifts)
        backup = not on_duty and bool(shifts)
        presence, talk = self.presences.get(user.id), self.talks.get(user.id)
        if talk:
            return Whereabouts(user, "talk", talk.answered_at or talk.offered_at, None, on_duty, backup, talk)
        if gone := self.gone(user, at):
            return replace(gone, on_duty=on_duty, backup=backup)
        wrap_up = presence.wrap_up_until if presence and self.knows == "all" else None
        if wrap_up and wrap_up > at:
            return Whereabouts(user, "wrap_up", None, wrap_up, on_duty, backup)
        at_work = user.active and (bool(shifts) or self.is_open(at))
        return Whereabouts(user, "here" if at_work else "off", None, None, on_duty, backup)

    def gone(self, user: User, at: datetime) -> Whereabouts | None:
        """That `user` is absent at `at`, or away by his own word: also while he is in his last talk before that."""
        absences = [span for span in self.absences if span.user_id == user.id and span.starts <= at < span.ends]
        if absences:
            absence = max(absences, key=lambda span: span.ends)  # the latest return (D58)
            return Whereabouts(user, "absent", absence.starts, absence.ends)
        presence = self.presences.get(user.id)
        if presence and is_away(presence, at):
            return Whereabouts(user, "away", presence.since, presence.back_at)
        return None

    def is_open(self, at: datetime) -> bool:
        """True within the office's working hours, public holidays considered."""
        day, minutes = wall_clock(at, self.zone)
        hours = duty.hours_of(self.office, day, self.special)
        return hours is not None and hours[0] <= minutes < hours[1]


def of(session: Session, users: Sequence[User], now: datetime, zone: tzinfo) -> list[Whereabouts]:
    """Where each of `users` is at `now`, in their order."""
    sheet = read(session, now, now, zone, users)
    return [sheet.of(user, now) for user in users]


def read(
    session: Session,
    start: datetime,
    end: datetime,
    zone: tzinfo,
    users: Sequence[User] | None = None,
    knows: Knows = "all",
) -> Sheet:
    """The sheet from `start` to `end`, of all users or of those given."""
    if users is None:
        users = session.scalars(select(User).order_by(User.id)).all()
    shifts, absences = duty.load(session, start, end + duty.HORIZON)
    presences: dict[int, Presence] = {}
    if knows != "roster":
        rows = session.scalars(select(Presence).where(Presence.user_id.in_([user.id for user in users])))
        presences = {row.user_id: row for row in rows}
    away = [duty.Span(row.user_id, start, until_of(row)) for row in presences.values() if is_away(row, start)]
    first, last = wall_clock(start, zone)[0], wall_clock(end, zone)[0]
    return Sheet(
        users={user.id: user for user in users},
        counting=duty.effective(shifts, [*absences, *away]),
        planned=duty.effective(shifts, ()),
        absences=absences,
        presences=presences,
        talks=talks(session) if knows == "all" else {},
        office=the_office(session),
        special=holidays.between(session, first, last),
        zone=zone,
        knows=knows,
    )


def said(session: Session, user: User, now: datetime) -> Presence | None:
    """What counts of what `user` last said of himself, or of the talk he writes down; None when he is at his desk."""
    presence = session.get(Presence, user.id, populate_existing=True)
    if presence is None or not (is_away(presence, now) or (presence.wrap_up_until and presence.wrap_up_until > now)):
        return None
    return presence


def is_away(presence: Presence, now: datetime) -> bool:
    """True while he is away by his own word, which lapses when he said he would be back."""
    return presence.state == "away" and now < until_of(presence)


def until_of(presence: Presence) -> datetime:
    """When "away" ends by itself."""
    return presence.back_at or presence.since + LONGEST_AWAY


def talks(session: Session) -> dict[int, Call]:
    """The call each user is in, or is about to be in: an outbound call of theirs goes out."""
    everybody = session.execute(  # of the live calls, which are few; the seats of old calls are not
        select(CallAudience.user_id, Call)
        .join(Call, Call.id == CallAudience.call_id)
        .where(CallAudience.state == "taken", Call.state.in_(LIVE))
        .order_by(Call.offered_at, Call.id)
    ).tuples()
    return dict(everybody.all())
