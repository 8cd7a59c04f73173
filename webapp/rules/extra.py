"""Extra fields of cards (D37): their values are checked, kept as text that compares, and shown in the reader's way."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.clients import changes
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client
from webapp.rules import reading
from webapp.rules.models import ExtraField, ExtraValue

PREFIX = "extra:"
"""Before the key, where an extra field stands among the built-in ones."""
KINDS = {
    "text": _l("Text"),
    "number": _l("Number"),
    "date": _l("Date"),
    "list": _l("List"),
    "yes_no": _l("Yes or no"),
}
LONGEST = 400
YES = frozenset({"yes", "y", "1", "+", "true", "да", "д"})
NO = frozenset({"no", "n", "0", "-", "false", "нет", "н"})


def fields(session: Session) -> list[ExtraField]:
    """The fields in use, in the head's order."""
    query = select(ExtraField).where(ExtraField.active).order_by(ExtraField.rank, ExtraField.id)
    return list(session.scalars(query))


def called(session: Session, key: str) -> ExtraField | None:
    """The field with this key, retired or not."""
    if "\0" in key:  # no text of PostgreSQL's
        return None
    return session.scalars(select(ExtraField).where(ExtraField.key == key)).one_or_none()


def of_card(session: Session, client: Client) -> list[ExtraField]:
    """The fields a card shows: those in use, and retired ones it has a value of."""
    retired = [value.field for value in client.extra_values if not value.field.active]
    return [*fields(session), *sorted(retired, key=lambda field: (field.rank, field.id))]


def values(client: Client) -> dict[str, str]:
    """What is known, by key, as it is kept; `shown` is for people."""
    return {value.field.key: value.text for value in client.extra_values}


def put(session: Session, client: Client, field: ExtraField, text: str, author: Author | None) -> None:
    """Put a value on a card, '' takes it off; flushes. The search keys are not rewritten here.

    `author` None: the card itself is new, so that nothing changes. Raises BadValue for what the field can't hold.
    """
    kept = normal(field, text)
    # Two who fill it in at once must not add it twice.
    session.execute(select(Client.id).where(Client.id == client.id).with_for_update())
    query = select(ExtraValue).where(ExtraValue.client_id == client.id, ExtraValue.field_id == field.id)
    value = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    before = value.text if value else ""
    if kept == before:
        return
    if value is None:
        session.add(ExtraValue(client_id=client.id, field_id=field.id, text=kept))
    elif kept:
        value.text = kept
    else:
        session.delete(value)
    if author:
        changes.note(session, client, PREFIX + field.key, shown(field, before), shown(field, kept), author)
    session.flush()
    session.expire(client, ["extra_values"])


def normal(field: ExtraField, text: str) -> str:
    """`text` as it is kept: 2026-03-10, 12.5, yes, no, a choice of the list. Raises BadValue when it can't be."""
    typed = " ".join(text.replace("\0", "").split())
    if not typed:
        return ""
    match field.kind:
        case "number":
            if (read := reading.number(typed)) is None:
                raise BadValue(_l("Type a number, for example 12.5."))
            return reading.plain(read)
        case "date":
            if (found := reading.day(typed)) is None:
                raise BadValue(_l("Type a date, for example 10.03.2026."))
            return found.isoformat()
        case "yes_no":
            word = typed.casefold()
            if word in YES or word == _("Yes").casefold():
                return "yes"
            if word in NO or word == _("No").casefold():
                return "no"
            raise BadValue(_l("Choose yes or no."))
        case "list":
            return _choice(field.choices, typed)
    if len(typed) > LONGEST:
        raise BadValue(_l("At most %(most)d characters.", most=LONGEST))
    return typed


def _choice(choices: Sequence[str], typed: str) -> str:
    for choice in choices:
        if choice.casefold() == typed.casefold():
            return choice
    raise BadValue(_l("Choose one of the list."))


def choices(field: ExtraField, known: str = "") -> list[tuple[str, str]]:
    """What may be chosen, as (value, words) with an empty one first; [] when the value is typed.

    `known`: a value that stands on a card is offered even when the list has it no more.
    """
    kept = [known] if known and known not in field.choices else []
    return offered(field.kind, [*field.choices, *kept])


def offered(kind: str, choices: Sequence[str]) -> list[tuple[str, str]]:
    """(value, words) of a field of this kind, an empty one first; [] when its value is typed."""
    if kind == "yes_no":
        return [("", "—"), ("yes", _("Yes")), ("no", _("No"))]
    return [("", "—"), *((choice, choice) for choice in choices)] if kind == "list" else []


def shown(field: ExtraField, text: str) -> str:
    """A value that is kept, as the reader writes it."""
    if not text:
        return ""
    match field.kind:
        case "number":
            return reading.shown_number(text)
        case "date":
            return reading.shown_day(text)
        case "yes_no":
            return _("Yes") if text == "yes" else _("No")
    return text
