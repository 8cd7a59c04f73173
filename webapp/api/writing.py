"""Cards and touches that programs make: through the same verbs as the forms, so that the same rules hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from webapp.accounts.models import User
from webapp.api import incoming
from webapp.api.models import ApiMade, ApiToken
from webapp.api.problems import Problem, invalid
from webapp.clients import cards, contacts, match, people
from webapp.clients.cards import BadCard
from webapp.clients.changes import Author, Changed
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, Person
from webapp.office.models import Channel, ListItem, Outcome, Purpose, TouchClass
from webapp.rules import extra
from webapp.touches import closing, opening
from webapp.touches.models import Touch

REMEMBERED = timedelta(days=2)
"""So long a request may be repeated without making anything twice."""
_PLAIN = (
    *("kind", "name", "what_it_does", "website", "management", "caller_kind", "reason", "product", "volume"),
    *("how_often", "order_size", "needed_by", "exact_variant", "delivery", "storage", "decides_alone", "note", "deal"),
)
_CHOSEN = {"status": "status_id", "type": "type_id", "region": "region_id", "category": "category", "owner": "owner_id"}
"""Fields that follow rules of their own -> what the API calls them."""
_TOUCH_LISTS: dict[str, tuple[str, type[ListItem]]] = {
    "purpose_id": ("purpose_id", Purpose),
    "outcome_id": ("outcome_id", Outcome),
    "touch_class_id": ("class_id", TouchClass),
    "channel_id": ("channel_id", Channel),
}
_MISSING = {"class_id": "touch_class_id"}


# A request that may be repeated


def claim(session: Session, token: ApiToken, key: str, digest: str, now: datetime) -> tuple[ApiMade, bool]:
    """What the request with this key has made, and whether it is new: then the caller says what it makes.

    Waits for the same request while another process has it in hand. Raises Problem when the key was another request's.
    """
    session.execute(delete(ApiMade).where(ApiMade.at < now - REMEMBERED))
    made = ApiMade(token_id=token.id, key=key, digest=digest, at=now)
    try:
        with session.begin_nested():
            session.add(made)
            session.flush()
    except IntegrityError:
        before = session.scalars(select(ApiMade).where(ApiMade.token_id == token.id, ApiMade.key == key)).one()
        if before.digest != digest:
            raise Problem(409, "This Idempotency-Key was used for another request.") from None
        return before, False
    return made, True


# Cards


def create_client(session: Session, sent: incoming.NewClient, author: Author, country: str) -> Client:
    """The card that was sent. Raises Problem: 422 for what doesn't fit, 409 when it may be there already."""
    texts = _first(session, sent)
    if not sent.even_if_found:
        _refuse_doubles(session, sent, country)
    try:
        client = cards.create(session, texts, author, country)
    except BadCard as bad:
        raise invalid((_place(field, sent), message) for field, message in bad.errors.items()) from bad
    first = client.people[0] if client.people else None
    _choose(session, client, sent, author, country)
    for where, point, person in _each_contact(session, client, first, sent, author):
        try:
            added = people.add_contact_point(session, client, point.kind, point.value, country, author, person)
        except BadValue as bad:
            raise invalid([(f"{where}.value", str(bad))]) from bad
        if point.preferred and not added.preferred:
            people.prefer(session, added, author)
    return client


def _first(session: Session, sent: incoming.NewClient) -> dict[str, str]:
    """What `cards.create` takes: the card's own texts, the first person's, and an address of each kind."""
    texts = {name: getattr(sent, name) for name in _PLAIN}
    if sent.channel_id is not None:
        texts["channel"] = str(sent.channel_id)
    if sent.persons:
        texts |= {name: getattr(sent.persons[0], name) for name in people.PERSON_FIELDS}
    for point in _first_contacts(sent):
        if point.kind != "site":
            texts.setdefault(point.kind, point.value)
    if unknown := [key for key in sent.extra if extra.called(session, key) is None]:
        raise invalid((f"extra.{key}", _("There is no such field.")) for key in unknown)
    return texts | {f"{extra.PREFIX}{key}": text for key, text in sent.extra.items()}


def _first_contacts(sent: incoming.NewClient) -> list[incoming.NewContact]:
    return sent.persons[0].contacts if sent.persons else sent.contacts


def _place(field: str, sent: incoming.NewClient) -> str:
    """Where a program finds what `cards.create` calls `field`."""
    if field in contacts.KINDS:
        number = next((n for n, point in enumerate(_first_contacts(sent)) if point.kind == field), 0)
        return f"{'persons.0.' if sent.persons else ''}contacts.{number}.value"
    if field in people.PERSON_FIELDS:
        return f"persons.0.{field}"
    return "channel_id" if field == "channel" else field.replace(extra.PREFIX, "extra.")


