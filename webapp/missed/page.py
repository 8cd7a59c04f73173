"""One page of missed callers as it is read: cards, ages in words, who was on duty, our tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.accounts.models import User
from webapp.calls import tries
from webapp.calls.models import Call
from webapp.missed import episodes
from webapp.missed.episodes import Episode
from webapp.office.models import Office

PAGE_SIZE = 25
MOST_CALLS = 8
"""So many calls of one caller are shown one by one."""
HOW: dict[str, tuple[str, LazyString]] = {
    "in": ("good", _l("rang again, spoken with")),
    "out": ("good", _l("rung back, spoken with")),
    "reason": ("quiet", _l("closed with a reason")),
}
TOLD: dict[int, LazyString] = {1: _l("backups were told"), 2: _l("the head was told")}
QUICK: dict[str, LazyString] = {
    "robot": _l("Robot or advertising"),
    "wrong": _l("Wrong number"),
    "written": _l("Answered in writing"),
    "elsewhere": _l("A colleague has dealt with it"),
    "no_call": _l("Asked not to be called"),
}
"""Reasons at hand, in the order of their keys."""


@dataclass(frozen=True)
class Shown:
    """One row. `calls`: with all that is shown of them, the newest first. `level`: 1 to 4, how bad the age is.

    `tries`: how often we rang back in vain since we last spoke.
    """

    episode: Episode
    calls: Sequence[Call]
    level: int
    word: str
    duty: str
    tries: int
    by: str
    reason: str

    @property
    def call(self) -> Call:
        """His latest call."""
        return self.calls[0]


def of(session: Session, found: Sequence[Episode], office: Office, now: datetime) -> list[Shown]:
    """These episodes as rows, in the same order: a handful of queries, however many they are."""
    shown_ids = [call.id for one in found for call in one.calls[:MOST_CALLS]]
    calls = {
        call.id: call
        for call in session.scalars(
            select(Call)
            .where(Call.id.in_(shown_ids))
            .options(joinedload(Call.client), joinedload(Call.line), selectinload(Call.recordings))
        )
    }
    waiting = [one for one in found if one.is_open and one.last.number]
    numbers = sorted({one.last.number for one in waiting})
    in_vain = tries.attempts(session, numbers)
    earlier = episodes.last_reasons(session, numbers, shown_ids) if numbers else {}
    names = names_of(session, found)
    rows = []
    for one in found:
        level, word = age(one, office, now)
        call = calls[one.last.id]
        rows.append(
            Shown(
                episode=one,
                calls=[calls[lost.id] for lost in one.calls[:MOST_CALLS]],
                level=level,
                word=word,
                duty=", ".join(names[user_id] for user_id in one.duty_ids if user_id in names) or _routed(call),
                tries=in_vain.get(one.last.number, 0) if one.is_open else 0,
                by=names.get(one.last.by or 0, ""),
                reason=one.last.reason or earlier.get(one.last.number, ""),
            )
        )
    return rows


def names_of(session: Session, found: Sequence[Episode]) -> dict[int, str]:
    """The names of all who were on duty or closed one of these."""
    ids = {user_id for one in found for user_id in (one.last.by, *one.duty_ids) if user_id}
    return {id_: name for id_, name in session.execute(select(User.id, User.name).where(User.id.in_(ids)))}


def _routed(call: Call) -> str:
    """Who was on duty, as the routing of an earlier day remembers it."""
    routed = call.why_routed
    return str(routed.get("duty") or routed.get("line_people") or routed.get("name") or "")


def age(one: Episode, office: Office, now: datetime) -> tuple[int, str]:
    """How bad it is that he waits, from 1 to 4 and in a word; 0 and '' for who waits no more.

    2 from the minute on at which the backups are told, 3 from the head's, 4 after five hours (D22: a disgrace).
    """
    if not one.is_open:
        return 0, ""
    waits = now - one.first.offered_at
    if waits >= episodes.A_DISGRACE:
        return 4, _("over five hours")
    if waits >= timedelta(minutes=office.missed_head_minutes):
        return 3, _("overdue")
    if waits >= timedelta(minutes=office.missed_backup_minutes):
        return 2, _("getting late")
    return 1, _("fresh")
