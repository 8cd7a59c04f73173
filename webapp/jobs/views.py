"""The bar of a long piece of work: how far it is, stopping it, carrying on."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp import here
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.db import db
from webapp.jobs import work
from webapp.jobs.models import Job

bp = Blueprint("jobs", __name__, url_prefix="/jobs")


@bp.get("/<int:job_id>")
@allow(*SALES)
def bar(job_id: int) -> ResponseReturnValue:
    """How far a job is: a part that asks again by itself until the job has ended."""
    return render_template("jobs/_bar.html", job=_job(job_id))


@bp.post("/<int:job_id>/stop")
@allow(*SALES)
def stop(job_id: int) -> ResponseReturnValue:
    """End it after the batch in hand."""
    job = _job(job_id)
    work.stop(db.session(), job, here.now())
    db.session.commit()
    return render_template("jobs/_bar.html", job=job)


@bp.post("/<int:job_id>/resume")
@allow(*SALES)
def resume(job_id: int) -> ResponseReturnValue:
    """Carry on from where it was."""
    job = _job(job_id)
    work.resume(db.session(), job, here.now())
    db.session.commit()
    return render_template("jobs/_bar.html", job=job)


def _job(job_id: int) -> Job:
    """A job is shown to whoever asked for it and to the head."""
    user = me()
    return load(
        select(Job).where(Job.id == job_id), if_=lambda job: job.made_by_id == user.id or user.has_role(Role.HEAD)
    )
