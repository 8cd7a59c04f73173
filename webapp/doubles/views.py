"""The pages of doubles: probable ones, two cards side by side, a split, the undo; a merged card's address leads on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from webapp import here, hx
from webapp.access import SALES, allow, author, load, me
from webapp.accounts.models import Role
from webapp.clients import cards, listing, match, merged, verdicts
from webapp.clients.contacts import office_country
from webapp.clients.models import Client
from webapp.db import db
from webapp.doubles import choices, gathering, leftovers, listfile, merging, pairs, queries, search, splitting, undoing
from webapp.doubles.choices import BadMerge
from webapp.doubles.merging import Wish
from webapp.doubles.models import Merge
from webapp.doubles.splitting import Part
from webapp.exports import work as exports
from webapp.typed import row_id

bp = Blueprint("doubles", __name__)


# The address of a merged card


@bp.before_app_request
def lead_on() -> ResponseReturnValue | None:
    """Whoever has the address of a merged card is led to the survivor; what was typed there is saved on it."""
    asked = request.view_args or {}
    if "client_id" not in asked or not current_user.is_authenticated:
        return None
    reads = request.method in ("GET", "HEAD")
    became = merged.lead(db.session(), asked["client_id"], keep=not reads)
    if became == asked["client_id"]:
        return None
    if not reads:
        asked["client_id"] = became
        asked |= leftovers.became(db.session(), became, asked.get("person_id"), asked.get("point_id"))
        return None
    if hx.asked_by_htmx():
        return hx.go("clients.card", client_id=became)
    address = url_for(request.endpoint or "clients.card", **{**asked, "client_id": became})
    query = urlencode(list(request.args.items(multi=True)))  # never as values of `url_for`: it has words of its own
    return redirect(f"{address}?{query}" if query else address, 303)


# Probable doubles


@bp.get("/doubles")
@allow(*SALES)
def index() -> ResponseReturnValue:
    """Pairs of cards that may be one client, the surest first."""
    if hx.asked_by_htmx():
        return render_template("doubles/_pairs.html", told=None, **_pairs(request.args))
    return render_template("doubles/index.html", job=search.last(db.session()), me=me(), **_pairs(request.args))


@bp.post("/doubles/export.<any(csv, xlsx):ending>")
@allow(*SALES)
def export(ending: str) -> ResponseReturnValue:
    """The pairs as shown as a file: all for the head, those with a card of one's own for others."""
    user, show = me(), request.form.get("show", "")
    filters = {"show": show if show in queries.SHOWS else queries.SHOWS[0]}
    if not user.has_role(Role.HEAD):
        filters["mine"] = str(user.id)
    count = listfile.count(db.session(), filters, exports.AT_ONCE + 1)
    return exports.deliver(db.session(), "doubles", ending, filters, count, user, here.now())


@bp.post("/doubles/search")
@allow(*merging.MERGERS)
def look() -> ResponseReturnValue:
    """Look for doubles in the background: among what is new (`anew` empty), or through the whole base."""
    search.ask(db.session(), me(), bool(request.form.get("anew")), office_country(), here.now())
    db.session.commit()
    return hx.go("doubles.index")


@bp.post("/doubles/<int:left_id>/<int:right_id>/verdict")
@allow(*SALES)
def verdict(left_id: int, right_id: int) -> ResponseReturnValue:
    """Say of a pair: same (a proposal to the head), other or unsure; '' takes back what was said."""
    session, by = db.session(), author()
    left, right = _both(left_id, right_id)
    word = request.form.get("verdict", "")
    try:
        if word:
            pairs.say(session, left.id, right.id, word, by)
        else:
            pairs.take_back(session, left.id, right.id, by, office_country())
    except ValueError:
        abort(404)
    session.commit()
    if request.form.get("then") == "list":
        flash(_("Proposed: the head of sales will find it among the probable doubles."), "good")
        return hx.go("doubles.index")
    told = {"word": word, "left": left, "right": right} if word else None
    return render_template("doubles/_pairs.html", told=told, **_pairs(request.form))


