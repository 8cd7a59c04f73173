"""Doing long work step by step: what asks for it, what claims it, and what carries it on after a crash.

A kind of job is a function that does one batch and says whether more is left. Each batch is one transaction together
with the job's own count, so that a worker killed at any moment leaves neither a half batch nor a batch done twice.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Update, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.jobs.models import OPEN, Job

log = structlog.get_logger()

STEPS: dict[str, str] = {
    "doubles": "webapp.doubles.search:step",
    "worklist": "webapp.worklists.making:step",
    "rekey": "webapp.clients.rekey:step",
    "preview": "webapp.imports.preview:step",
    "import": "webapp.imports.work:take_in",
}
"""Kind of job -> "module:function"; the function is called as `step(session, job, now)` and returns True while more
is left. It counts in `job.done`, keeps its place in `job.facts` (assign a new dict), flushes and never commits."""

SILENT_AFTER = timedelta(seconds=60)
"""A running job whose worker has said nothing for so long has lost it."""


class JobFailed(Exception):
    """A job that can't go on; the message says why and what to do, in plain words for its page."""


def ask(session: Session, kind: str, facts: dict[str, Any], user: User | None, now: datetime, total: int = 0) -> Job:
    """Ask for long work; it begins within seconds of the commit. Flushes. Raises KeyError for an unknown kind."""
    if kind not in STEPS:
        raise KeyError(kind)
    job = Job(kind=kind, facts=facts, total=total, made_at=now, made_by_id=user.id if user else None)
    session.add(job)
    session.flush()
    return job


def stop(session: Session, job: Job, now: datetime) -> bool:
    """End a job before its end; what it has done so far stays. False when it had ended already."""
    stopped = session.execute(
        update(Job).where(Job.id == job.id, Job.ended_at.is_(None)).values(state="stopped", ended_at=now)
    )
    session.expire(job)
    _tell(session, job, now)
    return bool(stopped.rowcount)  # type: ignore[attr-defined]


def resume(session: Session, job: Job, now: datetime) -> None:
    """Carry on with a job that failed or was stopped, from where it was."""
    session.execute(
        update(Job)
        .where(Job.id == job.id, Job.state.in_(("failed", "stopped")))
        .values(state="waiting", said="", ended_at=None, beat_at=None)
    )
    session.expire(job)
    _tell(session, job, now)


def claim(session: Session, now: datetime) -> Job | None:
    """The oldest job that waits, or that a worker began and lost; taken by one worker only. Flushes."""
    lost = or_(Job.state == "waiting", Job.beat_at < now - SILENT_AFTER)
    free = (Job.ended_at.is_(None), lost)
    for job_id in session.scalars(select(Job.id).where(*free).order_by(Job.made_at, Job.id)).all():
        taken = session.execute(update(Job).where(Job.id == job_id, *free).values(state="running", beat_at=now))
        if taken.rowcount:  # type: ignore[attr-defined]
            return session.get(Job, job_id, populate_existing=True)
    return None


def carry_on(session: Session, job_id: int, now: datetime) -> bool:
    """One batch of a claimed job, and the commit; True while more is left. Raises OperationalError: try again later."""
    job = session.get(Job, job_id, populate_existing=True)
    if job is None or job.state not in OPEN:
        return False
    module, _, name = STEPS[job.kind].partition(":")
    step: Callable[[Session, Job, datetime], bool] = getattr(importlib.import_module(module), name)
    beat = job.beat_at
    try:
        more = step(session, job, now)
        session.flush()
        ours = _ours(job_id, beat).values(beat_at=now)
        if not session.execute(ours, execution_options={"synchronize_session": False}).rowcount:  # type: ignore[attr-defined]
            session.rollback()  # its page has stopped it meanwhile, or another worker took it for lost
            return False
        if not more:
            job.state, job.ended_at = "done", now
        session.flush()
        _tell(session, job, now)
        session.commit()
        return more
    except OperationalError:
        session.rollback()
        raise
    except Exception as error:
        session.rollback()
        _fail(session, job_id, beat, error, now)
        return False


def _ours(job_id: int, beat: datetime | None) -> Update:
    """Of the job, while it runs and the worker that heard this beat still has it."""
    return update(Job).where(Job.id == job_id, Job.state.in_(OPEN), Job.beat_at == beat)


def _fail(session: Session, job_id: int, beat: datetime | None, error: Exception, now: datetime) -> None:
    if not isinstance(error, JobFailed):  # its class says enough: a message may hold what a client told us
        log.error("a job failed", job=job_id, kind=type(error).__name__)
    said = str(error) if isinstance(error, JobFailed) else type(error).__name__
    session.execute(_ours(job_id, beat).values(state="failed", said=said, ended_at=now))
    job = session.get(Job, job_id)
    if job:
        _tell(session, job, now)
    session.commit()


def _tell(session: Session, job: Job, now: datetime) -> None:
    feed.announce(session, [job.made_by_id] if job.made_by_id else [], "job", job.id, now)
