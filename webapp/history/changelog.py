"""The change log of a card in the reader's words: every change, by whom, when, from what to what, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.clients import cards, contacts, fields
from webapp.clients.models import CardChange, Person
from webapp.deals import stages
from webapp.deals.models import Deal
from webapp.history.moments import Place, older
from webapp.office.models import Channel, ClientStatus, ClientType, ListItem, PaymentScheme, Region
from webapp.rules import extra
from webapp.rules.models import ExtraField

AT_ONCE = 50

MORE = {
    "card": _l("Card made"),
    "person": _l("Person"),
    "whose": _l("Whose address"),
    "preferred": _l("Preferred address"),
    "deal": _l("Deal opened"),
    "stage": _l("Stage"),
    "title": _l("Title"),
    "amount": _l("Amount"),
    "deal_kind": _l("Deal or order"),
    "held": _l("On hold"),
    "approved": _l("Approved"),
    "payment_scheme": _l("Way of paying"),
    "type": _l("Type of client"),
    "never_record": _l("Never record"),
    "merged": _l("Merged"),
    "split": _l("Split off"),
    "task": _l("Task"),
}
"""Labels of what is no field of a form."""
SOURCES = {
    "form": _l("on the card"),
    "talk": _l("in a talk"),
    "import": _l("by a list"),
    "api": _l("by a program"),
    "quick": _l("quick entry"),
    "merge": _l("by a merge"),
    "undo": _l("by taking a merge back"),
    "split": _l("by a split"),
    "worklist": _l("by an agent"),
    "agent": _l("by an agent"),
    "erasure": _l("by an erasure"),
    "desk": _l("by the desk"),
    "reassign": _l("by a hand-over"),
}
"""Where a change was made."""
LISTS: dict[str, type[ListItem]] = {
    "status": ClientStatus,
    "region": Region,
    "channel": Channel,
    "type": ClientType,
    "payment_scheme": PaymentScheme,
}


@dataclass
class Words:
    """What lines need to be read: names of the head's fields, of people, of deals, and lists in other languages."""

    own: Mapping[str, ExtraField] = field(default_factory=dict)
    people: Mapping[int, str] = field(default_factory=dict)
    deals: Mapping[int, str] = field(default_factory=dict)
    items: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """What a field is called."""
        if name.startswith(extra.PREFIX):
            own = self.own.get(name.removeprefix(extra.PREFIX))
            return own.name if own else name.removeprefix(extra.PREFIX)
        one = fields.BY_NAME.get(name) or cards.MORE_FIELDS.get(name)
        named = name.removesuffix("_id")
        return str(one.label if one else contacts.KINDS.get(name) or MORE.get(named) or named)

    def value(self, name: str, text: str) -> str:
        """A value as the reader says it; a list's item in his language, whoever wrote it in whichever."""
        if name in ("kind", "caller_kind"):
            choices: Mapping[str, Any] = fields.CLIENT_KINDS if name == "kind" else fields.CALLER_KINDS
            return str(choices.get(text, text))
        if name == "stage":
            return str(stages.LABELS.get(text, text))
        if name == "never_record":
            return _("Yes") if text else _("No")
        if name == "card" and text == "1":
            return ""
        return self.items.get((name, text), text)

    def source(self, name: str) -> str:
        """Where it was changed."""
        return str(SOURCES.get(name, name))


@dataclass(frozen=True)
class Log:
    """A part of the log with the words to read it; `more`: older lines follow."""

    lines: Sequence[CardChange]
    words: Words
    more: bool

    @property
    def last(self) -> Place | None:
        """The place that continues."""
        return Place(self.lines[-1].at, 1, self.lines[-1].id) if self.lines else None


def read(
    session: Session,
    client_ids: Sequence[int],
    name: str = "",
    person_id: int | None = None,
    before: Place | None = None,
) -> Log:
    """The lines of a card, newest first; `name` and `person_id` choose among them."""
    query = select(CardChange).where(CardChange.client_id.in_(client_ids)).options(joinedload(CardChange.user))
    if name:
        query = query.where(CardChange.field == name)
    if person_id is not None:
        query = query.where(CardChange.person_id == person_id)
    if before is not None:
        query = query.where(older(CardChange.at, CardChange.id, before.rank, before))
    lines = session.scalars(query.order_by(CardChange.at.desc(), CardChange.id.desc()).limit(AT_ONCE + 1)).all()
    return Log(lines[:AT_ONCE], words_for(session, lines), len(lines) > AT_ONCE)


def choices(session: Session, client_ids: Sequence[int]) -> tuple[list[tuple[str, str]], list[tuple[int, str]]]:
    """The fields and the people that the log knows, with what to call them; those who are gone too."""
    mine = CardChange.client_id.in_(client_ids)
    names = session.scalars(select(CardChange.field).where(mine).distinct()).all()
    people = session.scalars(select(CardChange.person_id).where(mine, CardChange.person_id.is_not(None)).distinct())
    words = Words(_own(session, names), _people(session, {one for one in people if one}))
    labels = [(name, words.label(name)) for name in names]
    return sorted(labels, key=lambda one: one[1].casefold()), sorted(words.people.items(), key=lambda one: one[1])


def words_for(session: Session, lines: Iterable[CardChange]) -> Words:
    """What these lines need; asks only for what occurs in them."""
    lines = list(lines)
    names = {line.field for line in lines}
    return Words(
        _own(session, names),
        _people(session, {line.person_id for line in lines if line.person_id}),
        _deals(session, {line.deal_id for line in lines if line.deal_id}),
        {
            (name, word): item.name
            for name in names & LISTS.keys()
            for item in session.scalars(select(LISTS[name]).order_by(LISTS[name].id.desc()))
            for word in item.names.values()
        },
    )


def _own(session: Session, names: Iterable[str]) -> dict[str, ExtraField]:
    keys = [name.removeprefix(extra.PREFIX) for name in names if name.startswith(extra.PREFIX)]
    return {one.key: one for one in session.scalars(select(ExtraField).where(ExtraField.key.in_(keys)))} if keys else {}


def _people(session: Session, ids: set[int]) -> dict[int, str]:
    """Names by id; of those who are gone, the name under which they were last written down."""
    if not ids:
        return {}
    known = {one.id: one.full_name for one in session.scalars(select(Person).where(Person.id.in_(ids)))}
    if gone := ids - known.keys():
        lines = select(CardChange).where(CardChange.person_id.in_(gone), CardChange.field.in_(("person", "surname")))
        for line in session.scalars(lines.order_by(CardChange.at, CardChange.id)):
            if line.person_id:
                known[line.person_id] = line.new or line.old
    return {one: known.get(one) or _("no name yet") for one in ids}


def _deals(session: Session, ids: set[int]) -> dict[int, str]:
    query = select(Deal.id, Deal.title).where(Deal.id.in_(ids))
    return dict(session.execute(query).tuples().all()) if ids else {}