def _pairs(asked: Mapping[str, str]) -> dict[str, Any]:
    show = asked.get("show", "")
    show = show if show in queries.SHOWS else queries.SHOWS[0]
    page = asked.get("page", "")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 1
    rows, more = queries.pairs(db.session(), show, number)
    if not rows and number > 1:  # the last one of the last page was settled
        number = 1
        rows, more = queries.pairs(db.session(), show, number)
    return {"rows": rows, "more": more, "show": show, "page": max(number, 1), "reason_text": match.reason_text}


# Merging


@bp.get("/doubles/<int:left_id>/<int:right_id>")
@allow(*SALES)
def compare(left_id: int, right_id: int) -> ResponseReturnValue:
    """Two cards side by side, field by field, with what the merged card will have."""
    left, right = _both(left_id, right_id)
    if gone := next((card for card in (left, right) if card.merged_into_id), None):
        return hx.go("clients.card", client_id=gone.id)
    return render_template("doubles/compare.html", **_compared(left, right, {}))


@bp.post("/doubles/<int:left_id>/<int:right_id>")
@allow(*SALES)
def merge(left_id: int, right_id: int) -> ResponseReturnValue:
    """Make them one, as chosen; or the same form again with what is wrong."""
    form = request.form
    wish = Wish(
        survivor=choices.RIGHT if form.get("survivor") == choices.RIGHT else choices.LEFT,
        picks={name.removeprefix("field:"): side for name, side in form.items() if name.startswith("field:")},
        apart=set(_ids("two")) - set(_ids("one")),
        seen=form.get("seen", "")[:40],
    )
    by = author("merge", " ".join(form.get("why", "").split()))
    _both(left_id, right_id)
    try:
        done = merging.merge(db.session(), left_id, right_id, wish, by)
    except BadMerge as bad:
        db.session.rollback()
        left, right = _both(left_id, right_id)
        return render_template("doubles/_compare.html", **_compared(left, right, bad.errors, wish, by.why)), 422
    db.session.commit()
    flash(_("The two cards are one now. It can be undone for %(days)d days.", days=undoing.UNDO_DAYS), "good")
    return hx.go("clients.card", client_id=done.survivor_id)


def _both(left_id: int, right_id: int) -> tuple[Client, Client]:
    fresh = {"populate_existing": True}
    left, right = (load(queries.whole(one).execution_options(**fresh)) for one in (left_id, right_id))
    return left, right


def _compared(
    left: Client, right: Client, errors: dict[str, str], wish: Wish | None = None, why: str = ""
) -> dict[str, Any]:
    session = db.session()
    survivor = wish.survivor if wish else merging.fuller(left, right)
    return {
        "left": left,
        "right": right,
        "survivor": survivor,
        "rows": choices.differing(session, left, right, survivor, wish.picks if wish else {}),
        "same_people": gathering.same_people(left, right),
        "same_points": gathering.same_points(left, right),
        "apart": set(wish.apart) if wish else set(),
        "counts": queries.counts(session, left.id, right.id),
        "seen": merging.digest(left, right),
        "may": merging.may_merge(me(), left, right),
        "why": why if errors else _why(left, right),
        "errors": errors,
    }


def _why(left: Client, right: Client) -> str:
    """What the two share, as the reason that is proposed."""
    found = [hit for hit in search.hits(db.session(), right, office_country(), {right.id}) if hit.client_id == left.id]
    return ", ".join(match.reason_text(one) for hit in found for one in hit.reasons)


@bp.get("/clients/<int:client_id>/merge")
@allow(*SALES)
def choose(client_id: int) -> ResponseReturnValue:
    """Look for the other card that is the same client."""
    client = load(queries.whole(client_id))
    apart = verdicts.others(db.session(), client.id)
    hits = search.hits(db.session(), client, office_country(), {client.id, *apart})
    ids = [hit.client_id for hit in hits][: match.MOST_OFFERED]
    reasons = {hit.client_id: ", ".join(map(match.reason_text, hit.reasons)) for hit in hits}
    offered = {one.id: one for one in db.session.scalars(queries.whole(*ids))}
    rows = [(offered[one], reasons[one]) for one in ids if one in offered]
    return render_template("doubles/choose.html", client=client, rows=rows)


