"""Calling through a list: which number comes next, and what comes before a call (D3, D74).

Of approaches without a result there are at most four, unless the head has set another number: an offer between the
first two, and a repeat call a couple of days later. One more needs a reason first. What a call came to is written down
in `results.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from webapp.accounts.models import User
from webapp.calls import outbound
from webapp.calls.models import Call
from webapp.office.queries import the_office
from webapp.touches import approaches as tried
from webapp.touches import officetime
from webapp.touches.models import Touch
from webapp.worklists.models import Approach, Worklist, WorklistItem

COUPLE_OF_DAYS = 2
LONGEST_WHY = 400
STATES = {
    "open": _l("to call"),
    "meeting": _l("meeting"),
    "refused": _l("refused"),
    "never": _l("never again"),
    "wrong": _l("wrong number"),
    "given_up": _l("given up"),
}


class BadResult(ValueError):
    """A result that can't be written down; `field` is where to mend it, the message says how."""

    def __init__(self, field: str, words: object) -> None:
        super().__init__(str(words))
        self.field = field


# Which number comes next


def of_agent(user: User) -> Select[tuple[WorklistItem]]:
    """The numbers that are `user`'s to call."""
    return (
        select(WorklistItem)
        .join(Worklist, Worklist.id == WorklistItem.worklist_id)
        .where(WorklistItem.agent_id == user.id, WorklistItem.state == "open", Worklist.closed_at.is_(None))
        .options(contains_eager(WorklistItem.worklist))
    )


def following(session: Session, user: User, worklist_id: int | None, now: datetime) -> WorklistItem | None:
    """The number to call now: what is due before what is new, the longest waiting first. None: nothing is."""
    query = of_agent(user).limit(1)
    if worklist_id is not None:
        query = query.where(WorklistItem.worklist_id == worklist_id)
    due = query.where(WorklistItem.next_at <= now).order_by(WorklistItem.next_at, WorklistItem.id)
    new = query.where(WorklistItem.next_at.is_(None)).order_by(WorklistItem.id)
    return session.scalars(due).first() or session.scalars(new).first()


def next_due(session: Session, user: User, worklist_id: int | None) -> datetime | None:
    """When the next number falls due; None when none is left."""
    query = of_agent(user).where(WorklistItem.next_at.is_not(None)).order_by(WorklistItem.next_at).limit(1)
    if worklist_id is not None:
        query = query.where(WorklistItem.worklist_id == worklist_id)
    item = session.scalars(query).first()
    return item.next_at if item else None


def approaches(session: Session, item: WorklistItem) -> Sequence[Approach]:
    """The calls so far, the newest first."""
    query = select(Approach).where(Approach.item_id == item.id).order_by(Approach.at.desc(), Approach.id.desc())
    return session.scalars(query.options(joinedload(Approach.user))).all()


# Before a call


def needs_reason(session: Session, item: WorklistItem) -> bool:
    """As many approaches as the office allows came to nothing, through this list or elsewhere: one more needs a reason.

    (D74, `touches/approaches.py`.)
    """
    if item.state != "open" or item.more_why:
        return False
    elsewhere = tried.of_client(session, item.client_id) if item.client_id else 0
    return max(item.approaches, elsewhere) >= tried.most(session)


def say_why(session: Session) -> LazyString:
    """What to say to whoever has no reason."""
    return _l("%(most)d calls came to nothing: say first why there is one more.", most=tried.most(session))


def go_on(session: Session, item: WorklistItem, why: str) -> None:
    """One more approach, for this reason. Raises BadResult without one."""
    item.more_why = needed(why, "why", _l("Say why one more call makes sense."))
    session.flush()


def dial(session: Session, item: WorklistItem, user: User, now: datetime, country: str) -> Touch:
    """Call the number: the agent's telephone rings first. Raises `outbound.Refused` and BadResult."""
    if needs_reason(session, item):
        raise BadResult("why", say_why(session))
    return outbound.dial(session, user, outbound.Wanted(item.number, item.client), now, country)


def open_call(session: Session, item: WorklistItem, user: User) -> Touch | None:
    """The row of the call that `user` has placed to this number and not finished yet; its result belongs there."""
    if not item.number.startswith("+"):
        return None
    return session.scalars(
        select(Touch)
        .join(Call, Call.id == Touch.call_id)
        .where(Touch.user_id == user.id, Touch.closed_at.is_(None))
        .where(Call.direction == "out", Call.number == item.number)
        .order_by(Call.id.desc())
        .limit(1)
        .options(contains_eager(Touch.call))
    ).first()


def proposal(session: Session, now: datetime, zone: ZoneInfo) -> datetime:
    """When to try again unless the agent says otherwise: a couple of working days later, at ten."""
    workdays = the_office(session).workdays or range(7)
    day = now.astimezone(zone).date() + timedelta(days=COUPLE_OF_DAYS)
    while day.weekday() not in workdays:
        day += timedelta(days=1)
    at = officetime.instant(datetime.combine(day, officetime.TOMORROW_AT), zone)
    return at or now + timedelta(days=COUPLE_OF_DAYS)


def usual_next(item: WorklistItem, result: str) -> str:
    """What to do next unless the agent says otherwise: who was spoken to the first time is sent an offer (D74)."""
    return "offer" if result == "call_later" and item.approaches == 0 else "call_back"


def needed(text: str, field: str, missing: object) -> str:
    """Words that may not be missing, tidied. Raises BadResult."""
    text = " ".join(text.replace("\0", "").split())
    if not text:
        raise BadResult(field, missing)
    if len(text) > LONGEST_WHY:
        raise BadResult(field, _l("At most %(most)d characters.", most=LONGEST_WHY))
    return text
