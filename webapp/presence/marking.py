"""What people say of themselves by one key, and what the end of a talk says for them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.now import telling
from webapp.presence.models import Presence


def away(session: Session, user: User, now: datetime, back_at: datetime | None = None) -> None:
    """`user` is away from his desk from now on: nobody rings him until `back_at`, or until he says that he is back."""
    presence = _of(session, user.id, now)
    presence.state, presence.since, presence.back_at, presence.wrap_up_until = "away", now, back_at, None
    _tell(session, user, now)


def back(session: Session, user: User, now: datetime) -> None:
    """`user` is at his desk and takes calls, also when he was still writing down a talk."""
    presence = _of(session, user.id, now)
    presence.state, presence.since, presence.back_at, presence.wrap_up_until = "here", now, None, None
    _tell(session, user, now)


def wrap_up(session: Session, user_ids: Collection[int], ended_at: datetime, seconds: int, now: datetime) -> None:
    """A talk of these users has ended: they write it down, and rest from calls that others can take."""
    until = ended_at + timedelta(seconds=seconds)
    if until <= now:
        return
    for user_id in user_ids:
        presence = _of(session, user_id, now)
        presence.wrap_up_until = until
    session.flush()


def written_down(session: Session, user_id: int, now: datetime) -> None:
    """The row of the talk is closed: nothing is left to write down."""
    ended = session.execute(
        update(Presence)
        .where(Presence.user_id == user_id, Presence.wrap_up_until > now)
        .values(wrap_up_until=None)
        .execution_options(synchronize_session="fetch")
    )
    if ended.rowcount:  # type: ignore[attr-defined]
        feed.announce(session, [user_id], "call", "", now)


def _of(session: Session, user_id: int, now: datetime) -> Presence:
    """His row, held until the transaction ends; of two first keys at once the second waits for the first's row."""
    session.flush()
    found = session.scalars(select(Presence).where(Presence.user_id == user_id).with_for_update()).one_or_none()
    if found is None:
        found = Presence(user_id=user_id, state="here", since=now)
        session.add(found)
        session.flush()
    return found


def _tell(session: Session, user: User, now: datetime) -> None:
    """His own pages, whoever looks at the roster, and the bridges, whose standing plans leave him out."""
    session.flush()
    feed.announce_all(session, "roster", "", now)
    feed.announce(session, [user.id], "call", "", now)
    feed.announce(session, [None], "standing", "", now)
    telling.tell(session, now)
