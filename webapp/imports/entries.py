"""What a row says of a client: its cells read by the columns' fields, checked, and ready to be looked for (pure)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.clients import cards, contacts, fields, keys, match
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client, ContactPoint, Person
from webapp.clients.weigh import Asked
from webapp.imports import columns, names, reasons
from webapp.imports.rows import Row
from webapp.office.models import Channel, ClientStatus, ClientType, Region
from webapp.rules import extra
from webapp.rules.models import ExtraField
from webapp.rules.reading import search_keys
from webapp.typed import row_id

_MOST = {
    column.name: column.type.length or fields.LONGEST_NOTE
    for table in (Person.__table__, Client.__table__)
    for column in table.columns
    if isinstance(column.type, String)
}
_BETWEEN_MAILS = re.compile(r"[\s,;|/]+")
_MODELS: dict[str, type[Any]] = {"status": ClientStatus, "type": ClientType, "region": Region, "channel": Channel}


@dataclass(slots=True)
class Point:
    """A way to reach somebody: as written and as compared; `normal` is '' when it can't be read."""

    kind: str
    value: str
    normal: str


@dataclass(slots=True)
class Entry:
    """A row that was read. `client` and `person`: columns with texts; `ids`: columns of lists with ids.

    `draft` is for `match.find`; `digest` the same for the same words in another list; `refused` a reason or ''.
    `card`: the number of the card that the row was written from. `extra_keys`: (kind, key) of `MatchKey` for `extra`.
    """

    row: Row
    client: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    person: dict[str, str] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    extra: dict[int, str] = field(default_factory=dict)
    extra_keys: list[tuple[str, str]] = field(default_factory=list)
    draft: dict[str, str] = field(default_factory=dict)
    digest: str = ""
    refused: str = ""
    region_unknown: bool = False
    card: int = 0
    _asked: list[Asked] | None = field(default=None, repr=False)

    def asked(self, country: str) -> list[Asked]:
        """The keys of the draft (`match.draft_keys`); read once, asked for often."""
        if self._asked is None:
            self._asked = match.draft_keys(self.draft, country)
        return self._asked

    @property
    def marked(self) -> int:
        """How many phones and e-mails are kept as written, since they can't be read."""
        return sum(not point.normal for point in self.points if point.kind != "messenger")

    @property
    def siblings(self) -> str:
        """The same for rows of one list that were written from one card; '' when the row tells of none."""
        said = f"{self.card} {_folded(self.client.get('name', ''))}"
        return hashlib.sha256(said.encode()).hexdigest()[:32] if self.card else ""

    @property
    def title(self) -> str:
        """What the card will be called."""
        person = " ".join(self.person.get(name, "") for name in ("surname", "given_name", "patronymic"))
        return self.client.get("name") or " ".join(person.split())


class Lists:
    """The office's lists by the words a file may use: names in any language, logins, letters, and extra fields.

    `retired` are words that are no longer given to cards: our own files may hold them, and they say nothing.
    """

    def __init__(self, session: Session, country: str) -> None:
        self.country = country
        self.by_word: dict[str, dict[str, int]] = {}
        self.retired: dict[str, set[str]] = {}
        for name, model in _MODELS.items():
            words, retired = self.by_word.setdefault(name, {}), self.retired.setdefault(name, set())
            for item in session.scalars(select(model).order_by(model.rank, model.id)):
                for word in filter(None, item.names.values()):
                    if item.active:
                        words[_folded(word)] = item.id
                    else:
                        retired.add(_folded(word))
        owners = session.scalars(select(User).where(User.role != Role.ADMIN).order_by(User.id)).all()
        names = {user.id: {_folded(user.name), _folded(user.login)} for user in owners}
        self.by_word["owner"] = {word: user.id for user in owners if user.active for word in names[user.id]}
        self.retired["owner"] = {word for user in owners if not user.active for word in names[user.id]}
        self.extra: dict[str, ExtraField] = {one.key: one for one in extra.fields(session)}
        self.choices: dict[str, dict[str, str]] = {
            "category": {letter.casefold(): letter for letter in cards.CATEGORIES if letter}
            | {"а": "A", "в": "B", "с": "C", "α": "A", "β": "B"},  # the look-alikes of other alphabets
            "kind": _choices(fields.CLIENT_KINDS),
            "caller_kind": _choices(fields.CALLER_KINDS),
        }


def _choices(labels: Mapping[str, Any]) -> dict[str, str]:
    from flask_babel import force_locale

    from webapp.languages import LANGUAGES

    found = {key: key for key in labels if key}
    for language in LANGUAGES:
        with force_locale(language):
            found.update({_folded(str(label)): key for key, label in labels.items() if key})
    return found


def _folded(word: str) -> str:
    return " ".join(word.casefold().split())


class Refused(Exception):
    """A row that can't be taken; the message is what `ImportRow.reason` holds."""


