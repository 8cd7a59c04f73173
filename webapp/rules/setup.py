"""The head's own fields of cards (D37): added, renamed in each language, put in order, retired and brought back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from anyascii import anyascii
from flask_babel import force_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.clients import cards, fields
from webapp.clients.models import Client, Person
from webapp.languages import LANGUAGES
from webapp.office import lists
from webapp.office.models import Office
from webapp.rules import extra, renaming
from webapp.rules.models import ExtraField, ExtraValue

LONGEST_NAME = 60
LONGEST_PROMPT = 200
LONGEST_CHOICE = 80
MOST_CHOICES = 200
LONGEST_KEY = 40


@dataclass(slots=True)
class Typed:
    """A field as it is typed. `choices`: (what it was, what it is to be) in order, '' before for a new one."""

    names: dict[str, str]
    prompts: dict[str, str]
    kind: str = "text"
    choices: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, one: ExtraField | None) -> Typed:
        """The field as it stands; None for a new one."""
        if one is None:
            return cls(dict.fromkeys(LANGUAGES, ""), dict.fromkeys(LANGUAGES, ""))
        return cls(
            {code: one.names.get(code, "") for code in LANGUAGES},
            {code: one.prompts.get(code, "") for code in LANGUAGES},
            one.kind,
            [(choice, choice) for choice in one.choices],
        )


class Refused(ValueError):
    """A field that can't be made so: `errors` says why, by name-CODE, prompt-CODE, kind, choices or choice-PLACE."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(errors))
        self.errors = dict(errors)


def all_fields(session: Session) -> Sequence[ExtraField]:
    """Every field, those in use first, in order."""
    query = select(ExtraField).order_by(ExtraField.active.desc(), ExtraField.rank, ExtraField.id)
    return session.scalars(query).all()


def save(session: Session, one: ExtraField | None, typed: Typed, user: User, now: datetime) -> ExtraField:
    """Make a field, or change its words and choices; its key and kind never change. Flushes. Raises Refused.

    A renamed choice takes its values along. A choice that a card has can't be taken off the list.
    """
    session.execute(select(Office.id).with_for_update())  # two heads don't make one name at once
    errors = _check_words(session, one, typed)
    kind = one.kind if one else typed.kind
    if kind not in extra.KINDS:
        errors["kind"] = str(_l("Choose one of the list."))
    renamed: dict[str, str] = {}
    if kind == "list":
        renamed = _check_choices(session, one, typed, errors)
    if errors:
        raise Refused(errors)
    if one is None:
        last = session.scalar(select(func.max(ExtraField.rank)))
        one = ExtraField(key=_key(session, typed.names), kind=kind, rank=0 if last is None else last + 1)
        session.add(one)
    one.names = {code: name for code, name in {**(one.names or {}), **typed.names}.items() if name}
    one.prompts = {code: words for code, words in {**(one.prompts or {}), **typed.prompts}.items() if words}
    one.choices = [new for _old, new in typed.choices if new] if kind == "list" else []
    session.flush()
    renaming.begin(session, one, renamed, user, now)
    return one


def _check_words(session: Session, one: ExtraField | None, typed: Typed) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not any(typed.names.values()):
        errors[f"name-{next(iter(typed.names))}"] = str(_l("It needs a name in one language at least."))
    built_in, others = _built_in(), _others(session, one)
    for code, name in typed.names.items():
        plain = _plain(name)
        if len(name) > LONGEST_NAME:
            errors[f"name-{code}"] = str(_l("At most %(most)d characters.", most=LONGEST_NAME))
        elif name and not plain:
            errors[f"name-{code}"] = str(_l("A name has letters in it."))
        elif plain in built_in:
            errors[f"name-{code}"] = str(
                _l("Cards have a field “%(name)s” already. Choose another name.", name=built_in[plain])
            )
        elif plain and plain in others:
            errors[f"name-{code}"] = str(_l("Another field is called so. Choose another name."))
    for code, prompt in typed.prompts.items():
        if len(prompt) > LONGEST_PROMPT:
            errors[f"prompt-{code}"] = str(_l("At most %(most)d characters.", most=LONGEST_PROMPT))
    return errors


