"""What a talk may learn of a caller (D30-D33): every field with its name, its label and how to ask for it.

The order is the one that meets least resistance (D34): how to address the caller and what he wants, then where to
send materials, then phones, then the organisation, then the details of the need.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import String, select
from sqlalchemy.orm import Session

from webapp import feed
from webapp.clients import changes, contacts, match
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, Person
from webapp.office.models import Channel
from webapp.rules import extra
from webapp.rules.models import ExtraField

LONGEST_NOTE = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """`holder`: client, person or touch. `kind`: text, long, choice, contact, and of an extra field number, date, list,
    yes_no, with its `choices`. `prompt` is '' when nobody asks it.
    """

    name: str
    label: Any
    prompt: Any
    holder: str
    kind: str = "text"
    choices: tuple[str, ...] = ()


FIELDS = (
    Field("given_name", _l("First name"), _l("How may I address you?"), "person"),
    Field("purpose", _l("Purpose"), "", "touch", "choice"),
    Field("reason", _l("Reason for calling"), _l("What made you turn to us today?"), "client"),
    Field("product", _l("Product or brand"), _l("What exactly are you looking for?"), "client"),
    Field("email", _l("E-mail"), _l("Which e-mail shall I send the materials to?"), "person", "contact"),
    Field("mobile", _l("Mobile"), _l("Which mobile can I reach you on, just in case?"), "person", "contact"),
    Field("phone", _l("Phone"), _l("And which phone, in case the letter goes astray?"), "person", "contact"),
    Field("surname", _l("Surname"), _l("Whom shall I put it down to: what is your surname?"), "person"),
    Field("name", _l("Company"), _l("Which company are you calling from?"), "client"),
    Field("position", _l("Position"), _l("What do you do in the company?"), "person"),
    Field("what_it_does", _l("What it does"), _l("What does your company do?"), "client"),
    Field("channel", _l("Channel"), _l("How did you hear of us?"), "client", "choice"),
    Field("volume", _l("Volume"), _l("What quantity are we speaking of?"), "client"),
    Field("needed_by", _l("Needed by"), _l("When do you need it to be ready?"), "client"),
    Field("exact_variant", _l("Exact variant"), _l("Have you settled on the exact variant yet?"), "client"),
    Field("decides_alone", _l("Decides alone"), _l("Is there anyone else who should agree to it?"), "client"),
    Field("how_often", _l("How often they order"), _l("How often do you order?"), "client"),
    Field("order_size", _l("Usual order"), _l("How much do you usually take at a time?"), "client"),
    Field("delivery", _l("Delivery"), _l("How do you usually arrange delivery?"), "client"),
    Field("storage", _l("Own storage"), _l("Do you have storage of your own?"), "client"),
    Field("decides", _l("What they decide"), _l("Which questions do you decide yourself?"), "person"),
    Field("management", _l("Management"), _l("Who heads the company?"), "client"),
    Field("website", _l("Website"), _l("Does your company have a website I could look at?"), "client"),
    Field(
        "messenger",
        _l("Messenger or network"),
        _l("Which messenger or social network is handy for you?"),
        "person",
        "contact",
    ),
    Field("fax", _l("Fax"), _l("Do you have a fax?"), "person", "contact"),
    Field("patronymic", _l("Patronymic"), _l("And your patronymic, please?"), "person"),
    Field("caller_kind", _l("When they buy"), "", "client", "choice"),
    Field("kind", _l("Kind of client"), "", "client", "choice"),
    Field("note", _l("Note"), "", "client", "long"),
    Field("outcome", _l("Outcome"), "", "touch", "choice"),
    Field("next_touch", _l("Next touch"), "", "touch"),
    Field("promise", _l("Promise"), "", "touch"),
)
BY_NAME = {field.name: field for field in FIELDS}
FIELD_NAMES = frozenset(BY_NAME)
"""What scripts may name in `ask` and `fills`."""

CLIENT_KINDS = {"organisation": _l("Organisation"), "private": _l("Private person")}
CALLER_KINDS = {"": "", "now": _l("Needs it now"), "later": _l("Will need it later"), "casual": _l("Casual")}
"""The three kinds of people that contact a firm (D41)."""

_EXTRA_AFTER = "channel"
"""The head's own fields are asked after this one, before the details of the need."""
_OF_ORGANISATIONS = frozenset({"name", "what_it_does", "website", "management", "position"})


def extra_field(field: ExtraField) -> Field:
    """A field of the head's making (D37), to be used as a built-in one."""
    return Field(extra.PREFIX + field.key, field.name, field.prompt, "client", field.kind, tuple(field.choices))


