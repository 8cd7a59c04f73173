"""A shift changes hands: offered to a colleague or to whoever takes it, for nothing or for a shift of his.

Who accepts first has it: the offer is claimed once. What changes hands are the shifts as they were when it was offered;
one that was changed or taken off since, or has begun, makes the offer void.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session, joinedload

from webapp import feed
from webapp.access import SALES
from webapp.accounts.models import User
from webapp.now import telling
from webapp.roster import journal, shifts
from webapp.roster.models import Absence, Shift, Swap
from webapp.roster.places import Place
from webapp.roster.shifts import Refused, span_words

LONGEST_WORDS = 200
MOST_SHOWN = 50


class Lost(ValueError):
    """The offer stands no longer; its text says why, for the reader."""


def offer(
    session: Session,
    shift: Shift,
    by: User,
    to: User | None,
    in_return: Shift | None,
    words: str,
    now: datetime,
    zone: tzinfo,
) -> Swap:
    """Offer a shift of `by`'s to `to` (None: to anybody) for `in_return`, a shift of `to`'s, or for nothing.

    Raises Refused.
    """
    if shift.user_id != by.id:
        raise Refused("shift_id", _("Only your own shifts are yours to offer."))
    if shift.starts_at <= now:
        raise Refused("shift_id", _("That shift has begun already."))
    if session.scalars(select(Swap.id).where(Swap.shift_id == shift.id, Swap.state == "offered")).first():
        raise Refused("shift_id", _("You offer that shift already. Withdraw that offer to make another one."))
    if to is not None and (to.id == by.id or not to.active or not to.has_role(*SALES)):
        raise Refused("to_user_id", _("Choose a colleague."))
    if in_return is not None:
        if to is None or in_return.user_id != to.id:
            raise Refused("in_return_id", _("Ask for a shift of the colleague you offer yours to."))
        if in_return.starts_at <= now:
            raise Refused("in_return_id", _("That shift has begun already."))
    if to is not None:
        _refuse_taken(session, "to_user_id", to, shift, in_return, zone)
        if in_return is not None:
            _refuse_taken(session, "in_return_id", by, in_return, shift, zone)
    swap = Swap(
        shift_id=shift.id,
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
        shift_version=shift.version,
        from_user_id=by.id,
        to_user_id=to.id if to else None,
        words=words[:LONGEST_WORDS],
        offered_at=now,
    )
    if in_return is not None:
        swap.in_return_id, swap.return_version = in_return.id, in_return.version
        swap.return_starts_at, swap.return_ends_at = in_return.starts_at, in_return.ends_at
    session.add(swap)
    session.flush()
    _tell(session, now)
    return swap


def may_answer(swap: Swap, user: User) -> bool:
    """True for the colleague asked, and for every colleague when anybody was."""
    return swap.from_user_id != user.id and swap.to_user_id in (None, user.id)


def accept(session: Session, swap: Swap, user: User, now: datetime, zone: tzinfo) -> None:
    """`user` takes the shift, and the one in return goes the other way, in one transaction.

    Raises Lost when the offer stands no longer: somebody took it first, it was withdrawn, or a shift of it has changed,
    which makes it void. Raises Refused when `user` can't take it, which leaves it as it is; the caller rolls back.
    """
    shifts.one_at_a_time(session, user.id, swap.from_user_id)
    if not _claim(session, swap, "accepted", user, now):
        raise Lost(_why_lost(session, swap, user))
    shift, in_return = _as_offered(session, swap)
    if shift is None or (swap.return_version is not None and in_return is None) or shift.starts_at <= now:
        _void(session, [swap.id], "accepted", now)
        raise Lost(
            _("The shift has changed or begun since it was offered; the offer is void, and nothing has changed.")
        )
    _refuse_taken(session, "", user, shift, in_return, zone)
    before = [(row, journal.snapshot(row)) for row in (shift, in_return) if row is not None]
    if in_return is not None:
        _refuse_taken(session, "", swap.from_user, in_return, shift, zone)
        in_return.user_id = swap.from_user_id
    shift.user_id = user.id
    for row, _was in before:
        row.version += 1
        row.pattern_id = None  # it is this person's for this day: what repeats goes on without it
    session.flush()
    rows = [journal.changed(row, was) for row, was in before]
    kept = {"name": swap.from_user.name, "to": user.name, **_span(shift)}
    if in_return is not None:
        kept["return"] = _span(in_return)
    journal.record(session, "swap", rows, user, now, **kept)
    shifts.announce(session, now)
    telling.tell(session, now)


def decline(session: Session, swap: Swap, user: User, now: datetime) -> None:
    """The colleague asked says no. Raises Lost."""
    if not _claim(session, swap, "declined", user, now):
        raise Lost(_why_lost(session, swap, user))
    _tell(session, now)


def withdraw(session: Session, swap: Swap, user: User, now: datetime) -> None:
    """Whoever offered it keeps it. Raises Lost."""
    if not _claim(session, swap, "withdrawn", user, now):
        raise Lost(_why_lost(session, swap, user))
    _tell(session, now)


def void_changed(session: Session, now: datetime) -> int:
    """Make void every offer whose shift was changed, taken off, or has begun; returns how many."""
    given, asked = Shift.__table__.alias(), Shift.__table__.alias()
    stale = session.scalars(
        select(Swap.id)
        .outerjoin(given, given.c.id == Swap.shift_id)
        .outerjoin(asked, asked.c.id == Swap.in_return_id)
        .where(Swap.answered_at.is_(None))
        .where(
            or_(
                Swap.starts_at <= now,
                given.c.id.is_(None),
                given.c.version != Swap.shift_version,
                Swap.return_starts_at <= now,
                Swap.return_version.is_not(None) & (asked.c.id.is_(None) | (asked.c.version != Swap.return_version)),
            )
        )
    ).all()
    if stale:
        _void(session, stale, "offered", now)
    return len(stale)


def for_user(session: Session, user: User, now: datetime) -> Sequence[Swap]:
    """The open offers that `user` may take, what begins first first."""
    return session.scalars(
        _shown()
        .where(Swap.answered_at.is_(None), Swap.starts_at > now, Swap.from_user_id != user.id)
        .where(or_(Swap.to_user_id == user.id, Swap.to_user_id.is_(None)))
        .order_by(Swap.starts_at, Swap.id)
    ).all()


def of_user(session: Session, user: User, since: datetime) -> Sequence[Swap]:
    """What `user` offered: open, or answered since then; the latest first."""
    return session.scalars(
        _shown()
        .where(Swap.from_user_id == user.id, or_(Swap.answered_at.is_(None), Swap.answered_at > since))
        .order_by(Swap.id.desc())
    ).all()


def of_all(session: Session, since: datetime) -> Sequence[Swap]:
    """For the head: everybody's open offers, and what changed hands since then; the latest first."""
    return session.scalars(
        _shown()
        .where(or_(Swap.answered_at.is_(None), (Swap.state == "accepted") & (Swap.answered_at > since)))
        .order_by(Swap.id.desc())
    ).all()


