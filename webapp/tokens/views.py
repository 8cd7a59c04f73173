"""The page of tokens for programs, and the API's description as people read it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from webapp import here, hx
from webapp.access import EVERYBODY, SALES, allow, load, me
from webapp.accounts.models import Role, User
from webapp.api import description, tokens
from webapp.api.models import ApiToken
from webapp.db import db
from webapp.typed import row_of

bp = Blueprint("tokens", __name__)
MAY = (Role.HEAD, Role.ADMIN)


@bp.get("/settings/api")
@allow(*MAY)
def page() -> ResponseReturnValue:
    """Which programs may ask, as whom, and when they last did."""
    return _page()


@bp.post("/settings/api")
@allow(*MAY)
def make() -> ResponseReturnValue:
    """A new token; its text is on this one answer and nowhere else."""
    typed = {name: request.form.get(name, "") for name in ("name", "user", "may_write")}
    user = row_of(db.session(), User, typed["user"])
    try:
        token, secret = tokens.make(db.session(), typed["name"], user, typed["may_write"] == "1", me(), here.now())
    except tokens.BadToken as bad:
        db.session.rollback()
        return _page(typed=typed, errors={bad.field: str(bad)}), 422
    db.session.commit()
    return _page(made=token, secret=secret)


@bp.post("/settings/api/<int:token_id>/end")
@allow(*MAY)
def end(token_id: int) -> ResponseReturnValue:
    """Let a token in no more."""
    token = load(select(ApiToken).where(ApiToken.id == token_id))
    name = token.name
    tokens.end(db.session(), token, here.now())
    db.session.commit()
    flash(_("%(name)s is let in no more.", name=name), "good")
    return hx.go("tokens.page")


def _page(
    made: ApiToken | None = None,
    secret: str = "",
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> str:
    users = select(User).where(User.active, User.role.in_(SALES)).order_by(User.name, User.id)
    return render_template(
        "tokens/page.html",
        tokens=tokens.every(db.session()),
        users=db.session.scalars(users).all(),
        made=made,
        secret=secret,
        typed=typed or {},
        errors=errors or {},
    )


@bp.get("/api")
@allow(*EVERYBODY)
def reference() -> ResponseReturnValue:
    """Every operation with what it takes and answers, from the description that programs read."""
    return render_template(
        "tokens/reference.html",
        described=description.openapi(),
        operations=description.OPERATIONS,
        base=description.BASE,
    )
