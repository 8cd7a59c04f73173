"""Who is away: entered on the roster's page by the head for anybody and by each for himself; away now by one key.

An absence that leaves hours with nobody on duty is asked about first, in the same form.
"""

from __future__ import annotations

from datetime import datetime

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import inspect, select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.now import telling
from webapp.roster import absences, away_panel, emptying, gaps_told, queries, shifts
from webapp.roster.duty import Span
from webapp.roster.emptying import Emptied
from webapp.roster.forms import AbsenceForm, AwayNowForm
from webapp.roster.models import Absence
from webapp.roster.shifts import Refused
from webapp.roster.views.blueprint import bp
from webapp.roster.views.page import monday_asked, page, saved
from webapp.typed import row_id


@bp.post("/absence")
@allow(*SALES)
def add_absence() -> ResponseReturnValue:
    """Somebody will be away: anybody for the head, oneself for others."""
    return _save(None, AbsenceForm(prefix="away-"))


@bp.post("/absence/<int:absence_id>")
@allow(*SALES)
def change_absence(absence_id: int) -> ResponseReturnValue:
    """Another time or reason for an absence."""
    return _save(_mine(absence_id), AbsenceForm(prefix="edit-"))


@bp.post("/absence/<int:absence_id>/delete")
@allow(*SALES)
def delete_absence(absence_id: int) -> ResponseReturnValue:
    """Somebody is here after all."""
    absence, form = _mine(absence_id), AbsenceForm(prefix="edit-")
    form.offer(_people())
    try:
        absences.remove(db.session(), absence, me(), here.now(), here.zone(), row_id(form.version.data or ""))
    except Refused as refused:
        return _refused(absence, form, refused)
    telling.tell(db.session(), here.now())
    return saved(monday_asked(), told=_("Taken off."))


@bp.post("/away")
@allow(*SALES)
def away_now() -> ResponseReturnValue:
    """Away from now on, for some minutes or until a time today."""
    form, session, now, zone = AwayNowForm(), db.session(), here.now(), here.zone()
    until = form.back_at(now, zone) if form.validate() else None
    if until is not None:
        running = absences.running(session, me(), now)
        before = Span(me().id, running[0].starts_at, running[0].ends_at) if running else None
        try:
            absence = absences.away_now(session, me(), until, now, zone)
        except Refused as refused:
            form.until.errors = [refused.reason]
        else:
            found = emptying.by_absence(session, absence, before, now)
            if _may_stay_empty(found, form.anyway.data or "", absence, now):
                _tell(now)
                session.commit()
                return _away(AwayNowForm(formdata=None))
            form.emptied, form.at.data = found, until.isoformat()
    session.rollback()
    return _away(form, 422)


@bp.get("/away")
@allow(*SALES)
def away() -> ResponseReturnValue:
    """The panel that says whether one is away, and takes one away."""
    return _away(AwayNowForm(formdata=None))


@bp.post("/back")
@allow(*SALES)
def back() -> ResponseReturnValue:
    """Back before the time that was given."""
    if absences.back(db.session(), me(), here.now(), here.zone()):
        _tell(here.now())
        db.session.commit()
    return _away(AwayNowForm(formdata=None))


def _mine(absence_id: int) -> Absence:
    return load(select(Absence).where(Absence.id == absence_id), if_=lambda row: absences.may_change(row, me()))


def _people() -> list[User] | None:
    return list(queries.people(db.session())) if me().has_role(Role.HEAD) else None


def _save(absence: Absence | None, form: AbsenceForm) -> ResponseReturnValue:
    session, now, zone = db.session(), here.now(), here.zone()
    people = _people()
    form.offer([*people, absence.user] if people is not None and absence and absence.user not in people else people)
    if not form.validate():
        return _again(absence, form)
    user = me() if form.user_id is None else session.get_one(User, form.user_id.data)
    before = Span(absence.user_id, absence.starts_at, absence.ends_at) if absence else None
    try:
        kept = absences.set_absence(
            session, absence, user, form.away(), me(), now, zone, row_id(form.version.data or "")
        )
    except Refused as refused:
        return _refused(absence, form, refused)
    found = emptying.by_absence(session, kept, before, now)
    if not _may_stay_empty(found, form.anyway.data or "", kept, now):
        session.rollback()
        form.emptied = found
        return _again(absence, form)
    telling.tell(session, now)
    ill = user if kept.kind == "illness" and kept.ends_at > now and me().has_role(Role.HEAD) else None
    return saved(monday_asked(), [(max(kept.starts_at, now), max(kept.ends_at, now))], ill=ill)


def _may_stay_empty(found: list[Emptied], said: str, absence: Absence, now: datetime) -> bool:
    """True when no hours are left empty, or when these very ones may be; then the heads are told, unless it is one."""
    if found and said != emptying.mark(found, now):
        return False
    if found and not me().has_role(Role.HEAD):
        gaps_told.tell_of(db.session(), absence.user, found, now, here.zone())
    return True


def _tell(now: datetime) -> None:
    """Every page, the bridges, and whoever looks at where people are."""
    shifts.announce(db.session(), now)
    telling.tell(db.session(), now)


def _refused(absence: Absence | None, form: AbsenceForm, refused: Refused) -> ResponseReturnValue:
    """The form with the reason. One that showed what has changed meanwhile may be sent again; what is gone is gone."""
    db.session.rollback()
    if absence is not None and refused.field == "version":
        absence = db.session.get(Absence, inspect(absence).identity)
        if absence is None:
            return page(monday_asked(), conflict=refused.reason, code=409)
        form.version.raw_data, form.version.data = None, str(absence.version)
        return page(monday_asked(), editing=absence, edit_form=form, conflict=refused.reason, code=409)
    form[refused.field if refused.field in form else "kind"].errors = [refused.reason]
    return _again(absence, form)


def _again(absence: Absence | None, form: AbsenceForm) -> ResponseReturnValue:
    """The form once more, as it was typed."""
    if absence is None:
        return page(monday_asked(), absence_form=form, code=422)
    return page(monday_asked(), editing=absence, edit_form=form, code=422)


def _away(form: AwayNowForm, code: int = 200) -> ResponseReturnValue:
    """The panel alone for htmx, else the roster's page with it."""
    if hx.asked_by_htmx():
        shown = away_panel.shown(db.session(), me(), form, here.now(), here.zone())
        return render_template("roster/_away_now.html", **shown), code
    return hx.go("roster.week") if code == 200 else page(monday_asked(), away_form=form, code=code)
