"""Cards, touches and lists as the API shows them: a page by ids, so that who reads on misses none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.accounts.models import Role, User
from webapp.api import incoming, outgoing
from webapp.calls.queries import state_of
from webapp.clients import cards, people, queries
from webapp.clients.models import Client, ContactPoint, Person
from webapp.office.models import (
    Channel,
    ClientStatus,
    ClientType,
    ListItem,
    Outcome,
    Purpose,
    Region,
    TouchClass,
)
from webapp.office.queries import items
from webapp.rules import extra
from webapp.touches.models import Touch

SEES_ALL = (Role.HEAD, Role.SECRETARY)
"""Who reads everybody's ledger."""

_CLIENT_TEXTS = (
    *("id", "kind", "name", "what_it_does", "website", "management", "category", "caller_kind", "reason", "product"),
    *("volume", "how_often", "order_size", "needed_by", "exact_variant", "delivery", "storage", "decides_alone"),
    *("note", "created_at"),
)
_POINT, _PERSON = ("id", "kind", "value", "normal", "preferred"), ("id", *people.PERSON_FIELDS)


def clients(session: Session, asked: incoming.ClientsAsked, country: str) -> outgoing.Clients:
    """One page of cards."""
    query = _whole(select(Client)).where(Client.merged_into_id.is_(None), Client.id > asked.after)
    for field in ("status_id", "region_id", "type_id", "channel_id", "owner_id", "category"):
        if (value := getattr(asked, field)) is not None:
            query = query.where(getattr(Client, field) == value)
    if asked.created_from is not None:
        query = query.where(Client.created_at >= asked.created_from)
    if asked.created_until is not None:
        query = query.where(Client.created_at < asked.created_until)
    if asked.q is not None:
        query = query.where(*queries.found_by(session, asked.q.replace("\0", ""), country))
    rows = session.scalars(query.order_by(Client.id).limit(asked.limit + 1)).all()
    shown = [client(row) for row in rows[: asked.limit]]
    return outgoing.Clients(items=shown, next=shown[-1].id if len(rows) > asked.limit else None)


def card(session: Session, client_id: int) -> Client | None:
    """A card with all that is shown of it; one that was merged away too."""
    return session.scalars(_whole(select(Client)).where(Client.id == client_id)).one_or_none()


def _whole(query: Select[tuple[Client]]) -> Select[tuple[Client]]:
    return query.options(
        selectinload(Client.people),
        selectinload(Client.contact_points),
        selectinload(Client.extra_values),
        joinedload(Client.owner),
        joinedload(Client.status),
        joinedload(Client.type),
        joinedload(Client.region),
        joinedload(Client.channel),
    )


def client(row: Client) -> outgoing.Client:
    """A card."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _CLIENT_TEXTS}
    return outgoing.Client(
        **values,
        url=f"/clients/{row.id}",
        status=_item(row.status),
        type=_item(row.type),
        region=_item(row.region),
        channel=_item(row.channel),
        owner=_item(row.owner),
        persons=[_person(person, row.contact_points) for person in row.people],
        contacts=_contacts(row.contact_points, None),
        extra=extra.values(row),
    )


def _person(person: Person, points: Iterable[ContactPoint]) -> outgoing.Person:
    texts = {name: getattr(person, name) for name in _PERSON}
    return outgoing.Person(**texts, contacts=_contacts(points, person.id))


def _contacts(points: Iterable[ContactPoint], person_id: int | None) -> list[outgoing.Contact]:
    own = (point for point in points if point.person_id == person_id)
    return [outgoing.Contact(**{name: getattr(point, name) for name in _POINT}) for point in own]


def _item(row: ListItem | User | None) -> outgoing.Item | None:
    return outgoing.Item(id=row.id, name=row.name) if row else None


def touches(
    session: Session, asked: incoming.OfClientAsked, client_id: int | None = None, reader: User | None = None
) -> outgoing.Touches:
    """One page of touches: those of a client, or those that `reader` may read."""
    query = _all_of(select(Touch)).where(Touch.id > asked.after)
    if client_id is not None:
        query = query.where(Touch.client_id == client_id)
    if reader is not None and not reader.has_role(*SEES_ALL):
        query = query.where(Touch.user_id == reader.id)
    if isinstance(asked, incoming.TouchesAsked):
        if asked.user_id is not None:
            query = query.where(Touch.user_id == asked.user_id)
        if asked.client_id is not None:
            query = query.where(Touch.client_id == asked.client_id)
        if asked.started_from is not None:
            query = query.where(Touch.started_at >= asked.started_from)
        if asked.started_until is not None:
            query = query.where(Touch.started_at < asked.started_until)
    rows = session.scalars(query.order_by(Touch.id).limit(asked.limit + 1)).all()
    shown = [touch(row) for row in rows[: asked.limit]]
    return outgoing.Touches(items=shown, next=shown[-1].id if len(rows) > asked.limit else None)


def one_touch(session: Session, touch_id: int) -> Touch | None:
    """A touch with all that is shown of it."""
    return session.scalars(_all_of(select(Touch)).where(Touch.id == touch_id)).one_or_none()


def _all_of(query: Select[tuple[Touch]]) -> Select[tuple[Touch]]:
    return query.options(
        joinedload(Touch.user),
        joinedload(Touch.client).selectinload(Client.people),
        joinedload(Touch.person),
        joinedload(Touch.purpose),
        joinedload(Touch.outcome),
        joinedload(Touch.touch_class),
        joinedload(Touch.channel),
        joinedload(Touch.call),
    )


def touch(row: Touch) -> outgoing.Touch:
    """A touch."""
    call, client, person = row.call, row.client, row.person
    return outgoing.Touch(
        id=row.id,
        direction="out" if row.direction == "out" else "in",
        door=row.door,
        started_at=row.started_at,
        user=_item(row.user),
        client=outgoing.Item(id=client.id, name=cards.title(client)) if client else None,
        person=outgoing.Item(id=person.id, name=person.full_name) if person else None,
        purpose=_item(row.purpose),
        outcome=_item(row.outcome),
        touch_class=_item(row.touch_class),
        channel=_item(row.channel),
        next_at=row.next_at,
        next_kind=row.next_kind,
        note=row.note,
        finished=row.closed_at is not None,
        call=outgoing.CallOfTouch(
            id=call.id, number=call.number, state=state_of(call), rings=call.rings, talk_seconds=call.talk_seconds
        )
        if call
        else None,
    )


def lists(session: Session) -> outgoing.Lists:
    """The office's lists, as they are offered now."""

    def offered(model: type[ListItem]) -> list[outgoing.Item]:
        return [outgoing.Item(id=one.id, name=one.name) for one in items(session, model)]

    return outgoing.Lists(
        purposes=offered(Purpose),
        outcomes=[outgoing.OutcomeItem(id=one.id, name=one.name, closes=one.closes) for one in items(session, Outcome)],
        touch_classes=offered(TouchClass),
        channels=offered(Channel),
        statuses=offered(ClientStatus),
        regions=offered(Region),
        client_types=offered(ClientType),
        owners=[outgoing.Item(id=user.id, name=user.name) for user in queries.owners(session)],
        extra_fields=[
            outgoing.ExtraFieldItem(key=one.key, name=one.name, kind=one.kind, choices=list(one.choices))
            for one in extra.fields(session)
        ],
    )
