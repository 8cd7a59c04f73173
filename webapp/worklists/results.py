"""What a call through a list came to: the approach, the ledger's row, when the number is tried again (D3, D74)."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.letters import proposing
from webapp.office.models import Outcome, Purpose
from webapp.tasks import work
from webapp.tasks.models import Task
from webapp.touches import closing
from webapp.touches.models import Touch
from webapp.worklists import calling
from webapp.worklists.calling import BadResult
from webapp.worklists.models import Approach, WorklistItem

RESULTS = {
    "not_reached": _l("Not reached"),
    "call_later": _l("Call later"),
    "meeting": _l("Meeting agreed"),
    "refused": _l("Refused"),
    "wrong": _l("Wrong number"),
}
"""What a call may come to, in the order of their keys."""
OUTCOMES = {
    "not_reached": "not_reached",
    "call_later": "call_back",
    "meeting": "meeting",
    "refused": "refused",
    "wrong": "not_ours",
}
"""A result -> the key of the outcome in the ledger."""
NEXT = ("call_back", "offer", "letter")
"""What may follow a call without a result."""


def record(
    session: Session,
    item: WorklistItem,
    result: str,
    seen: int,
    user: User,
    now: datetime,
    *,
    note: str = "",
    next_at: datetime | None = None,
    next_kind: str = "",
    never: bool = False,
) -> Approach | None:
    """Write down a call without a meeting: the approach, the ledger's row, when it is tried again. Flushes.

    `seen`: how many approaches the agent's page showed. None when somebody has written one down since, or the
    number is done with: nothing is written twice. Raises BadResult.
    """
    if calling.needs_reason(session, item):
        raise BadResult("why", calling.say_why(session))
    note = note.replace("\0", "").strip()
    if result == "refused":
        calling.needed(note, "note", _l("Say in a word why they refused."))
    if result in ("not_reached", "call_later"):
        if next_at is None:
            raise BadResult("when", _l("When do we try again?"))
        if next_at <= now:
            raise BadResult("when", _l("This time has passed; choose a later one."))
        if next_kind not in NEXT:
            raise BadResult("next_kind", _l("Choose one of the list."))
        if not _claim(session, item, seen, next_at):
            return None
    else:
        next_at, next_kind = None, ""
        if not _end(session, item, "never" if never and result == "refused" else result, seen, now):
            return None
    touch = finished_touch(session, item, result, user, now, note=note, next_at=next_at, next_kind=next_kind)
    if next_at and (next_kind != "call_back" or result == "call_later"):  # the list itself reminds of mere tries
        task = closing.owe(session, touch, user.id, now, " · ".join(filter(None, (item.company, item.person, note))))
        task.number = task.number or item.number
    return approach(session, item, result, user, now, note, touch)


def approach(
    session: Session, item: WorklistItem, result: str, user: User, now: datetime, note: str, touch: Touch
) -> Approach:
    """The line of a call, the end of what it fulfilled (earlier promises to call this number), its letter (D73)."""
    if item.more_why:
        note = " · ".join(filter(None, (item.more_why, note)))
        item.more_why = ""
    earlier = select(Approach.touch_id).where(Approach.item_id == item.id)
    owed = session.scalars(
        select(Task)
        .join(Touch, Touch.id == Task.touch_id)
        .where(Task.touch_id.in_(earlier), Task.user_id == user.id, Task.done_at.is_(None))
        .where(Touch.next_kind == "call_back")
    ).all()
    for task in owed:
        work.done(session, task, user, work.Report(str(RESULTS[result])), now)
    row = Approach(item_id=item.id, user_id=user.id, at=now, result=result, note=note, touch_id=touch.id)
    session.add(row)
    session.flush()
    proposing.propose(session, touch, user.id, now)
    feed.announce(session, [user.id], "tasks", touch.id, now)
    return row


def finished_touch(
    session: Session,
    item: WorklistItem,
    result: str,
    user: User,
    now: datetime,
    *,
    note: str,
    next_at: datetime | None,
    next_kind: str,
    client: Client | None = None,
) -> Touch:
    """The ledger's row of this call: the one of the call placed from here, or a new one; closed, by the agent."""
    touch = calling.open_call(session, item, user)
    if touch is None:
        touch = Touch(direction="out", door="call", started_at=now, user_id=user.id, client_id=item.client_id)
        session.add(touch)
        session.flush()
    if client is not None:
        touch.client_id = client.id
        if touch.call:
            touch.call.client_id = client.id
    whom = "" if touch.client_id else " · ".join(filter(None, (item.company, item.person)))
    touch.draft = {}
    touch.approach_reason = touch.approach_reason or item.more_why
    values = {
        "purpose_id": touch.purpose_id or _purpose(session),
        "outcome_id": _outcome(session, OUTCOMES[result]),
        "channel_id": touch.channel_id or item.worklist.channel_id,
        "next_at": next_at,
        "next_kind": next_kind,
        "note": "\n".join(filter(None, (whom, touch.note, note))),
    }
    closing.save(session, touch, values, now)
    session.expire(touch, ["outcome", "purpose", "client"])
    if missing := closing.missing(touch, now):
        raise BadResult("note", next(iter(missing.values())))
    closing.finish(session, touch, user.id, now)
    return touch


def _claim(session: Session, item: WorklistItem, seen: int, next_at: datetime) -> bool:
    return _update(session, item, seen, approaches=seen + 1, next_at=next_at)


def _end(session: Session, item: WorklistItem, state: str, seen: int, now: datetime) -> bool:
    return _update(session, item, seen, state=state, ended_at=now, next_at=None)


def end_with_meeting(session: Session, item: WorklistItem, now: datetime) -> bool:
    """The number is done with: a meeting is agreed. False when it was done with before."""
    return _end(session, item, "meeting", item.approaches, now)


def give_up(session: Session, item: WorklistItem, now: datetime) -> None:
    """No more approaches to this number."""
    _end(session, item, "given_up", item.approaches, now)


def _update(session: Session, item: WorklistItem, seen: int, **values: object) -> bool:
    done = session.execute(
        update(WorklistItem)
        .where(WorklistItem.id == item.id, WorklistItem.state == "open", WorklistItem.approaches == seen)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    session.refresh(item)
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _purpose(session: Session) -> int | None:
    """Why there is this call: it is ours; in an office whose list has no such purpose, whatever comes nearest."""
    found = {
        one.key: one.id for one in session.scalars(select(Purpose).where(Purpose.active).order_by(Purpose.id.desc()))
    }
    return found.get("our_call") or found.get("other") or next(iter(found.values()), None)


def _outcome(session: Session, key: str) -> int | None:
    """The outcome of this key, retired or not: what came of a call is no choice of words."""
    return session.scalars(select(Outcome.id).where(Outcome.key == key).order_by(Outcome.id).limit(1)).first()
