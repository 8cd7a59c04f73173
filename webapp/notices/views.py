"""What calls for attention: each user's choice, and the words of a notification."""

from __future__ import annotations

import dataclasses

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select

from webapp import here
from webapp.access import EVERYBODY, allow, load, me
from webapp.db import db
from webapp.feed import Feed
from webapp.notices import choices, news

bp = Blueprint("notices", __name__)


@bp.get("/notices/<int:feed_id>")
@allow(*EVERYBODY)
def told(feed_id: int) -> ResponseReturnValue:
    """What a row of the reader's own feed has to tell: a list of notifications, mostly empty."""
    row = load(select(Feed).where(Feed.id == feed_id, Feed.user_id == me().id))
    return {"notices": [dataclasses.asdict(one) for one in news.of(db.session(), me(), row, here.now())]}


@bp.post("/notices")
@allow(*EVERYBODY)
def choose() -> ResponseReturnValue:
    """The reader's own choice, kept at once."""
    form = request.form
    choices.choose(me(), "sound" in form, "popups" in form, form.getlist("events"))
    db.session.commit()
    return render_template("notices/_choices.html", saved=_("Saved."))


@bp.app_template_global()
def notice_choices() -> list[str]:
    """The events the reader wants to hear of."""
    return choices.chosen(me()) if current_user.is_authenticated else []


@bp.app_template_global()
def notices_offered() -> dict[str, str]:
    """The events that may concern the reader, with their words."""
    return choices.offered(me())
