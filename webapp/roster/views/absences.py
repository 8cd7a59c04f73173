"""Who is away: entered and changed on the roster's page."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp import here
from webapp.access import allow, load
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.roster import absences, queries
from webapp.roster.forms import AbsenceForm
from webapp.roster.models import Absence
from webapp.roster.shifts import Refused
from webapp.roster.views.blueprint import bp
from webapp.roster.views.page import monday_asked, page, saved


@bp.post("/absence")
@allow(Role.HEAD)
def add_absence() -> ResponseReturnValue:
    """Somebody will be away."""
    return _save_absence(None, AbsenceForm(prefix="away-"))


@bp.post("/absence/<int:absence_id>")
@allow(Role.HEAD)
def change_absence(absence_id: int) -> ResponseReturnValue:
    """Another time or reason for an absence."""
    return _save_absence(load(select(Absence).where(Absence.id == absence_id)), AbsenceForm(prefix="edit-"))


@bp.post("/absence/<int:absence_id>/delete")
@allow(Role.HEAD)
def delete_absence(absence_id: int) -> ResponseReturnValue:
    """Somebody is here after all."""
    db.session.delete(load(select(Absence).where(Absence.id == absence_id)))
    return saved(monday_asked())


def _save_absence(absence: Absence | None, form: AbsenceForm) -> ResponseReturnValue:
    monday = monday_asked()
    form.offer(queries.people(db.session()))
    if form.validate():
        user = db.session.get_one(User, form.user_id.data)
        start, end = (form.first_day.data, form.starts.data), (form.last_day.data, form.ends.data)
        try:
            absences.set_absence(db.session(), absence, user, start, end, form.reason.data, here.zone())
        except Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            return saved(monday)
    return page(
        monday, absence_form=None if absence else form, editing=absence, edit_form=form if absence else None, code=422
    )
