"""Who should have had a call and did not: a colleague answered in his place, and he is told (D14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.calls.models import Call, CallAudience
from webapp.tasks.models import Task
from webapp.touches.models import Touch

HAD_IT = ("taken", "gave")


def note(
    session: Session, call: Call, touch: Touch | None, audience: Sequence[CallAudience], at: datetime, now: datetime
) -> None:
    """At the end of a talk: the client's manager, or who was asked for, finds a note of it, unless he had it himself.

    Called once a call, by the event that ends it. The words are made where the note is read (`tasks/queries.title`).
    """
    user_id = call.why_routed.get("meant_id")
    if call.direction != "in" or call.answered_at is None or call.answered_by_id in (None, user_id):
        return
    user = session.get(User, user_id) if isinstance(user_id, int) else None
    if user is None or not user.active or any(row.user_id == user.id and row.state in HAD_IT for row in audience):
        return
    session.add(
        Task(
            kind="note",
            user_id=user.id,
            client_id=call.client_id,
            call_id=call.id,
            touch_id=touch.id if touch else None,
            number=call.number,
            due_at=at,
            created_at=now,
        )
    )
    feed.announce(session, [user.id], "tasks", call.id, now)
