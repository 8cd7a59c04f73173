"""The roster's page as every one of its views gives it back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp import here, hx
from webapp.access import me
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.office.queries import the_office
from webapp.roster import (
    away_panel,
    duty,
    emptying,
    grid,
    holidays,
    journal,
    places,
    queries,
    sentences,
    shifts,
    wording,
)
from webapp.roster.duty import Period
from webapp.roster.forms import AbsenceForm, AwayNowForm, ShiftForm, absence_values, shift_values
from webapp.roster.models import Absence, RosterChange, Shift
from webapp.roster.places import Place
from webapp.roster.wallclock import DAY_MINUTES, instant, wall_clock

MOST_GAPS = 7
"""How many days with open hours the note on a change names."""


@dataclass(frozen=True, slots=True)
class Note:
    """What the page says of the change just made. `kind`: good, warning, bad. `gaps`: hours left open, a line a day.

    `ill`: who is away ill, whose work may be handed over.
    """

    text: str
    kind: str = "good"
    gaps: Sequence[str] = ()
    ill: User | None = None


def saved(monday: date, touched: Sequence[Period] = (), told: str = "", ill: User | None = None) -> ResponseReturnValue:
    """Announce and keep a change of the roster, and show it with the gaps that the days of `touched` have now (D18)."""
    shifts.announce(db.session(), here.now())
    db.session.commit()
    note = replace(noted(told or _("Saved."), touched), ill=ill)
    if hx.asked_by_htmx():
        return page(monday, note=note)
    flash_note(note)
    return hx.go("roster.week", week=grid.week_code(monday), of=place_asked().code or None)


def noted(text: str, touched: Sequence[Period]) -> Note:
    """A note on a change of these spans: warns of the hours of their days that nobody covers now."""
    gaps = gaps_of_days(touched)
    return Note(text, "bad" if gaps else "good", gaps)


def flash_note(note: Note) -> None:
    """Say the note on the page the browser is sent to."""
    flash(note.text, "good")
    if note.gaps:
        flash(_("Nobody on duty: %(hours)s", hours="; ".join(note.gaps)), "bad")


def gaps_of_days(touched: Sequence[Period]) -> list[str]:
    """The open hours on the days of these spans, in words; of at most MOST_GAPS days."""
    if not touched:
        return []
    session, zone = db.session(), here.zone()
    first = min(wall_clock(starts, zone)[0] for starts, _ends in touched)
    last = max(wall_clock(ends, zone)[0] for _starts, ends in touched)
    start, end = instant(first, 0, zone), instant(last, DAY_MINUTES, zone)
    days = {
        day
        for starts, ends in touched
        for day in (wall_clock(starts, zone)[0], wall_clock(ends - timedelta(seconds=1), zone)[0])
    }
    gaps = [gap for gap in duty.gaps(session, start, end) if wall_clock(gap[0], zone)[0] in days]
    words = [*wording.gap_words(gaps, zone), *wording.line_gap_words(duty.line_gaps(session, start, end), zone, days)]
    return words if len(words) <= MOST_GAPS else [*words[:MOST_GAPS], "..."]


def page(
    monday: date,
    shift_form: ShiftForm | None = None,
    absence_form: AbsenceForm | None = None,
    editing: Shift | Absence | None = None,
    edit_form: ShiftForm | AbsenceForm | None = None,
    away_form: AwayNowForm | None = None,
    code: int = 200,
    note: Note | None = None,
    conflict: str = "",
) -> ResponseReturnValue:
    """The whole page, or its changing part for htmx; forms that were refused come back as they were typed.

    `conflict`: what somebody else has done to the row meanwhile.
    """
    session, place = db.session(), place_asked()
    values: dict[str, Any] = {
        "week": drawn(monday, place),
        "editing": editing,
        "note": note,
        "conflict": conflict,
        "place": place,
        "places": places.choices(session, place),
    }
    people = queries.people(session) if me().has_role(Role.HEAD) else None
    absence_form = absence_form or AbsenceForm(formdata=None, prefix="away-", data=_proposed_absence(monday))
    absence_form.offer(people)
    if editing is not None:
        edit_form = edit_form or _form_of(editing)
        known = people if people is None or editing.user in people else [*people, editing.user]
        if isinstance(edit_form, AbsenceForm):
            edit_form.offer(known)
        elif isinstance(editing, Shift):
            kept = Place(editing.line_id, editing.region_id)
            edit_form.offer(known or [], days_of(monday, editing), places.choices(session, kept))
    if people is not None:
        shift_form = shift_form or ShiftForm(formdata=None, data=_proposed_shift(monday) | {"place": place.code})
        shift_form.offer(people, days_of(monday, None), values["places"])
        values |= {"undoable": undoable()}
    asked = edit_form.emptied if isinstance(edit_form, AbsenceForm) else absence_form.emptied
    values |= {"emptied": emptying.words(asked, here.zone()), "emptied_mark": emptying.mark(asked, here.now())}
    values |= {"shift_form": shift_form, "absence_form": absence_form, "edit_form": edit_form}
    values |= away_panel.shown(session, me(), away_form, here.now(), here.zone())
    template = "roster/_roster.html" if hx.asked_by_htmx() else "roster/week.html"
    return render_template(template, **values), code


def undoable() -> str:
    """What Undo would take back, in words; '' when the reader has changed nothing."""
    change = journal.to_undo(db.session(), me())
    return change_words([change])[0] if change else ""


def change_words(changes: Sequence[RosterChange]) -> list[str]:
    """Changes of the roster in words, one each."""
    codes = {facts.get("place", "") for one in changes for facts in (one.facts, one.facts.get("was") or {})}
    names = places.named(db.session(), sorted(codes - {""})) if codes - {""} else {}
    return [sentences.of(change, names, here.zone()) for change in changes]


def place_asked() -> Place:
    """The line or region that the page is narrowed to (`?of=line-3`)."""
    return places.parse(request.values.get("of", ""))


def _form_of(row: Shift | Absence) -> ShiftForm | AbsenceForm:
    if isinstance(row, Shift):
        return ShiftForm(formdata=None, prefix="edit-", data=shift_values(row, here.zone()))
    return AbsenceForm(formdata=None, prefix="edit-", data=absence_values(row, here.zone()))


def drawn(monday: date, place: Place) -> grid.Week:
    """The week as it stands, of one line or region where `place` names one."""
    session, zone = db.session(), here.zone()
    start, end = instant(monday, 0, zone), instant(monday, 7 * DAY_MINUTES, zone)
    return grid.draw(
        monday,
        queries.shifts_between(session, start, end),
        queries.absences_between(session, start, end),
        the_office(session),
        holidays.between(session, monday, monday + timedelta(days=6)),
        here.now(),
        zone,
        place=place,
        lines_open=duty.line_gaps(session, start, end),
    )


def _proposed_shift(monday: date) -> dict[str, Any]:
    office = the_office(db.session())
    today = wall_clock(here.now(), here.zone())[0]
    day = today if monday <= today < monday + timedelta(days=7) else monday
    return {"day": day.isoformat(), "starts": office.opens, "ends": office.closes}


def _proposed_absence(monday: date) -> dict[str, Any]:
    day = date.fromisoformat(_proposed_shift(monday)["day"])
    opens = the_office(db.session()).opens
    return {"first_day": day, "starts": opens, "last_day": day + timedelta(days=1), "ends": opens}


def days_of(monday: date, shift: Shift | None) -> list[date]:
    """The days a shift can be put on: those of the week, and its own when it began the week before."""
    days = [monday + timedelta(days=offset) for offset in range(7)]
    return [*days, wall_clock(shift.starts_at, here.zone())[0]] if shift else days


def monday_asked() -> date:
    """The Monday of the week asked for; 404 when there is no such week."""
    asked = request.values.get("week", "")
    if not asked:
        today = wall_clock(here.now(), here.zone())[0]
        return today - timedelta(days=today.weekday())
    match = re.fullmatch(r"(2[01]\d\d)-W(\d\d)", asked, re.ASCII)
    try:
        return date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else abort(404)
    except ValueError:
        abort(404)
