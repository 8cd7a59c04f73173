"""One matter, several rows: who was missed and is spoken with later goes on where the missed row stopped (D22)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp.calls.models import Call, is_open_missed
from webapp.touches.models import Touch


def waiting(session: Session, number: str, but: Call | None = None) -> Touch | None:
    """The row of the latest missed call of `number` that nobody has made good, other than `but`."""
    if not number:
        return None
    query = (
        select(Touch)
        .join(Call, Call.id == Touch.call_id)
        .where(Call.number == number, is_open_missed())
        .order_by(Call.offered_at.desc(), Call.id.desc())
        .limit(1)
    )
    return session.scalars(query.where(Call.id != but.id) if but else query).first()


def go_on(session: Session, touch: Touch, earlier: Touch) -> None:
    """`touch` follows `earlier` and takes over what was known there, as far as it has nothing of its own. Flushes.

    Two rows of different cards are two matters: somebody else calls from the same number.
    """
    if touch.client_id and earlier.client_id and touch.client_id != earlier.client_id:
        return
    touch.follows_id = earlier.id
    if touch.client_id is None and earlier.client_id is not None:
        touch.client_id, touch.draft, touch.name_known = earlier.client_id, {}, True
        if touch.call and touch.call.client_id is None:
            touch.call.client_id = earlier.client_id
    if touch.person_id is None and touch.client_id == earlier.client_id:
        touch.person_id = earlier.person_id
    if touch.client_id is None:
        touch.draft = {**earlier.draft, **touch.draft}
        touch.name_known = touch.name_known or earlier.name_known
    touch.purpose_id = touch.purpose_id or earlier.purpose_id
    touch.channel_id = touch.channel_id or earlier.channel_id
    if earlier.closed_at is None:
        touch.note = touch.note or earlier.note
    session.flush()
    session.expire(touch, ["client", "person", "purpose", "channel"])


def let_go(session: Session, call_ids: Collection[int]) -> None:
    """The rows of these missed calls are nobody's unfinished work any more: the matter went on, or was closed."""
    if not call_ids:
        return  # most talks make nothing good
    session.execute(
        update(Touch)
        .where(Touch.call_id.in_(call_ids), Touch.closed_at.is_(None))
        .values(user_id=None)
        .execution_options(synchronize_session="fetch")
    )
