"""What a row of the feed has to tell its user, in words for a desktop notification; most rows tell nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import User
from webapp.calls.models import LIVE, Call, CallAudience, LineState, is_open_missed
from webapp.desk.bar import caller_name
from webapp.feed import Feed
from webapp.notices import choices
from webapp.office.models import Line
from webapp.pages import phone
from webapp.tasks.models import Task

LATELY = timedelta(minutes=2)
"""A row tells of what happened at most so long before it; what is older was told, or slept through."""
MOST = 3


@dataclass(frozen=True)
class Notice:
    """One notification. `key` is the same for the same event, which is shown once; `url`: where a click leads."""

    key: str
    event: str
    title: str
    body: str
    url: str


def of(session: Session, user: User, row: Feed, now: datetime) -> list[Notice]:
    """What `row`, one of the user's own, has to tell him at `now` of what he has chosen."""
    chosen = choices.chosen(user)
    found: list[Notice] = []
    if row.kind == "call" and "call" in chosen:
        found += _ringing(session, user, row.ref)
    if row.kind == "tasks":
        since = row.at - LATELY
        if "missed" in chosen:
            found += _missed(session, since)
        found += _promises(session, user, since, now, chosen)
        if "gap" in chosen:
            found += _gaps(session, user, since)
    if row.kind == "office" and "line" in chosen:
        found += _line(session, row)
    return found


def _ringing(session: Session, user: User, ref: str) -> Iterator[Notice]:
    """A call that rings this user now, from outside or passed on by a colleague."""
    if not ref.isdecimal() or len(ref) > 9:
        return
    call = session.scalars(
        select(Call)
        .join(CallAudience, CallAudience.call_id == Call.id)
        .where(Call.id == int(ref), Call.state.in_(LIVE))
        .where(CallAudience.user_id == user.id, CallAudience.state == "rung")
        .options(joinedload(Call.client), joinedload(Call.line))
    ).one_or_none()
    if call:
        line = (call.line.title or call.line.name) if call.line else call.line_name
        body = _("rings you: %(line)s", line=line)
        yield Notice(f"call-{call.id}-{call.redirects}", "call", _who(call), body, url_for("desk.page"))


def _missed(session: Session, since: datetime) -> Iterator[Notice]:
    for call in session.scalars(
        select(Call)
        .where(is_open_missed(), Call.ended_at > since)
        .order_by(Call.offered_at.desc())
        .limit(MOST)
        .options(joinedload(Call.client), joinedload(Call.line))
    ):
        yield Notice(
            f"missed-{call.id}", "missed", _("A call was missed"), _who(call), url_for("calls.page", call_id=call.id)
        )


def _promises(session: Session, user: User, since: datetime, now: datetime, chosen: list[str]) -> Iterator[Notice]:
    """Broken promises: the user's own at once, and those the heads are told of for who wants to hear of them."""
    whose = [and_(Task.user_id == user.id, Task.overdue_told_at > since)] if "due" in chosen else []
    if "promise" in chosen:
        whose.append(Task.head_told_at > since)
    if not whose:
        return
    for task in session.scalars(
        select(Task)
        .where(Task.done_at.is_(None), Task.kind == "promise", Task.due_at <= now)
        .where(or_(*whose))
        .order_by(Task.due_at.desc())
        .limit(MOST)
        .options(joinedload(Task.client), joinedload(Task.user))
    ):
        whom = task.client.name if task.client else phone(task.number) or _("hidden number")
        mine = task.user_id == user.id
        title = _("You promised to call") if mine else _("A promise was broken")
        body = whom if mine or task.user is None else f"{whom} · {task.user.name}"
        event = "due" if mine and "due" in chosen else "promise"
        yield Notice(f"promise-{task.id}", event, title, body, url_for("desk.page") if mine else url_for("now.board"))


def _gaps(session: Session, user: User, since: datetime) -> Iterator[Notice]:
    """A call rang while nobody was on duty, or hours are uncovered (D18)."""
    for task in session.scalars(
        select(Task)
        .where(Task.done_at.is_(None), Task.kind == "gap", Task.due_at > since)
        .where(or_(Task.user_id == user.id, Task.user_id.is_(None)))
        .order_by(Task.due_at.desc())
        .limit(MOST)
    ):
        body = task.text or (phone(task.number) if task.number else _("a call rang while nobody was on duty"))
        yield Notice(f"gap-{task.id}", "gap", _("Nobody is on duty"), body, url_for("roster.week"))


def _line(session: Session, row: Feed) -> Iterator[Notice]:
    state = session.get(LineState, row.ref)
    if state is None or state.registered or state.since is None or state.since < row.at - LATELY:
        return
    line = session.scalars(select(Line).where(Line.name == state.line)).first()
    name = (line.title or line.name) if line else state.line
    key = f"line-{state.line}-{int(state.since.timestamp())}"
    yield Notice(key, "line", _("A line is not registered"), name, url_for("telephones.index"))


def _who(call: Call) -> str:
    return call.client.name if call.client else call.caller_name or phone(call.number) or caller_name(call)
