"""A softphone that registers at the bridge: its secret, shown once, its settings, and what is registered now."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import segno
from flask import Blueprint, Response, abort, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp import hx
from webapp.access import EVERYBODY, SALES, allow, load, me, public
from webapp.accounts import softphones
from webapp.accounts.models import Role, User
from webapp.db import db, reading
from webapp.telephones import status

bp = Blueprint("softphones", __name__)


@dataclass(frozen=True)
class Made:
    """What the page shows once of a secret just made. `link` is the address of Linphone's settings, `qr` its code."""

    secret: str
    link: str
    qr: str


@bp.get("/me/softphone", endpoint="own")
@bp.get("/users/<int:user_id>/softphone")
@allow(*EVERYBODY)
def page(user_id: int | None = None) -> ResponseReturnValue:
    """A user's softphone: whether it registers here, and what is registered now."""
    return _page("page", _whose(user_id))


@bp.get("/me/softphone/devices", endpoint="own_devices")
@bp.get("/users/<int:user_id>/softphone/devices")
@allow(*EVERYBODY)
def devices(user_id: int | None = None) -> ResponseReturnValue:
    """Which of a user's telephones are registered now."""
    return _page("_devices", _whose(user_id))


@bp.post("/me/softphone", endpoint="make_own")
@bp.post("/users/<int:user_id>/softphone")
@allow(*EVERYBODY)
def make(user_id: int | None = None) -> ResponseReturnValue:
    """A secret for a user's softphones, on this page once."""
    user = _whose(user_id)
    made = softphones.make_secret(db.session(), user, current_app.config["CLOCK"]())
    db.session.commit()
    link = url_for("softphones.settings", link=made.link, _external=True)
    code = segno.make(link, error="m", micro=False).svg_data_uri(scale=4, border=4, light="#fff")
    return _page("page", user, Made(made.secret, link, code))


@bp.post("/me/softphone/off", endpoint="own_off")
@bp.post("/users/<int:user_id>/softphone/off")
@allow(*EVERYBODY)
def off(user_id: int | None = None) -> ResponseReturnValue:
    """A user's softphones are known no more."""
    softphones.forget(db.session(), _whose(user_id), current_app.config["CLOCK"]())
    db.session.commit()
    return hx.go("softphones.own") if user_id is None else hx.go("softphones.page", user_id=user_id)


@bp.get("/softphone/<link>")
@public
def settings(link: str) -> ResponseReturnValue:
    """Linphone's settings, once: the address was shown to whom they are for. They hold no secret, only its digests."""
    if request.method != "GET":  # whoever only asks whether it is there shall not use it up
        abort(405)
    reading.set(False)  # the address is used up, so this request writes
    user = softphones.take_link(db.session(), link, current_app.config["CLOCK"]())
    if user is None:
        abort(404)
    db.session.commit()
    body = softphones.linphone_settings(user, *_server(), tls=current_app.config["SETTINGS"].tls is not None)
    return Response(body, mimetype="application/xml", headers={"Cache-Control": "no-store"})


def _whose(user_id: int | None) -> User:
    """The user whose softphone it is: oneself, or anybody who works with clients, for those who keep the telephones."""
    if user_id is not None and not me().has_role(Role.ADMIN, Role.HEAD):
        abort(403)
    user = me() if user_id is None else load(select(User).where(User.id == user_id, User.active))
    if not user.has_role(*SALES):
        abort(403 if user_id is None else 404)
    return user


def _server() -> tuple[str, int]:
    """Where softphones register: before the bridge, at its address, or at this host when it listens on all of them."""
    host, port = current_app.config["SETTINGS"].tls or current_app.config["SETTINGS"].sip
    if host in ("0.0.0.0", "::"):  # noqa: S104
        host = (request.host if request.host.endswith("]") else request.host.rsplit(":", 1)[0]).strip("[]")
    return host, port


def _page(template: str, user: User, made: Made | None = None) -> str:
    told, (host, port) = status.read(db.session()), _server()
    path = request.path.removesuffix("/devices")
    return render_template(
        f"softphones/{template}.html",
        user=user,
        made=made,
        server=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        tls=current_app.config["SETTINGS"].tls is not None,
        only_here=_is_loopback(host),
        link_minutes=int(softphones.LINK_FOR.total_seconds() // 60),
        phones=told.phones_of(user.login) if softphones.is_registered(user) else [],
        bridge_silent=told.are_silent(current_app.config["CLOCK"]()),
        path=path,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
