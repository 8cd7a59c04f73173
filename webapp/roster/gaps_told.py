"""Hours with nobody on duty, told to the heads at least a day before (D18): once a gap, again when it has grown.

What was told is kept as `GapTold`, cut down to what is still open; a gap that somebody filled closes its task.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.accounts.queries import heads
from webapp.mail import queue
from webapp.now import telling
from webapp.office.models import Line, Office
from webapp.office.queries import the_office
from webapp.roster import duty, emptying
from webapp.roster.duty import Period
from webapp.roster.emptying import Emptied, Words
from webapp.roster.models import GapTold
from webapp.tasks.models import Task

A_DAY = timedelta(days=1)
FAR = timedelta(days=15)
"""How far the next working day is looked for; an office that is closed longer hears a day before."""
KEEP_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done of the gaps of one line: which told ones stay and as what, and what is new."""

    stay: list[tuple[int, Period]]
    gone: list[int]
    new: list[Period]


def step(told: Sequence[tuple[int, Period]], open_: Sequence[Period], now: datetime) -> Step:
    """Compare what was told (by id) with what is `open_` from `now` on. Pure.

    A told gap of which nothing is open is gone; one that is open in part stays as that part, the rest being told anew
    should it open again. What is open and lies in nothing told is new.
    """
    stay, gone = [], []
    for key, (starts, ends) in told:
        left = [(max(starts, gap[0]), min(ends, gap[1])) for gap in open_ if gap[0] < ends and gap[1] > starts]
        if not left:
            gone.append(key)
        for number, part in enumerate(left):
            whole = (starts, part[1]) if number == 0 and part[0] <= now else part
            stay.append((key, whole))
    return Step(stay, gone, emptying.newly([span for _key, span in stay], open_))


def tell(session: Session, now: datetime, zone: tzinfo) -> int:
    """Tell the heads of gaps that come near and were not told yet, close the tasks of filled ones; return how many.

    Safe to be killed and to run twice: what is told and that it was told is one transaction. Does not commit.
    """
    office = session.scalars(select(Office).with_for_update()).one()  # one worker at a time
    session.execute(delete(GapTold).where(GapTold.ends_at < now - KEEP_FOR))
    rows = session.scalars(select(GapTold).where(GapTold.ends_at > now).order_by(GapTold.id)).all()
    until = max([horizon(session, now, zone), *(row.ends_at for row in rows)])
    open_: dict[int | None, list[Period]] = {None: duty.gaps(session, now, until)}
    lines: dict[int | None, Line | None] = {None: None}
    for gap in duty.line_gaps(session, now, until):
        if gap.answered:  # the others are hours without general duty
            lines[gap.line.id] = gap.line
            open_.setdefault(gap.line.id, []).append((gap.starts, gap.ends))
    new: list[Emptied] = []
    for line_id in {*open_, *(row.line_id for row in rows)}:
        told = [(row.id, (row.starts_at, row.ends_at)) for row in rows if row.line_id == line_id]
        todo = step(told, open_.get(line_id, []), now)
        _cut_down(session, [row for row in rows if row.line_id == line_id], todo)
        line = lines.get(line_id)
        new += [Emptied(line, *span, answered=line is not None) for span in todo.new]
    session.flush()
    _close_filled(session, {row.task_id for row in rows}, now, office)
    if new:
        _tell(session, new, "", now, zone, office)
    return len(new)


def tell_of(session: Session, away: User, found: Sequence[Emptied], now: datetime, zone: tzinfo) -> None:
    """`away` has left these hours with nobody on duty, knowing it: the heads hear at once. Of those still far off they
    hear again when they come near. Flushes."""
    _tell(session, found, away.name, now, zone, the_office(session))


def horizon(session: Session, now: datetime, zone: tzinfo) -> datetime:
    """Until when gaps are told: a day ahead, and the whole next working day, so that Monday's are told on Friday."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0) + A_DAY
    coming = duty.hours_between(session, midnight, midnight + FAR)
    return max(now + A_DAY, coming[0][1]) if coming else now + A_DAY


def _cut_down(session: Session, rows: Iterable[GapTold], todo: Step) -> None:
    parts: dict[int, list[Period]] = {}
    for key, span in todo.stay:
        parts.setdefault(key, []).append(span)
    for row in rows:
        if row.id in todo.gone:
            session.delete(row)
            continue
        first, *others = parts[row.id]
        row.starts_at, row.ends_at = first
        for starts, ends in others:
            session.add(
                GapTold(starts_at=starts, ends_at=ends, line_id=row.line_id, told_at=row.told_at, task_id=row.task_id)
            )


def _close_filled(session: Session, tasks: set[int | None], now: datetime, office: Office) -> None:
    """Close the tasks of which no gap is left."""
    asked = {task for task in tasks if task is not None}
    still = set(session.scalars(select(GapTold.task_id).where(GapTold.task_id.in_(asked))))
    filled = asked - still
    if not filled:
        return
    with force_locale(office.language):
        report = _("Somebody is on duty then now.")
    closed = session.execute(
        update(Task)
        .where(Task.id.in_(filled), Task.done_at.is_(None))
        .values(done_at=now, report=report)
        .execution_options(synchronize_session="fetch")
    )
    if closed.rowcount:  # type: ignore[attr-defined]
        feed.announce(session, heads(session), "tasks", "", now)
        telling.tell(session, now)


def _tell(
    session: Session, found: Sequence[Emptied], because: str, now: datetime, zone: tzinfo, office: Office
) -> None:
    """A task a gap, for whichever head takes it (one for all that one absence leaves), what was told, and a mail to
    each head who has an address."""
    near = horizon(session, now, zone)
    for gaps in [found] if because else [[gap] for gap in found]:
        with force_locale(office.language):
            text = _text(emptying.words(gaps, zone), because)
        task = Task(kind="gap", text=text, due_at=now, created_at=now)
        session.add(task)
        session.flush()
        for gap in gaps:
            if gap.starts < near:
                line_id = gap.line.id if gap.line else None
                span = {"starts_at": gap.starts, "ends_at": gap.ends, "line_id": line_id}
                session.add(GapTold(**span, told_at=now, task_id=task.id))
    session.flush()
    for head in session.scalars(select(User).where(User.role == Role.HEAD, User.active, User.email != "")):
        with force_locale(head.language or office.language):
            lines = emptying.words(found, zone)
            subject = _("Nobody on duty: %(hours)s", hours="; ".join(hour for line in lines for hour in line.hours))
            body = _text(lines, because)
            body += "\n\n" + _("Put somebody on the roster in time; until then callers reach a backup or you.")
        queue.put(session, f"gap:{task.id}:{head.id}", head.email, subject, body, now, user_id=head.id)
    feed.announce(session, heads(session), "tasks", task.id, now)
    telling.tell(session, now)


def _text(lines: Sequence[Words], because: str) -> str:
    """The hours, a line each."""
    words = [_("%(name)s is away, and nobody else is on duty:", name=because)] if because else []
    for line in lines:
        hours = "; ".join(line.hours)
        if line.title and line.answered:
            words.append(_("%(line)s: %(hours)s, general duty answers", line=line.title, hours=hours))
        else:
            words.append(f"{line.title}: {hours}" if line.title else hours)
    return "\n".join(words)