@bp.post("/clients/<int:client_id>/merge/find")
@allow(*SALES)
def find(client_id: int) -> ResponseReturnValue:
    """Cards that have what is typed. Reads only; a POST keeps names out of logs."""
    client = load(queries.whole(client_id))
    text = request.form.get("q", "")[:200]
    found = listing.search(db.session(), text, office_country()) if text.strip() else ()
    rows = [(one, "") for one in found if one.id != client.id]
    return render_template("doubles/_choose.html", client=client, rows=rows, text=text)


# Splitting


@bp.get("/clients/<int:client_id>/split")
@allow(*merging.MERGERS)
def split_form(client_id: int) -> ResponseReturnValue:
    """Tick what belongs to another client."""
    return render_template("doubles/split.html", **_split(client_id, Part(), "", {}))


@bp.post("/clients/<int:client_id>/split")
@allow(*merging.MERGERS)
def split(client_id: int) -> ResponseReturnValue:
    """Make a card of what was ticked; or the same form again with what is wrong."""
    kinds = ("people", "points", "touches", "calls", "deals", "tasks")
    part = Part(request.form.get("name", ""), **{kind: _ids(kind) for kind in kinds})
    by = author("split", " ".join(request.form.get("why", "").split()))
    load(select(Client).where(Client.id == client_id))
    try:
        done = splitting.split(db.session(), client_id, part, by)
    except BadMerge as bad:
        db.session.rollback()
        return render_template("doubles/_split.html", **_split(client_id, part, by.why, bad.errors)), 422
    db.session.commit()
    flash(_("These are two cards now. It can be undone for %(days)d days.", days=undoing.UNDO_DAYS), "good")
    return hx.go("clients.card", client_id=done.other_id)


def _ids(name: str) -> list[int]:
    return [one for text in request.form.getlist(name) if (one := row_id(text)) is not None]


def _split(client_id: int, part: Part, why: str, errors: dict[str, str]) -> dict[str, Any]:
    client = load(queries.whole(client_id).execution_options(populate_existing=True))
    past = queries.ticks(db.session(), client.id)
    may = merging.may_merge(me(), client)
    return {"client": client, "past": past, "part": part, "why": why, "errors": errors, "may": may}


# What was merged


@bp.get("/clients/<int:client_id>/merges")
@allow(*SALES)
def merges(client_id: int) -> ResponseReturnValue:
    """What was merged into a card or split from it, by whom and why: a part of the card."""
    return render_template("doubles/_merges.html", **_merges(load(select(Client).where(Client.id == client_id))))


@bp.post("/doubles/merges/<int:merge_id>/undo")
@allow(*SALES)
def undo(merge_id: int) -> ResponseReturnValue:
    """Make the cards what they were before."""
    session = db.session()
    row = load(select(Merge).where(Merge.id == merge_id))
    client_id = request.form.get("client", type=int)
    shown = row.other_id if client_id == row.other_id else row.survivor_id
    try:
        kept = undoing.undo(session, row, author("undo"))
    except BadMerge as bad:
        session.rollback()
        client = load(select(Client).where(Client.id == shown))
        return render_template("doubles/_merges.html", **_merges(client, merge_id, bad.errors[""])), 422
    session.commit()
    flash(_("Undone: each card is what it was."), "good")
    if kept:
        flash(_("Changed since, and left as it is: %(fields)s.", fields=", ".join(kept)), "warning")
    return hx.go("clients.card", client_id=merged.lead(session, shown))


def _merges(client: Client, of: int = 0, error: str = "") -> dict[str, Any]:
    rows = queries.merges(db.session(), client.id)
    return {
        "client": client,
        "rows": [(row, cards.title(row.other if row.survivor_id == client.id else row.survivor)) for row in rows],
        "until": undoing.undoable_until,
        "at": here.now(),
        "error_of": of,
        "error": error,
    }
