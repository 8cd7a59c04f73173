"""Contact points of a card: kept as written, with the normal form beside it."""

from __future__ import annotations

import re

import phonenumbers
from flask import current_app
from flask_babel import lazy_gettext as _l
from phonenumbers import PhoneNumberType
from sqlalchemy.orm import Session

from webapp.clients import changes, keys
from webapp.clients.changes import Author
from webapp.clients.models import Client, ContactPoint, Person

KINDS = {
    "phone": _l("Phone"),
    "mobile": _l("Mobile"),
    "email": _l("E-mail"),
    "messenger": _l("Messenger or network"),
    "site": _l("Website"),
    "fax": _l("Fax"),
}
MORE_SITES = _l("More websites")
"""What the websites beside a card's own are called where both stand in one list."""
TELEPHONES = ("phone", "mobile", "fax")
LONGEST = 200


class BadValue(ValueError):
    """What was typed can't be kept; the message says why, in the reader's language."""


def office_country() -> str:
    """The office's country (ISO code), by which national numbers are read; for the entry points to pass on."""
    return str(current_app.config["SETTINGS"].country)


def add(
    session: Session,
    client: Client,
    kind: str,
    value: str,
    country: str,
    person: Person | None = None,
    author: Author | None = None,
) -> ContactPoint:
    """Add a way to reach the client, or find it when it is already there. Flushes; the keys are not rewritten here.

    `author` None: the card itself is new, so that nothing changes.

    What can't be read is kept as written, with `normal` ''. Raises BadValue for a text that is empty or too long.
    """
    value = cleaned(kind, value)
    normal = keys.normal_contact(kind, value, country)
    for point in client.contact_points:
        if _is_same(point, kind, value, normal):
            if point.person is None and person is not None:
                point.person = person
                if author:
                    whose = f"{point.value}: {person.full_name}"
                    changes.note(session, client, "whose", point.value, whose, author, person)
            session.flush()
            return point
    point = ContactPoint(person=person, kind=kind, value=value, normal=normal)
    client.contact_points.append(point)
    session.flush()
    if author:
        changes.note(session, client, kind, "", value, author, person)
    return point


def _is_same(point: ContactPoint, kind: str, value: str, normal: str) -> bool:
    """True when the card has it already; another extension of the same number is another address."""
    if point.kind != kind and not {point.kind, kind} <= set(TELEPHONES):
        return False
    if not normal:
        return point.value == value
    return point.normal == normal and keys.extension(value) in ("", keys.extension(point.value))


def add_all(
    session: Session,
    client: Client,
    kind: str,
    text: str,
    country: str,
    person: Person | None = None,
    author: Author | None = None,
) -> list[ContactPoint]:
    """Add all numbers or addresses that one field holds, each as `add` does. Raises BadValue before any is added."""
    return [add(session, client, kind, one, country, person, author) for one in several(kind, text, country)]


def several(kind: str, text: str, country: str) -> list[str]:
    """The numbers or e-mail addresses of one field, each as it is kept: as written, one at least.

    Raises BadValue as `cleaned` does, for any of them.
    """
    parts = [text]
    if kind in TELEPHONES:
        parts = keys.apart(text, country)
    elif kind == "email" and len(keys.emails(text)) > 1:
        parts = [one for one in re.split(r"[\s,;|]+", text) if one]
    return [cleaned(kind, part) for part in parts or [""]]


def cleaned(kind: str, value: str) -> str:
    """`value` as it is kept.

    Raises BadValue for a text that is empty or too long, a kind there isn't, and a dot behind an e-mail.
    """
    value = " ".join(value.replace("\0", "").split())
    if kind not in KINDS or not value:
        raise BadValue(_l("Type a phone, an e-mail or another address."))
    if len(value) > LONGEST:
        raise BadValue(_l("At most %(most)d characters.", most=LONGEST))
    if kind == "email" and value.endswith(".") and keys.email_key(value):
        raise BadValue(_l("No e-mail ends with a dot: take it off."))
    return value


def phone_kind(normal: str) -> str:
    """`mobile` or `phone`, as the numbering plan says."""
    try:
        parsed = phonenumbers.parse(normal)
    except phonenumbers.NumberParseException:
        return "phone"
    return "mobile" if phonenumbers.number_type(parsed) == PhoneNumberType.MOBILE else "phone"


def is_readable(point: ContactPoint) -> bool:
    """False when the address can't be read: it is shown as written, and marked."""
    if point.kind in TELEPHONES:
        return point.normal.startswith("+") or 3 <= len(point.normal) <= keys.LONGEST_LOCAL
    return bool(point.normal)
