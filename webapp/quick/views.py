"""Quick entry: names and phones that stand on paper, several rows at once, by keyboard alone (D40)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp import here
from webapp.access import SALES, allow, me
from webapp.clients import keys, offers
from webapp.clients.contacts import office_country
from webapp.clients.offers import Offer
from webapp.db import db
from webapp.office.models import Channel, Outcome, Purpose
from webapp.office.queries import items
from webapp.quick import rows, saving
from webapp.touches import typedtime

bp = Blueprint("quick", __name__, url_prefix="/clients/quick")


@dataclass
class Shown:
    """A row as the page shows it."""

    key: str
    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    offers: list[Offer] = field(default_factory=list)
    next_at: datetime | None = None
    phone_unread: bool = False


@bp.get("")
@allow(*SALES)
def page() -> ResponseReturnValue:
    """The rows that are not saved yet, and an empty one."""
    now = here.now()
    shown = [_shown(row.key, row.typed, now) for row in rows.begun(db.session(), me())]
    return render_template("quick/page.html", **_context(shown, now))


@bp.post("/rows/<key>")
@allow(*SALES)
def keep(key: str) -> ResponseReturnValue:
    """Keep a row as it is typed; the answer is what it may be already, and how its words are understood."""
    if not rows.is_key(key):
        abort(404)
    now, typed = here.now(), {name: request.form.get(name, "") for name in rows.FIELDS}
    row = rows.keep(db.session(), me(), key, typed, now)
    db.session.commit()
    if row is not None and row.saved_at:
        return "", 204
    return render_template("quick/_found.html", row=_shown(key, typed, now))


@bp.post("/save")
@allow(*SALES)
def save() -> ResponseReturnValue:
    """Save every row that was sent, each on its own: those that can't be stay, with their words and the reason."""
    now, user, session = here.now(), me(), db.session()
    columns = {name: request.form.getlist(name) for name in ("key", *rows.FIELDS)}
    count = len(columns["key"])
    if count > rows.MOST or any(len(column) != count for column in columns.values()):
        abort(400)
    stay: list[Shown] = []
    done = 0
    for place, key in enumerate(columns["key"]):
        typed = {name: columns[name][place] for name in rows.FIELDS}
        if not rows.is_key(key):
            abort(400)
        row = rows.keep(session, user, key, typed, now)
        if row is None:
            if not rows.is_empty(typed):
                stay.append(_shown(key, typed, now, {"name": _("Save the rows above first: there are too many.")}))
            continue
        try:
            if not row.saved_at:
                saving.save(session, row, user, now, here.zone(), office_country())
            done += 1
        except saving.BadRow as bad:
            session.expire(row)
            stay.append(_shown(key, typed, now, bad.errors))
    rows.forget_old(session, user, now)
    session.commit()
    return render_template("quick/_rows.html", **_context(stay, now, done)), 422 if stay else 200


def _shown(key: str, typed: Mapping[str, str], now: datetime, errors: Mapping[str, str] | None = None) -> Shown:
    country, said = office_country(), offers.read(typed.get("said", ""))
    shown = Shown(key, typed, errors or {}, offers.find(db.session(), saving.draft_of(typed), said, country))
    try:
        shown.next_at = typedtime.moment(typed.get("next", ""), now, here.zone())
    except typedtime.BadTime:
        shown.next_at = None  # while it is typed most words are no time yet; saving says it
    phone = typed.get("phone", "").strip()
    if phone:
        normal = keys.normal_phone(phone, country)
        shown.phone_unread = not (normal.startswith("+") or 3 <= len(normal) <= keys.LONGEST_LOCAL)
    return shown


def _context(shown: list[Shown], now: datetime, done: int = 0) -> dict[str, object]:
    session = db.session()
    today = datetime.combine(now.astimezone(here.zone()).date(), time(), here.zone())
    carried = {name: shown[-1].typed.get(name, "") for name in rows.CARRIED} if shown else {}
    return {
        "rows": [*shown, Shown(secrets.token_hex(16), carried)],
        "saved": rows.saved(session, me(), today),
        "doors": saving.DOORS,
        "purposes": items(session, Purpose),
        "outcomes": items(session, Outcome),
        "channels": items(session, Channel),
        "done": done,
    }
