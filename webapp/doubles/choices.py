"""The fields in which two cards differ, and which value the merged card has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import String, select
from sqlalchemy.orm import Session

from webapp.clients import cards, changes, fields
from webapp.clients.changes import Author
from webapp.clients.contacts import BadValue
from webapp.clients.models import Client
from webapp.rules import extra, transitions
from webapp.rules.extra import PREFIX
from webapp.rules.models import ExtraField, ExtraValue

LISTS = {"status": _l("Status"), "type": _l("Type"), "region": _l("Region")} | {
    "owner": _l("Manager"),
    "channel": _l("Channel"),
}
"""What refers to a row of a list: the card holds its id in the column NAME_id."""
PLAIN = ("name", "kind", "category", "website", "caller_kind")
TEXTS = (
    *("what_it_does", "management", "reason", "product", "volume", "how_often", "order_size", "needed_by"),
    *("exact_variant", "delivery", "storage", "decides_alone", "note"),
)
"""Free text: both may be kept, one after the other."""
ORDER = ("name", "kind", "status", "owner", "category", "type", "region", "channel", "website", "caller_kind", *TEXTS)
KEPT = ("id", "created_at", "created_by_id", "merged_into_id", "never_record")
"""The survivor's own; who is never recorded on one card is never recorded on both."""
LEFT, RIGHT, BOTH = "left", "right", "both"
SIDES = (LEFT, RIGHT, BOTH)


class BadMerge(ValueError):
    """A merge that can't be done as chosen: `errors` says why, by field; '' is the whole."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Choice:
    """One field in which the cards differ, as people read it; `pick` is the side chosen for now."""

    name: str
    label: Any
    left: str
    right: str
    pick: str
    both: bool


def differing(session: Session, left: Client, right: Client, survivor: str, typed: Mapping[str, str]) -> list[Choice]:
    """The fields that differ, in the card's order, each with what was `typed` (name -> side) or else the default.

    Default: what one card alone knows, the higher status, else the survivor's. `survivor`: left or right.
    """
    found = []
    for name in ORDER:
        if (mine := raw(left, name)) != (theirs := raw(right, name)):
            pick = _default(left, right, name, mine, theirs, survivor)
            label = LISTS[name] if name in LISTS else (fields.BY_NAME | cards.MORE_FIELDS)[name].label
            words = _shown(left, name), _shown(right, name)
            both = name in TEXTS and bool(mine and theirs)
            found.append(Choice(name, label, *words, _typed(typed, name, pick, both), both))
    mine_extra, theirs_extra = _extras(left), _extras(right)
    for field in _extra_fields(session, {*mine_extra, *theirs_extra}):
        left_text, right_text = mine_extra.get(field.id, ""), theirs_extra.get(field.id, "")
        if left_text != right_text:
            pick = survivor if left_text and right_text else LEFT if left_text else RIGHT
            both = field.kind == "text" and bool(left_text and right_text)
            name = PREFIX + field.key
            words = extra.shown(field, left_text), extra.shown(field, right_text)
            found.append(Choice(name, field.name, *words, _typed(typed, name, pick, both), both))
    return found


def _typed(typed: Mapping[str, str], name: str, default: str, both: bool) -> str:
    side = typed.get(name, "")
    return side if side in (LEFT, RIGHT) or (side == BOTH and both) else default


def _default(left: Client, right: Client, name: str, mine: Any, theirs: Any, survivor: str) -> str:
    if not mine or not theirs:
        return LEFT if mine else RIGHT
    if name == "status" and left.status and right.status and left.status.rank != right.status.rank:
        return LEFT if left.status.rank > right.status.rank else RIGHT
    return survivor


def raw(client: Client, name: str) -> Any:
    """A field as its column holds it."""
    return getattr(client, column(name))


def column(name: str) -> str:
    """The card's column of a field."""
    return f"{name}_id" if name in LISTS else name


def _shown(client: Client, name: str) -> str:
    value = getattr(client, name)
    labels = {"kind": fields.CLIENT_KINDS, "caller_kind": fields.CALLER_KINDS}.get(name)
    return str(labels.get(value, value)) if labels else changes.words(value)


def _extras(client: Client) -> dict[int, str]:
    return {value.field_id: value.text for value in client.extra_values}


