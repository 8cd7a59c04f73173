"""What the administrator does with users: add, change, deactivate, give a new password."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from webapp import feed
from webapp.accounts import extensions, passwords, softphones
from webapp.accounts.models import Role, User
from webapp.clients.keys import normal_phone
from webapp.office import dialling
from webapp.office.models import Line


class Refused(ValueError):
    """A change that can't be made; `field` is the form's field it concerns, `reason` is for the reader."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


@dataclass(frozen=True, slots=True)
class Details:
    """What is known of a user besides the password."""

    name: str
    login: str
    position: str
    role: str
    region_id: int | None
    extension: str
    desk_phone: bool
    direct_number: str = ""
    email: str = ""


def everybody(session: Session) -> Sequence[User]:
    """All users: those who work here first, by name."""
    return session.scalars(
        select(User).order_by(User.active.desc(), User.name, User.id).options(joinedload(User.region))
    ).all()


def add(session: Session, details: Details, now: datetime) -> tuple[User, str]:
    """A new user and the password made for them, which is kept nowhere. Raises Refused."""
    _check_free(session, details, None)
    _check_number(session, details)
    direct_number = _direct_number(session, details, None)
    password = passwords.generate()
    user = User(password_hash=passwords.hashed(password))
    _fill(user, details, direct_number)
    session.add(user)
    session.flush()
    _announce(session, now)
    return user, password


def change(session: Session, user: User, details: Details, now: datetime) -> None:
    """Other details for `user`. Raises Refused: a login, softphone or own number that is taken, a telephone
    that is a number nobody may call, the last administrator's role.

    A softphone proves login and secret together: under another login, or beside another phone, the secret is void.
    """
    _check_free(session, details, user)
    _check_number(session, details)
    direct_number = _direct_number(session, details, user)
    if details.role != Role.ADMIN and _is_last_admin(session, user):
        raise Refused("role", _("%(name)s is the only administrator. Make another one first.", name=user.name))
    if user.login != details.login or details.extension != softphones.extension_of(details.login):
        softphones.drop_secret(user)
    _fill(user, details, direct_number)
    session.flush()
    _announce(session, now)


def deactivate(session: Session, user: User, by: User, now: datetime) -> None:
    """`user` can't sign in any more and takes no calls; what they did stays. Raises Refused."""
    if user.id == by.id:
        raise Refused("active", _("You cannot deactivate yourself."))
    if _is_last_admin(session, user):
        raise Refused("active", _("%(name)s is the only administrator. Make another one first.", name=user.name))
    user.active = False
    session.flush()
    _announce(session, now)


def activate(session: Session, user: User, now: datetime) -> None:
    """Let `user` in again. Raises Refused when somebody took over the softphone meanwhile."""
    if user.extension and _others(session, User.extension == user.extension, user):
        raise Refused("active", _("The softphone of %(name)s belongs to somebody else now.", name=user.name))
    if user.direct_number and _others(session, (User.direct_number == user.direct_number) & User.active, user):
        user.direct_number = ""
    user.active = True
    session.flush()
    _announce(session, now)


def new_password(session: Session, user: User) -> str:
    """A password made for `user`, kept nowhere; the old one no longer works."""
    password = passwords.generate()
    user.password_hash = passwords.hashed(password)
    session.flush()
    return password


def _fill(user: User, details: Details, direct_number: str) -> None:
    user.direct_number = direct_number
    user.name, user.login, user.position, user.role = details.name, details.login, details.position, details.role
    user.region_id, user.extension, user.desk_phone = details.region_id, details.extension, details.desk_phone
    user.email = details.email


def _check_free(session: Session, details: Details, user: User | None) -> None:
    if _others(session, User.login == details.login, user):
        raise Refused("login", _("This login is taken."))
    taken = (User.extension == details.extension) & User.active
    if details.extension and (user is None or user.active) and _others(session, taken, user):
        raise Refused("extension", _("This softphone belongs to somebody else."))


def _check_number(session: Session, details: Details) -> None:
    """A telephone behind a number costs what a call of ours costs: it needs the rule that such a call needs."""
    written = extensions.user_part(details.extension)
    number = normal_phone(written, current_app.config["SETTINGS"].country)
    if not (number.startswith("+") or written.startswith(("+", "00"))):
        return
    if why_not := dialling.of_role(session, details.role).why_not(number):
        raise Refused("extension", _("This telephone is an outside number.") + f" {why_not}")


def _direct_number(session: Session, details: Details, user: User | None) -> str:
    """The user's own number in E.164, '' for none. Raises Refused: it can't be read, or leads elsewhere already."""
    if not details.direct_number:
        return ""
    country = current_app.config["SETTINGS"].country
    number = normal_phone(details.direct_number, country)
    if not number.startswith("+"):
        raise Refused("direct_number", _("Write the number with its country code, such as +74951234567."))
    if _others(session, (User.direct_number == number) & User.active, user):
        raise Refused("direct_number", _("Another user has this number."))
    for line in session.scalars(select(Line).where(Line.number != "")):
        if normal_phone(line.number, country) == number:
            name = line.title or line.name
            raise Refused("direct_number", _("Callers of the line %(line)s dial this number.", line=name))
    return number


def _others(session: Session, condition: object, but: User | None) -> int:
    query = select(func.count()).select_from(User).where(condition)  # type: ignore[arg-type]
    return session.scalar(query.where(User.id != but.id) if but else query) or 0


def _is_last_admin(session: Session, user: User) -> bool:
    admins = (User.role == Role.ADMIN.value) & User.active
    return user.active and user.has_role(Role.ADMIN) and not _others(session, admins, user)


def _announce(session: Session, now: datetime) -> None:
    feed.announce_all(session, "roster", "", now)
    feed.announce(session, [None], "standing", "", now)
