"""Whose call it is: a card made of what the caller said, a card chosen for him, or refused. Verbs flush."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import User
from webapp.calls import trace
from webapp.calls.models import Call, CallAudience
from webapp.clients import cards, changes, contacts, match
from webapp.clients.changes import Author
from webapp.clients.models import Client, NotSame
from webapp.deals.models import ENDED, Deal
from webapp.recordings import keeping
from webapp.touches.models import Touch


def open_from_call(session: Session, call: Call, values: Mapping[str, str], author: Author, country: str) -> Client:
    """The card of an unknown caller, with the number that called; the call and its touch belong to it from now on.

    A second click finds the card that is there. Raises BadCard when a value doesn't fit.
    """
    session.refresh(call, with_for_update=True)
    if call.client is not None:
        return call.client
    texts = {name: text for name, text in values.items() if text.strip()}
    touch = _touch(session, call)
    client, person = cards.filled(session, texts, author, country, touch.channel_id if touch else None)
    if call.number:
        contacts.add(session, client, contacts.phone_kind(call.number), call.number, country, person)
        match.index(session, client)
    _attach(session, call, touch, client, {"reason": "made"})
    call.situation = call.situation if call.situation == "was_missed" else "new_caller"
    trace.add(session, call, author.at, "card_made", name=changes.words(author.user), client=cards.title(client))
    _tell(session, call, client, author.at)
    return client


def choose(session: Session, call: Call, client: Client, user: User, now: datetime, country: str) -> None:
    """The caller is this client, says a manager. Its number goes on the card, so that the next call opens it."""
    touch = _touch(session, call)
    reasons = {one["client_id"]: one["reason"] for one in call.candidates}
    _attach(session, call, touch, client, {"reason": reasons.get(client.id, "chosen")})
    if call.situation == "new_caller":
        call.situation = _situation(session, client, user)
    if call.number:
        take_back(session, call.number, client.id)
        author = Author(user, now, "talk")
        contacts.add(session, client, contacts.phone_kind(call.number), call.number, country, author=author)
        match.index(session, client)
    trace.add(session, call, now, "chosen", name=user.name, client=cards.title(client))
    keeping.respect(session, call, user, now)
    _tell(session, call, client, now)


def not_this_one(session: Session, call: Call, client: Client, user: User, now: datetime) -> None:
    """The caller is not this client: take the card off the call, and never again open it for this number unasked."""
    tell_apart(session, call.number, client.id, user)
    call.candidates = [one for one in call.candidates if one["client_id"] != client.id]
    if call.client_id == client.id:
        call.client_id = None
        call.situation = call.situation if call.situation == "was_missed" else "new_caller"
    if call.client_id is None:
        count = len(call.candidates)
        call.why_client = {"reason": "candidates", "count": count} if count else {"reason": "unknown"}
    touch = _touch(session, call)
    if touch and touch.client_id == client.id:
        touch.client_id = touch.person_id = None
        touch.name_known = False
    session.flush()
    _expire(session, call, touch)
    trace.add(session, call, now, "not_this_one", name=user.name, client=cards.title(client))
    _tell(session, call, client, now)


def tell_apart(session: Session, number: str, client_id: int, user: User) -> None:
    """Whoever calls from this number is not this client; remembered for its next call. Nothing for no number."""
    pair = select(NotSame.id).where(NotSame.number == number, NotSame.client_id == client_id)
    if number and session.scalar(pair) is None:
        session.add(NotSame(number=number, client_id=client_id, user_id=user.id))
        session.flush()


def take_back(session: Session, number: str, client_id: int) -> None:
    """Whoever calls from this number may be this client after all."""
    session.execute(delete(NotSame).where(NotSame.number == number, NotSame.client_id == client_id))


def told_apart(session: Session, number: str) -> set[int]:
    """The clients of whom somebody has said that they don't call from this number."""
    return set(session.scalars(select(NotSame.client_id).where(NotSame.number == number))) if number else set()


def _attach(session: Session, call: Call, touch: Touch | None, client: Client, why: dict[str, str | int]) -> None:
    call.client_id, call.why_client = client.id, why
    if touch:
        touch.client_id = client.id
        touch.person_id = client.people[0].id if len(client.people) == 1 else None
        touch.name_known = bool(cards.title(client))
        touch.draft = {}
    session.flush()
    _expire(session, call, touch)


def _expire(session: Session, call: Call, touch: Touch | None) -> None:
    session.expire(call, ["client"])
    if touch:
        session.expire(touch, ["client", "person"])


def _situation(session: Session, client: Client, user: User) -> str:
    """Where the script starts with a client that was found by hand."""
    if client.owner_id not in (None, user.id):
        return "colleagues_client"
    matter = select(Deal.id).where(Deal.client_id == client.id, Deal.stage.not_in(ENDED)).limit(1)
    return "open_matter" if session.scalar(matter) else "known_client"


def _touch(session: Session, call: Call) -> Touch | None:
    return session.scalars(select(Touch).where(Touch.call_id == call.id)).one_or_none()


def _tell(session: Session, call: Call, client: Client, now: datetime) -> None:
    session.flush()
    audience = select(CallAudience.user_id).where(CallAudience.call_id == call.id, CallAudience.state != "planned")
    feed.announce(session, session.scalars(audience), "call", call.id, now)
    cards.announce_card(session, client, now)
