"""A meeting agreed on the telephone: the form of organisation, people and deal, live candidates, the hand-over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp import here, hx
from webapp.access import allow, me
from webapp.clients import cards, offers
from webapp.clients.contacts import office_country
from webapp.db import db
from webapp.imports import names
from webapp.office.models import Region
from webapp.office.queries import items as list_items
from webapp.touches import typedtime
from webapp.touches.forms import NEXT_LABELS
from webapp.typed import row_id
from webapp.worklists import calling, meeting
from webapp.worklists.making import CALLERS
from webapp.worklists.models import WorklistItem
from webapp.worklists.views.blueprint import bp
from webapp.worklists.views.calling import TYPED, done_with, mine


@bp.get("/items/<int:item_id>/meeting")
@allow(*CALLERS)
def meeting_form(item_id: int) -> ResponseReturnValue:
    """Organisation, people, deal, and where and when we meet, with what the list knows already."""
    item = mine(item_id)
    if gone := done_with(item):
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
    mine(item_id)
    typed = _typed()
    return render_template("worklists/_hits.html", offers=_offers(typed))


@bp.post("/items/<int:item_id>/meeting")
@allow(*CALLERS)
def agree(item_id: int) -> ResponseReturnValue:
    """Make the card, its people and the deal, and hand them over."""
    item, typed, now = mine(item_id), _typed(), here.now()
    if gone := done_with(item):
        return gone
    worklist_id = item.worklist_id
    try:
        made = meeting.agree(db.session(), item, _read(typed, now), me(), now, office_country())
    except (meeting.BadMeeting, calling.BadResult, cards.BadCard) as bad:
        db.session.rollback()
        errors = {bad.field: str(bad)} if isinstance(bad, calling.BadResult) else bad.errors
        return _meeting(mine(item_id), typed, errors), 422
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
    ids = {name: row_id(typed.get(name, "")) for name in ("manager", "region")}
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
