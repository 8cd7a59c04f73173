"""Who may see and do what: every view is marked by `allow` or `public`, and rows are loaded by `load`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import abort
from flask_login import LoginManager, current_user
from sqlalchemy import Select
from sqlalchemy.exc import DataError
from werkzeug.routing import IntegerConverter

from webapp import here
from webapp.accounts.models import Role, User
from webapp.clients.changes import Author
from webapp.db import db

login_manager = LoginManager()
login_manager.login_view = "accounts.login"
login_manager.login_message = None  # the login page says what it is for

View = TypeVar("View", bound=Callable[..., Any])
Row = TypeVar("Row")


class RowId(IntegerConverter):
    """An id in an address; a number no table can hold is no address at all (404).

    That is said by the pattern: were it said later, an address that knows other methods would answer with 405.
    """

    regex = r"\d{1,9}|1\d{9}"


EVERYBODY = tuple(Role)
SALES = (Role.HEAD, Role.MANAGER, Role.AGENT, Role.SECRETARY, Role.EXPERT)
"""Those who work with clients; the administrator keeps the machine and sees no cards."""


def allow(*roles: Role) -> Callable[[View], View]:
    """Mark a view as open to signed-in users of `roles` only; others get the login page or 403."""

    def mark(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                return login_manager.unauthorized()
            if not current_user.has_role(*roles):
                abort(403)
            return view(*args, **kwargs)

        guarded.access = roles  # type: ignore[attr-defined]
        return cast(View, guarded)

    return mark


def public(view: View) -> View:
    """Mark a view as open to anybody, signed in or not."""
    view.access = "public"  # type: ignore[attr-defined]
    return view


def me() -> User:
    """The signed-in user."""
    return cast(User, current_user._get_current_object())


def author(source: str = "form", why: str = "") -> Author:
    """The signed-in user as the one who changes cards, now; `source` and `why` as in `CardChange`."""
    return Author(me(), here.now(), source, why)


def load(query: Select[tuple[Row]], *, if_: bool | Callable[[Row], bool] = True) -> Row:
    """The one row of `query`, when it exists and `if_` (a condition on it) holds; else 404.

    A row that isn't yours and a row that isn't there look the same from outside.
    """
    try:
        row = db.session.scalars(query).one_or_none()
    except (DataError, OverflowError):  # an id in a form or after a ? may be larger than any column holds
        db.session.rollback()
        row = None
    if row is None or not (if_(row) if callable(if_) else if_):
        abort(404)
    return row


@login_manager.user_loader
def _load_user(user_id: str) -> User | None:
    user = db.session.get(User, int(user_id)) if user_id.isdigit() else None
    return user if user and user.active else None
