"""Lists to call through: the head's view of them, the agent's next number, what each call came to (D3, D74)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, abort, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from webapp import here, hx, sheets
from webapp.access import allow, load, me
from webapp.accounts.models import Role, User
from webapp.calls import outbound
from webapp.clients import cards, listing, offers
from webapp.clients.contacts import office_country
from webapp.clients.listing_form import FilterForm
from webapp.db import db
from webapp.exports import work as exports
from webapp.imports import files, names, reading
from webapp.imports.rows import MOST_COLUMNS
from webapp.jobs.models import Job
from webapp.office.models import Channel, Region
from webapp.office.queries import items as list_items
from webapp.touches import typedtime
from webapp.touches.forms import NEXT_LABELS
from webapp.worklists import calling, lines, making, meeting, queries
from webapp.worklists.models import Worklist, WorklistItem

bp = Blueprint("worklists", __name__, url_prefix="/clients/lists")
CALLERS = making.AGENTS
TYPED = 4000
FROM_CARDS = 5000
"""So many cards of a filter become lines of a list at most."""


# The lists


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


@bp.get("/new")
@allow(*CALLERS)
def new() -> ResponseReturnValue:
    """The form of a new list."""
    return _new({"agents": [str(me().id)] if me().has_role(Role.AGENT) else []}, {})


@bp.post("/from-cards")
@allow(Role.HEAD)
def from_cards() -> ResponseReturnValue:
    """The form of a new list with a line for each card that the filters of the cards' list show."""
    session, form = db.session(), FilterForm(db.session(), request.form)
    if not form.validate():
        abort(404)
    ids = listing.after(session, form.asked(here.zone()), 0, FROM_CARDS, office_country())
    pasted = "\n".join(line for client in listing.cards(session, ids) if (line := lines.of_card(client)))
    return _new({"lines": pasted}, {})


@bp.post("")
@allow(*CALLERS)
def create() -> ResponseReturnValue:
    """Make a list of pasted lines. Whoever is not the head makes lists for himself."""
    session, form = db.session(), request.form
    typed: dict[str, Any] = {name: form.get(name, "") for name in ("name", "channel", "manager", "lines")}
    typed["agents"] = form.getlist("agents")
    chosen = [one for one in queries.agents(session) if str(one.id) in typed["agents"]]
    if not me().has_role(Role.HEAD):
        chosen = [me()]
    try:
        worklist, told, job = making.make(
            session,
            typed["name"],
            _rows(typed["lines"]),
            chosen,
            me(),
            here.now(),
            office_country(),
            channel_id=_one_of(typed["channel"], list_items(session, Channel), "channel"),
            manager_id=_one_of(typed["manager"], meeting.managers(session), "manager"),
        )
    except making.BadList as bad:
        session.rollback()
        return _new(typed, {bad.field: str(bad)}), 422
    session.commit()
    _tell(told)
    return hx.go("worklists.page", worklist_id=worklist.id, job=job.id if job else None)


