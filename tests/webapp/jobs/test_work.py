"""Long work: claimed once, a batch a transaction, carried on after a crash, stopped by its page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.db import db
from webapp.jobs import work
from webapp.jobs.models import Job
from webapp.jobs.runner import Runner


def count(session: Session, job: Job, now: datetime) -> bool:
    """A job that counts to its total, and breaks where it is told to."""
    if job.done == job.facts.get("break_at"):
        raise work.JobFailed("the list ends here")
    if job.done == job.facts.get("crash_at"):
        raise ZeroDivisionError("with a client's name in it")
    job.done += 1
    if job.facts.get("lost"):  # so slow that another worker claims it
        session.execute(update(Job).values(beat_at=now + timedelta(seconds=1)))
        if job.facts["lost"] == "broken":
            session.commit()
            raise ZeroDivisionError
    return job.done < job.total


@pytest.fixture(autouse=True)
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(work.STEPS, "count", "tests.webapp.jobs.test_work:count")
    yield


def run(app: Flask, clock: Clock, job_id: int) -> Job:
    """What the worker's thread does when it finds a job; the job as it is then."""
    Runner(app, clock).work()
    return db.session.get_one(Job, job_id)


def test_a_job_is_done_batch_by_batch(session: Session, office: dict[str, User], clock: Clock, app: Flask) -> None:
    job = work.ask(session, "count", {}, office["head"], clock(), total=3)
    session.commit()
    job = run(app, clock, job.id)
    assert (job.state, job.done, job.ended_at) == ("done", 3, clock())


def test_a_job_is_claimed_once(session: Session, office: dict[str, User], clock: Clock) -> None:
    job = work.ask(session, "count", {}, office["head"], clock(), total=3)
    assert work.claim(session, clock()) is job and job.state == "running"
    assert work.claim(session, clock()) is None


def test_a_job_that_its_worker_lost_is_carried_on(session: Session, office: dict[str, User], clock: Clock) -> None:
    job = work.ask(session, "count", {}, office["head"], clock(), total=3)
    work.claim(session, clock())
    session.commit()
    assert work.carry_on(session, job.id, clock())
    assert work.claim(session, clock.move(seconds=30)) is None
    assert work.claim(session, clock.move(seconds=31)) is job
    session.commit()
    assert work.carry_on(session, job.id, clock()) and not work.carry_on(session, job.id, clock())
    assert (job.state, job.done) == ("done", 3)


@pytest.mark.parametrize("how", ["done", "broken"])
def test_a_job_that_another_worker_took_for_lost_is_his(
    session: Session, office: dict[str, User], clock: Clock, how: str
) -> None:
    job = work.ask(session, "count", {"lost": how}, office["head"], clock(), total=1)
    work.claim(session, clock())
    session.commit()
    assert not work.carry_on(session, job.id, clock())
    assert job.state == "running" and job.done == (how == "broken")


@pytest.mark.parametrize(
    ("facts", "said"), [({"break_at": 1}, "the list ends here"), ({"crash_at": 1}, "ZeroDivisionError")]
)
def test_a_job_that_breaks_says_why_and_can_be_carried_on(
    session: Session, office: dict[str, User], clock: Clock, app: Flask, facts: dict[str, int], said: str
) -> None:
    job = work.ask(session, "count", facts, office["head"], clock(), total=3)
    session.commit()
    job = run(app, clock, job.id)
    assert (job.state, job.done, job.said) == ("failed", 1, said)
    job.facts = {}
    work.resume(db.session(), job, clock())
    db.session.commit()
    job = run(app, clock, job.id)
    assert (job.state, job.done, job.said) == ("done", 3, "")


def test_a_stopped_job_keeps_what_it_did(session: Session, office: dict[str, User], clock: Clock) -> None:
    job = work.ask(session, "count", {}, office["head"], clock(), total=3)
    work.claim(session, clock())
    session.commit()
    work.carry_on(session, job.id, clock())
    assert work.stop(session, job, clock()) and not work.stop(session, job, clock())
    session.commit()
    assert not work.carry_on(session, job.id, clock())
    session.refresh(job)
    assert (job.state, job.done) == ("stopped", 1)


def test_unknown_work_is_refused(session: Session, office: dict[str, User], clock: Clock) -> None:
    with pytest.raises(KeyError):
        work.ask(session, "knit", {}, office["head"], clock())