def _shown() -> Select[tuple[Swap]]:
    return (
        select(Swap)
        .limit(MOST_SHOWN)
        .options(joinedload(Swap.from_user), joinedload(Swap.to_user), joinedload(Swap.answered_by))
        .options(joinedload(Swap.shift).joinedload(Shift.line), joinedload(Swap.shift).joinedload(Shift.region))
    )


def _claim(session: Session, swap: Swap, state: str, user: User, now: datetime) -> bool:
    claimed = session.execute(
        update(Swap)
        .where(Swap.id == swap.id, Swap.state == "offered")
        .values(state=state, answered_at=now, answered_by_id=user.id)
        .execution_options(synchronize_session=False)
    )
    session.refresh(swap)
    return bool(claimed.rowcount)  # type: ignore[attr-defined]


def _void(session: Session, ids: Sequence[int], state: str, now: datetime) -> None:
    """Make those void that are still in `state`: whatever was answered meanwhile stands."""
    session.execute(
        update(Swap)
        .where(Swap.id.in_(ids), Swap.state == state)
        .values(state="void", answered_at=now, answered_by_id=None)
        .execution_options(synchronize_session="fetch")
    )
    _tell(session, now)


def _as_offered(session: Session, swap: Swap) -> tuple[Shift | None, Shift | None]:
    """The shifts of the offer, held until the transaction ends; None for one that is not as it was."""
    wanted = {swap.shift_id: swap.shift_version, swap.in_return_id: swap.return_version}
    rows = session.scalars(
        select(Shift)
        .where(Shift.id.in_([key for key in wanted if key is not None]))
        .order_by(Shift.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {row.id: row for row in rows if row.version == wanted[row.id]}
    return found.get(swap.shift_id or 0), found.get(swap.in_return_id or 0)


def _refuse_taken(session: Session, field: str, user: User, shift: Shift, gives: Shift | None, zone: tzinfo) -> None:
    """Raises Refused when `user` has another shift during `shift`, but for the one he gives for it, or is away then."""
    place = Place(shift.line_id, shift.region_id)
    other = shifts.overlapping(session, user, shift.starts_at, shift.ends_at, shift.override, place, gives)
    if other is not None:
        words = _("%(name)s already has a shift then: %(span)s.", name=user.name, span=span_words(other, zone))
        raise Refused(field, words)
    gone = session.scalars(
        select(Absence).where(
            Absence.user_id == user.id, Absence.starts_at < shift.ends_at, Absence.ends_at > shift.starts_at
        )
    ).first()
    if gone is not None:
        raise Refused(field, _("%(name)s is away then: %(span)s.", name=user.name, span=span_words(gone, zone)))


def _span(shift: Shift) -> dict[str, Any]:
    return {"starts": shift.starts_at.isoformat(), "ends": shift.ends_at.isoformat()}


def _why_lost(session: Session, swap: Swap, user: User) -> str:
    if swap.state == "accepted":
        if swap.answered_by_id == user.id:
            return _("You have taken that shift already.")
        return _(
            "%(name)s was quicker and has taken that shift.", name=swap.answered_by.name if swap.answered_by else ""
        )
    if swap.state == "withdrawn":
        return _("%(name)s has withdrawn the offer.", name=swap.from_user.name)
    if swap.state == "declined":
        return _("The offer was declined.")
    return _("The shift has changed or begun since it was offered; the offer is void, and nothing has changed.")


def _tell(session: Session, now: datetime) -> None:
    feed.announce_all(session, "roster", "", now)