def _refuse_doubles(session: Session, sent: incoming.NewClient, country: str) -> None:
    hits = [hit for hit in match.find(session, _draft(sent), country) if hit.certainty != "maybe"]
    if not hits:
        return
    query = select(Client).where(Client.id.in_([hit.client_id for hit in hits])).options(selectinload(Client.people))
    named = {one.id: cards.title(one) for one in session.scalars(query)}
    candidates = [
        {
            "id": hit.client_id,
            "name": named[hit.client_id],
            "url": f"/clients/{hit.client_id}",
            "certainty": hit.certainty,
            "reasons": [match.reason_text(reason) for reason in hit.reasons],
        }
        for hit in hits
    ]
    raise Problem(
        409,
        "Cards are there that may be the same client. Use one of them, or send even_if_found.",
        candidates=candidates,
    )


def _draft(sent: incoming.NewClient) -> dict[str, str]:
    """The fields the six keys are made of (D29); several numbers stand in one field."""
    draft = {"name": sent.name, "website": sent.website}
    if sent.persons:
        draft |= {"surname": sent.persons[0].surname, "given_name": sent.persons[0].given_name}
    points = [*sent.contacts, *(point for person in sent.persons for point in person.contacts)]
    for kind in ("phone", "mobile", "fax", "email"):
        draft[kind] = ", ".join(point.value for point in points if point.kind == kind)
    return draft


def _choose(session: Session, client: Client, sent: incoming.NewClient, author: Author, country: str) -> None:
    errors = []
    for field, name in _CHOSEN.items():
        if value := getattr(sent, name):
            try:
                cards.update_field(session, client, None, field, str(value), author, country)
            except KeyError:
                errors.append((name, _("There is no such field.")))
            except BadValue as bad:
                errors.append((name, str(bad)))
    if errors:
        raise invalid(errors)


def change_client(session: Session, client: Client, sent: incoming.ClientChanges, author: Author, country: str) -> None:
    """Put the fields that were sent on the card. Raises Problem: 422 for what doesn't fit, 409 for what somebody has
    changed since it was read (`was`); the caller rolls back then.
    """
    errors, changed = [], []
    was = dict(_texts(sent.was))
    for name, text in _texts(sent):
        field = name.removesuffix("_id").replace("extra.", extra.PREFIX)
        try:
            cards.update_field(session, client, None, field, text, author, country, was.get(name))
        except KeyError:
            errors.append((name, _("There is no such field.")))
        except BadValue as bad:
            errors.append((name, str(bad)))
        except Changed as other:
            changed.append({"field": name, "theirs": other.theirs, "mine": other.mine})
    if errors:
        raise invalid(errors)
    if changed:
        raise Problem(409, "Somebody has changed this meanwhile. Read the card again.", changed=changed)


def _texts(sent: incoming.ClientFields) -> Iterator[tuple[str, str]]:
    """The fields of a card that were sent, as forms send them."""
    for name in incoming.ClientFields.model_fields:
        if name in sent.model_fields_set and name != "extra":
            value = getattr(sent, name)
            yield name, "" if value is None else str(value)
    for key, text in sent.extra.items():
        yield f"extra.{key}", text


def _each_contact(
    session: Session, client: Client, first: Person | None, sent: incoming.NewClient, author: Author
) -> Iterator[tuple[str, incoming.NewContact, Person | None]]:
    for number, point in enumerate(sent.contacts):
        yield f"contacts.{number}", point, None
    for place, one in enumerate(sent.persons):
        person = first if place == 0 and first is not None else None
        if person is None:
            texts = {name: getattr(one, name) for name in people.PERSON_FIELDS}
            try:
                person = people.add_person(session, client, texts, author)
            except BadCard as bad:
                raise invalid((f"persons.{place}.{field}", why) for field, why in bad.errors.items()) from bad
        for number, point in enumerate(one.contacts):
            yield f"persons.{place}.contacts.{number}", point, person


# Touches


def create_touch(
    session: Session, sent: incoming.NewTouchOfClient, client: Client | None, user: User, now: datetime
) -> Touch:
    """The touch that was sent. Raises Problem 422 for what doesn't fit, or is missing in a finished one."""
    errors = []
    values: dict[str, object] = {"next_at": sent.next_at, "next_kind": sent.next_kind, "note": _clean(sent.note)}
    values["approach_reason"] = _clean(sent.approach_reason)
    for name, (column, model) in _TOUCH_LISTS.items():
        chosen = getattr(sent, name)
        item = session.get(model, chosen) if chosen is not None else None
        if chosen is not None and (item is None or not item.active):
            errors.append((name, _("Choose one of the list.")))
        elif chosen is not None:
            values[column] = chosen
    people = {person.id: person for person in client.people} if client else {}
    if sent.person_id is not None and sent.person_id not in people:
        errors.append(("person_id", _("This client has no such person.")))
    started = sent.started_at or now
    if started > now + timedelta(minutes=5):  # clocks differ a little
        errors.append(("started_at", _("This lies in the future.")))
    if errors:
        raise invalid(errors)
    person = people.get(sent.person_id) if sent.person_id is not None else None
    touch = opening.written_down(session, client, person, user, sent.door, sent.direction, started)
    closing.save(session, touch, values, now)
    if sent.finished and (missing := closing.close(session, touch, user, now)):
        raise invalid((_MISSING.get(field, field), str(message)) for field, message in missing.items())
    if client:
        cards.announce_card(session, client, now)
    return touch


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()
