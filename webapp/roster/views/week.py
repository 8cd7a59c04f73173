"""The roster page: everybody of sales reads the week, the head of sales edits it."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.pages import moment
from webapp.roster import absences, grid, journal, places, queries, sentences, shifts
from webapp.roster.forms import CopyForm, ShiftForm
from webapp.roster.models import Absence, RosterChange, Shift
from webapp.roster.views.blueprint import bp
from webapp.roster.views.page import (
    change_words,
    days_of,
    drawn,
    flash_note,
    monday_asked,
    noted,
    page,
    place_asked,
    saved,
)
from webapp.roster.wallclock import DAY_MINUTES, instant


@bp.get("")
@allow(*SALES)
def week() -> ResponseReturnValue:
    """The week (`?week=2026-W11`, default this one), `?shift=` or `?absence=` opened for the head to edit.

    `?of=line-3` or `?of=region-2` shows the roster of that line or region alone.
    """
    monday = monday_asked()
    if hx.asked_by_htmx():
        place = place_asked()
        return render_template("roster/_week.html", week=drawn(monday, place), place=place, editing=None)
    editing: Shift | Absence | None = None
    if me().has_role(Role.HEAD) and (shift_id := request.args.get("shift", type=int)) is not None:
        editing = load(select(Shift).where(Shift.id == shift_id))
    elif (absence_id := request.args.get("absence", type=int)) is not None:
        query = select(Absence).where(Absence.id == absence_id)
        editing = load(query, if_=lambda row: absences.may_change(row, me()))
    return page(monday, editing=editing)


@bp.post("/shift")
@allow(Role.HEAD)
def add_shift() -> ResponseReturnValue:
    """A new shift."""
    return _save_shift(None, ShiftForm())


@bp.post("/shift/<int:shift_id>")
@allow(Role.HEAD)
def change_shift(shift_id: int) -> ResponseReturnValue:
    """Another person, day, time or rank for a shift; 409 when somebody else has changed it or taken it off."""
    form = ShiftForm(prefix="edit-")
    shift = _locked(shift_id)
    return _save_shift(shift, form) if shift else _gone(shift_id, form)


@bp.post("/shift/<int:shift_id>/delete")
@allow(Role.HEAD)
def delete_shift(shift_id: int) -> ResponseReturnValue:
    """A shift taken off the roster; 409 when somebody else has changed it meanwhile."""
    form, shift, monday = ShiftForm(prefix="edit-"), _locked(shift_id), monday_asked()
    if shift is None:
        last = _last_change(shift_id)
        return saved(monday, told=_meanwhile(last))
    if form.version.data != str(shift.version):
        return _stale(shift, None)
    touched, said = [(shift.starts_at, shift.ends_at)], shifts.facts(shift)
    rows = shifts.take_off(db.session(), [shift])
    journal.record(db.session(), "shift_removed", rows, me(), here.now(), **said)
    return saved(monday, touched, _("Taken off."))


@bp.post("/copy")
@allow(Role.HEAD)
def copy_week() -> ResponseReturnValue:
    """This week's plain shifts once more, in each of the next weeks."""
    monday, form = monday_asked(), CopyForm()
    if not form.validate():
        flash(str(form.weeks.errors[0]), "bad")
        return hx.go("roster.week", week=grid.week_code(monday))
    weeks = form.weeks.data
    copied = shifts.copy_week(db.session(), monday, weeks, me(), here.now(), here.zone())
    shifts.announce(db.session(), here.now())
    db.session.commit()
    told = ngettext("%(num)d shift copied.", "%(num)d shifts copied.", copied.made)
    flash_note(noted(told, _weeks_after(monday, weeks)))
    if copied.skipped:
        flash(
            ngettext(
                "%(num)d skipped: that person already has a shift then.",
                "%(num)d skipped: those people already have shifts then.",
                copied.skipped,
            ),
            "warning",
        )
    return hx.go("roster.week", week=grid.week_code(monday + timedelta(days=7)))


