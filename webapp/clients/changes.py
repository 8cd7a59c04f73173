"""What changed on a card, field by field: every verb that changes one says who did it, and leaves a line here.

Lines are only ever added: with them a card can be read as it was, and two people who change it at once can be told
of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

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
    if before == after:
        return
    session.add(
        CardChange(
            client_id=client.id,
            person_id=person.id if person else None,
            deal_id=deal_id,
            at=author.at,
            user_id=author.user.id if author.user else None,
            field=field[:60],
            old=before,
            new=after,
            source=author.source,
            why=author.why[:400],
        )
    )


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
