"""Shifts that repeat: made, changed, ended by the head; read by all of sales."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.office.queries import the_office
from webapp.pages import moment
from webapp.roster import journal, patterns, places, queries, rhythms, shifts
from webapp.roster.forms import PatternForm, pattern_values
from webapp.roster.models import ShiftPattern
from webapp.roster.places import GENERAL, Place
from webapp.roster.views.blueprint import bp
from webapp.roster.wallclock import wall_clock


@bp.get("/patterns")
@allow(*SALES)
def patterns_page() -> ResponseReturnValue:
    """All patterns; `?pattern=` opened for the head to change."""
    editing = None
    if me().has_role(Role.HEAD) and (asked := request.args.get("pattern", type=int)) is not None:
        editing = load(select(ShiftPattern).where(ShiftPattern.id == asked))
    return _page(editing)


@bp.post("/patterns")
@allow(Role.HEAD)
def add_pattern() -> ResponseReturnValue:
    """A new pattern, its shifts laid at once."""
    form = PatternForm()
    _offer(form, None)
    if form.validate():
        user, place = db.session.get_one(User, form.user_id.data), places.parse(form.place.data)
        try:
            _pattern, laid = patterns.make(
                db.session(), user, form.rhythm(), form.rank.data, place, me(), here.now(), here.zone()
            )
        except shifts.Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            return _kept(_laid(laid))
    return _page(None, form, 422)


@bp.post("/patterns/<int:pattern_id>")
@allow(Role.HEAD)
def change_pattern(pattern_id: int) -> ResponseReturnValue:
    """Another rhythm, person or hours; 409 when somebody else has changed the pattern meanwhile."""
    pattern, form = _locked(pattern_id), PatternForm()
    _offer(form, pattern)
    if form.version.data != str(pattern.version):
        form.version.data = str(pattern.version)
        return _page(pattern, form, 409, _meanwhile(pattern))
    if form.validate():
        user, place = db.session.get_one(User, form.user_id.data), places.parse(form.place.data)
        try:
            gone, laid = patterns.change(
                db.session(), pattern, user, form.rhythm(), form.rank.data, place, me(), here.now(), here.zone()
            )
        except shifts.Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            return _kept(f"{_off(gone)} {_laid(laid)}")
    return _page(pattern, form, 422)


@bp.post("/patterns/<int:pattern_id>/end")
@allow(Role.HEAD)
def end_pattern(pattern_id: int) -> ResponseReturnValue:
    """A pattern that lays nothing from tomorrow on; its coming shifts taken off, but those that somebody edited."""
    pattern = _locked(pattern_id)
    today = wall_clock(here.now(), here.zone())[0]
    return _kept(_off(patterns.end(db.session(), pattern, today, me(), here.now(), here.zone())))


def _locked(pattern_id: int) -> ShiftPattern:
    return load(select(ShiftPattern).where(ShiftPattern.id == pattern_id).with_for_update(of=ShiftPattern))


def _laid(count: int) -> str:
    return ngettext("%(num)d shift laid.", "%(num)d shifts laid.", count)


def _off(count: int) -> str:
    return ngettext("%(num)d shift taken off.", "%(num)d shifts taken off.", count)


def _kept(told: str) -> ResponseReturnValue:
    shifts.announce(db.session(), here.now())
    db.session.commit()
    flash(told, "good")
    return hx.go("roster.patterns_page")


def _meanwhile(pattern: ShiftPattern) -> str:
    last = journal.last_of(db.session(), ShiftPattern.__tablename__, pattern.id)
    now_is = f"{pattern.user.name}, {rhythms.days(pattern)}, {rhythms.hours(pattern)}"
    if last is None or last.by is None:
        return _("Meanwhile this pattern was changed. It is now: %(pattern)s.", pattern=now_is)
    return _(
        "%(name)s has changed this pattern meanwhile, %(when)s. It is now: %(pattern)s.",
        name=last.by.name,
        when=moment(last.at),
        pattern=now_is,
    )


def _page(
    editing: ShiftPattern | None, form: PatternForm | None = None, code: int = 200, conflict: str = ""
) -> ResponseReturnValue:
    today = wall_clock(here.now(), here.zone())[0]
    heads = me().has_role(Role.HEAD)
    if heads and form is None:
        office = the_office(db.session())
        proposed = {"starts": office.opens, "ends": office.closes, "repeat": "week", "weekdays": office.workdays}
        proposed |= {"first_day": today + timedelta(days=1), "days_on": 2, "days_off": 2}
        form = PatternForm(formdata=None, data=pattern_values(editing) if editing else proposed)
        _offer(form, editing)
    return render_template(
        "roster/patterns.html",
        rows=queries.patterns(db.session(), today),
        today=today,
        form=form,
        editing=editing,
        conflict=conflict,
        rhythms=rhythms,
    ), code


def _offer(form: PatternForm, pattern: ShiftPattern | None) -> None:
    people = list(queries.people(db.session()))
    if pattern is not None and pattern.user not in people:
        people.append(pattern.user)
    kept = Place(pattern.line_id, pattern.region_id) if pattern else GENERAL
    form.offer(people, places.choices(db.session(), kept))