@bp.post("/clear")
@allow(Role.HEAD)
def clear_week() -> ResponseReturnValue:
    """The coming shifts of this week taken off, all of them."""
    monday = monday_asked()
    gone = shifts.clear_week(db.session(), monday, me(), here.now(), here.zone())
    told = ngettext("%(num)d shift taken off.", "%(num)d shifts taken off.", gone)
    return saved(monday, _weeks_after(monday - timedelta(days=7), 1) if gone else (), told)


def _save_shift(shift: Shift | None, form: ShiftForm) -> ResponseReturnValue:
    monday, session = monday_asked(), db.session()
    kept = places.Place(shift.line_id, shift.region_id) if shift else places.GENERAL
    form.offer(queries.people(session), days_of(monday, shift), places.choices(session, kept))
    if shift is not None and form.version.data != str(shift.version):
        return _stale(shift, form)
    if form.validate():
        user, place = session.get_one(User, form.user_id.data), places.parse(form.place.data)
        before = journal.snapshot(shift) if shift else None
        touched, was = ([(shift.starts_at, shift.ends_at)], shifts.facts(shift)) if shift else ([], None)
        try:
            row = shifts.set_shift(
                session, shift, user, form.wall(), form.rank.data, form.override.data, here.zone(), place
            )
        except shifts.Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            session.expire(row, ["user"])
            touched.append((row.starts_at, row.ends_at))
            if before is None:
                journal.record(session, "shift_made", [journal.made(row)], me(), here.now(), **shifts.facts(row))
            else:
                rows = [journal.changed(row, before)]
                journal.record(session, "shift_changed", rows, me(), here.now(), **shifts.facts(row), was=was)
            return saved(monday, touched)
    return page(monday, shift_form=None if shift else form, editing=shift, edit_form=form if shift else None, code=422)


def _locked(shift_id: int) -> Shift | None:
    """The shift, which nobody else changes until this request is over."""
    return db.session.scalars(select(Shift).where(Shift.id == shift_id).with_for_update(of=Shift)).one_or_none()


def _stale(shift: Shift, form: ShiftForm | None) -> ResponseReturnValue:
    """Somebody has changed the shift since it was shown: what he did, and what was typed, to be saved again."""
    if form is not None:
        form.version.data = str(shift.version)
    names = places.named(db.session(), [places.Place(shift.line_id, shift.region_id).code])
    now_is = sentences.shift(shifts.facts(shift), names, here.zone())
    last = journal.last_of(db.session(), Shift.__tablename__, shift.id)
    words = _("Meanwhile this shift was changed. It is now: %(shift)s.", shift=now_is)
    if last is not None and last.by is not None:
        words = _(
            "%(name)s has changed this shift meanwhile, %(when)s. It is now: %(shift)s.",
            name=last.by.name,
            when=moment(last.at),
            shift=now_is,
        )
    return page(monday_asked(), editing=shift, edit_form=form, conflict=words, code=409)


def _gone(shift_id: int, form: ShiftForm) -> ResponseReturnValue:
    """Somebody has taken the shift off: what was typed stands in the form of a new one. 404 for what never was."""
    last = _last_change(shift_id)
    typed = MultiDict((field.short_name, value) for field in form for value in field.raw_data or ())
    new = ShiftForm(formdata=typed)
    advice = _("What you typed stands in the new shift below: set it to have it nevertheless.")
    return page(monday_asked(), shift_form=new, conflict=f"{_meanwhile(last)} {advice}", code=409)


def _last_change(shift_id: int) -> RosterChange:
    return journal.last_of(db.session(), Shift.__tablename__, shift_id) or abort(404)


def _meanwhile(change: RosterChange) -> str:
    """Who did what when, of a change somebody else has made."""
    name = change.by.name if change.by else _("the clock")
    return f"{name}, {moment(change.at)}: {change_words([change])[0]}."


def _weeks_after(monday: date, weeks: int) -> list[tuple[datetime, datetime]]:
    """The days of the `weeks` after that of `monday`, as spans."""
    return [
        (instant(day, 0, here.zone()), instant(day, DAY_MINUTES, here.zone()))
        for day in (monday + timedelta(days=7 + offset) for offset in range(7 * weeks))
    ]
