"""Missed callers by number: who waits, ringing them back, closing with a reason; and the head's report (D22)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, format_date
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here
from webapp.access import SALES, allow, load, me
from webapp.accounts.models import Role, User
from webapp.calls import missed
from webapp.calls.models import Call
from webapp.calls.queries import one as one_call
from webapp.db import db
from webapp.exports import work
from webapp.missed import episodes, listfile, page, report
from webapp.missed.episodes import Wanted
from webapp.missed.forms import FilterForm
from webapp.office.models import Line
from webapp.office.queries import the_office
from webapp.pages import phone
from webapp.reports import periods

bp = Blueprint("missed", __name__, url_prefix="/missed")

MAY_CLOSE = (Role.HEAD, Role.MANAGER, Role.SECRETARY)
MAY_EXPORT = (Role.HEAD, Role.SECRETARY)
MAX_PAGE = 10_000


@dataclass(frozen=True)
class Asked:
    """What the filters ask for. `query`: them again, for an address; `more_words`: those without a field, in words."""

    form: FilterForm
    wanted: Wanted
    query: dict[str, Any]
    first: date | None
    last: date | None
    more_words: list[str]

    @property
    def dates(self) -> str:
        """The period in words, '' for any time."""
        if self.first is None or self.last is None:
            return ""
        first = format_date(self.first, "EEEE, d MMMM y" if self.first == self.last else "d MMMM y")
        return first if self.first == self.last else f"{first} – {format_date(self.last, 'd MMMM y')}"


@bp.get("")
@allow(*SALES)
def index() -> ResponseReturnValue:
    """Missed callers, who waits longest first; a part of it asks again whenever something happens."""
    session, now = db.session(), here.now()
    form, asked = _asked()
    if asked is None:
        return render_template("missed/index.html", form=form, asked=None, show=_show()), 422
    found, older = episodes.find(session, asked.wanted, here.zone())
    number = min(max(request.args.get("page", 1, type=int), 1), MAX_PAGE)
    first = (number - 1) * page.PAGE_SIZE
    return render_template(
        "missed/index.html",
        form=form,
        asked=asked,
        show=asked.wanted.show,
        rows=page.of(session, found[first : first + page.PAGE_SIZE], the_office(session), now),
        count=len(found),
        waiting=sum(one.is_open for one in found),
        older=older,
        page_number=number,
        more=len(found) > first + page.PAGE_SIZE,
        may_close=me().has_role(*MAY_CLOSE),
        may_export=me().has_role(*MAY_EXPORT),
        page=page,
    )


@bp.post("/<int:call_id>/close")
@allow(*MAY_CLOSE)
def close(call_id: int) -> ResponseReturnValue:
    """Nobody has to ring this caller back, for a reason: one at hand (`quick`), or in one's own words."""
    session, now = db.session(), here.now()
    call = load(one_call(call_id))
    office = the_office(session)
    typed = request.form.get("reason", "")
    if quick := request.form.get("quick"):
        if quick not in page.QUICK:
            abort(404)
        with force_locale(office.language):  # so that the same reason is counted as the same
            reason = str(page.QUICK[quick])
    else:
        reason = typed
    if problem := missed.close(session, call, reason, me(), now):
        session.rollback()
        row = _row(call)
        return render_template(
            "missed/_row.html", row=row, page=page, may_close=True, problem=problem, typed=typed
        ), 422
    session.commit()
    return ""


def _row(call: Call) -> page.Shown:
    """The row of this caller: with all his calls that wait; closed meanwhile, as it was closed."""
    session = db.session()
    calls = [call]
    if row := missed.of_call(session, call):
        calls = list(row.calls)
    one = episodes.Episode(tuple(episodes.lost(each) for each in calls))
    return page.of(session, [one], the_office(session), here.now())[0]


