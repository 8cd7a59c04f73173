"""What was typed of a new card that turns out to be there already: it joins the card, and nothing typed is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from webapp.clients import cards, changes, contacts, fields, keys, match, people
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, Person
from webapp.deals import stages
from webapp.rules import extra
from webapp.rules.models import ExtraField


def join(session: Session, client: Client, typed: Mapping[str, str], author: Author, country: str) -> Person | None:
    """Put what was typed onto a card that is there: what it lacks into its fields, numbers and addresses beside its
    own, and what contradicts it, or does not fit, into its note. Somebody new joins the people. `deal` opens a deal
    with this title (D39). Returns the person who was named, None for nobody. Flushes.
    """
    changes.hold(session, client)  # of two who join it at once, neither takes the other's words off the note
    texts = {name: text.strip() for name, text in typed.items() if text.strip()}
    person = _person(client, texts.get("surname", ""), texts.get("given_name", ""))
    if person is None and (texts.get("surname") or texts.get("given_name")):
        person = _new_person(session, client, texts, author)
    spoken_of = person or (client.people[0] if len(client.people) == 1 else None)
    left: list[str] = []
    for name, text in texts.items():
        if own := cards.own_field(session, name):
            left += _own(session, client, own, text, author)
            continue
        field = fields.BY_NAME.get(name)
        if field is None or field.holder == "touch" or name == "kind":
            continue
        holder = spoken_of if field.holder == "person" else client
        have = "" if field.kind == "contact" or name == "channel" else getattr(holder, name, "") or ""
        if have.casefold() == text.casefold() or (name in _HEARD and _HEARD[name](have) == _HEARD[name](text)):
            continue
        if have or (name == "channel" and client.channel_id):
            if name != "channel":
                left.append(f"{field.label}: {text}")
            continue
        try:
            if field.kind == "contact":
                for one in contacts.several(name, text, country):
                    kind = contacts.phone_kind(keys.normal_phone(one, country)) if name == "phone" else name
                    contacts.add(session, client, kind, one, country, person, author)
            else:
                fields.fill(session, client, spoken_of, name, text, author, country)
        except BadValue:
            left.append(f"{field.label}: {text}")
    if left:
        note = "\n".join([client.note.rstrip(), *left]).strip()[: fields.LONGEST_NOTE]
        changes.put(session, client, client, "note", note, author)
    if title := texts.get("deal"):
        stages.open_deal(session, client, title[: stages.LONGEST_TITLE], author)
    match.index(session, client)
    cards.announce_card(session, client, author.at)
    return person


_HEARD: dict[str, Callable[[str], object]] = {
    "name": keys.company_keys,
    "surname": keys.surname_key,
    "website": keys.site_key,
}
"""Fields written otherwise that mean the same."""


def _own(session: Session, client: Client, own: ExtraField, text: str, author: Author) -> list[str]:
    """A field of the head's making: onto the card that lacks it; what goes to the note instead is returned."""
    have = extra.values(client).get(own.key, "")
    try:
        if not have:
            extra.put(session, client, own, text, author)
        elif extra.normal(own, text) != have:
            return [f"{own.name}: {text}"]
    except BadValue:
        return [f"{own.name}: {text}"]
    return []


def _new_person(session: Session, client: Client, texts: Mapping[str, str], author: Author) -> Person | None:
    try:
        return people.add_person(session, client, texts, author)
    except cards.BadCard:  # a name too long to be one: it goes into the note, word for word
        return None


def _person(client: Client, surname: str, given_name: str) -> Person | None:
    """Whom of the card's people a name means: names that sound alike do, and one that is missing is no other."""
    asked = (keys.surname_key(surname), keys.given_name_key(given_name))
    if not any(asked):
        return None
    for person in client.people:
        have = (keys.surname_key(person.surname), keys.given_name_key(person.given_name))
        pairs = list(zip(asked, have, strict=True))
        if all(one == other or not one or not other for one, other in pairs) and any(
            one and one == other for one, other in pairs
        ):
            return person
    return None
