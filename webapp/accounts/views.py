"""Signing in and out, one's own language and theme, and the administrator's users."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    has_request_context,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user
from sqlalchemy import select

from webapp import access, hx
from webapp.access import EVERYBODY, SALES, allow, load, public
from webapp.accounts import extensions, passwords, people, softphones
from webapp.accounts.forms import LoginForm, OwnForm, PasswordForm, UserForm
from webapp.accounts.models import Role, User
from webapp.db import db
from webapp.languages import LANGUAGES, best
from webapp.office.models import Region
from webapp.office.queries import items
from webapp.telephones import status

bp = Blueprint("accounts", __name__)
bp.add_app_template_filter(extensions.in_words, "extension_words")
bp.add_app_template_test(softphones.is_registered, "registered")


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
            access.me().language = code
            db.session.commit()
    return _back()


@bp.post("/theme/<name>")
@allow(*EVERYBODY)
def choose_theme(name: str) -> ResponseReturnValue:
    """Light, dark, or as the system says (`auto`)."""
    if name in ("light", "dark", "auto"):
        access.me().theme = "" if name == "auto" else name
        db.session.commit()
    return _back()


def _back() -> Response:
    return Response(status=303, headers={"Location": _safe_next() or url_for("accounts.home")})


@bp.get("/users")
@allow(Role.ADMIN, Role.HEAD)
def users() -> ResponseReturnValue:
    """Everybody of the office; the administrator changes them, the head reads."""
    return _users()


@bp.post("/users")
@allow(Role.ADMIN)
def add_user() -> ResponseReturnValue:
    """A new user; the password is on this page once."""
    form = _user_form()
    if form.validate():
        try:
            user, password = people.add(db.session(), _details(form), current_app.config["CLOCK"]())
        except people.Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            db.session.commit()
            return _users(told=user, password=password)
    return _users(form=form), 422


@bp.get("/users/<int:user_id>")
@allow(Role.ADMIN)
def user(user_id: int) -> ResponseReturnValue:
    """One user, to change."""
    row = load(select(User).where(User.id == user_id))
    return _users(editing=row, form=_user_form(row))


@bp.post("/users/<int:user_id>")
@allow(Role.ADMIN)
def change_user(user_id: int) -> ResponseReturnValue:
    """Other details for a user."""
    row = load(select(User).where(User.id == user_id))
    form = _user_form(row)
    if form.validate():
        try:
            people.change(db.session(), row, _details(form, row), current_app.config["CLOCK"]())
        except people.Refused as refused:
            form[refused.field].errors = [refused.reason]
        else:
            db.session.commit()
            flash(_("Saved: %(name)s.", name=row.name), "good")
            return hx.go("accounts.users")
    return _users(editing=row, form=form), 422


@bp.post("/users/<int:user_id>/active")
@allow(Role.ADMIN)
def switch_user(user_id: int) -> ResponseReturnValue:
    """Deactivate a user, or let them in again."""
    row, now = load(select(User).where(User.id == user_id)), current_app.config["CLOCK"]()
    try:
        if row.active:
            people.deactivate(db.session(), row, access.me(), now)
        else:
            people.activate(db.session(), row, now)
    except people.Refused as refused:
        return _users(refused=refused.reason), 422
    db.session.commit()
    return hx.go("accounts.users")


@bp.post("/users/<int:user_id>/password")
@allow(Role.ADMIN)
def new_password(user_id: int) -> ResponseReturnValue:
    """A new password for a user, on this page once."""
    row = load(select(User).where(User.id == user_id))
    password = people.new_password(db.session(), row)
    db.session.commit()
    return _users(told=row, password=password)


@bp.route("/me", methods=["GET", "POST"])
@allow(*EVERYBODY)
def me() -> ResponseReturnValue:
    """One's own language, theme and e-mail address."""
    mine = access.me()
    form = OwnForm(obj=mine)
    if form.validate_on_submit():
        mine.language, mine.theme, mine.email = form.language.data, form.theme.data, form.email.data
        session["language"] = mine.language
        db.session.commit()
        flash(_("Saved."), "good")
        return hx.go("accounts.me")
    return _own(form, PasswordForm(formdata=None)), 422 if form.is_submitted() else 200


@bp.post("/me/password")
@allow(*EVERYBODY)
def own_password() -> ResponseReturnValue:
    """A new password of one's own; a wrong old one counts as a failed login."""
    mine, form, now, address = access.me(), PasswordForm(), current_app.config["CLOCK"](), request.remote_addr or ""
    if form.validate():
        if passwords.too_many(db.session(), mine.login, address, now):
            form.old.errors = [_("Too many failed attempts. Wait a quarter of an hour, or ask the administrator.")]
        elif passwords.check(db.session(), mine.login, form.old.data or "", address, now) is None:
            form.old.errors = [_("This is not your password.")]
        else:
            mine.password_hash = passwords.hashed(form.new.data)
            db.session.commit()
            flash(_("Your password is changed."), "good")
            return hx.go("accounts.me")
        db.session.commit()
    return _own(OwnForm(formdata=None, obj=mine), form), 422


def _own(form: OwnForm, password_form: PasswordForm) -> str:
    return render_template(
        "accounts/users_me.html",
        form=form,
        password_form=password_form,
        phones=status.read(db.session()).phones_of(access.me().login),
        sales=SALES,
    )


def _users(
    editing: User | None = None,
    form: UserForm | None = None,
    told: User | None = None,
    password: str = "",
    refused: str = "",
) -> str:
    """The list, with the form of one user beside it. `password` is shown to be told to `told`."""
    if form is None and access.me().has_role(Role.ADMIN):
        form = UserForm(formdata=None, data={"role": Role.MANAGER.value})
        form.offer(_regions(None))
    return render_template(
        "accounts/users.html",
        users=people.everybody(db.session()),
        told_by_bridge=status.read(db.session()),
        sales=SALES,
        editing=editing,
        form=form,
        told=told,
        password=password,
        refused=refused,
    )


def _user_form(row: User | None = None) -> UserForm:
    form = UserForm(obj=row, region_id=row.region_id or 0) if row else UserForm()
    if row and softphones.is_registered(row) and not form.is_submitted():
        form.extension.data = ""
    form.offer(_regions(row.region_id if row else None))
    return form


def _regions(keep: int | None) -> list[tuple[int, str]]:
    return [(region.id, region.name) for region in items(db.session(), Region, keep)]


def _details(form: UserForm, row: User | None = None) -> people.Details:
    """What was typed. An empty softphone keeps one that registers here: its own page turns that off."""
    extension = form.extension.data
    if row and softphones.is_registered(row) and not extension and not form.desk_phone.data:
        extension = softphones.extension_of(form.login.data)
    return people.Details(
        name=form.name.data,
        login=form.login.data,
        position=form.position.data,
        role=form.role.data,
        region_id=form.region_id.data or None,
        extension=extension,
        desk_phone=form.desk_phone.data,
        direct_number=form.direct_number.data,
        email=form.email.data,
    )
