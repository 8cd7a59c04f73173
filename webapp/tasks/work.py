"""Owing something and doing it: promises, tasks by hand, words for the head, the report when it is done (D26, D72)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.accounts.queries import heads
from webapp.office.queries import the_office
from webapp.tasks.models import Message, Task
from webapp.touches.models import Touch

MAX_REPORT = 4000


@dataclass(frozen=True)
class Report:
    """What was done, how, and with what result (D72)."""

    what: str
    how: str = ""
    result: str = ""


@dataclass(frozen=True)
class Owed:
    """A task as its form was read: to whom (a card, or a number without one), what, and when."""

    words: str
    due_at: datetime
    client_id: int | None = None
    number: str = ""


class BadPromise(ValueError):
    """A promise that can't be made; the message says why, in the reader's language."""


def promise(session: Session, touch: Touch, user: User, now: datetime, minutes: int | None = None) -> Task:
    """The caller was told that we ring within `minutes`, by default the office's: the clock runs from now (D26).

    While a promise of this touch is open, that one stands: a second press does not move its clock. Other `minutes` do:
    they count from when it was made. Raises BadPromise for more than the office allows, and for a time that has passed.
    """
    office = the_office(session)
    if minutes is not None and not 1 <= minutes <= office.longest_promise_minutes:
        most = office.longest_promise_minutes
        raise BadPromise(_("From 1 to %(most)d minutes; for later set the next touch.", most=most))
    session.refresh(touch, ["closed_at"], with_for_update=True)  # two presses at once make one promise
    running = promise_of(session, touch)
    if running is None:
        task = from_touch(touch, "promise", touch.note, user.id, now)
        task.due_at = now + timedelta(minutes=minutes or office.promise_minutes)
        session.add(task)
    else:
        task = running
        due_at = task.created_at + timedelta(minutes=minutes or 0)
        if minutes is None or due_at == task.due_at:
            return task
        if due_at <= now:
            raise BadPromise(_("That time has passed: choose more minutes."))
        task.due_at, task.overdue_told_at, task.head_told_at = due_at, None, None
    session.flush()
    feed.announce(session, [user.id], "tasks", task.id, now)
    return task


def promise_of(session: Session, touch: Touch) -> Task | None:
    """The open promise of this touch or its call, the most pressing one."""
    its = Task.touch_id == touch.id
    return session.scalars(
        select(Task)
        .where(Task.kind == "promise", Task.done_at.is_(None))
        .where(or_(its, Task.call_id == touch.call_id) if touch.call_id is not None else its)
        .order_by(Task.due_at)
        .limit(1)
    ).first()


def to_inbox(session: Session, touch: Touch, text: str, now: datetime) -> Task:
    """What a caller said that no script fitted: for the head, so that the script grows (D66)."""
    task = from_touch(touch, "inbox", text, None, now)
    session.add(task)
    session.flush()
    feed.announce(session, heads(session), "tasks", task.id, now)
    return task


def by_hand(session: Session, user: User, owed: Owed, now: datetime) -> Task:
    """A task that nobody called about: a next touch with a client or a number, at a time still to come."""
    task = Task(
        kind="next_touch",
        text=owed.words.strip()[:MAX_REPORT],
        user_id=user.id,
        client_id=owed.client_id,
        number=owed.number,
        due_at=owed.due_at,
        created_at=now,
    )
    session.add(task)
    session.flush()
    feed.announce(session, [user.id], "tasks", task.id, now)
    return task


def done(session: Session, task: Task, user: User, report: Report, now: datetime) -> bool:
    """Finish a task with its report; False when somebody has finished it already, which then stands.

    Whoever passed the matter on hears of it (D72). A message that is dealt with has been read.
    """
    claimed = session.execute(
        update(Task)
        .where(Task.id == task.id, Task.done_at.is_(None))
        .values(
            done_at=now,
            done_by_id=user.id,
            report=report.what.strip()[:MAX_REPORT],
            report_how=report.how.strip()[:MAX_REPORT],
            report_result=report.result.strip()[:MAX_REPORT],
            remind_again_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    if task.kind == "message":
        session.execute(
            update(Message)
            .where(Message.task_id == task.id, Message.read_at.is_(None))
            .values(read_at=now, delivered_at=func.coalesce(Message.delivered_at, now))
            .execution_options(synchronize_session=False)
        )
    session.refresh(task)
    feed.announce(session, [user.id, *concerned(session, task)], "tasks", task.id, now)
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def concerned(session: Session, task: Task) -> list[int]:
    """Whose lists show this task: who owes it (the heads when nobody does), who passed it on, who took the message."""
    told = [task.user_id] if task.user_id else heads(session)
    if task.assigned_by_id:
        told.append(task.assigned_by_id)
    if task.message and task.message.taken_by_id:
        told.append(task.message.taken_by_id)
    return told


def from_touch(touch: Touch, kind: str, text: str, user_id: int | None, now: datetime) -> Task:
    """A task with all that the row it comes from knows; due at once, not stored yet."""
    return Task(
        kind=kind,
        text=text,
        user_id=user_id,
        client_id=touch.client_id,
        call_id=touch.call_id,
        touch_id=touch.id,
        number=touch.call.number if touch.call else "",
        due_at=now,
        created_at=now,
    )