def _rows(pasted: str) -> list[list[str]]:
    """The cells of the lines: of the file, when there is one, else of what was pasted."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return lines.split(pasted)
    db.session.commit()  # nobody shall wait to write while a file is read
    data = current_app.config["SETTINGS"].data
    name = ""
    try:
        name = files.keep(data, upload.stream)
        path = files.path_of(data, name)
        rows = reading.rows(path, reading.look(path).form, MOST_COLUMNS)
        return [list(row.cells) for row in itertools.islice(rows, lines.MOST + 1)]
    except files.BadFile as bad:
        raise making.BadList("file", bad.message) from bad
    finally:
        files.delete(data, name)


def _one_of(value: str, rows: Any, field: str) -> int | None:
    if not value:
        return None
    found = next((row.id for row in rows if str(row.id) == value), None)
    if found is None:
        raise making.BadList(field, _("Choose one of the list."))
    return int(found)


def _new(typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    session = db.session()
    return render_template(
        "worklists/new.html",
        typed=typed,
        errors=errors,
        agents=queries.agents(session) if me().has_role(Role.HEAD) else [],
        managers=meeting.managers(session),
        channels=list_items(session, Channel),
        most=lines.MOST,
    )


def told_words(told: making.Told) -> list[str]:
    """What became of a list's lines, in words."""
    words = [
        (told.taken, ngettext("%(num)d number taken", "%(num)d numbers taken", told.taken)),
        (told.known, ngettext("%(num)d is a client's", "%(num)d are clients'", told.known)),
        (told.unread, ngettext("%(num)d can't be read as a phone", "%(num)d can't be read as phones", told.unread)),
        (told.double, ngettext("%(num)d stood there twice", "%(num)d stood there twice", told.double)),
        (told.elsewhere, ngettext("%(num)d is on another list", "%(num)d are on other lists", told.elsewhere)),
        (told.never, ngettext("%(num)d must never be called", "%(num)d must never be called", told.never)),
        (told.empty, ngettext("%(num)d line without a number", "%(num)d lines without a number", told.empty)),
    ]
    return [text for count, text in words if count] or [_("nothing taken")]


def _tell(told: making.Told) -> None:
    flash(" · ".join(told_words(told)))


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
        told=told_words(making.Told(**job.facts["told"])) if job is not None and not job.open else [],
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


# Calling through


@bp.get("/call")
@bp.get("/<int:worklist_id>/call")
@allow(*CALLERS)
def call(worklist_id: int | None = None) -> ResponseReturnValue:
    """The next number to call, of one list or of all; or when the next falls due."""
    session, now = db.session(), here.now()
    worklist = _worklist(worklist_id) if worklist_id is not None else None
    item = calling.following(session, me(), worklist_id, now)
    if item is not None:
        return hx.go("worklists.item", item_id=item.id)
    return render_template(
        "worklists/nothing.html", worklist=worklist, next_at=calling.next_due(session, me(), worklist_id)
    )


def _mine(item_id: int) -> WorklistItem:
    return load(queries.item(item_id), if_=lambda item: item.agent_id == me().id)


def _done_with(item: WorklistItem) -> Response | None:
    """Where to go when a number is not to be called any more."""
    if item.state == "open" and item.worklist.closed_at is None:
        return None
    flash(_("This number has been dealt with meanwhile."), "warning")
    return hx.go("worklists.call")


@bp.get("/items/<int:item_id>")
@allow(*CALLERS)
def item(item_id: int) -> ResponseReturnValue:
    """One number big enough to read: who, what about, what was before, and the keys of the results."""
    item = _mine(item_id)
    return _done_with(item) or _item(item)


def _item(item: WorklistItem, panel: str = "", typed: Mapping[str, str] | None = None, **errors: str) -> str:
    session, now = db.session(), here.now()
    return render_template(
        "worklists/item.html",
        item=item,
        approaches=calling.approaches(session, item),
        touch=calling.open_call(session, item, me()),
        needs_reason=calling.needs_reason(item),
        most=calling.MOST_APPROACHES,
        results=calling.RESULTS,
        proposal=calling.proposal(session, now, here.zone()).astimezone(here.zone()).strftime("%d.%m.%Y %H:%M"),
        usual_next={result: calling.usual_next(item, result) for result in ("not_reached", "call_later")},
        next_labels={kind: NEXT_LABELS[kind] for kind in calling.NEXT},
        left=queries.counts(session, [item.worklist_id], me()).get(item.worklist_id, [queries.Count()])[0].left,
        panel=panel,
        typed=typed or {},
        errors=errors,
    )


@bp.get("/items/<int:item_id>/state")
@allow(*CALLERS)
def call_state(item_id: int) -> ResponseReturnValue:
    """How the call to this number goes: a part that asks again when something happens to it."""
    item = _mine(item_id)
    touch = calling.open_call(db.session(), item, me())
    return render_template("worklists/_call.html", item=item, touch=touch, needs_reason=calling.needs_reason(item))


