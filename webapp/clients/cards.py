"""What is done with cards: made, and kept up to date. Whose call it is says `clients/callers.py`.

Every change rewrites the card's search keys and tells the pages that show it. Verbs flush, entry points commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.clients import changes, contacts, fields, keys, match
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, Person
from webapp.deals import stages
from webapp.office.models import ClientStatus, ClientType, ListItem, Region
from webapp.rules import extra, transitions
from webapp.rules.models import ExtraField
from webapp.typed import row_of

CATEGORIES = ("", "A", "B", "C")
MORE_FIELDS = {
    "status": fields.Field("status", _l("Status"), "", "client", "choice"),
    "category": fields.Field("category", _l("Category"), "", "client", "choice"),
    "type": fields.Field("type", _l("Type"), "", "client", "choice"),
    "region": fields.Field("region", _l("Region"), "", "client", "choice"),
    "owner": fields.Field("owner", _l("Manager"), "", "client", "choice"),
}
"""What a card has beside the fields of a talk."""
LISTS: dict[str, type[ListItem]] = {"status": ClientStatus, "region": Region, "type": ClientType}
CHOSEN_BY_ID = ("status", "type", "region", "owner", "channel")


class BadCard(ValueError):
    """A card that can't be saved as typed: `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = dict(errors)


def announce_card(session: Session, client: Client, now: datetime) -> None:
    """Tell every page that may show this card."""
    feed.announce_all(session, "card", client.id, now)


def title(client: Client) -> str:
    """What a card is called: the name, else its first person, else ''."""
    return client.name or next((person.full_name for person in client.people if person.full_name), "")


# Making cards


def create(session: Session, values: Mapping[str, str], author: Author, country: str) -> Client:
    """A new card of the author from field names and texts; `deal` opens a deal with this title in the same step (D39).

    Raises BadCard for a value that doesn't fit and for a card of nothing. Empty texts are left out.
    """
    texts = {
        name: text
        for name, text in values.items()
        if text.strip() and (name in fields.BY_NAME or name == "deal" or name.startswith(extra.PREFIX))
    }
    if not texts.keys() - {"kind", "channel", "caller_kind", "deal"}:
        raise BadCard({"name": str(_l("Type at least a name, a phone or an e-mail."))})
    return filled(session, texts, author, country)[0]


def filled(
    session: Session, texts: Mapping[str, str], author: Author, country: str, channel_id: int | None = None
) -> tuple[Client, Person | None]:
    """A new card of `texts` as they are, and its person when they name one. Raises BadCard for one that doesn't fit."""
    if errors := _check(session, texts, country):
        raise BadCard(errors)
    user_id = author.user.id if author.user else None
    client = Client(
        kind="organisation",
        owner_id=user_id,
        channel_id=channel_id,
        created_at=author.at,
        created_by_id=user_id,
    )
    session.add(client)
    session.flush()
    return client, _fill_all(session, client, texts, author, country)


def _check(session: Session, texts: Mapping[str, str], country: str) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name, text in texts.items():
        field = fields.BY_NAME.get(name)
        try:
            if own := own_field(session, name):
                extra.normal(own, text)
            elif field and field.kind == "contact":
                contacts.several(name, text, country)
            elif field and field.holder != "touch" and name != "channel":
                fields.cleaned(field, text)
            elif name == "deal" and len(text.strip()) > stages.LONGEST_TITLE:
                raise BadValue(_l("At most %(most)d characters.", most=stages.LONGEST_TITLE))
        except BadValue as why:
            errors[name] = str(why)
    return errors


def own_field(session: Session, name: str) -> ExtraField | None:
    """The head's field that `extra:KEY` names."""
    return extra.called(session, name.removeprefix(extra.PREFIX)) if name.startswith(extra.PREFIX) else None


def _fill_all(
    session: Session, client: Client, texts: Mapping[str, str], author: Author, country: str
) -> Person | None:
    person: Person | None = None
    about = {one.name for one in fields.FIELDS if one.holder == "person" and one.kind != "contact"}
    if about & texts.keys():  # a number or an e-mail alone says of nobody that he is there: it is the client's
        client.people.append(Person())
        session.flush()
        person = client.people[0]
    for name, text in texts.items():
        if own := own_field(session, name):
            extra.put(session, client, own, text, None)
        field = fields.BY_NAME.get(name)
        if field is None or field.holder == "touch":
            continue
        if name == "phone":
            for one in contacts.several(name, text, country):
                kind = contacts.phone_kind(keys.normal_phone(one, country))
                contacts.add(session, client, kind, one, country, person)
        elif field.kind == "contact":
            contacts.add_all(session, client, name, text, country, person)
        elif name == "channel":
            try:
                client.channel = fields.channel(session, text)
            except BadValue as why:
                raise BadCard({name: str(why)}) from why
        else:
            setattr(person if field.holder == "person" else client, name, fields.cleaned(field, text))
    match.index(session, client)
    changes.note(session, client, "card", "", title(client) or "1", author)
    if texts.get("deal"):
        stages.open_deal(session, client, texts["deal"], author)
    announce_card(session, client, author.at)
    return person


