"""The latest changes of the roster, and the way back from each."""

from __future__ import annotations

from datetime import datetime

from flask import flash, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp import here, hx
from webapp.access import allow, load, me
from webapp.accounts.models import Role
from webapp.db import db
from webapp.roster import grid, journal, shifts
from webapp.roster.duty import Period
from webapp.roster.models import RosterChange
from webapp.roster.views.blueprint import bp
from webapp.roster.views.page import Note, change_words, monday_asked, page, saved

SHOWN = 100


@bp.get("/changes")
@allow(Role.HEAD)
def changes() -> ResponseReturnValue:
    """What was changed lately, by whom and when."""
    latest = journal.latest(db.session(), SHOWN)
    return render_template("roster/changes.html", changes=list(zip(latest, change_words(latest), strict=True)))


@bp.post("/undo")
@allow(Role.HEAD)
def undo_last() -> ResponseReturnValue:
    """My last change taken back; 409 and the reason when it can't be."""
    change = journal.to_undo(db.session(), me())
    monday = monday_asked()
    if change is None:
        return page(monday, note=Note(_("There is nothing of yours to undo."), "warning"))
    words, touched = change_words([change])[0], _touched(change)
    reason = _undo(change)
    if not reason:
        return saved(monday, touched, _("Undone: %(change)s", change=words))
    if hx.asked_by_htmx():
        return page(monday, note=Note(reason, "bad"), code=409)
    flash(reason, "bad")
    return hx.go("roster.week", week=grid.week_code(monday))


@bp.post("/changes/<int:change_id>/undo")
@allow(Role.HEAD)
def undo(change_id: int) -> ResponseReturnValue:
    """One change of the list taken back, whoever made it."""
    reason = _undo(load(select(RosterChange).where(RosterChange.id == change_id)))
    if not reason:
        shifts.announce(db.session(), here.now())
        db.session.commit()
    flash(reason or _("Undone."), "bad" if reason else "good")
    return hx.go("roster.changes")


def _undo(change: RosterChange) -> str:
    """Take a change back; '' when that was done, else why it can't be, with nothing done."""
    try:
        journal.undo(db.session(), change, me(), here.now())
    except journal.CantUndo as cant:
        db.session.rollback()
        return str(cant)
    except IntegrityError:  # something made since hangs on a row that would go
        db.session.rollback()
        return _("This has been changed since, so it can't be undone. Change it by hand.")
    return ""


def _touched(change: RosterChange) -> list[Period]:
    """The spans of shifts and absences that a change is about."""
    states = [state for entry in change.rows for state in (entry["before"], entry["after"]) if state]
    return [
        (datetime.fromisoformat(state["starts_at"]), datetime.fromisoformat(state["ends_at"]))
        for state in states
        if "starts_at" in state
    ]
