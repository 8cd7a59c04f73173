"""The month: people by days."""

from __future__ import annotations

import re
from datetime import date

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp import here, hx
from webapp.access import SALES, allow
from webapp.accounts.models import Role
from webapp.db import db
from webapp.office.queries import the_office
from webapp.roster import duty, holidays, places, queries
from webapp.roster import month as months
from webapp.roster.places import GENERAL, Place
from webapp.roster.views.blueprint import bp
from webapp.roster.views.page import place_asked
from webapp.roster.wallclock import DAY_MINUTES, instant, wall_clock


@bp.get("/month")
@allow(*SALES)
def month() -> ResponseReturnValue:
    """The month (`?month=2026-03`, default this one), of one line or region with `?of=`."""
    first, place = _first(), place_asked()
    values = {"month": _drawn(first, place), "place": place, "places": places.choices(db.session(), place)}
    return render_template("roster/_month.html" if hx.asked_by_htmx() else "roster/month.html", **values)


def _drawn(first: date, place: Place) -> months.Month:
    session, zone = db.session(), here.zone()
    last = months.last_day(first)
    start, end = instant(first, 0, zone), instant(last, DAY_MINUTES, zone)
    people = [user for user in queries.people(session) if user.has_role(Role.MANAGER)] if place == GENERAL else []
    gaps: list[duty.Period] = []
    if place == GENERAL:
        gaps = duty.gaps(session, start, end)
    elif place.line_id:
        found = duty.line_gaps(session, start, end)
        gaps = [(gap.starts, gap.ends) for gap in found if gap.line.id == place.line_id]
    return months.draw(
        first,
        people,
        queries.shifts_between(session, start, end),
        queries.absences_between(session, start, end),
        gaps,
        the_office(session),
        holidays.between(session, first, last),
        wall_clock(here.now(), zone)[0],
        zone,
        place,
    )


def _first() -> date:
    """The first day of the month asked for; 404 when there is no such month."""
    asked = request.args.get("month", "")
    if not asked:
        return wall_clock(here.now(), here.zone())[0].replace(day=1)
    match = re.fullmatch(r"(2[01]\d\d)-(0[1-9]|1[0-2])", asked, re.ASCII)
    return date(int(match[1]), int(match[2]), 1) if match else abort(404)