# Keeping cards


def shown(holder: Client | Person, field: str) -> str:
    """The text that a form sends of a built-in field: an item of a list by its id."""
    return str(getattr(holder, f"{field}_id") or "") if field in CHOSEN_BY_ID else str(getattr(holder, field))


def agree(session: Session, client: Client, person: Person | None, field: str, was: str, mine: str) -> None:
    """Raise `changes.Changed` unless the field still shows `was`; KeyError for an unknown one.

    An address is only added here, and contradicts nothing.
    """
    if field.startswith(extra.PREFIX):
        _agree_on_own(session, client, field, was, mine)
        return
    one = fields.BY_NAME.get(field) or MORE_FIELDS[field]
    person = person if one.holder == "person" else None
    if one.kind == "contact" or one.holder == "touch" or (one.holder == "person" and person is None):
        return
    changes.hold(session, client, *([person] if person else []))
    changes.compare(session, client, field, shown(person or client, field), was, mine, person)


def _agree_on_own(session: Session, client: Client, field: str, was: str, mine: str) -> None:
    own = extra.called(session, field.removeprefix(extra.PREFIX))
    if own is None:
        raise KeyError(field)

    def as_shown(text: str) -> str:
        try:
            kept = extra.normal(own, text)
        except BadValue:
            return text
        return kept if extra.choices(own, kept) else extra.shown(own, kept)

    changes.hold(session, client)
    stands = extra.values(client).get(own.key, "")
    changes.compare(session, client, field, as_shown(stands), as_shown(was), as_shown(mine))


def update_field(
    session: Session,
    client: Client,
    person: Person | None,
    field: str,
    value: str,
    author: Author,
    country: str,
    was: str | None = None,
) -> None:
    """Change one field of the card or of one of its people. Raises BadValue, and KeyError for an unknown field.

    Beside the fields of a talk, `extra:` and a key among them: status (as the head's grid allows, D35; the head
    himself may do otherwise with a reason, `author.why`), category, region, owner (another's client is reassigned by
    the head alone, D5). `was`: what the writer saw there; raises `changes.Changed` when somebody has changed it
    meanwhile.
    """
    if was is not None:
        agree(session, client, person, field, was, value)
    chosen = value.strip()
    if field == "category":
        if chosen not in CATEGORIES:
            raise BadValue(_l("Choose one of the list."))
        changes.put(session, client, client, field, chosen, author)
    elif field == "owner":
        _reassign(session, client, chosen, author)
    elif field in LISTS:
        item = _item(session, LISTS[field], chosen, getattr(client, f"{field}_id"))
        if field == "status":
            # Two may change it at once: the second is judged by what the first has left.
            session.refresh(client, ["status_id"], with_for_update=True)
            transitions.check(
                session, transitions.STATUS, _key(client.status_id), _key(item.id if item else None), author
            )
        changes.put(session, client, client, field, item, author)
    else:
        fields.fill(session, client, person, field, value, author, country)  # KeyError: there is no such field
        return
    session.flush()
    announce_card(session, client, author.at)


def _key(item_id: int | None) -> str:
    return "" if item_id is None else str(item_id)


def _item(session: Session, model: type[ListItem], value: str, keep: int | None) -> ListItem | None:
    if not value:
        return None
    item = row_of(session, model, value)
    if item is None or not (item.active or item.id == keep):
        raise BadValue(_l("Choose one of the list."))
    return item


def _reassign(session: Session, client: Client, value: str, author: Author) -> None:
    owner = row_of(session, User, value)
    if value and (owner is None or not owner.active or owner.role == Role.ADMIN):
        raise BadValue(_l("Choose one of the list."))
    if author.user and client.owner_id not in (None, author.user.id):
        _only_head(author, _l("The head of sales reassigns clients of a colleague."))
    changes.put(session, client, client, "owner", owner, author)


def _only_head(author: Author, message: str) -> None:
    if author.user and not author.user.has_role(Role.HEAD):
        raise BadValue(message)
