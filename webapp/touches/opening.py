"""Touches that no telephone opens: a missed caller was rung back, or a contact is written down after it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.calls import missed
from webapp.calls.models import Call
from webapp.clients.models import Client, Person
from webapp.pages import phone
from webapp.touches import matter
from webapp.touches.models import Touch


def rang_back(session: Session, call: Call, user: User, now: datetime) -> Touch:
    """We rang back and spoke with a missed caller: his missed calls are made good, and the talk has a row (D22)."""
    touch = Touch(
        direction="out",
        started_at=now,
        user_id=user.id,
        client_id=call.client_id,
        channel_id=call.line.channel_id if call.line else None,
        draft={} if call.client_id else {"phone": phone(call.number)},
        name_known=call.client_id is not None,
    )
    session.add(touch)
    session.flush()
    if earlier := matter.waiting(session, call.number):
        matter.go_on(session, touch, earlier)
    missed.make_good(session, call.number, user, "out", now, now)
    return touch


def written_down(
    session: Session,
    client: Client | None,
    person: Person | None,
    user: User,
    door: str,
    direction: str,
    started_at: datetime,
) -> Touch:
    """A contact of `user` that took place elsewhere: a letter, a visit, a call by another telephone. Flushes."""
    touch = Touch(
        direction=direction,
        door=door,
        started_at=started_at,
        user_id=user.id,
        client_id=client.id if client else None,
        person_id=person.id if person else None,
        channel_id=client.channel_id if client else None,
        name_known=client is not None,
    )
    session.add(touch)
    session.flush()
    return touch
