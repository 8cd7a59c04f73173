"""Missed calls: what waits to be made good, by number, and closing one with a written reason (D22)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp import feed
from webapp.accounts.models import User
from webapp.calls import trace, tries
from webapp.calls.models import Call, is_open_missed
from webapp.tasks.models import Task
from webapp.touches import matter

MAX_REASON = 1000
LATE_AFTER = timedelta(minutes=10)
A_WORD = 1.0
"""Seconds of a talk below which nobody has said anything."""


@dataclass(frozen=True)
class Waiting:
    """Somebody who was missed and waits. `calls` are all open missed calls of the number, the newest first.

    `tries`: how often we rang back in vain since we last spoke.
    """

    number: str
    calls: Sequence[Call]
    tries: int = 0

    @property
    def since(self) -> datetime:
        """When the first of the calls came: the age counts from here."""
        return self.calls[-1].offered_at

    @property
    def told(self) -> int:
        """How far it was escalated: 1 to the backups, 2 to the head."""
        return max(call.missed_told for call in self.calls)

    def urgency(self, now: datetime) -> str:
        """`warn` at first, `bad` once nobody rang back at once."""
        return "bad" if now - self.since >= LATE_AFTER else "warn"


def of_call(session: Session, call: Call) -> Waiting | None:
    """The caller of a missed call with all his calls that wait; None when he waits no more."""
    same = Call.number == call.number if call.number else Call.id == call.id
    return next(iter(_grouped(session, and_(same, is_open_missed()))), None)


def longest_waiting(session: Session, most: int) -> tuple[list[Waiting], int]:
    """The `most` who wait longest, and how many wait in all. Calls of one number are one; hidden ones stand alone.

    An office may leave thousands unanswered for ever; they must not be read whole for each look at a page.
    """
    groups: dict[str, list[int]] = {}
    query = select(Call.id, Call.number).where(is_open_missed()).order_by(Call.offered_at, Call.id)
    for call_id, number in session.execute(query).tuples():
        groups.setdefault(number or f"hidden {call_id}", []).append(call_id)
    shown = [call_id for ids in itertools.islice(groups.values(), most) for call_id in ids]
    return (_grouped(session, Call.id.in_(shown)) if shown else []), len(groups)


def _grouped(session: Session, which: ColumnElement[bool]) -> list[Waiting]:
    calls = session.scalars(
        select(Call)
        .where(which)
        .order_by(Call.offered_at.desc(), Call.id.desc())
        .options(joinedload(Call.client), joinedload(Call.line), selectinload(Call.recordings))
    ).all()
    groups: dict[str, list[Call]] = {}
    for call in calls:
        groups.setdefault(call.number or f"hidden {call.id}", []).append(call)
    in_vain = tries.attempts(session, {call.number for call in calls if call.number})
    waiting = (Waiting(group[0].number, group, in_vain.get(group[0].number, 0)) for group in groups.values())
    return sorted(waiting, key=lambda one: one.since)


def make_good(session: Session, number: str, by: User | None, how: str, at: datetime, now: datetime) -> None:
    """`by` speaks with `number` since `at`: its missed calls are closed and its promises kept (D22, D26).

    `how`: in when they rang again, out when we did; by which line or telephone makes no difference. Who was missed only
    after `at` goes on waiting.
    """
    if not number:
        return
    calls = session.scalars(select(Call).where(Call.number == number, Call.offered_at <= at, is_open_missed())).all()
    closed = [call for call in calls if _claim(session, call, by, how, at)]
    for call in closed:
        trace.add(session, call, at, "rang_back" if how == "out" else "made_good", name=by.name if by else "")
    matter.let_go(session, [call.id for call in closed])
    kept = session.execute(
        update(Task)
        .where(Task.kind == "promise", Task.number == number, Task.done_at.is_(None), Task.created_at <= at)
        .values(done_at=at, done_by_id=by.id if by else None)
        .execution_options(synchronize_session="fetch")
    )
    if closed or kept.rowcount:  # type: ignore[attr-defined]
        feed.announce_all(session, "tasks", "", now)


def spoken_meanwhile(session: Session, call: Call, now: datetime) -> None:
    """A missed call has ended: when we speak with its number already, by another line or call, it waits for nobody."""
    if call.number:
        _made_good_since(session, call, call.offered_at, now)


def _made_good_since(session: Session, call: Call, since: datetime, now: datetime) -> None:
    """The first talk with the caller of `call` that began at `since` or later makes good what waits, if there is one.

    One in which nobody said a word does not count; one that goes on does until it has ended so.
    """
    talk = session.scalars(
        select(Call)
        .where(Call.number == call.number, Call.answered_at >= since, Call.id != call.id)
        .where(or_(Call.state != "ended", Call.talk_seconds >= A_WORD))
        .order_by(Call.answered_at)
        .limit(1)
    ).first()
    if talk and talk.answered_at:
        make_good(session, call.number, talk.answered_by, talk.direction, talk.answered_at, now)


def take_back(session: Session, talk: Call, now: datetime) -> None:
    """`talk` is over and nobody spoke in it: what it had made good waits again (D22), unless we speak with him in
    another one meanwhile.
    """
    if not talk.number or talk.answered_at is None:
        return
    calls = session.scalars(
        select(Call).where(
            Call.number == talk.number, Call.missed_closed_at == talk.answered_at, Call.missed_how == talk.direction
        )
    ).all()
    for call in calls:
        call.missed_closed_at, call.missed_closed_by_id, call.missed_how = None, None, ""
        trace.add(session, call, talk.ended_at or now, "waits_again")
    reopened = session.execute(
        update(Task)
        .where(Task.kind == "promise", Task.number == talk.number, Task.done_at == talk.answered_at, Task.report == "")
        .values(done_at=None, done_by_id=None)
        .execution_options(synchronize_session="fetch")
    )
    if calls or reopened.rowcount:  # type: ignore[attr-defined]
        feed.announce_all(session, "tasks", "", now)
        _made_good_since(session, talk, talk.answered_at, now)


def was_silent(talk: Call) -> bool:
    """Picked up, and over before anybody could say a word."""
    return talk.state == "ended" and talk.answered_at is not None and talk.talk_seconds < A_WORD


def close(session: Session, call: Call, reason: str, user: User, now: datetime) -> LazyString | None:
    """Close a missed call, and all that wait with it, with a written reason. None when done, else what is wrong.

    Calls of one number are one caller who waits. Of two people who close him at once the first one's reason stands.
    """
    reason = " ".join(reason.split())
    if not reason:
        return _l("Write why nobody has to ring back.")
    if len(reason) > MAX_REASON:
        return _l("At most %(most)d characters.", most=MAX_REASON)
    if not call.is_missed:
        return _l("This call was not missed.")
    same = Call.number == call.number if call.number else Call.id == call.id
    calls = session.scalars(select(Call).where(same, is_open_missed())).all()
    if call not in calls:
        session.refresh(call)
        return _l("This missed call is closed already.")
    closed = [one for one in calls if _claim(session, one, user, "reason", now, reason)]
    if call not in closed:
        return _l("This missed call is closed already.")
    for one in closed:
        trace.add(session, one, now, "closed_with_reason", name=user.name, reason=reason)
    matter.let_go(session, [one.id for one in closed])
    session.flush()
    feed.announce_all(session, "tasks", call.id, now)
    return None


def _claim(session: Session, call: Call, by: User | None, how: str, at: datetime, reason: str = "") -> bool:
    """Close one call unless somebody else has closed it meanwhile; True when it was done here."""
    closed = session.execute(
        update(Call)
        .where(Call.id == call.id, is_open_missed())
        .values(missed_closed_at=at, missed_closed_by_id=by.id if by else None, missed_how=how, missed_reason=reason)
        .execution_options(synchronize_session=False)
    )
    session.refresh(call)
    return bool(closed.rowcount)  # type: ignore[attr-defined]
