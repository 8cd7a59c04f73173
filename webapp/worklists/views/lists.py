"""The lists: how far they are, their numbers, as a file; closed, reopened, given to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from webapp import here, hx, sheets
from webapp.access import allow, load, me
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.exports import work as exports
from webapp.jobs.models import Job
from webapp.worklists import calling, making, queries
from webapp.worklists.making import CALLERS
from webapp.worklists.models import Worklist
from webapp.worklists.views.blueprint import bp


@bp.get("")
@allow(*CALLERS)
def index() -> ResponseReturnValue:
    """The lists with how far they are: all for the head, one's own for others."""
    session, only = db.session(), None if me().has_role(Role.HEAD) else me()
    found = queries.lists(session, me())
    counts = queries.counts(session, [one.id for one in found], only)
    rows = [(one, sum(counts.get(one.id, ()), queries.Count()), _left(counts.get(one.id, ()))) for one in found]
    due = calling.following(session, me(), None, here.now())
    return render_template("worklists/index.html", rows=rows, due=due)


@bp.get("/<int:worklist_id>")
@allow(*CALLERS)
def page(worklist_id: int) -> ResponseReturnValue:
    """One list: how far each agent is, and its numbers; an agent sees his own alone."""
    worklist, asked = _worklist(worklist_id), request.args.get("job", type=int)
    job = db.session.get(Job, asked) if asked is not None and 0 < asked < 2**31 else None
    if job is not None and (job.kind != "worklist" or job.facts.get("worklist") != worklist.id):
        job = None
    return _page(worklist, job=job)


def _page(worklist: Worklist, job: Job | None = None, errors: Mapping[str, str] | None = None) -> str:
    session, head = db.session(), me().has_role(Role.HEAD)
    number = min(max(request.args.get("page", 1, int), 1), 1000)
    rows, more = queries.items(session, worklist.id, None if head else me(), number)
    counts = queries.counts(session, [worklist.id], None if head else me()).get(worklist.id, [])
    return render_template(
        "worklists/page.html",
        worklist=worklist,
        counts=counts,
        total=sum(counts, queries.Count()),
        mine=_left(counts),
        items=rows,
        more=more,
        page=number,
        job=job,
        told=making.Told(**job.facts["told"]).words() if job is not None and not job.open else [],
        agents=queries.agents(session) if head else [],
        errors=errors or {},
        states=calling.STATES,
    )


def _left(counts: Sequence[queries.Count]) -> int:
    """How many numbers are the reader's own to call."""
    return sum(one.left for one in counts if one.agent_id == me().id)


def _worklist(worklist_id: int) -> Worklist:
    return load(queries.visible(me()).where(Worklist.id == worklist_id))


@bp.get("/<int:worklist_id>.<any(csv, xlsx):ending>")
@allow(*CALLERS)
def export(worklist_id: int, ending: str) -> ResponseReturnValue:
    """The numbers of a list and what came of them, as a file."""
    worklist = _worklist(worklist_id)
    only = None if me().has_role(Role.HEAD) else me()
    columns = [
        sheets.Column(_("Phone"), 18),
        sheets.Column(_("Company"), 30),
        sheets.Column(_("Person"), 24),
        sheets.Column(_("About"), 40),
        sheets.Column(_("Agent"), 20),
        sheets.Column(_("State"), 16),
        sheets.Column(_("Calls without a result"), 10),
        sheets.Column(_("Next call"), 17),
    ]
    rows = (
        [
            item.number,
            item.company,
            item.person,
            item.about,
            item.agent.name if item.agent else "",
            str(calling.STATES.get(item.state, item.state)),
            item.approaches,
            sheets.on_the_wall(item.next_at, here.zone()),
        ]
        for item in queries.each(db.session(), worklist.id, only)
    )
    name = (_("list"), worklist.name)
    return exports.hand_out(db.session(), "worklist", ending, me(), here.now(), name, columns, rows)


@bp.post("/<int:worklist_id>/close")
@allow(Role.HEAD)
def close(worklist_id: int) -> ResponseReturnValue:
    """Nobody calls through it any more."""
    making.close(db.session(), _worklist(worklist_id), here.now())
    db.session.commit()
    return hx.go("worklists.page", worklist_id=worklist_id)


@bp.post("/<int:worklist_id>/reopen")
@allow(Role.HEAD)
def reopen(worklist_id: int) -> ResponseReturnValue:
    """It is called through again."""
    making.reopen(db.session(), _worklist(worklist_id), here.now())
    db.session.commit()
    return hx.go("worklists.page", worklist_id=worklist_id)


@bp.post("/<int:worklist_id>/reassign")
@allow(Role.HEAD)
def reassign(worklist_id: int) -> ResponseReturnValue:
    """What is left goes to others: of one agent (`from`), or of all."""
    session, worklist = db.session(), _worklist(worklist_id)
    chosen = request.form.getlist("agents")
    agents = [one for one in queries.agents(session) if str(one.id) in chosen]
    source = request.form.get("from", type=int)
    if source is not None:
        load(select(User).where(User.id == source))
    try:
        moved = making.reassign(session, worklist, source, agents, here.now())
    except making.BadList as bad:
        session.rollback()
        return _page(_worklist(worklist_id), errors={bad.field: str(bad)}), 422
    session.commit()
    flash(ngettext("%(num)d number has another agent now", "%(num)d numbers have another agent now", moved))
    return hx.go("worklists.page", worklist_id=worklist_id)
