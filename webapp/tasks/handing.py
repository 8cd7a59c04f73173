"""Passing a matter on: to whom, until when, in which words; the report comes back to who gave it (D17, D72)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp import feed
from webapp.accounts.models import User
from webapp.calls.models import Transfer
from webapp.tasks import work
from webapp.tasks.models import Task
from webapp.touches.models import Touch

ONE_MATTER = timedelta(days=14)
"""How long what is passed on about one client counts as the same matter, when no call says so."""
REPORTED_FOR = timedelta(days=14)
LIST_LIMIT = 100


@dataclass(frozen=True)
class About:
    """What a matter is about: a card, a call, a row, a number, as far as known. `task`: whose place it takes."""

    client_id: int | None = None
    call_id: int | None = None
    touch_id: int | None = None
    number: str = ""
    task: Task | None = None


def of_task(task: Task) -> About:
    """What a task is about."""
    return About(task.client_id, task.call_id, task.touch_id, task.number, task)


def of_touch(touch: Touch) -> About:
    """What a row is about."""
    return About(touch.client_id, touch.call_id, touch.id, touch.call.number if touch.call else "")


def times(session: Session, about: About, now: datetime) -> int:
    """How often this caller's matter was handed over before: matters passed on, and the call itself (D17)."""
    same = []
    if about.call_id is not None:
        same.append(Task.call_id == about.call_id)
    if about.touch_id is not None:
        same.append(Task.touch_id == about.touch_id)
    if about.client_id is not None and not same:
        same.append((Task.client_id == about.client_id) & (Task.created_at > now - ONE_MATTER))
    if not same:
        return 0
    count = session.scalar(select(func.count()).select_from(Task).where(Task.kind == "matter", or_(*same))) or 0
    if about.call_id is not None:
        passed = select(func.count()).select_from(Transfer)
        count += session.scalar(passed.where(Transfer.call_id == about.call_id, Transfer.state == "done")) or 0
    return count


def warning(before: int) -> str:
    """What to think of before the second hand-over, and the third; '' before the first."""
    if before == 0:
        return ""
    if before == 1:
        return _(
            "This caller has been handed over once already. The third hand-over loses him: could you do it yourself?"
        )
    return _("This caller has been handed over %(n)d times. One more, and he goes to a competitor.", n=before)


def pass_on(session: Session, about: About, giver: User, to: User, due_at: datetime, words: str, now: datetime) -> Task:
    """Give a matter to a colleague, with a deadline. A task it takes the place of is finished with that word."""
    task = Task(
        kind="matter",
        text=words.strip()[: work.MAX_REPORT],
        user_id=to.id,
        assigned_by_id=giver.id,
        client_id=about.client_id,
        call_id=about.call_id,
        touch_id=about.touch_id,
        number=about.number,
        due_at=due_at,
        created_at=now,
    )
    session.add(task)
    session.flush()
    if about.task is not None:
        work.done(session, about.task, giver, work.Report(_("Passed on to %(name)s.", name=to.name)), now)
    feed.announce(session, [to.id, giver.id], "tasks", task.id, now)
    return task


def given(session: Session, giver: User, now: datetime) -> Sequence[Task]:
    """What somebody has passed on: what waits, the most late first, then the reports of the last days."""
    return session.scalars(
        select(Task)
        .where(Task.assigned_by_id == giver.id)
        .where(or_(Task.done_at.is_(None), Task.done_at > now - REPORTED_FOR))
        .order_by(Task.done_at.is_not(None), Task.done_at.desc(), Task.due_at, Task.id)
        .limit(LIST_LIMIT)
        .options(joinedload(Task.client), joinedload(Task.user), joinedload(Task.done_by), joinedload(Task.touch))
    ).all()