def asked(session: Session) -> list[Field]:
    """All fields of a talk in the order of asking, the head's own among them."""
    place = next(number for number, field in enumerate(FIELDS) if field.name == _EXTRA_AFTER) + 1
    return [*FIELDS[:place], *map(extra_field, extra.fields(session)), *FIELDS[place:]]


def known(client: Client | None, person: Person | None) -> dict[str, str]:
    """The fields with a value, by name; without `person` those of the client alone and its shared addresses."""
    if client is None:
        return {}
    return {name: value for name, value in _values(client, person) if value}


def _values(client: Client, person: Person | None) -> Iterator[tuple[str, str]]:
    for field in FIELDS:
        if field.name == "channel":
            yield "channel", client.channel.name if client.channel else ""
        elif field.kind == "contact":
            yield field.name, _address(client, person, field.name)
        elif field.holder == "client":
            yield field.name, getattr(client, field.name) or ""
        elif field.holder == "person" and person is not None:
            yield field.name, getattr(person, field.name) or ""
    for value in client.extra_values:
        yield extra.PREFIX + value.field.key, extra.shown(value.field, value.text)


def _address(client: Client, person: Person | None, kind: str) -> str:
    own = [point for point in client.contact_points if point.kind == kind and point.person_id in (None, _id(person))]
    own.sort(key=lambda point: (not point.preferred, point.person_id is None))
    return own[0].value if own else ""


def _id(person: Person | None) -> int | None:
    return person.id if person else None


def next_missing(session: Session, client: Client | None, person: Person | None) -> Field | None:
    """The field to ask for next (D33, D34): the first one unknown that somebody would ask for."""
    have = set(known(client, person))
    if "mobile" in have:
        have.add("phone")
    if have & {"email", "messenger"}:
        have |= {"fax", "messenger"}
    if client is not None and client.kind == "private":
        have |= _OF_ORGANISATIONS
    return next((field for field in asked(session) if field.prompt and field.name not in have), None)


def fill(
    session: Session,
    client: Client,
    person: Person | None,
    field: str,
    value: str,
    author: Author,
    country: str,
) -> Person | None:
    """Put what was learnt on the card; flushes, rewrites the search keys, tells everybody. Returns the person meant.

    `field` may be `extra:` and the key of one of the head's. A field of a person not yet known makes one. An address is
    added beside those there, never over them; `country` (ISO code) reads national numbers. Raises BadValue (too long,
    not on the list) and KeyError for an unknown field or one of the touch: that is not the card's.
    """
    if field.startswith(extra.PREFIX):
        own = extra.called(session, field.removeprefix(extra.PREFIX))
        if own is None:
            raise KeyError(field)
        extra.put(session, client, own, value, author)
        match.index(session, client)
        feed.announce_all(session, "card", client.id, author.at)
        return person
    one = BY_NAME[field]
    if one.holder == "touch":
        raise KeyError(field)
    if one.holder == "person" and person is None:
        if len(client.people) != 1:
            client.people.append(Person())
            session.flush()
        person = client.people[-1]
    if one.kind == "contact":
        if value.strip():
            contacts.add_all(session, client, field, value, country, person, author)
    elif field == "channel":
        changes.put(session, client, client, "channel", channel(session, value), author)
    elif one.holder == "client":
        changes.put(session, client, client, field, cleaned(one, value), author)
    else:
        changes.put(session, client, person, field, cleaned(one, value), author, person)
    match.index(session, client)
    feed.announce_all(session, "card", client.id, author.at)
    return person


def cleaned(field: Field, value: str) -> str:
    """`value` as the card keeps it. Raises BadValue when it doesn't fit or isn't on the list."""
    value = value.replace("\0", "")
    value = value.strip() if field.kind == "long" else " ".join(value.split())
    choices = {"kind": CLIENT_KINDS, "caller_kind": CALLER_KINDS}.get(field.name)
    if choices is not None and value not in choices:
        raise BadValue(_l("Choose one of the list."))
    most = _most(field)
    if len(value) > most:
        raise BadValue(_l("At most %(most)d characters.", most=most))
    return value


def _most(field: Field) -> int:
    column = (Client if field.holder == "client" else Person).__table__.columns[field.name].type
    return column.length or LONGEST_NOTE if isinstance(column, String) else LONGEST_NOTE


def channel(session: Session, value: str) -> Channel | None:
    """The channel with this id or, as a script says it, this name in any language. Raises BadValue for neither."""
    value = value.strip()
    if not value:
        return None
    for one in session.scalars(select(Channel).where(Channel.active)):
        names = {name.casefold() for name in one.names.values()}
        if value == str(one.id) or value.casefold() in names:
            return one
    raise BadValue(_l("Choose one of the list."))