def read(row: Row, mapping: Mapping[str, str], headers: Sequence[str], lists: Lists, kind: str = "clients") -> Entry:
    """The row as an entry; what is wrong with it stands in `refused`. `kind` as in `Import`."""
    entry = Entry(row)
    try:
        if row.flaw:
            value = row.cells[row.column] if 0 <= row.column < len(row.cells) else ""
            raise Refused(reasons.as_text(row.flaw, columns.title(headers, row.column), value))
        for number, name in sorted(mapping.items(), key=lambda one: one[1] != columns.CARD):
            column = int(number)
            cell = row.cells[column] if column < len(row.cells) else ""
            if cell:
                _put(entry, name, cell, columns.title(headers, column), lists, kind)
        if not (entry.title or entry.points or entry.client.get("website")):
            raise Refused(reasons.as_text("nothing"))
    except Refused as why:
        entry.refused = str(why)
    entry.draft = _draft(entry)
    entry.digest = _digest(entry)
    return entry


def _put(entry: Entry, name: str, cell: str, title: str, lists: Lists, kind: str) -> None:
    if name == columns.CARD:
        entry.card = row_id(cell) or 0
    elif name in columns.CONTACTS:
        _contact(entry, name, cell, title, lists.country)
    elif name in columns.LISTS and name != "category":
        found = lists.by_word[name].get(_folded(cell))
        if found is not None:
            entry.ids[f"{name}_id"] = found
        elif name == "region" and kind == "exhibition":
            entry.region_unknown = True  # the home city is no region (D16)
        elif _folded(cell) not in lists.retired[name]:
            raise Refused(reasons.as_text("list", title, cell))
    elif name in lists.choices:
        if _folded(cell) not in lists.choices[name]:
            raise Refused(reasons.as_text("list", title, cell))
        entry.client[name] = lists.choices[name][_folded(cell)]
    elif name.startswith(extra.PREFIX):
        if one := lists.extra.get(name.removeprefix(extra.PREFIX)):
            try:
                entry.extra[one.id] = text = extra.normal(one, cell)
                entry.extra_keys += search_keys(one.kind, text)
            except BadValue as why:
                raise Refused(reasons.as_text("value", title, str(why))) from None
    elif name == "full_name":
        for part, word in zip(("surname", "given_name", "patronymic"), names.split(cell), strict=True):
            if word:
                entry.person.setdefault(part, _short(part, word, title))
    elif name in columns.PERSON:
        entry.person[name] = _short(name, cell, title)
    elif name == "note":
        entry.client["note"] = _short("note", "\n".join(filter(None, (entry.client.get("note"), cell))), title)
    else:
        entry.client[name] = _short(name, cell, title)


def _short(name: str, cell: str, title: str) -> str:
    text = cell if name == "note" else " ".join(cell.split())
    if len(text) > _MOST[name]:
        raise Refused(reasons.as_text("long", title, text, most=_MOST[name]))
    return text


def _contact(entry: Entry, kind: str, cell: str, title: str, country: str) -> None:
    for value in _several(kind, cell, country):
        if kind == "email":
            value = value.rstrip(".,;") or value
        if len(value) > contacts.LONGEST:
            raise Refused(reasons.as_text("long", title, value, most=contacts.LONGEST))
        normal = keys.normal_contact(kind, value, country)
        if kind in contacts.TELEPHONES and not (normal.startswith("+") or 3 <= len(normal) <= keys.LONGEST_LOCAL):
            normal = ""
        # Foreign lists call every number a phone; ours say what it is.
        own = contacts.phone_kind(normal) if kind == "phone" and normal and not entry.card else kind
        if not any(one.value == value or (normal and same_number(one, normal, value)) for one in entry.points):
            entry.points.append(Point(own, value, normal))


def same_number(point: Point | ContactPoint, normal: str, value: str) -> bool:
    """Whether an address is there already; another extension of the same number is another address."""
    return point.normal == normal and keys.extension(value) in ("", keys.extension(point.value))


def _several(kind: str, cell: str, country: str) -> list[str]:
    """The addresses of a cell; one that can't be taken apart for sure is left whole."""
    lines = [line.strip() for line in cell.splitlines() if line.strip()]
    if len(lines) > 1 and (kind not in contacts.TELEPHONES or all(map(_stands_alone, lines))):
        return [one for line in lines for one in _several(kind, line, country)]
    whole = " ".join(cell.split())
    if kind == "email":
        parts = [part for part in _BETWEEN_MAILS.split(cell) if "@" in part]
        return parts if len(parts) > 1 else [whole]
    if kind in contacts.TELEPHONES:
        return [" ".join(part.split()) for part in keys.apart(cell, country)] or [whole]
    return [whole]


def _stands_alone(line: str) -> bool:
    """Whether a line of several is a number or words by itself, and no piece of the number before it."""
    digits = sum(sign.isdigit() for sign in line)
    return not digits or digits >= keys.SHORTEST_NUMBER or (line.isdigit() and digits >= 3)


def _draft(entry: Entry) -> dict[str, str]:
    draft: dict[str, str] = {}
    for name in ("surname", "given_name"):
        if name in entry.person:
            draft[name] = entry.person[name]
    for name in ("name", "website"):
        if name in entry.client:
            draft[name] = entry.client[name]
    for point in entry.points:
        if point.kind in ("phone", "mobile", "fax", "email"):
            draft[point.kind] = f"{draft[point.kind]}; {point.value}" if point.kind in draft else point.value
    return draft


def _digest(entry: Entry) -> str:
    said = [entry.client, entry.ids, entry.person, [[one.kind, one.normal or one.value] for one in entry.points]]
    said.append({str(key): value for key, value in entry.extra.items()})
    return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