@bp.post("/items/<int:item_id>/dial")
@allow(*CALLERS)
def dial(item_id: int) -> ResponseReturnValue:
    """Call the number: the reader's own telephone rings first; the page stays."""
    item = _mine(item_id)
    if gone := _done_with(item):
        return gone
    try:
        calling.dial(db.session(), item, me(), here.now(), office_country())
    except (outbound.Refused, calling.BadResult) as refused:
        db.session.rollback()
        return render_template("telephones/_refused.html", why=str(refused)), 422
    db.session.commit()
    touch = calling.open_call(db.session(), item, me())
    answer = render_template("worklists/_call.html", item=item, touch=touch, needs_reason=False)
    return Response(answer, headers={"HX-Retarget": "#call-state", "HX-Reswap": "outerHTML"})


@bp.post("/items/<int:item_id>/why")
@allow(*CALLERS)
def why(item_id: int) -> ResponseReturnValue:
    """After four calls in vain: the reason for one more, or giving up."""
    item = _mine(item_id)
    if gone := _done_with(item):
        return gone
    typed = request.form.get("why", "")[:TYPED]
    if request.form.get("do") == "give_up":
        calling.give_up(db.session(), item, here.now())
        db.session.commit()
        return hx.go("worklists.call", worklist_id=item.worklist_id)
    try:
        calling.go_on(db.session(), item, typed)
    except calling.BadResult as bad:
        db.session.rollback()
        return _item(_mine(item_id), "why", {"why": typed}, **{bad.field: str(bad)}), 422
    db.session.commit()
    return hx.go("worklists.item", item_id=item.id)


@bp.post("/items/<int:item_id>/results/<result>")
@allow(*CALLERS)
def result(item_id: int, result: str) -> ResponseReturnValue:
    """What the call came to; on to the next number."""
    if result not in calling.RESULTS or result == "meeting":
        abort(404)
    item, form, now = _mine(item_id), request.form, here.now()
    if gone := _done_with(item):
        return gone
    typed = {name: form.get(name, "")[:TYPED] for name in ("when", "next_kind", "note", "never")}
    seen = form.get("seen", -1, int)
    worklist_id = item.worklist_id
    try:
        next_at = _moment("when", typed["when"], now) if result in ("not_reached", "call_later") else None
        written = calling.record(
            db.session(),
            item,
            result,
            seen,
            me(),
            now,
            note=typed["note"],
            next_at=next_at,
            next_kind=typed["next_kind"],
            never=bool(typed["never"]),
        )
    except calling.BadResult as bad:
        db.session.rollback()
        return _item(_mine(item_id), "why" if bad.field == "why" else result, typed, **{bad.field: str(bad)}), 422
    db.session.commit()
    if written is None:
        flash(_("This call was written down already."), "warning")
    return hx.go("worklists.call", worklist_id=worklist_id)


def _moment(field: str, text: str, now: datetime) -> datetime | None:
    try:
        return typedtime.moment(text, now, here.zone())
    except typedtime.BadTime as bad:
        raise calling.BadResult(field, str(bad)) from bad


# A meeting


@bp.get("/items/<int:item_id>/meeting")
@allow(*CALLERS)
def meeting_form(item_id: int) -> ResponseReturnValue:
    """Organisation, people, deal, and where and when we meet, with what the list knows already."""
    item = _mine(item_id)
    if gone := _done_with(item):
        return gone
    surname, given_name, _patronymic = names.split(item.person)
    typed = {"name": item.company, "phone": item.number, "kind": "meeting_ours", "note": item.about}
    typed |= {"p0_surname": surname, "p0_given_name": given_name}
    if item.client is not None:
        typed["name"] = item.client.name or typed["name"]
        typed[f"say-{item.client.id}"] = "same"
    return _meeting(item, typed, {})


