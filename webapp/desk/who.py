"""The panel that says who is calling: the card, the candidates, or the seven fields of a new card."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.accounts.models import User
from webapp.calls import trace
from webapp.clients import contacts, deciding, fields, keys, match
from webapp.clients.models import Client, ContactPoint, Person
from webapp.deals import holding
from webapp.deals.models import ENDED, Deal
from webapp.desk import caller
from webapp.desk.queries import missed_lately
from webapp.pages import day
from webapp.rules import categories, extra
from webapp.rules.models import Category
from webapp.tasks.models import Task
from webapp.tasks.queries import open_for_client
from webapp.touches import approaches
from webapp.touches.models import Touch
from webapp.touches.queries import last_with

MOST_UNKNOWN = 8
SHOWN_OF_CARD = ("product", "volume", "needed_by", "email", "mobile", "what_it_does")
CONTACT_FIELDS = frozenset(one.name for one in fields.FIELDS if one.kind == "contact")
CHOICES = frozenset(one.name for one in fields.FIELDS if one.kind == "choice")


@dataclass(frozen=True)
class Choice:
    """A card that may be the caller's, with what tells it from others and why it is offered.

    `unsure`: the manager said that he is not sure.
    """

    client_id: int
    name: str
    detail: str
    reason: str
    unsure: bool = False


@dataclass(frozen=True)
class Row:
    """One field as the panel shows it. `late`: saved when the field is left, since half of an address is none.

    `doubt` says of an address that it can't be read; it is kept as written all the same.
    """

    name: str
    label: Any
    prompt: Any
    value: str = ""
    late: bool = False
    error: str = ""
    doubt: str = ""
    hits: Sequence[Choice] = ()
    choices: Sequence[tuple[str, str]] = ()


@dataclass
class Who:
    """All the panel shows."""

    mode: Literal["card", "candidates", "new"]
    why: str = ""
    candidates: Sequence[Choice] = ()
    fields: Sequence[Row] = ()
    known: Sequence[Row] = ()
    people: Sequence[Person] = ()
    deals: Sequence[tuple[Deal, str]] = ()
    """open ones, and what holds each"""
    forbidden: str = ""
    """the forbidden type of client"""
    prescribed: Category | None = None
    deciders: Sequence[tuple[str, str]] = ()
    """(question, who decides it)"""
    owed: Sequence[Task] = ()
    facts: Sequence[str] = ()
    last: str = ""
    missed: tuple[int, datetime | None] = (0, None)
    """how many calls of this number were missed today, and when the first came"""


def of(session: Session, touch: Touch, user: User, country: str, day_starts: datetime) -> Who:
    """Who calls in this touch, as `user` reads it. `day_starts`: since when missed calls are counted as today's."""
    call = touch.call
    why = trace.why_card(call) if call else ""
    if touch.client is not None:
        return _card(session, touch, touch.client, user, why, country, day_starts)
    if call and call.candidates:
        refused = caller.refused(session, touch)
        reasons = {
            one["client_id"]: ", ".join([match.reason_text(one["reason"]), *_told_apart(one["client_id"], refused)])
            for one in call.candidates
        }
        return Who("candidates", why=why, candidates=choices(session, reasons))
    return new(session, touch, country, day_starts)


def new(
    session: Session, touch: Touch, country: str, day_starts: datetime, errors: Mapping[str, str] | None = None
) -> Who:
    """The fields of a card that isn't made yet; `errors` by field when it could not be saved as typed."""
    return Who(
        "new",
        why=trace.why_card(touch.call) if touch.call else "",
        fields=new_card(session, touch, country, errors),
        missed=missed_lately(session, touch.call, day_starts) if touch.call else (0, None),
    )


def _card(
    session: Session, touch: Touch, client: Client, user: User, why: str, country: str, day_starts: datetime
) -> Who:
    last = last_with(session, client.id, touch)
    have = fields.known(client, touch.person)
    doubts = {name: doubt for name, value in have.items() if (doubt := doubt_of(name, value, country))}
    private = client.kind == "private"
    unknown = [
        Row(
            one.name,
            one.label,
            one.prompt,
            late=one.name in CONTACT_FIELDS or one.kind in ("number", "date"),
            choices=extra.offered(one.kind, one.choices),
        )
        for one in fields.asked(session)
        if one.prompt
        and one.name not in have
        and one.name not in CHOICES
        and not (private and one.name in ("name", "what_it_does", "management", "position"))
        and not (one.name in ("phone", "fax", "messenger") and ({"phone", "mobile", "email"} & set(have)))
    ]
    return Who(
        "card",
        why=why,
        fields=unknown[:MOST_UNKNOWN],
        known=[
            Row(name, fields.BY_NAME[name].label, "", have[name], doubt=doubts.get(name, ""))
            for name in dict.fromkeys((*SHOWN_OF_CARD, *doubts))
            if name in have
        ],
        people=client.people,
        deals=[(deal, holding.words(list(holding.holds(deal).values()))) for deal in _open_deals(session, client)],
        forbidden=client.type.name if client.type and client.type.forbidden else "",
        prescribed=categories.of(session, client.category),
        deciders=[
            (question, ", ".join(person.full_name or person.position for person in people))
            for question, people in deciding.questions(client).items()
        ],
        owed=open_for_client(session, client.id)[:3],
        facts=[*_facts(client, user), *_approaches(session, client)],
        last=in_words(last) if last else "",
        missed=missed_lately(session, touch.call, day_starts) if touch.call else (0, None),
    )


