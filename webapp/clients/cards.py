"""What is done with cards: made from a call or by hand, chosen for a caller or refused, and kept up to date.

Every change rewrites the card's search keys and tells the pages that show it. Verbs flush, entry points commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from webapp import feed
from webapp.accounts.models import Role, User
from webapp.calls import trace
from webapp.calls.models import Call, CallAudience
from webapp.clients import changes, contacts, fields, keys, match
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, ContactPoint, NotSame, Person
from webapp.deals import stages
from webapp.deals.models import ENDED, Deal
from webapp.office.models import ClientStatus, ClientType, ListItem, Region
from webapp.recordings import keeping
from webapp.rules import extra, transitions
from webapp.rules.models import ExtraField
from webapp.touches.models import Touch

CATEGORIES = ("", "A", "B", "C")
PERSON_FIELDS = ("surname", "given_name", "patronymic", "position", "decides")
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
    errors = _check(session, texts, country)
    if not errors and not texts.keys() - {"kind", "channel", "caller_kind", "deal"}:
        errors["name"] = str(_l("Type at least a name, a phone or an e-mail."))
    if errors:
        raise BadCard(errors)
    client = _new(author)
    session.add(client)
    session.flush()
    _fill_all(session, client, texts, author, country)
    return client


def _new(author: Author, channel_id: int | None = None) -> Client:
    user_id = author.user.id if author.user else None
    return Client(
        kind="organisation",
        owner_id=user_id,
        channel_id=channel_id,
        created_at=author.at,
        created_by_id=user_id,
    )


def open_from_call(session: Session, call: Call, values: Mapping[str, str], author: Author, country: str) -> Client:
    """The card of an unknown caller, with the number that called; the call and its touch belong to it from now on.

    A second click finds the card that is there. Raises BadCard when a value doesn't fit.
    """
    session.refresh(call, with_for_update=True)
    if call.client is not None:
        return call.client
    texts = {name: text for name, text in values.items() if text.strip()}
    errors = _check(session, texts, country)
    if errors:
        raise BadCard(errors)
    touch = _touch(session, call)
    client = _new(author, touch.channel_id if touch else None)
    session.add(client)
    session.flush()
    person = _fill_all(session, client, texts, author, country)
    if call.number:
        contacts.add(session, client, contacts.phone_kind(call.number), call.number, country, person)
        match.index(session, client)
    _attach(session, call, touch, client, {"reason": "made"})
    call.situation = call.situation if call.situation == "was_missed" else "new_caller"
    trace.add(session, call, author.at, "card_made", name=changes.words(author.user), client=title(client))
    _tell(session, call, client, author.at)
    return client


def _check(session: Session, texts: Mapping[str, str], country: str) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name, text in texts.items():
        field = fields.BY_NAME.get(name)
        try:
            if own := _own(session, name):
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


def _own(session: Session, name: str) -> ExtraField | None:
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
        if own := _own(session, name):
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


# Who is calling


def choose(session: Session, call: Call, client: Client, user: User, now: datetime, country: str) -> None:
    """The caller is this client, says a manager. Its number goes on the card, so that the next call opens it."""
    touch = _touch(session, call)
    reasons = {one["client_id"]: one["reason"] for one in call.candidates}
    _attach(session, call, touch, client, {"reason": reasons.get(client.id, "chosen")})
    if call.situation == "new_caller":
        call.situation = _situation(session, client, user)
    if call.number:
        session.execute(delete(NotSame).where(NotSame.number == call.number, NotSame.client_id == client.id))
        author = Author(user, now, "talk")
        contacts.add(session, client, contacts.phone_kind(call.number), call.number, country, author=author)
        match.index(session, client)
    trace.add(session, call, now, "chosen", name=user.name, client=title(client))
    keeping.respect(session, call, user, now)
    _tell(session, call, client, now)


def not_this_one(session: Session, call: Call, client: Client, user: User, now: datetime) -> None:
    """The caller is not this client: take the card off the call, and never again open it for this number unasked."""
    if call.number:
        pair = select(NotSame.id).where(NotSame.number == call.number, NotSame.client_id == client.id)
        if session.scalar(pair) is None:
            session.add(NotSame(number=call.number, client_id=client.id, user_id=user.id))
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
    trace.add(session, call, now, "not_this_one", name=user.name, client=title(client))
    _tell(session, call, client, now)


def _attach(session: Session, call: Call, touch: Touch | None, client: Client, why: dict[str, str | int]) -> None:
    call.client_id, call.why_client = client.id, why
    if touch:
        touch.client_id = client.id
        touch.person_id = client.people[0].id if len(client.people) == 1 else None
        touch.name_known = bool(title(client))
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
    announce_card(session, client, now)


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
            transitions.check(session, "status", _key(client.status_id), _key(item.id if item else None), author)
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
    item = session.get(model, int(value)) if value.isascii() and value.isdigit() and len(value) < 10 else None
    if item is None or not (item.active or item.id == keep):
        raise BadValue(_l("Choose one of the list."))
    return item


def _reassign(session: Session, client: Client, value: str, author: Author) -> None:
    owner = session.get(User, int(value)) if value.isascii() and value.isdigit() and len(value) < 10 else None
    if value and (owner is None or not owner.active or owner.role == Role.ADMIN):
        raise BadValue(_l("Choose one of the list."))
    if author.user and client.owner_id not in (None, author.user.id):
        _only_head(author, _l("The head of sales reassigns clients of a colleague."))
    changes.put(session, client, client, "owner", owner, author)


def _only_head(author: Author, message: str) -> None:
    if author.user and not author.user.has_role(Role.HEAD):
        raise BadValue(message)


def add_person(session: Session, client: Client, values: Mapping[str, str], author: Author) -> Person:
    """Add somebody at the client: surname, given_name, patronymic, position, decides. Raises BadCard."""
    person, errors = Person(), {}
    for name in PERSON_FIELDS:
        try:
            setattr(person, name, fields.cleaned(fields.BY_NAME[name], values.get(name, "")))
        except BadValue as why:
            errors[name] = str(why)
    if not errors and not person.full_name:
        errors["surname"] = str(_l("Type a name."))
    if errors:
        raise BadCard(errors)
    client.people.append(person)
    session.flush()
    changes.note(session, client, "person", "", person.full_name, author, person)
    _changed(session, client, author.at)
    return person


def add_contact_point(
    session: Session,
    client: Client,
    kind: str,
    value: str,
    country: str,
    author: Author,
    person: Person | None = None,
) -> ContactPoint:
    """Add a phone, an e-mail or another address, kept as written; of several in one text the first is returned.

    Raises BadValue.
    """
    points = contacts.add_all(session, client, kind, value, country, person, author)
    _changed(session, client, author.at)
    return points[0]


def change_contact_point(
    session: Session, point: ContactPoint, value: str, country: str, author: Author, was: str | None = None
) -> bool:
    """Write an address anew; an empty text takes it off the card, and False is returned. Raises BadValue.

    Of several numbers in one text the first takes its place, the others are added.
    `was`: what the writer saw there; raises `changes.Changed` when somebody has changed it meanwhile.
    """
    client = point.client
    if was is not None:
        try:
            changes.hold(session, client, point)
        except InvalidRequestError as gone:  # it has been taken off since it was read
            raise changes.Changed("", value) from gone
        changes.compare(session, client, point.kind, point.value, was, value, point.person, point.value)
    old = point.value
    if not value.strip():
        client.contact_points.remove(point)
        changes.note(session, client, point.kind, old, "", author, point.person)
        _changed(session, client, author.at)
        return False
    point.value, *more = contacts.several(point.kind, value, country)
    point.normal = keys.normal_contact(point.kind, point.value, country)
    changes.note(session, client, point.kind, old, point.value, author, point.person)
    for one in more:
        contacts.add(session, client, point.kind, one, country, point.person, author)
    _changed(session, client, author.at)
    return True


def prefer(session: Session, point: ContactPoint, author: Author) -> None:
    """Make this the way its person (or the client) likes to be reached; a second time takes that back (D30)."""
    wanted = not point.preferred
    before = ""
    for other in point.client.contact_points:
        if other.person_id == point.person_id and other.preferred:
            before, other.preferred = other.value, False
    point.preferred = wanted
    changes.note(session, point.client, "preferred", before, point.value if wanted else "", author, point.person)
    _changed(session, point.client, author.at)


def _changed(session: Session, client: Client, now: datetime) -> None:
    match.index(session, client)
    announce_card(session, client, now)
