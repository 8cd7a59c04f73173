"""A choice of an extra field has another name: every card that has it gets the new one, and is found by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients import match
from webapp.jobs import work
from webapp.jobs.models import OPEN, Job
from webapp.rules.models import ExtraField, ExtraValue

KIND = "choice"
AT_ONCE = 200
work.STEPS[KIND] = "webapp.rules.renaming:step"


def begin(session: Session, field: ExtraField, renamed: Mapping[str, str], user: User, now: datetime) -> None:
    """Rename at once on a few cards; of many the worker takes care. Flushes."""
    if not renamed or not _batch(session, field.id, renamed):
        return
    query = select(func.count()).where(ExtraValue.field_id == field.id, ExtraValue.text.in_(renamed))
    left = session.scalar(query) or 0
    work.ask(session, KIND, {"field_id": field.id, "renamed": dict(renamed)}, user, now, left)


def step(session: Session, job: Job, now: datetime) -> bool:
    """One batch of cards; True while more are left."""
    done = _batch(session, job.facts["field_id"], job.facts["renamed"])
    job.done += done
    return done > 0


def _batch(session: Session, field_id: int, renamed: Mapping[str, str]) -> int:
    """How many cards were renamed, AT_ONCE at most; 0: none was left."""
    query = select(ExtraValue).where(ExtraValue.field_id == field_id, ExtraValue.text.in_(renamed))
    rows = session.scalars(query.order_by(ExtraValue.id).limit(AT_ONCE)).all()
    for row in rows:
        row.text = renamed[row.text]
    session.flush()
    for row in rows:
        match.index(session, row.client)
    return len(rows)


def open_job(session: Session) -> Job | None:
    """The renaming that is going on."""
    query = select(Job).where(Job.kind == KIND, Job.state.in_(OPEN)).order_by(Job.id)
    return session.scalars(query.limit(1)).one_or_none()
