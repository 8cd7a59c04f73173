"""The head's page of this moment: what rings, who is there, what is owed and what is broken, in one look."""

from __future__ import annotations

import collections
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from webapp.calls import missed
from webapp.calls.missed import Waiting
from webapp.desk.owed import GAPS_AHEAD
from webapp.now import live, people
from webapp.now.live import LiveCall
from webapp.presence.whereabouts import Whereabouts
from webapp.roster import duty, wording
from webapp.tasks.models import Message, Task
from webapp.telephones import queries as telephones
from webapp.telephones import status
from webapp.telephones.queries import LineRow

MOST = 6
"""Rows of each list of what is owed; the page's counts tell how many there are in all."""


@dataclass(frozen=True)
class Board:
    """All the page shows.

    `missed` are those who wait longest of `missed_in_all`; `promises` the most broken of `promises_in_all`; `gaps`:
    hours of the coming days with nobody on duty, in words, `uncovered` their sum, `line_gaps`: those in which a line
    has nobody of its own,
    `uncovered_now` whether this is one of them; `down`: lines not registered;
    `silent`: no bridge is heard; `messages` nobody has read though they were chased.
    """

    calls: Sequence[LiveCall]
    people: Sequence[Whereabouts]
    missed: Sequence[Waiting]
    missed_in_all: int
    promises: Sequence[Task]
    promises_in_all: int
    gaps: Sequence[str]
    line_gaps: Sequence[str]
    uncovered: timedelta
    uncovered_now: bool
    down: Sequence[LineRow]
    silent: bool
    messages: Sequence[Message]

    def count(self, group: str) -> int:
        """How many calls are ringing, talking or waiting."""
        return self._groups[group]

    @property
    def _groups(self) -> collections.Counter[str]:
        return collections.Counter(one.group for one in self.calls)

    @property
    def on_duty(self) -> Sequence[Whereabouts]:
        return [one for one in self.people if one.on_duty]

    @property
    def hours_uncovered(self) -> float:
        """Hours, to the tenth."""
        return round(self.uncovered.total_seconds() / 3600, 1)


def of(session: Session, now: datetime, zone: ZoneInfo) -> Board:
    """The board at `now`."""
    bridges = status.read(session)
    waiting, waiting_in_all = missed.longest_waiting(session, MOST)
    gaps = duty.gaps(session, now, now + GAPS_AHEAD)
    promises, promises_in_all = broken_promises(session, now)
    return Board(
        calls=live.of(session, now),
        people=people.of(session, now, zone),
        missed=waiting,
        missed_in_all=waiting_in_all,
        promises=promises,
        promises_in_all=promises_in_all,
        gaps=wording.gap_words(gaps, zone),
        line_gaps=wording.line_gap_words(duty.line_gaps(session, now, now + GAPS_AHEAD), zone),
        uncovered_now=bool(gaps) and gaps[0][0] <= now,
        uncovered=sum((ends - starts for starts, ends in gaps), timedelta()),
        down=[row for row in telephones.lines(session, bridges) if row.registered is False],
        silent=bridges.are_silent(now),
        messages=chased_messages(session),
    )


def broken_promises(session: Session, now: datetime) -> tuple[Sequence[Task], int]:
    """The promises past their time that wait longest, and how many there are in all (D26)."""
    broken = Task.kind == "promise", Task.done_at.is_(None), Task.due_at <= now
    count = session.scalar(select(func.count(Task.id)).where(*broken)) or 0
    if not count:
        return (), 0
    tasks = session.scalars(
        select(Task)
        .where(*broken)
        .order_by(Task.due_at, Task.id)
        .limit(MOST)
        .options(joinedload(Task.user), joinedload(Task.client), joinedload(Task.call))
    )
    return tasks.all(), count


def chased_messages(session: Session) -> Sequence[Message]:
    """Messages for the absent that were chased and are still unread, the oldest first (D58)."""
    return session.scalars(
        select(Message)
        .join(Message.task)
        .where(Message.read_at.is_(None), Message.chases > 0, Task.done_at.is_(None))
        .order_by(Task.created_at)
        .limit(MOST)
        .options(joinedload(Message.task).joinedload(Task.user))
    ).all()
