"""Who answers to a caller that nobody spoke with: by the roster, without those who are absent or away just then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from webapp import here
from webapp.accounts.models import User
from webapp.accounts.queries import heads
from webapp.calls.models import Call
from webapp.presence import whereabouts
from webapp.roster import duty


def nobody_without(session: Session, user: User, now: datetime) -> bool:
    """True when `user` has duty just now, is gone, and nobody else has it who is here: then backups and heads ring."""
    sheet = whereabouts.read(session, now, now, here.zone())
    planned, there = ({span.user_id for span in _on_duty(spans, now)} for spans in (sheet.planned, sheet.counting))
    return user.id in planned and not there


def _on_duty(spans: Sequence[duty.Span], now: datetime) -> list[duty.Span]:
    """Those of general duty."""
    return [span for span, _until in duty.nearest(spans, now) if span.rank == duty.DUTY]


@dataclass(frozen=True, slots=True)
class Answering:
    """Ids of users, who came first is first: those on duty for the call's line, its backups, and the heads."""

    duty: Sequence[int]
    backups: Sequence[int]
    heads: Sequence[int]

    @property
    def keeper(self) -> int | None:
        """Who keeps what the caller was promised (D26); None leaves it to whichever head comes first."""
        return next(iter((*self.duty, *self.backups, *self.heads)), None)


def of(session: Session, call: Call, now: datetime) -> Answering:
    """Who answers to the caller of `call` at `now`."""
    sheet = whereabouts.read(session, now, now, here.zone())
    people = duty.nearest(sheet.counting, now, call.line_id, call.client.region_id if call.client else None)
    return Answering(
        duty=[span.user_id for span, _until in people if span.rank == duty.DUTY],
        backups=[span.user_id for span, _until in people if span.rank != duty.DUTY],
        heads=[user_id for user_id in heads(session) if not sheet.gone(sheet.users[user_id], now)],
    )
