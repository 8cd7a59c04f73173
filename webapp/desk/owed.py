"""What the idle page lists: everything owed, the latest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.calls import missed
from webapp.calls.missed import Waiting
from webapp.deals import holding
from webapp.letters import queries as letters
from webapp.roster import duty, swaps, wording
from webapp.roster.models import Swap
from webapp.tasks import overdue
from webapp.tasks.models import Task
from webapp.tasks.queries import due, promises
from webapp.touches.models import Touch
from webapp.touches.queries import unfinished

MOST_MISSED = 50
GAPS_AHEAD = timedelta(days=7)
"""How far ahead the head sees hours with nobody on duty (D18)."""


@dataclass(frozen=True)
class Owed:
    """The idle page, each list with the latest first.

    `missed` are those who wait longest, `missed_in_all` counts everybody who waits. For the head: `gaps`, hours with
    nobody on duty, a line a day; `line_gaps`, those in which a line has nobody of its own; `held` counts the deals that
    wait for approval. `swaps`: shifts that colleagues offer; `letters`: how many of one's own are to be sent (D73).
    """

    promises: Sequence[Task]
    missed: Sequence[Waiting]
    missed_in_all: int
    unfinished: Sequence[Touch]
    messages: Sequence[Task]
    today: Sequence[Task]
    inbox: Sequence[Task]
    duty: Sequence[duty.OnDuty]
    gaps: Sequence[str]
    line_gaps: Sequence[str]
    held: int
    swaps: Sequence[Swap]
    letters: int

    @property
    def nothing(self) -> bool:
        """True when nothing is owed to anybody."""
        lists = (self.promises, self.missed, self.unfinished, self.messages, self.today, self.inbox, self.swaps)
        return not (any(lists) or self.held or self.letters)


def of(session: Session, user: User, now: datetime, zone: ZoneInfo) -> Owed:
    """What `user` owes until the end of the office's day."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    tasks = due(session, user, midnight)
    heads = user.has_role(Role.HEAD)
    waiting, waiting_in_all = missed.longest_waiting(session, MOST_MISSED)
    return Owed(
        promises=[*promises(session, user), *(overdue.broken(session, user) if heads else ())],
        missed=waiting,
        missed_in_all=waiting_in_all,
        unfinished=unfinished(session, user),
        messages=[task for task in tasks if task.kind == "message"],
        today=[task for task in tasks if task.kind in ("next_touch", "matter", "note")],
        inbox=[task for task in tasks if task.kind in ("inbox", "gap")],
        duty=duty.on_duty(session, now),
        gaps=wording.gap_words(duty.gaps(session, now, now + GAPS_AHEAD), zone) if heads else [],
        line_gaps=wording.line_gap_words(duty.line_gaps(session, now, now + GAPS_AHEAD), zone) if heads else [],
        held=holding.waiting(session) if heads else 0,
        swaps=swaps.for_user(session, user, now),
        letters=letters.waiting(session, user),
    )
