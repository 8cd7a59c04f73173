"""A closed talk proposes its result letter (D73), except where there is nothing to write about."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app
from flask_babel import force_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import feed
from webapp.clients.models import Client, ContactPoint
from webapp.letters import composing
from webapp.letters.models import Letter
from webapp.mail import addresses
from webapp.office.queries import price_of, the_office
from webapp.pages import phone
from webapp.tasks.models import Task
from webapp.touches.models import Touch

NO_LETTER = ("refused", "not_ours", "not_reached")
"""Outcomes after which no letter goes out, by key: a refusal (D73), and what was no talk with a client."""
RECENT = timedelta(days=2)
"""A letter about an older talk would come too late: nothing is proposed for rows that are written up afterwards."""
TALKS = ("call", "phone")
"""Doors of touches that were talks, where no call of the desk stands behind them."""


def propose(session: Session, touch: Touch, user_id: int, now: datetime) -> Letter | None:
    """The draft of a talk that was just closed, for `user_id` to send; None when no letter is due. Flushes."""
    if (
        touch.client is None
        or not _was_a_talk(touch)
        or touch.started_at < now - RECENT
        or (touch.outcome and touch.outcome.key in NO_LETTER)
    ):
        return None
    there = session.scalars(select(Letter).where(Letter.touch_id == touch.id)).one_or_none()
    if there is not None:
        return there
    letter = Letter(
        touch_id=touch.id, client_id=touch.client_id, user_id=user_id, to_address=address_of(touch), made_at=now
    )
    session.add(letter)
    session.flush()
    session.refresh(letter, ["user", "touch", "client"])
    letter.subject, letter.body = words(session, letter)
    session.flush()
    feed.announce(session, [user_id], "tasks", touch.id, now)
    return letter


def words(session: Session, letter: Letter) -> tuple[str, str]:
    """Subject and body as they are proposed, in the language the talk was in."""
    touch, office = letter.touch, the_office(session)
    line = touch.call.line if touch.call else None
    language = (line.language if line else "") or office.language
    with force_locale(language):  # names of purposes
        facts = _facts(session, letter, office.requisites, office.signature)
    return composing.compose(facts, language, current_app.config["SETTINGS"].timezone)


def _facts(session: Session, letter: Letter, requisites: str, signature: str) -> composing.Facts:
    touch, client, user = letter.touch, letter.client or Client(), letter.user
    agreed = [(touch.next_kind or "call_back", touch.next_at)] if touch.next_at else []
    promises = select(Task.due_at).where(Task.touch_id == touch.id, Task.kind == "promise", Task.done_at.is_(None))
    agreed += [("promise", at) for at in session.scalars(promises.order_by(Task.due_at))]
    price = price_of(session, client.product or "")
    return composing.Facts(
        talked_at=touch.started_at,
        name=_address_as(touch),
        firm=client.name if client.kind == "organisation" else "",
        purpose=touch.purpose.name if touch.purpose else "",
        purpose_key=touch.purpose.key if touch.purpose else "",
        needs={name: getattr(client, name) or "" for name in composing.DISCUSSED},
        agreed=agreed,
        price=composing.Price(price.product, price.low, price.high, price.conditions) if price else None,
        requisites=requisites,
        signature=signature,
        writer=[user.name, user.position],
        telephone=phone(user.direct_number) if user.direct_number else "",
    )


def _was_a_talk(touch: Touch) -> bool:
    return touch.call.answered_at is not None if touch.call else touch.door in TALKS


def _address_as(touch: Touch) -> str:
    """How the letter greets: the one who spoke, else a private client, else the only one there is."""
    client = touch.client
    if touch.person:
        return touch.person.address_as
    if client and len(client.people) == 1:
        return client.people[0].address_as
    return client.name if client and client.kind == "private" else ""


def address_of(touch: Touch) -> str:
    """Where the letter goes: the speaker's own e-mail, else the client's preferred or first one, '' for none."""

    def rank(point: ContactPoint) -> tuple[bool, bool, int]:
        return (touch.person_id is None or point.person_id != touch.person_id, not point.preferred, point.id)

    points = touch.client.contact_points if touch.client else []
    found = [point for point in points if point.kind == "email" and addresses.is_address(point.value)]
    return min(found, key=rank).value.strip() if found else ""
