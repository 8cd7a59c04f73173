"""Missed calls: what waits to be made good, by number, and closing one with a written reason (D22)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp import feed
from webapp.accounts.models import User
from webapp.calls import outbound, trace
from webapp.calls.models import TAKEN_ELSEWHERE, Call
from webapp.tasks.models import Task

MAX_REASON = 1000
LATE_AFTER = timedelta(minutes=10)


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

    def urgency(self, now: datetime) -> str:
        """`warn` at first, `bad` once nobody rang back at once."""
        return "bad" if now - self.since >= LATE_AFTER else "warn"


def is_open_missed() -> ColumnElement[bool]:
    """The condition on Call: ended, no manager spoke, and nobody has made it good or closed it."""
    return and_(is_missed(), Call.missed_closed_at.is_(None))


def is_missed() -> ColumnElement[bool]:
    """The condition on Call that `Call.is_missed` is in Python."""
    return and_(
        Call.direction == "in",
        Call.state == "ended",
        Call.answered_at.is_(None),
        Call.end_reason.not_in(TAKEN_ELSEWHERE),
    )


def open_missed(session: Session) -> list[Waiting]:
    """Everybody who waits, who waits longest first. Calls of one number are one entry; hidden ones stand alone."""
    return _grouped(session, is_open_missed())


def longest_waiting(session: Session, most: int) -> tuple[list[Waiting], int]:
    """The `most` who wait longest, as `open_missed` has them, and how many wait in all.

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
    tries = outbound.attempts(session, {call.number for call in calls if call.number})
    waiting = (Waiting(group[0].number, group, tries.get(group[0].number, 0)) for group in groups.values())
    return sorted(waiting, key=lambda one: one.since)


def make_good(session: Session, number: str, by: User | None, kind: str, at: datetime, now: datetime) -> None:
    """A manager has spoken with `number`: its missed calls are closed and its promises kept (D22, D26).

    `kind` is the line of the trace: made_good when they rang again, rang_back when we did.
    """
    if not number:
        return
    calls = session.scalars(select(Call).where(Call.number == number, is_open_missed())).all()
    for call in calls:
        call.missed_closed_at, call.missed_closed_by_id = at, by.id if by else None
        trace.add(session, call, at, kind, name=by.name if by else "")
    promises = session.scalars(
        select(Task).where(Task.kind == "promise", Task.number == number, Task.done_at.is_(None))
    ).all()
    for task in promises:
        task.done_at, task.done_by_id = at, by.id if by else None
    if calls or promises:
        feed.announce_all(session, "tasks", "", now)


def close(session: Session, call: Call, reason: str, user: User, now: datetime) -> LazyString | None:
    """Close one missed call with a written reason. None when done, else what is wrong, and nothing changes.

    Of two people who close it at once the first one's reason stands.
    """
    reason = " ".join(reason.split())
    if not reason:
        return _l("Write why nobody has to ring back.")
    if len(reason) > MAX_REASON:
        return _l("At most %(most)d characters.", most=MAX_REASON)
    if not call.is_missed:
        return _l("This call was not missed.")
    closed = session.execute(
        update(Call)
        .where(Call.id == call.id, is_open_missed())
        .values(missed_closed_at=now, missed_closed_by_id=user.id, missed_reason=reason)
        .execution_options(synchronize_session=False)
    )
    session.refresh(call)
    if not closed.rowcount:  # type: ignore[attr-defined]
        return _l("This missed call is closed already.")
    trace.add(session, call, now, "closed_with_reason", name=user.name, reason=reason)
    session.flush()
    feed.announce_all(session, "tasks", call.id, now)
    return None
