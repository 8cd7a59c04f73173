"""Files of long lists: the page with its bar, the file itself, and what was taken out of the house by whom."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp import here, sheets
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role
from webapp.db import db
from webapp.exports import work
from webapp.jobs.models import Job

bp = Blueprint("exports", __name__, url_prefix="/exports")
SHOWN = 100


@bp.get("")
@allow(*SALES)
def index() -> ResponseReturnValue:
    """Exports, newest first: everybody's for the head, one's own for others."""
    query = select(Job).where(Job.kind == work.KIND).options(joinedload(Job.made_by))
    if not me().has_role(Role.HEAD):
        query = query.where(Job.made_by_id == me().id)
    jobs = db.session.scalars(query.order_by(Job.id.desc()).limit(SHOWN)).all()
    waiting = {job.id for job in jobs if _is_there(job)}
    return render_template("exports/index.html", jobs=jobs, waiting=waiting)


@bp.get("/<int:job_id>")
@allow(*SALES)
def page(job_id: int) -> ResponseReturnValue:
    """How far a file is, and the file once it is made."""
    job = _mine(job_id)
    return render_template("exports/page.html", job=job, is_there=_is_there(job))


@bp.get("/<int:job_id>/file")
@allow(*SALES)
def fetch(job_id: int) -> ResponseReturnValue:
    """The file, to whoever asked for it."""
    job = _mine(job_id)
    if job.made_by_id != me().id or not _is_there(job):
        abort(404)
    ending = job.facts["ending"]
    kind = sheets.XLSX if ending == "xlsx" else "text/csv"
    answer: Response = send_file(
        work.path(job.id, ending), kind, as_attachment=True, download_name=job.facts["file"], max_age=0
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _mine(job_id: int) -> Job:
    reader = me()
    return load(
        select(Job).where(Job.id == job_id, Job.kind == work.KIND).options(joinedload(Job.made_by)),
        if_=lambda job: job.made_by_id == reader.id or reader.has_role(Role.HEAD),
    )


def _is_there(job: Job) -> bool:
    recent = job.ended_at is not None and here.now() - job.ended_at < work.KEPT
    return job.state == "done" and "file" in job.facts and recent and work.path(job.id, job.facts["ending"]).is_file()
