"""Who is told of a missed call that nobody makes good: the backups after a while, the head after a longer one (D22)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session, aliased

from webapp import feed
from webapp.accounts.models import User
from webapp.accounts.queries import heads
from webapp.calls import trace
from webapp.calls.models import Call, is_open_missed
from webapp.now import telling
from webapp.office.queries import the_office
from webapp.presence import answering

BACKUPS, HEAD = 1, 2
"""The steps of `Call.missed_told`."""


def tell(session: Session, now: datetime) -> int:
    """Tell of every caller who has waited long enough; returns how many steps were told. The worker's, each minute.

    Each call takes each step once, whoever asks: it is claimed while it still waits, so nobody is told of a number
    that was returned. Who rings again while his earlier call is with the head is no news.
    """
    office = the_office(session)
    for_backups, for_head = (
        timedelta(minutes=office.missed_backup_minutes),
        timedelta(minutes=office.missed_head_minutes),
    )
    waiting = session.execute(
        select(Call.id, Call.offered_at, Call.missed_told)
        .where(is_open_missed(), Call.missed_told < HEAD, Call.offered_at <= now - min(for_backups, for_head))
        .order_by(Call.offered_at, Call.id)
    ).tuples()
    news = []
    for call_id, offered_at, before in waiting.all():
        step = HEAD if now - offered_at >= for_head else BACKUPS
        if step > before and _claim(session, call_id, step) and not _is_with_them(session, call_id, step):
            news.append((call_id, before, step))
    for call_id, before, step in news:  # once all is claimed: rows are never waited for with the feed held
        _announce(session, call_id, before, step, now)
    return len(news)


def _claim(session: Session, call_id: int, step: int) -> bool:
    claimed = session.execute(
        update(Call)
        .where(Call.id == call_id, Call.missed_told < step, is_open_missed())
        .values(missed_told=step)
        .execution_options(synchronize_session=False)
    )
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def _is_with_them(session: Session, call_id: int, step: int) -> bool:
    """An earlier call of this number waits, and was told to them before."""
    this = aliased(Call)
    earlier = (
        select(Call.id)
        .join(this, this.number == Call.number)
        .where(this.id == call_id, Call.number != "", Call.id != this.id, Call.offered_at <= this.offered_at)
        .where(Call.missed_told >= step, is_open_missed())
    )
    return session.scalars(earlier.limit(1)).first() is not None


def _announce(session: Session, call_id: int, before: int, step: int, now: datetime) -> None:
    call = session.get_one(Call, call_id)
    session.refresh(call)
    people: set[int] = set()
    if before < BACKUPS:
        people |= set(_backups(session, call, now))
    if step == HEAD:
        people |= set(heads(session))
    names = session.scalars(select(User.name).where(User.id.in_(people)).order_by(User.id)).all()
    trace.add(session, call, now, "missed_told", names=", ".join(names))
    session.flush()
    feed.announce(session, sorted(people), "tasks", call_id, now)
    telling.tell(session, now)


def _backups(session: Session, call: Call, now: datetime) -> Sequence[int]:
    """The backups who are here; who is on duty himself when there is none."""
    answers = answering.of(session, call, now)
    return answers.backups or answers.duty
