"""What changed on a card, field by field: every verb that changes one says who did it, and leaves a line here.

Lines are only ever added: with them a card can be read as it was, and two people who change it at once can be told
of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import User
from webapp.clients.models import CardChange, Client, Person
from webapp.office.models import ListItem

LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes cards, and when. `user` None: the desk itself. `source` and `why` as in `CardChange`."""

    user: User | None
    at: datetime
    source: str = "form"
    why: str = ""


class Changed(Exception):
    """Somebody has changed the field since it was shown: `theirs` stands, `mine` was not kept, and nothing changed.

    Both are texts as the field holds them (an item of a list by its id); `last` is the change, when it is known.
    """

    def __init__(self, theirs: str, mine: str, last: CardChange | None = None) -> None:
        super().__init__("changed meanwhile")
        self.theirs, self.mine, self.last = theirs, mine, last


def hold(session: Session, client: Client, *others: Any) -> None:
    """Let nobody else compare this card until the transaction ends; it and `others` (a person of it) are read anew."""
    session.flush()
    session.execute(select(Client.id).where(Client.id == client.id).with_for_update())
    session.refresh(client)
    for other in others:
        session.refresh(other)


def compare(
    session: Session,
    client: Client,
    field: str,
    stands: str,
    was: str,
    mine: str,
    person: Person | None = None,
    new: str | None = None,
    deal_id: int | None = None,
) -> None:
    """Raise Changed when the field holds neither what its writer saw (`was`) nor what he wants (`mine`).

    Call `hold` before `stands` is read. Two who want the same do not contradict each other.
    """
    if _plain(stands) not in (_plain(was), _plain(mine)):
        raise Changed(stands, mine, last_change(session, client, field, person, new, deal_id))


def _plain(text: str) -> str:
    return " ".join(text.split())


def last_change(
    session: Session,
    client: Client,
    field: str,
    person: Person | None = None,
    new: str | None = None,
    deal_id: int | None = None,
) -> CardChange | None:
    """The newest line about a field of the card, of one of its people or of its deals, with who wrote it.

    `new`: only of lines with this new value, for fields that a card has several times over.
    """
    query = select(CardChange).where(
        CardChange.client_id == client.id,
        CardChange.field == field,
        CardChange.person_id == (person.id if person else None),
        CardChange.deal_id == deal_id,
    )
    if new is not None:
        query = query.where(CardChange.new == new)
    return session.scalars(
        query.order_by(CardChange.at.desc(), CardChange.id.desc()).limit(1).options(joinedload(CardChange.user))
    ).one_or_none()


def taken_off(session: Session, client: Client, was: str) -> CardChange | None:
    """The line about an address `was` that is no longer on the card."""
    query = select(CardChange).where(CardChange.client_id == client.id, CardChange.old == was, CardChange.new == "")
    return session.scalars(
        query.order_by(CardChange.at.desc(), CardChange.id.desc()).limit(1).options(joinedload(CardChange.user))
    ).one_or_none()


def note(
    session: Session,
    client: Client,
    field: str,
    old: object,
    new: object,
    author: Author,
    person: Person | None = None,
    deal_id: int | None = None,
) -> None:
    """Write down that `field` of a card was `old` and is `new`; nothing when both read the same. Does not flush.

    The card and `person` must have their ids.
    """
    before, after = words(old), words(new)
    if before != after:
        person_id = person.id if person else None
        session.add(CardChange(**line(client.id, field, before, after, author, person_id, deal_id)))


def line(
    client_id: int,
    field: str,
    old: str,
    new: str,
    author: Author,
    person_id: int | None = None,
    deal_id: int | None = None,
) -> dict[str, Any]:
    """The columns of a CardChange, for those who write many at once."""
    return {
        "client_id": client_id,
        "person_id": person_id,
        "deal_id": deal_id,
        "at": author.at,
        "user_id": author.user.id if author.user else None,
        "field": field[:60],
        "old": old,
        "new": new,
        "source": author.source,
        "why": author.why[:400],
    }


def put(
    session: Session, client: Client, holder: Any, field: str, value: Any, author: Author, person: Person | None = None
) -> bool:
    """Set an attribute of `holder` (the card, one of its people) and write the change down; whether it changed."""
    old = getattr(holder, field)
    if old == value:
        return False
    setattr(holder, field, value)
    note(session, client, field, old, value, author, person)
    return True


def words(value: object) -> str:
    """A value as the change log keeps it: a list's item and a user by name, yes and no as 1 and ''."""
    if value is None or value is False:
        return ""
    if isinstance(value, (ListItem, User)):
        return value.name
    if value is True:
        return "1"
    return str(value)[:LONGEST]
