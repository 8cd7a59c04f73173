"""Missed calls of any age, for the tests of their page, report and escalation."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.desk.conftest import client_with, on_duty, phone
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.touches.models import Touch

__all__ = ["client_with", "on_duty", "phone"]

Miss = Callable[..., Call]


@pytest.fixture
def miss(session: Session, office: dict[str, User], clock: Clock) -> Miss:
    """`miss("+7495...", 12, on="anna")` is a call missed 12 minutes ago while anna was on duty; `back` minutes later
    somebody spoke with it (`how`: out or in), or it was closed for a `reason`, `by` whom."""
    numbers = itertools.count(1)

    def make(number: str, minutes: float, on: str = "", back: float | None = None, **values: Any) -> Call:
        at = clock() - timedelta(minutes=minutes)
        call = Call(
            call_id=f"missed-{next(numbers)}",
            number=number,
            offered_at=at,
            ended_at=at,
            state="ended",
            end_reason="abandoned",
            rings=3,
            ring_seconds=14.0,
            duty_ids=[office[on].id] if on else [],
        )
        if back is not None:
            by, reason = values.pop("by", "anna"), values.pop("reason", "")
            call.missed_closed_at, call.missed_closed_by_id = at + timedelta(minutes=back), office[by].id
            call.missed_how, call.missed_reason = values.pop("how", "reason" if reason else "out"), reason
        for name, value in values.items():
            setattr(call, name, value)
        session.add(call)
        session.flush()
        session.add(Touch(started_at=at, call_id=call.id, client_id=call.client_id))
        session.commit()
        return call

    return make
