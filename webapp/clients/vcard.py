"""A card as a file for address books: vCard 3.0 (RFC 2426), one for each person, or one for a client without people."""

from __future__ import annotations

import re
from collections.abc import Iterator

import vobject

from webapp import sheets
from webapp.clients.models import Client, ContactPoint, Person

MIMETYPE = "text/vcard"
_PHONES = {"phone": ["WORK", "VOICE"], "mobile": ["CELL", "VOICE"], "fax": ["WORK", "FAX"]}
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
"""What no line of a vCard may hold, or what a reader would take for the end of one."""


def of(client: Client) -> str:
    """The client's vCards, one after the other. Each person has its own addresses and the shared ones."""
    people: list[Person | None] = [*client.people] or [None]
    return "".join(_one(client, person) for person in people)


def file_name(client: Client, title: str) -> str:
    """`client-12-rassvet.vcf`: Latin letters, whatever the name is written in."""
    return sheets.file_name(("client", str(client.id), title), "vcf")


def _one(client: Client, person: Person | None) -> str:
    card = vobject.vCard()
    firm = _clean(client.name) if client.kind == "organisation" else ""
    name = _clean(person.full_name) if person else ""
    if person:
        parts = (_line(person.surname), _line(person.given_name), _line(person.patronymic))
    elif client.kind == "private":
        parts = (_line(client.name), "", "")
    else:
        parts = ("", "", "")
    card.add("n").value = vobject.vcard.Name(family=parts[0], given=parts[1], additional=parts[2])
    card.add("fn").value = _line(name or client.name) or str(client.id)
    if firm:
        card.add("org").value = [_line(firm)]
    if person and person.position:
        card.add("title").value = _line(person.position)
    for point in _points(client, person):
        _address(card, point)
    if client.website:
        card.add("url").value = _line(client.website)
    if client.note:
        card.add("note").value = _clean(client.note)
    card.add("uid").value = f"second-ring-{client.id}-{person.id if person else 0}"
    return str(card.serialize())


def _points(client: Client, person: Person | None) -> Iterator[ContactPoint]:
    """The person's own, then those of nobody in particular."""
    mine = [point for point in client.contact_points if person and point.person_id == person.id]
    yield from sorted(mine, key=lambda point: (not point.preferred, point.id))
    yield from (point for point in client.contact_points if point.person_id is None)


def _address(card: vobject.base.Component, point: ContactPoint) -> None:
    if point.kind in _PHONES:
        line, types = card.add("tel"), _PHONES[point.kind]
        line.value = point.normal if point.normal.startswith("+") else _line(point.value)
    elif point.kind == "email":
        line, types = card.add("email"), ["INTERNET"]
        line.value = _line(point.value)
    elif point.kind == "site":
        card.add("url").value = _line(point.value)
        return
    else:  # a property of their own is what readers agree on for messengers
        card.add("x-messenger").value = _line(point.value)
        return
    line.type_param = [*types, "PREF"] if point.preferred else types


def _clean(text: str) -> str:
    return _UNSEEN.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))


def _line(text: str) -> str:
    return " ".join(_clean(text).split())
