"""Who at a client decides which question (D31), read from what is written of each person and written back there."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from webapp.clients import changes, fields
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, Person

_BETWEEN = re.compile(r"[;\n]|,(?!\d)")  # not the comma of 1,000


def questions(client: Client) -> dict[str, list[Person]]:
    """Question -> those who decide it, in the order in which people stand on the card."""
    found: dict[str, tuple[str, list[Person]]] = {}
    for person in client.people:
        for question in _of(person):
            people = found.setdefault(question.casefold(), (question, []))[1]
            if person not in people:
                people.append(person)
    return dict(found.values())


def _of(person: Person) -> list[str]:
    return [question for part in _BETWEEN.split(person.decides) if (question := " ".join(part.split()))]


def decide(session: Session, client: Client, question: str, person: Person | None, author: Author) -> None:
    """`person` decides this question from now on, and nobody else; None: nobody is known. Flushes. Raises BadValue."""
    question = " ".join(_BETWEEN.sub(" ", question.replace("\0", "")).split())
    if not question:
        raise BadValue(_l("Type the question, for example: price."))
    changes.hold(session, client, *client.people)
    for one in client.people:
        theirs = [other for other in _of(one) if other.casefold() != question.casefold()]
        theirs += [question] if one is person else []
        if theirs != _of(one):
            text = fields.cleaned(fields.BY_NAME["decides"], ", ".join(theirs))
            changes.put(session, client, one, "decides", text, author, one)
    session.flush()
