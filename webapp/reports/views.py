"""The ledger's page and its two files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here
from webapp.access import SALES, allow, me
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.exports import work
from webapp.office.models import Channel
from webapp.office.queries import items, the_office
from webapp.pages import phone
from webapp.reports import exports, labels, ledger, periods
from webapp.reports.forms import FilterForm

bp = Blueprint("reports", __name__)

SEES_ALL = (Role.HEAD, Role.SECRETARY)


@dataclass(frozen=True)
class Asked:
    """What the filters ask for, checked against what the reader may see."""

    form: FilterForm
    manager: User | None
    channel: Channel | None
    first: date
    last: date
    start: datetime
    end: datetime

    @property
    def title(self) -> str:
        """Whose ledger it is."""
        return self.manager.name if self.manager else _("All managers")

    @property
    def dates(self) -> str:
        """The period in words."""
        first = format_date(self.first, "EEEE, d MMMM y" if self.first == self.last else "d MMMM y")
        return first if self.first == self.last else f"{first} – {format_date(self.last, 'd MMMM y')}"

    @property
    def file_parts(self) -> tuple[str, ...]:
        """What tells files of different days and people apart."""
        until = self.last.isoformat() if self.last != self.first else ""
        return ("ledger", self.first.isoformat(), until, self.manager.login if self.manager else "")

    def ids(self) -> tuple[int | None, int | None]:
        """The manager's and the channel's id for `ledger.each`."""
        return self.manager.id if self.manager else None, self.channel.id if self.channel else None


@bp.get("/ledger", endpoint="ledger")
@allow(*SALES)
def page() -> ResponseReturnValue:
    """The ledger as on paper, its filters and its sums."""
    form, asked = _asked()
    if asked is None:
        return render_template("reports/ledger.html", form=form, asked=None, labels=labels), 422
    rows = ledger.rows(db.session(), asked.start, asked.end, *asked.ids())
    sums = ledger.totals(rows, the_office(db.session()).conversion_counts)
    before, after = periods.neighbours(form.period.data, asked.first, asked.last)
    length = asked.last - asked.first
    return render_template(
        "reports/ledger.html",
        form=form,
        asked=asked,
        rows=rows,
        sums=sums,
        labels=labels,
        before=_address(form, before, before + length),
        after=_address(form, after, after + length),
        here=_address(form, form.day.data, form.until.data),
    )


@bp.get("/ledger.<any(csv, xlsx):ending>")
@allow(*SALES)
def export(ending: str) -> ResponseReturnValue:
    """The same rows and sums as a file."""
    _form, asked = _asked()
    if asked is None:
        abort(404)
    sums = ledger.Totals(the_office(db.session()).conversion_counts)
    rows = ledger.each(db.session(), asked.start, asked.end, *asked.ids())
    heading = f"{asked.title}, {asked.dates}"
    return work.hand_out(
        db.session(),
        "ledger",
        ending,
        me(),
        here.now(),
        asked.file_parts,
        exports.columns(),
        exports.counted(rows, sums, here.zone(), phone),
        heading,
        lambda: exports.sum_lines(sums),
    )


def _asked() -> tuple[FilterForm, Asked | None]:
    """The filters as typed, and what they ask for when they are right. Somebody else's ledger is not there: 404."""
    session, reader = db.session(), me()
    zone = current_app.config["SETTINGS"].timezone
    may_all = reader.has_role(*SEES_ALL)
    people = (
        session.scalars(select(User).where(User.role.in_(SALES)).order_by(User.name)).all() if may_all else [reader]
    )
    channels = items(session, Channel, keep=request.args.get("channel", type=int))
    today = current_app.config["CLOCK"]().astimezone(zone).date()
    form = FilterForm(request.args, today, people, may_all, channels)
    good = form.validate()
    manager = next((user for user in people if user.id == form.manager.data), None)
    if manager is None and (form.manager.data is not None or not may_all):
        abort(404)
    if not good:
        return form, None
    first, last = periods.first_and_last(form.period.data, form.day.data, form.until.data)
    channel = next((channel for channel in channels if channel.id == form.channel.data), None)
    return form, Asked(form, manager, channel, first, last, *periods.instants(first, last, zone))


def _address(form: FilterForm, day: date, until: date | None) -> dict[str, str]:
    """The query of the same ledger on other days."""
    query = {"period": form.period.data, "day": day.isoformat()}
    if form.period.data == "range" and until:
        query["until"] = until.isoformat()
    if form.manager.data is not None:
        query["manager"] = str(form.manager.data)
    if form.channel.data is not None:
        query["channel"] = str(form.channel.data)
    return query