def _extra_fields(session: Session, ids: set[int]) -> Sequence[ExtraField]:
    if not ids:
        return ()
    query = select(ExtraField).where(ExtraField.id.in_(ids)).order_by(ExtraField.rank, ExtraField.id)
    return session.scalars(query).all()


# Putting them on the survivor


def apply(
    session: Session, chosen: Sequence[Choice], survivor: Client, left: Client, right: Client, author: Author
) -> dict[str, list[Any]]:
    """Give the survivor what was chosen; what it had and has, by field. Raises BadMerge and then nothing holds."""
    errors: dict[str, str] = {}
    changed: dict[str, list[Any]] = {}
    for choice in chosen:
        try:
            if choice.name.startswith(PREFIX):
                before, after = _put_extra(session, survivor, choice, left, right, author)
            else:
                before, after = _put(session, survivor, choice, left, right, author)
        except BadValue as why:
            errors[choice.name] = str(why)
            continue
        if before != after:
            changed[choice.name] = [before, after]
    if errors:
        raise BadMerge(errors)
    if (left.never_record or right.never_record) and not survivor.never_record:
        changes.put(session, survivor, survivor, "never_record", True, author)
        changed["never_record"] = [False, True]
    return changed


def _put(
    session: Session, survivor: Client, choice: Choice, left: Client, right: Client, author: Author
) -> tuple[Any, Any]:
    name, before = choice.name, raw(survivor, choice.name)
    giver = right if choice.pick == RIGHT else left
    after = raw(giver, name)
    if choice.pick == BOTH:
        after = _joined(raw(left, name), raw(right, name), "\n" if name == "note" else "; ", _most(name))
    if before == after:
        return before, after
    if name == "status":
        transitions.check(session, transitions.STATUS, str(before or ""), str(after or ""), author)
    if name in LISTS:
        changes.note(session, survivor, name, getattr(survivor, name), getattr(giver, name), author)
        setattr(survivor, name, getattr(giver, name))
    else:
        changes.put(session, survivor, survivor, name, after, author)
    return before, after


def _joined(mine: str, theirs: str, between: str, most: int) -> str:
    joined = mine if theirs in mine else theirs if mine in theirs else f"{mine}{between}{theirs}"
    if len(joined) > most:
        raise BadValue(_l("Both are too long together: at most %(most)d characters. Choose one.", most=most))
    return joined


def _most(name: str) -> int:
    length = getattr(Client.__table__.columns[name].type, "length", None)
    return length or fields.LONGEST_NOTE


def _put_extra(
    session: Session, survivor: Client, choice: Choice, left: Client, right: Client, author: Author
) -> tuple[str, str]:
    key = choice.name.removeprefix(PREFIX)
    field = session.scalars(select(ExtraField).where(ExtraField.key == key)).one()
    texts = [value.text if (value := extra_value(session, one.id, key)) else "" for one in (left, right)]
    after = texts[choice.pick == RIGHT]
    if choice.pick == BOTH:
        column_type = ExtraValue.__table__.columns["text"].type
        most = column_type.length if isinstance(column_type, String) else None
        after = _joined(texts[0], texts[1], "; ", most or fields.LONGEST_NOTE)
    before = texts[survivor is right]
    if before != after:
        put_extra(session, survivor.id, key, after)
        changes.note(session, survivor, choice.name, extra.shown(field, before), extra.shown(field, after), author)
    return before, after


def put_extra(session: Session, client_id: int, key: str, text: str) -> None:
    """Make the extra field of a card `text`, as it is kept; '' takes it off. Flushes."""
    field_id = session.scalars(select(ExtraField.id).where(ExtraField.key == key)).one_or_none()
    if field_id is None:  # the field is gone, and its values with it
        return
    value = extra_value(session, client_id, key)
    if value is None and text:
        session.add(ExtraValue(client_id=client_id, field_id=field_id, text=text))
    elif value is not None and text:
        value.text = text
    elif value is not None:
        session.delete(value)
    session.flush()


def extra_value(session: Session, client_id: int, key: str) -> ExtraValue | None:
    """The row of an extra field on a card."""
    query = select(ExtraValue).join(ExtraField).where(ExtraValue.client_id == client_id, ExtraField.key == key)
    return session.scalars(query).one_or_none()