def _built_in() -> dict[str, str]:
    """The names no other field may have: of the built-in ones in every language, and of the columns behind them."""
    found: dict[str, str] = {}
    own = [*fields.FIELDS, *cards.MORE_FIELDS.values()]
    columns = (*Client.__table__.columns.keys(), *Person.__table__.columns.keys())
    for name in (*columns, *(one.name for one in own), "deal", "person", "client", "key", "extra"):
        found[_plain(name)] = name
        found[_plain(name.removesuffix("_id"))] = name
    for code in LANGUAGES:
        with force_locale(code):
            found.update({_plain(str(one.label)): str(one.label) for one in own})
    return found


def _others(session: Session, one: ExtraField | None) -> set[str]:
    others = [other for other in session.scalars(select(ExtraField)) if one is None or other.id != one.id]
    return {_plain(name) for other in others for name in (*other.names.values(), other.key)}


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _key(session: Session, names: Mapping[str, str]) -> str:
    """A name in Latin letters, digits and _, that no other field has."""
    name = names.get("en") or next(name for name in names.values() if name)
    slug = re.sub(r"[^a-z0-9]+", "_", anyascii(name).lower()).strip("_")[: LONGEST_KEY - 4] or "field"
    slug = slug if slug[0].isalpha() else f"f_{slug}"
    taken = {*session.scalars(select(ExtraField.key)), *fields.FIELD_NAMES, *cards.MORE_FIELDS}
    number, key = 1, slug
    while key in taken:
        number += 1
        key = f"{slug}_{number}"
    return key


def _check_choices(session: Session, one: ExtraField | None, typed: Typed, errors: dict[str, str]) -> dict[str, str]:
    """What is renamed to what; `errors` is added to."""
    before = list(one.choices) if one else []
    typed.choices = [(old, new) for old, new in typed.choices if old or new]
    kept = {old for old, _new in typed.choices if old}
    seen: set[str] = set()
    for place, (old, new) in enumerate(typed.choices):
        slot = f"choice-{place}"
        if old and old not in before:
            errors["choices"] = str(_l("Somebody has changed this list meanwhile. Load the page again."))
        elif len(new) > LONGEST_CHOICE:
            errors[slot] = str(_l("At most %(most)d characters.", most=LONGEST_CHOICE))
        elif new.casefold() in seen:
            errors[slot] = str(_l("This is in the list already."))
        elif old and not new and one and _in_use(session, one, old):
            errors[slot] = str(_l("“%(choice)s” is on a card. Rename it, or leave it.", choice=old))
        elif new and new != old and new in before:
            errors[slot] = str(_l("This was another choice's name until now. Save once without it first."))
        seen.add(new.casefold() if new else f"\0{place}")
    if not any(new for _old, new in typed.choices):
        errors["choices"] = str(_l("A list needs something to choose: type one choice a line."))
    elif len(typed.choices) > MOST_CHOICES:
        errors["choices"] = str(_l("At most %(most)d choices.", most=MOST_CHOICES))
    elif set(before) - kept:
        errors["choices"] = str(_l("Somebody has changed this list meanwhile. Load the page again."))
    return {old: new for old, new in typed.choices if old and new and old != new}


def _in_use(session: Session, one: ExtraField, choice: str | None = None) -> bool:
    found = exists().where(ExtraValue.field_id == one.id)
    return bool(session.scalar(select(found if choice is None else found.where(ExtraValue.text == choice))))


def move(session: Session, one: ExtraField, by: int) -> None:
    """Change places with the active neighbour above (`by` -1) or below (1); at the edge nothing happens."""
    lists.swap(extra.fields(session), one, by)
    session.flush()


def retire(session: Session, one: ExtraField) -> bool:
    """Ask for it no more; cards that have a value keep it. One that no card has is deleted: True."""
    unused = not _in_use(session, one)
    if unused:
        session.delete(one)
    else:
        one.active = False
    session.flush()
    return unused


def restore(session: Session, one: ExtraField) -> None:
    """Ask for a retired field again, after the others."""
    last = session.scalar(select(func.max(ExtraField.rank)))
    one.active, one.rank = True, (last or 0) + 1
    session.flush()
