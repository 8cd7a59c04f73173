"""A merge or a split is taken back: both cards are exactly what they were, but for what happened since."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from webapp.clients import cards, changes, contacts, fields
from webapp.clients.changes import Author
from webapp.clients.models import CardChange, Client, Person
from webapp.doubles import choices, gathering, journal, merging
from webapp.doubles.choices import BadMerge
from webapp.doubles.journal import Journal
from webapp.doubles.merging import MERGE, SPLIT
from webapp.doubles.models import Merge
from webapp.pages import moment
from webapp.rules.extra import PREFIX

UNDO_DAYS = 30


def undoable_until(row: Merge) -> datetime:
    """The moment after which a merge or a split can't be undone any more."""
    return row.at + timedelta(days=UNDO_DAYS)


def undo(session: Session, row: Merge, author: Author) -> list[str]:
    """Make the cards what they were before; returns the labels of what was changed since and stays as it is.

    Flushes. Raises BadMerge after UNDO_DAYS, when a later merge must be undone first, or when it was undone already.
    """
    survivor, other = merging.lock(session, row.survivor_id, row.other_id)
    _may_undo(session, row, survivor, other, author)
    session.execute(
        update(Merge).where(Merge.id == row.id).values(undone_at=author.at, undone_by_id=author.user and author.user.id)
    )
    kept = _edited_rows(session, row)
    if row.kind == MERGE:
        other.merged_into_id = None
        kept = [*_fields_back(session, row, survivor, author), *kept]
    session.flush()
    journal.back(session, row.moved)
    if row.kind == SPLIT:
        _take_in(session, survivor, other, author)
    session.expire_all()
    name = cards.title(other) or str(other.id)
    changes.note(session, survivor, "merged" if row.kind == MERGE else "split", name, "", author)
    merging.settle(session, survivor, other, author)
    return list(dict.fromkeys(kept))


def _may_undo(session: Session, row: Merge, survivor: Client, other: Client, author: Author) -> None:
    session.refresh(row)
    if row.undone_at is not None:
        raise BadMerge({"": str(_l("This was undone already."))})
    if author.user and not merging.may_merge(author.user, survivor, other) and row.by_id != author.user.id:
        raise BadMerge({"": str(_l("The head of sales undoes this: the client is a colleague's."))})
    if author.at > undoable_until(row):
        raise BadMerge(
            {"": str(_l("More than %(days)d days have passed: this can't be undone any more.", days=UNDO_DAYS))}
        )
    if later := first_to_undo(session, row):
        raise BadMerge({"": _later(later)})
    if row.kind == SPLIT and _grown(session, row, other):
        raise BadMerge(
            {"": str(_l("The new card was filled in since. Merge the two cards instead: nothing gets lost then."))}
        )


def first_to_undo(session: Session, row: Merge) -> Merge | None:
    """The newest merge or split of the same cards since: it has to be undone before this one."""
    ids = (row.survivor_id, row.other_id)
    later = select(Merge).where(
        Merge.id > row.id, Merge.undone_at.is_(None), or_(Merge.survivor_id.in_(ids), Merge.other_id.in_(ids))
    )
    return session.scalars(later.order_by(Merge.id.desc()).limit(1)).first()


def _later(row: Merge) -> str:
    names = {"one": cards.title(row.other) or row.other_id, "other": cards.title(row.survivor) or row.survivor_id}
    if row.kind == MERGE:
        return _("First undo the later merge of “%(one)s” into “%(other)s”, %(when)s.", **names, when=moment(row.at))
    return _("First undo the later split of “%(one)s” from “%(other)s”, %(when)s.", **names, when=moment(row.at))


def _fields_back(session: Session, row: Merge, survivor: Client, author: Author) -> list[str]:
    kept = []
    for name, (before, after) in row.fields.items():
        if name.startswith(PREFIX):
            key = name.removeprefix(PREFIX)
            value = choices.extra_value(session, survivor.id, key)
            if (value.text if value else "") != after:
                kept.append(value.field.name if value else key)
                continue
            choices.put_extra(session, survivor.id, key, before)
            changes.note(session, survivor, name, after, before, author)
            continue
        if choices.raw(survivor, name) != after:
            kept.append(label(name))
            continue
        was = getattr(survivor, name)
        setattr(survivor, choices.column(name), before)
        session.flush()
        session.expire(survivor, [name])
        changes.note(session, survivor, name, was, getattr(survivor, name), author)
    return kept


def label(name: str) -> str:
    """What people call a field."""
    if name in choices.LISTS:
        return str(choices.LISTS[name])
    known = fields.BY_NAME | cards.MORE_FIELDS
    return str(known[name].label) if name in known else str(_l("Never record"))


def _edited_rows(session: Session, row: Merge) -> list[str]:
    """The labels of what was changed since on people and addresses that came from the other card."""
    people = {one for table, _column, ids, *_rest in row.moved if table == Person.__tablename__ for one in ids}
    edits = select(CardChange.field).where(
        CardChange.client_id == row.survivor_id,
        CardChange.at > row.at,
        CardChange.source.not_in((MERGE, "undo")),
        CardChange.person_id.in_(people),
    )
    names = session.scalars(edits.order_by(CardChange.id)).all()
    labels = {name: str(one.label) for name, one in fields.BY_NAME.items()}
    return [labels.get(name) or str(contacts.KINDS.get(name, name)) for name in names]


# Undoing a split: the new card goes back into the old one


def _grown(session: Session, row: Merge, other: Client) -> bool:
    return any(choices.raw(other, name) != value for name, value in row.fields.items()) or bool(other.extra_values)


def _take_in(session: Session, survivor: Client, other: Client, author: Author) -> None:
    """All that came to the new card since comes along; its address leads to the old one."""
    session.expire_all()
    book = Journal(session)
    gathering.everything(session, book, survivor, other, {}, author)
    other.merged_into_id = survivor.id
    session.flush()