@bp.post("/items/<int:item_id>/meeting/hits")
@allow(*CALLERS)
def hits(item_id: int) -> ResponseReturnValue:
    """Cards that may be the one typed. Reads only; a POST keeps names out of logs."""
    _mine(item_id)
    typed = _typed()
    return render_template("worklists/_hits.html", offers=_offers(typed))


@bp.post("/items/<int:item_id>/meeting")
@allow(*CALLERS)
def agree(item_id: int) -> ResponseReturnValue:
    """Make the card, its people and the deal, and hand them over."""
    item, typed, now = _mine(item_id), _typed(), here.now()
    if gone := _done_with(item):
        return gone
    worklist_id = item.worklist_id
    try:
        made = meeting.agree(db.session(), item, _read(typed, now), me(), now, office_country())
    except (meeting.BadMeeting, calling.BadResult, cards.BadCard) as bad:
        db.session.rollback()
        errors = {bad.field: str(bad)} if isinstance(bad, calling.BadResult) else bad.errors
        return _meeting(_mine(item_id), typed, errors), 422
    db.session.commit()
    if made is None:
        flash(_("This number has been dealt with meanwhile."), "warning")
    else:
        client, manager = made
        flash(_("%(client)s is handed over to %(manager)s.", client=cards.title(client), manager=manager.name))
    return hx.go("worklists.call", worklist_id=worklist_id)


def _typed() -> dict[str, str]:
    people = [f"p{number}_{name}" for number in range(meeting.PEOPLE) for name in meeting.PERSON]
    all_names = [*meeting.FIRM, *people, "deal", "kind", "place", "when", "note", "manager", "region"]
    typed = {name: request.form.get(name, "")[:TYPED] for name in all_names}
    said = [(name, request.form.get(name, "")) for name in request.form if name.startswith("say-")]
    return typed | dict(said[: offers.MOST_SAID])


def _read(typed: Mapping[str, str], now: datetime) -> meeting.Meeting:
    at, unread = None, ""
    try:
        at = typedtime.moment(typed.get("when", ""), now, here.zone())
    except typedtime.BadTime as why:
        unread = str(why)
    ids = {name: int(typed[name]) if _is_id(typed.get(name, "")) else None for name in ("manager", "region")}
    people = [{name: typed.get(f"p{number}_{name}", "") for name in meeting.PERSON} for number in range(meeting.PEOPLE)]
    return meeting.Meeting(
        firm={name: typed.get(name, "") for name in meeting.FIRM},
        people=people,
        deal=typed.get("deal", ""),
        kind=typed.get("kind", ""),
        place=" ".join(typed.get("place", "").split()),
        at=at,
        note=typed.get("note", "").strip(),
        manager_id=ids["manager"],
        region_id=ids["region"],
        said=_said(typed),
        unread=unread,
    )


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _said(typed: Mapping[str, str]) -> dict[int, str]:
    pairs = ((name.removeprefix("say-"), word) for name, word in typed.items() if name.startswith("say-"))
    return offers.read(",".join(f"{number}:{word}" for number, word in pairs))


def _offers(typed: Mapping[str, str]) -> list[offers.Offer]:
    return offers.find(db.session(), _read(typed, here.now()).draft, _said(typed), office_country())


def _meeting(item: WorklistItem, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    session = db.session()
    return render_template(
        "worklists/meeting.html",
        item=item,
        typed=typed,
        errors=errors,
        offers=_offers(typed),
        people=range(meeting.PEOPLE),
        firm_fields=meeting.FIRM,
        person_fields=meeting.PERSON,
        kinds={kind: NEXT_LABELS[kind] for kind in meeting.KINDS},
        manager_choices=[(one.id, one.name) for one in meeting.managers(session)],
        region_choices=[(one.id, one.name) for one in list_items(session, Region)],
        back=url_for("worklists.item", item_id=item.id),
    )
