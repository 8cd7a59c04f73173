"""Changing lines and price ranges, and telling everybody that the settings changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.clients.keys import normal_phone
from webapp.office.models import Line, LinePerson, PriceRange

SCRIPTS = Path(__file__).parents[2] / "scripts_library"


class Refused(ValueError):
    """A change that can't be made; `field` is the form's field it concerns, `reason` is for the reader."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def check_line_name(session: Session, line: Line | None, name: str) -> None:
    """Raises Refused when another line has this name."""
    query = select(Line.id).where(func.lower(Line.name) == name.lower())
    if session.scalar(query.where(Line.id != line.id) if line else query) is not None:
        raise Refused("name", _("Another line has this name."))


def check_line_number(session: Session, line: Line | None, number: str, country: str) -> None:
    """Raises Refused when callers of another line dial this number, however it is written."""
    normal = normal_phone(number, country)
    others = session.execute(select(Line.number, Line.title, Line.name).where(Line.id != (line.id if line else 0)))
    for other in others:
        if normal and normal_phone(other.number, country) == normal:
            raise Refused("number", _("Callers of %(line)s dial this number already.", line=other.title or other.name))


def people_of_lines(session: Session, line: Line | None) -> Sequence[User]:
    """Those who can be rung for a line by name: everybody who works with clients, and who is rung already."""
    kept = {one.user_id for one in line.people} if line else set()
    roles = (Role.HEAD, Role.MANAGER, Role.AGENT, Role.SECRETARY, Role.EXPERT)
    users = session.scalars(select(User).where(User.role.in_(roles)).order_by(User.name, User.id))
    return [user for user in users if user.active or user.id in kept]


def set_people(line: Line, ranks: Mapping[int, int]) -> None:
    """Who is rung for this line, by rank; nobody: those on duty."""
    kept = {one.user_id: one for one in line.people if one.user_id in ranks}
    line.people = [kept.get(user_id) or LinePerson(user_id=user_id) for user_id in ranks]
    for one in line.people:
        one.rank = ranks[one.user_id]


def use_sound(line: Line, kind: str, file_name: str) -> None:
    """A line's own greeting or menu is this file from now on, '' for none."""
    if kind == "greeting":
        line.greeting = file_name
    else:
        line.menu = {**line.menu, "sound": file_name}


def switch_line(session: Session, line: Line) -> None:
    """Retire a line, or take it up again. Raises Refused for the last one."""
    others = select(func.count()).select_from(Line).where(Line.active, Line.id != line.id)
    if line.active and not session.scalar(others):
        raise Refused("active", _("This is the last line; without one no call is taken."))
    line.active = not line.active
    session.flush()


def check_product(session: Session, price: PriceRange | None, product: str) -> None:
    """Raises Refused when the product has a price range already."""
    others = session.scalars(select(PriceRange).where(PriceRange.id != (price.id if price else 0)))
    # Compared here: SQLite's lower() knows ASCII only.
    if any(other.product.casefold() == product.casefold() for other in others):
        raise Refused("product", _("This product has a price range already."))


def script_names(keep: str) -> list[str]:
    """The scripts of the library by name, and the one in use (`keep`) even when its file is gone."""
    return sorted({path.name.split(".")[0] for path in SCRIPTS.glob("*.yaml")} | ({keep} if keep else set()))


def announce(session: Session, now: datetime) -> None:
    """Tell every open page and the bridges that the settings changed."""
    feed.announce_all(session, "office", "", now)
    feed.announce(session, [None], "standing", "", now)
