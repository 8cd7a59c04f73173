"""Where people are now: in a talk, writing one down, away for a moment, absent, off work, or here.

Nobody keeps this by hand but the one key "away": talks are read from the calls that go on, absences and duty from the
roster, working hours from the office. What ends by the clock ends when it is read; no job need run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.calls.models import LIVE, Call, CallAudience
from webapp.office.queries import the_office
from webapp.presence.models import Presence
from webapp.roster import duty
from webapp.roster.models import Absence

LONGEST_AWAY = timedelta(hours=12)
"""Who said that he is away, and not until when, has forgotten to say that he is back."""

State = Literal["talk", "wrap_up", "away", "absent", "off", "here"]


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


def of(session: Session, users: Sequence[User], now: datetime, zone: tzinfo) -> list[Whereabouts]:
    """Where each of `users` is at `now`, in their order."""
    ids = [user.id for user in users]
    talks, gone = talks_of(session, ids), absences_of(session, ids, now)
    presences = {row.user_id: row for row in session.scalars(select(Presence).where(Presence.user_id.in_(ids)))}
    ranks: dict[int, set[int]] = {}
    for entry in duty.anywhere(session, now):
        ranks.setdefault(entry.user.id, set()).add(entry.rank)
    opened = duty.is_open(session, the_office(session), now, zone)
    found = []
    for user in users:
        ranked = ranks.get(user.id, set())
        at_work = user.active and (opened or bool(ranked))
        state, since, until = where(presences.get(user.id), talks.get(user.id), gone.get(user.id), at_work, now)
        on_duty, backup = duty.DUTY in ranked, duty.BACKUP in ranked
        found.append(Whereabouts(user, state, since, until, on_duty, backup, talks.get(user.id)))
    return found


def where(
    presence: Presence | None, talk: Call | None, absence: Absence | None, at_work: bool, now: datetime
) -> tuple[State, datetime | None, datetime | None]:
    """The state of one person, since when, until when. A talk comes first: whoever speaks is there."""
    if talk:
        return "talk", talk.answered_at or talk.offered_at, None
    if absence:
        return "absent", absence.starts_at, absence.ends_at
    if presence and is_away(presence, now):
        return "away", presence.since, presence.back_at
    if presence and presence.wrap_up_until and presence.wrap_up_until > now:
        return "wrap_up", None, presence.wrap_up_until
    if not at_work:
        return "off", None, None
    return "here", None, None


def is_away(presence: Presence, now: datetime) -> bool:
    """True while he is away by his own word, which lapses when he said he would be back."""
    return presence.state == "away" and now < (presence.back_at or presence.since + LONGEST_AWAY)


def talks_of(session: Session, ids: Sequence[int]) -> dict[int, Call]:
    """The call each of the users `ids` is in, or is about to be in: an outbound call of theirs goes out."""
    everybody = session.execute(  # of the live calls, which are few; their seats of old are not
        select(CallAudience.user_id, Call)
        .join(Call, Call.id == CallAudience.call_id)
        .where(CallAudience.state == "taken", Call.state.in_(LIVE))
        .order_by(Call.offered_at, Call.id)
    ).tuples()
    return {user_id: call for user_id, call in everybody if user_id in set(ids)}


def absences_of(session: Session, ids: Sequence[int], at: datetime) -> dict[int, Absence]:
    """The absence that keeps each of the users `ids` away at `at`; of several, the one with the latest return (D58)."""
    rows = session.scalars(
        select(Absence)
        .where(Absence.user_id.in_(ids), Absence.starts_at <= at, Absence.ends_at > at)
        .order_by(Absence.ends_at, Absence.id)
    )
    return {row.user_id: row for row in rows}