@bp.get("/report", endpoint="report")
@allow(Role.HEAD)
def the_report() -> ResponseReturnValue:
    """How missed callers were dealt with in a period; every figure leads to its rows."""
    form, asked = _asked("week", any_time=False, show="all")
    if asked is None:
        return render_template("missed/report.html", form=form, asked=None), 422
    found, older = episodes.find(db.session(), asked.wanted, here.zone())
    return render_template(
        "missed/report.html",
        form=form,
        asked=asked,
        older=older,
        report=report.of(found, page.names_of(db.session(), found), here.zone()),
        small=report.SMALL_SAMPLE,
    )


@bp.get("/file.<any(csv, xlsx):ending>")
@allow(*MAY_EXPORT)
def export(ending: str) -> ResponseReturnValue:
    """The callers as shown, and the figures of the report under them, as a file."""
    session, zone = db.session(), here.zone()
    _form, asked = _asked()
    if asked is None:
        abort(404)
    found, _older = episodes.find(session, asked.wanted, zone)
    names = page.names_of(session, found)
    rows = listfile.rows(session, found, names, zone, phone)
    figures = report.of(found, names, zone)
    parts = ("missed", asked.wanted.show, *(day.isoformat() for day in (asked.first, asked.last) if day))
    heading = " · ".join(filter(None, (_("Missed callers"), asked.dates, *asked.more_words)))
    return work.hand_out(
        session,
        "missed",
        ending,
        me(),
        here.now(),
        parts,
        listfile.columns(),
        rows,
        heading,
        lambda: listfile.sum_lines(figures),
    )


def _show() -> str:
    show = request.args.get("show", "open")
    return show if show in episodes.SHOW else "open"


def _asked(period: str = "", any_time: bool = True, show: str = "") -> tuple[FilterForm, Asked | None]:
    """The filters as typed, and what they ask for when they are right."""
    session, zone = db.session(), here.zone()
    show = show or _show()
    people = session.scalars(select(User).where(User.role.in_(SALES)).order_by(User.name)).all()
    lines = session.scalars(select(Line).order_by(Line.id)).all()
    default = period or ("any" if show == "open" else "week")
    form = FilterForm(request.args, here.now().astimezone(zone).date(), people, lines, default, any_time)
    if not form.validate():
        return form, None
    query: dict[str, Any] = {"show": show, "period": form.period.data}
    first = last = start = end = None
    if form.period.data != "any":
        first, last = periods.first_and_last(form.period.data, form.day.data, form.until.data)
        start, end = periods.instants(first, last, zone)
        query |= {"day": form.day.data.isoformat()}
        if form.period.data == "range" and form.until.data:
            query["until"] = form.until.data.isoformat()
    query |= {name: form[name].data for name in ("manager", "line") if form[name].data is not None}
    more, words, reason = _more({user.id: user.name for user in people})
    wanted = Wanted(
        show,
        start,
        end,
        line_id=form.line.data,
        manager=form.manager.data,
        duty=more.get("duty"),
        by=more.get("by"),
        how=more.get("how", ""),
        hour=more.get("hour"),
        reason=reason,
    )
    return form, Asked(form, wanted, query | more, first, last, words)


def _more(names: dict[int, str]) -> tuple[dict[str, Any], list[str], str | None]:
    """The filters a figure of the report leads by: as they stand in the address, in words, and the reason meant.

    A reason is named by a call that has it (`like`): what people write stays out of addresses.
    """
    args, reason = request.args, None
    more: dict[str, Any] = {}
    words: list[str] = []
    if (how := args.get("how", "")) in episodes.HOW:
        more["how"] = how
        words.append(_("spoken with") if how == "talk" else str(page.HOW[how][1]))
    for name, sentence in (("duty", _("on duty: %(name)s")), ("by", _("by %(name)s"))):
        user_id = args.get(name, type=int)
        if user_id in names:
            more[name] = user_id
            words.append(sentence % {"name": names[user_id]})
    if (hour := args.get("hour", type=int)) is not None and 0 <= hour < 24:
        more["hour"] = hour
        words.append(_("from %(first)s to %(last)s", first=f"{hour}:00", last=f"{hour + 1}:00"))
    if (like := args.get("like", type=int)) is not None:
        reason = load(select(Call).where(Call.id == like)).missed_reason
        more["like"] = like
        words.append(reason)
    return more, words, reason
