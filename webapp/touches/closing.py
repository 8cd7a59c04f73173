"""The result of a touch: saved as it is typed, and closed only when nothing is missing (D69)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.clients.changes import Changed
from webapp.letters import proposing
from webapp.presence import marking
from webapp.tasks.models import Task
from webapp.touches import approaches
from webapp.touches.models import Touch

Missing = dict[str, LazyString]
"""What keeps a touch open: field -> what to do about it."""


def save(session: Session, touch: Touch, values: Mapping[str, Any], now: datetime) -> None:
    """Store some fields of the result. Fields that aren't named stay; a finished row changes no more."""
    if touch.closed_at:
        return
    for name, value in values.items():
        setattr(touch, name, value)
    if touch.next_at:
        touch.next_step_agreed = True
    touch.saved_at = now
    session.flush()


def joined(session: Session, touch: Touch, was: str, mine: str) -> str:
    """The note to keep of `mine`, written over `was`, when the script or a colleague has written there meanwhile.

    What was only added by either side stands behind the other's words. Raises `changes.Changed` when both wrote
    something else. The row is held until the transaction ends.
    """
    session.flush()
    session.refresh(touch, ["note"], with_for_update=True)
    theirs, was, mine = (text.replace("\r\n", "\n") for text in (touch.note, was, mine))
    theirs, was = theirs.rstrip(), was.rstrip()
    if theirs in (was, mine.rstrip()):
        return mine  # with the blank behind its last word: the next one is being typed
    if theirs.startswith(was) and mine.startswith(theirs):
        return mine  # theirs are the writer's own words, whose arrival nobody could tell him: the line was cut
    if not was:
        return "\n".join(filter(None, (mine.rstrip(), theirs)))
    if theirs.startswith(was):
        return mine.rstrip() + theirs[len(was) :]
    if mine.startswith(was):
        return theirs + mine[len(was) :]
    raise Changed(theirs, mine)


USUAL_STEP = {"meeting": "meeting_ours", "order": "order", "offer": "offer", "technologist": "technologist"}
"""The next step that an outcome promises (D70), by the outcome's key; a call back after any other."""


def usual_step(touch: Touch) -> str:
    """The kind of next step to propose while nobody has chosen one."""
    return USUAL_STEP.get(touch.outcome.key if touch.outcome else "", "call_back")


def missing(touch: Touch, now: datetime) -> Missing:
    """What is still to be said before this touch may be closed; {} when nothing is."""
    found: Missing = {}
    if touch.purpose_id is None:
        found["purpose_id"] = _l("Why did they call?")
    if touch.outcome_id is None:
        found["outcome_id"] = _l("How did it end?")
    closes = touch.outcome is not None and touch.outcome.closes
    if touch.next_at is None and not closes and touch.outcome_id is not None:
        found["next_at"] = _l("When is the next touch? This outcome leaves the matter open.")
    elif touch.next_at is None and not closes:
        found["next_at"] = _l("When is the next touch?")
    elif touch.next_at is not None and touch.next_at <= now:
        found["next_at"] = _l("This time has passed; choose a later one.")
    return found


def missing_words(touch: Touch) -> list[str]:
    """What a row in a list still lacks, in one word each."""
    lacks = [] if touch.purpose_id else [_("purpose")]
    if touch.outcome is None:
        lacks.append(_("outcome"))
    if touch.next_at is None and not (touch.outcome and touch.outcome.closes):
        lacks.append(_("next touch"))
    return lacks


def close(session: Session, touch: Touch, user: User, now: datetime) -> Missing:
    """Finish the row, owe the next touch to its manager and propose the letter of the talk (D73).

    {} when done; else what is missing, and nothing changes.

    Closing twice is harmless: the row is claimed once, and one task is made.
    """
    session.flush()
    session.refresh(touch, ["closed_at"])
    if touch.closed_at:
        return {}
    session.expire(touch, ["outcome"])
    if found := missing(touch, now):
        return found
    if why_not := approaches.missing(session, touch):
        return {"approach_reason": why_not}
    keeper = touch.user_id or user.id
    if finish(session, touch, keeper, now):
        if touch.next_at:
            owe(session, touch, keeper, now)
        proposing.propose(session, touch, keeper, now)
    feed.announce(session, [keeper], "tasks", touch.id, now)
    return {}


def finish(session: Session, touch: Touch, keeper_id: int, now: datetime) -> bool:
    """Close a row that lacks nothing, as `keeper_id`'s; False when it was closed before. Nobody owes a task yet."""
    claimed = session.execute(
        update(Touch)
        .where(Touch.id == touch.id, Touch.closed_at.is_(None))
        .values(closed_at=now, saved_at=now, user_id=keeper_id)
        .execution_options(synchronize_session=False)
    )
    session.refresh(touch)
    if claimed.rowcount and touch.call_id:  # type: ignore[attr-defined]
        marking.written_down(session, keeper_id, now)
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def owe(session: Session, touch: Touch, user_id: int, now: datetime, text: str = "") -> Task:
    """The next touch of a row becomes a task of `user_id`, with the row's note or other words. Flushes."""
    task = Task(
        kind="next_touch",
        text=text or touch.note,
        user_id=user_id,
        client_id=touch.client_id,
        call_id=touch.call_id,
        touch_id=touch.id,
        number=touch.call.number if touch.call else "",
        due_at=touch.next_at,
        created_at=now,
    )
    session.add(task)
    session.flush()
    return task
