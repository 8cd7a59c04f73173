"""Signing in and out, one's own language and theme, and the administrator's users."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, has_request_context, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user

from webapp import hx
from webapp.access import EVERYBODY, allow, me, public
from webapp.accounts import passwords
from webapp.accounts.forms import LoginForm
from webapp.db import db
from webapp.languages import LANGUAGES, best

bp = Blueprint("accounts", __name__)


def reader_language() -> str | None:
    """The user's own language, else the one chosen on the login page, else the browser's."""
    if not has_request_context():
        return None
    if current_user and current_user.is_authenticated and current_user.language in LANGUAGES:
        return str(current_user.language)
    if session.get("language") in LANGUAGES:
        return str(session["language"])
    return best(request.accept_languages)


@bp.route("/login", methods=["GET", "POST"])
@public
def login() -> ResponseReturnValue:
    """The login page. A guesser is slowed down; the words typed stay."""
    if current_user.is_authenticated:
        return hx.go("accounts.home")
    form = LoginForm()
    if not form.validate_on_submit():
        return render_template("accounts/login.html", form=form), 422 if form.is_submitted() else 200
    now, address = current_app.config["CLOCK"](), request.remote_addr or ""
    login_name = form.login.data or ""
    if passwords.too_many(db.session(), login_name, address, now):
        db.session.commit()
        form.login.errors = [_("Too many failed attempts. Wait a quarter of an hour, or ask the administrator.")]
        return render_template("accounts/login.html", form=form), 429
    user = passwords.check(db.session(), login_name, form.password.data or "", address, now)
    db.session.commit()
    if user is None:
        form.password.errors = [_("Login and password do not fit together.")]
        return render_template("accounts/login.html", form=form), 422
    login_user(user, remember=False)
    session.permanent = True
    return redirect(_safe_next() or url_for("accounts.home"), 303)


def _safe_next() -> str | None:
    """The page asked for before the login, when it is one of ours."""
    target = request.args.get("next", "")
    if target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable():
        return target
    return None


@bp.get("/")
@public
def home() -> ResponseReturnValue:
    """The page a user starts with: the administrator's users, the desk for all others."""
    if not current_user.is_authenticated:
        return hx.go("accounts.login")
    return hx.go("accounts.users" if current_user.role == "admin" else "desk.page")


@bp.post("/logout")
@allow(*EVERYBODY)
def logout() -> ResponseReturnValue:
    """End the session."""
    logout_user()
    return hx.go("accounts.login")


@bp.post("/language/<code>")
@public
def choose_language(code: str) -> ResponseReturnValue:
    """Read the pages in another language from now on."""
    if code in LANGUAGES:
        session["language"] = code
        if current_user.is_authenticated:
            me().language = code
            db.session.commit()
    return _back()


@bp.post("/theme/<name>")
@allow(*EVERYBODY)
def choose_theme(name: str) -> ResponseReturnValue:
    """Light, dark, or as the system says (`auto`)."""
    if name in ("light", "dark", "auto"):
        me().theme = "" if name == "auto" else name
        db.session.commit()
    return _back()


def _back() -> Response:
    return Response(status=303, headers={"Location": _safe_next() or url_for("accounts.home")})
