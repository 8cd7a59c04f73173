"""Paper rows while they are typed: kept at every pause, found again after a reload, a crash or a new sign-in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.quick.models import QuickRow

FIELDS = (
    *("day", "door", "name", "surname", "given_name", "phone", "email"),
    *("purpose", "outcome", "next", "channel", "note", "said", "turn"),
)
"""What a row holds; `said` is what was said of the cards it may be (`offers.read`), `turn` grows with every change."""
NOT_TYPED = ("said", "turn")
CARRIED = ("day", "door", "channel")
"""Fields that a new row takes from the one above: alone they are no row."""
LONGEST = 4000
MOST = 200
"""Rows that one user may have begun."""
SHOWN_FOR = timedelta(days=7)

_KEY = re.compile(r"[0-9a-f]{32}")


def is_key(key: str) -> bool:
    """Whether a page may name a row so."""
    return _KEY.fullmatch(key) is not None


def is_empty(typed: Mapping[str, str]) -> bool:
    """Nothing of the contact itself is typed."""
    return not any(text.strip() for name, text in typed.items() if name not in (*CARRIED, *NOT_TYPED))


def keep(session: Session, user: User, key: str, typed: Mapping[str, str], now: datetime) -> QuickRow | None:
    """Keep a row as it is typed now; one that was emptied is forgotten. None for that, and when there are too many.

    A row that is saved already stays so, and words that were overtaken on their way change nothing.
    """
    mine = select(QuickRow).where(QuickRow.user_id == user.id, QuickRow.key == key).with_for_update()
    row = session.scalars(mine.execution_options(populate_existing=True)).one_or_none()
    texts = {name: typed.get(name, "")[:LONGEST] for name in FIELDS if typed.get(name, "").strip()}
    if row is not None and (row.saved_at or _turn(row.typed) > _turn(texts)):
        return row
    if is_empty(texts):
        if row is not None:
            session.delete(row)
            session.flush()
        return None
    if row is None:
        if len(begun(session, user)) >= MOST:
            return None
        row = _begin(session, user, key, now)
        if row.saved_at:
            return row
    row.typed = texts
    session.flush()
    return row


def _turn(typed: Mapping[str, str]) -> int:
    text = typed.get("turn", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _begin(session: Session, user: User, key: str, now: datetime) -> QuickRow:
    try:
        with session.begin_nested():
            row = QuickRow(user_id=user.id, key=key, begun_at=now)
            session.add(row)
    except IntegrityError:  # the same row, sent a moment ago
        return session.scalars(select(QuickRow).where(QuickRow.user_id == user.id, QuickRow.key == key)).one()
    return row


def begun(session: Session, user: User) -> Sequence[QuickRow]:
    """The user's rows that are not saved yet, in the order they were begun."""
    query = select(QuickRow).where(QuickRow.user_id == user.id, QuickRow.saved_at.is_(None)).order_by(QuickRow.id)
    return session.scalars(query.limit(MOST)).all()


def saved(session: Session, user: User, since: datetime) -> Sequence[QuickRow]:
    """The user's rows saved since then whose card is there, the newest first."""
    query = (
        select(QuickRow)
        .where(QuickRow.user_id == user.id, QuickRow.saved_at >= since, QuickRow.client_id.is_not(None))
        .order_by(QuickRow.saved_at.desc(), QuickRow.id.desc())
        .limit(MOST)
        .options(joinedload(QuickRow.client).selectinload(Client.people))
    )
    return session.scalars(query).all()


def forget_old(session: Session, user: User, now: datetime) -> None:
    """Of what was saved long ago nothing is kept here."""
    session.execute(
        delete(QuickRow).where(QuickRow.user_id == user.id, QuickRow.saved_at < now - SHOWN_FOR),
        execution_options={"synchronize_session": False},
    )