def _open_deals(session: Session, client: Client) -> Sequence[Deal]:
    query = select(Deal).where(Deal.client_id == client.id, Deal.stage.not_in(ENDED))
    query = query.order_by(Deal.opened_at.desc()).limit(2)
    return session.scalars(query.options(joinedload(Deal.payment_scheme), joinedload(Deal.client))).all()


def _approaches(session: Session, client: Client) -> list[str]:
    """How often he was approached in vain, when he was (D74)."""
    count = approaches.of_client(session, client.id)
    return [_("%(count)d of %(most)d approaches", count=count, most=approaches.most(session))] if count else []


def _facts(client: Client, user: User) -> list[str]:
    owner = _("yours") if client.owner_id == user.id else client.owner.name if client.owner else _("nobody's")
    named = (client.status, client.region)
    return [*(one.name for one in named if one), owner]


def new_card(session: Session, touch: Touch, country: str, errors: Mapping[str, str] | None = None) -> list[Row]:
    """The seven fields with what was typed and, under the field that caused them, the cards already there."""
    have = caller.known(touch)
    found = found_for(session, touch, have, country)
    return [
        Row(
            name,
            fields.BY_NAME[name].label,
            fields.BY_NAME[name].prompt,
            have.get(name, ""),
            error=(errors or {}).get(name, ""),
            doubt=doubt_of(name, have.get(name, ""), country),
            hits=found.get(name, ()),
        )
        for name in caller.NEW_CARD
    ]


def doubt_of(name: str, value: str, country: str) -> str:
    """What is said beside an e-mail or a telephone that can't be read; '' for all others."""
    if name not in CONTACT_FIELDS or not value:
        return ""
    if contacts.is_readable(ContactPoint(kind=name, normal=keys.normal_contact(name, value, country))):
        return ""
    if name == "email":
        return _("can't be read as an e-mail; kept as written")
    return _("can't be read as a phone number; kept as written")


def found_for(session: Session, touch: Touch, draft: Mapping[str, str], country: str) -> dict[str, list[Choice]]:
    """Cards that share one of the six keys with a draft, by the field that found them, three a field.

    Those told apart in this touch are left out; those told apart from the number in an earlier call too, unless it is
    their own number, and then it is said. So a slip can be undone.
    """
    said, refused = caller.said(touch), caller.refused(session, touch)
    told_apart = [client_id for client_id, verdict in said.items() if verdict == "other"]
    hits = [
        hit
        for hit in match.find(session, draft, country, told_apart)
        if hit.client_id not in refused or {"phone", "phone_local"} & set(hit.reasons)
    ]
    named = {one.client_id: one for one in choices(session, {hit.client_id: "" for hit in hits})}
    found: dict[str, list[Choice]] = {}
    for hit in hits:
        if hit.client_id in named and len(found.setdefault(hit.field, [])) < 3:
            card = named[hit.client_id]
            why = ", ".join([*(match.reason_text(one) for one in hit.reasons), *_told_apart(hit.client_id, refused)])
            found[hit.field].append(Choice(card.client_id, card.name, card.detail, why, hit.client_id in said))
    return found


def _told_apart(client_id: int, refused: Collection[int]) -> list[str]:
    return [_("said to be another client")] if client_id in refused else []


def choices(session: Session, reasons: Mapping[int, str]) -> list[Choice]:
    """Cards by id with their reasons, in the order given; those deleted since are left out."""
    rows = session.scalars(
        select(Client)
        .where(Client.id.in_(list(reasons)))
        .options(selectinload(Client.people), joinedload(Client.owner), joinedload(Client.status))
    )
    clients = {client.id: client for client in rows}
    return [_choice(clients[key], reason) for key, reason in reasons.items() if key in clients]


def _choice(client: Client, reason: str) -> Choice:
    person = client.people[0].full_name if client.people else ""
    detail = [person if client.name else "", client.status.name if client.status else ""]
    detail.append(client.owner.name if client.owner else "")
    return Choice(client.id, client.name or person or "—", ", ".join(part for part in detail if part), reason)


def in_words(touch: Touch) -> str:
    """A past touch in a few words: 12 Nov, Price: offer to be sent."""
    words = [part.name for part in (touch.purpose, touch.outcome) if part]
    return f"{day(touch.started_at)}, {': '.join(words)}" if words else day(touch.started_at)
