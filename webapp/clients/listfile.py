"""The list of cards as a file that can be taken in again: a row for each person, the client's fields on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload
from werkzeug.datastructures import MultiDict

from webapp.clients import cards, contacts, fields, listing
from webapp.clients.listing_form import FilterForm
from webapp.clients.models import Client, ContactPoint, Person
from webapp.clients.people import PERSON_FIELDS
from webapp.exports.lists import Batch, List
from webapp.rules import extra
from webapp.rules.models import ExtraField
from webapp.sheets import Cell, Column, Row, on_the_wall

AT_A_TIME = 500
_FIRM = ("name", "kind", "what_it_does", "website", "management")
_TITLES: Mapping[str, Any] = {
    **{name: one.label for name, one in (fields.BY_NAME | cards.MORE_FIELDS).items()},
    "site": contacts.MORE_SITES,
}
_NEED = (
    *("reason", "product", "volume", "needed_by", "exact_variant", "decides_alone"),
    *("how_often", "order_size", "delivery", "storage", "note"),
)
_CHOSEN = ("status", "category", "type", "region", "owner", "channel", "caller_kind")
_WIDE = ("name", "what_it_does", "reason", "note")


def whole(session: Session, filters: Mapping[str, str], zone: ZoneInfo, country: str) -> List:
    """The whole list that the address with these filters shows, oldest card first; `mine` is whose cards alone.

    Raises ValueError for filters that can't be read: the page has refused them.
    """
    form = FilterForm(session, MultiDict(filters))
    if not form.validate():
        raise ValueError("filters that no page has let through")
    wanted = asked(form, filters, zone)
    own = extra.fields(session)

    def batch(session: Session, after: int) -> Batch:
        ids = listing.after(session, wanted, after, AT_A_TIME, country)
        rows = [row for client in _whole(session, ids) for row in rows_of(client, own, zone)]
        return Batch(rows, len(ids), ids[-1] if len(ids) == AT_A_TIME else None)

    return List(("clients",), columns(own), batch)


def asked(form: FilterForm, filters: Mapping[str, str], zone: ZoneInfo) -> listing.Asked:
    """What the filters of a file ask for: those of the page, and `mine`."""
    found = form.asked(zone)
    return replace(found, equal={**found.equal, "owner_id": int(filters["mine"])}) if filters.get("mine") else found


def _whole(session: Session, ids: Sequence[int]) -> Sequence[Client]:
    query = (
        select(Client)
        .where(Client.id.in_(ids))
        .order_by(Client.id)
        .options(
            selectinload(Client.people),
            selectinload(Client.contact_points),
            selectinload(Client.extra_values),
            *(joinedload(getattr(Client, name)) for name in ("owner", "status", "type", "region", "channel")),
        )
    )
    return session.scalars(query).all()


def columns(own: Sequence[ExtraField]) -> list[Column]:
    """The columns, by the names that cards have for them: so a file is read again without being told how."""
    names = (*_FIRM, *PERSON_FIELDS, *contacts.KINDS, *_CHOSEN, *_NEED)
    titles = [(str(_TITLES[name]), 30 if name in _WIDE else 18) for name in names]
    return [
        Column(_("Card"), 8),
        *(Column(title, width) for title, width in titles),
        *(Column(one.name, 18) for one in own),
        Column(_("Made on"), 17),
    ]


def rows_of(client: Client, own: Sequence[ExtraField], zone: ZoneInfo) -> Iterator[Row]:
    """A row for each person with their own addresses and the shared ones; one row when there is nobody."""
    people: Sequence[Person | None] = client.people or [None]
    known = extra.values(client)
    firm: list[Cell] = [_words(client, name) for name in _FIRM]
    rest: list[Cell] = [*(_words(client, name) for name in (*_CHOSEN, *_NEED)), *(_own(one, known) for one in own)]
    for person in people:
        about = [getattr(person, name) if person else "" for name in PERSON_FIELDS]
        points = [_addresses(client.contact_points, person, kind) for kind in contacts.KINDS]
        yield [client.id, *firm, *about, *points, *rest, on_the_wall(client.created_at, zone)]


def _addresses(points: Sequence[ContactPoint], person: Person | None, kind: str) -> str:
    """The person's, then those of nobody in particular; the preferred one first. Each is a line of the cell."""
    mine = [one for one in points if one.kind == kind and one.person_id in (None, person.id if person else None)]
    mine.sort(key=lambda one: (one.person_id is None, not one.preferred, one.id))
    return "\n".join(one.value for one in mine)


def _words(client: Client, name: str) -> str:
    value = getattr(client, name)
    if name == "kind":
        return str(fields.CLIENT_KINDS.get(value, value))
    if name == "caller_kind":
        return str(fields.CALLER_KINDS.get(value, value))
    return value if isinstance(value, str) else value.name if value else ""


def _own(one: ExtraField, known: Mapping[str, str]) -> Cell:
    text = known.get(one.key, "")
    if one.kind == "number" and text:
        return float(text)
    if one.kind == "date" and text:
        return date.fromisoformat(text)
    return extra.shown(one, text)
