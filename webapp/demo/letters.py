"""Letters that wait to be sent after talks of today, and what closes them: requisites and signature."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients.models import ContactPoint
from webapp.demo.texts import Texts
from webapp.letters import proposing
from webapp.office.queries import the_office
from webapp.touches.models import Touch

HOW_MANY = 2


def make_letters(session: Session, words: Texts, users: dict[str, User], now: datetime) -> None:
    """Everybody has an e-mail; Anna has two letters to send."""
    office = the_office(session)
    office.requisites, office.signature = words.requisites, words.signature
    for login, user in users.items():
        user.email = f"{login}@cardwright.example"
    session.flush()
    with_mail = select(ContactPoint.client_id).where(ContactPoint.kind == "email")
    talks = session.scalars(
        select(Touch)
        .where(Touch.user_id == users["anna"].id, Touch.closed_at.is_not(None), Touch.client_id.in_(with_mail))
        .where(Touch.started_at > now - timedelta(days=2), Touch.next_at.is_not(None))
        .order_by(Touch.started_at.desc(), Touch.id)
    )
    made = 0
    for touch in talks:
        if made < HOW_MANY and proposing.propose(session, touch, users["anna"].id, touch.closed_at or now):
            made += 1
