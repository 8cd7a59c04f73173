"""Which letters somebody sees: one's own, all of them for the head."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Role, User
from webapp.letters.models import Letter

AT_ONCE = 100
DRAFT = Letter.mail_id.is_(None) & Letter.skipped_at.is_(None)
FILTERS: dict[str, tuple[object, ColumnElement[bool]]] = {
    "draft": (_l("To send"), DRAFT),
    "sent": (_l("Sent"), Letter.mail_id.is_not(None)),
    "left_out": (_l("Left out"), Letter.skipped_at.is_not(None)),
}


def may_write(letter: Letter, user: User) -> bool:
    """Whose letter somebody may read, edit and send."""
    return letter.user_id == user.id or user.has_role(Role.HEAD)


def waiting(session: Session, user: User) -> int:
    """How many of one's own letters are to be sent."""
    return session.scalar(select(func.count()).where(Letter.user_id == user.id, DRAFT)) or 0


def of(session: Session, user: User, chosen: str) -> Sequence[Letter]:
    """The newest letters of a filter."""
    mine = true() if user.has_role(Role.HEAD) else Letter.user_id == user.id
    query = select(Letter).where(mine, FILTERS[chosen][1]).order_by(Letter.made_at.desc(), Letter.id.desc())
    options = (joinedload(Letter.client), joinedload(Letter.user), joinedload(Letter.mail), joinedload(Letter.touch))
    return session.scalars(query.limit(AT_ONCE).options(*options)).all()


def drafts_of(session: Session, client_id: int, user: User) -> Sequence[Letter]:
    """Letters to a client that this user may still send."""
    mine = true() if user.has_role(Role.HEAD) else Letter.user_id == user.id
    query = select(Letter).where(Letter.client_id == client_id, DRAFT, mine).order_by(Letter.id)
    return session.scalars(query.limit(5)).all()
