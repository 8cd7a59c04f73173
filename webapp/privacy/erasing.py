"""Forgetting somebody for good: the only way in which anything of a card is ever deleted, and it leaves its record.

Calls and contacts stay as numbers of the ledger, without who it was; the rest goes. All of it or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.calls.models import BridgeCommand, Call, CallTrace, RefusedDial, Transfer
from webapp.clients import keys, match, near
from webapp.clients.models import CardChange, Client, ContactPoint, MatchKey, NearWord, NotSame, Person
from webapp.deals.models import Deal
from webapp.doubles import leftovers
from webapp.feed import Feed
from webapp.imports.models import Import, ImportRow
from webapp.letters.models import Letter
from webapp.mail.models import OutgoingMail
from webapp.privacy import files, identifiers, scope
from webapp.privacy.models import Erasure
from webapp.privacy.scope import Subject
from webapp.recordings.models import Recording
from webapp.scripts.models import ScriptRun
from webapp.tasks.models import Task
from webapp.touches.models import Touch
from webapp.worklists.models import Approach, WorklistItem

LONGEST_WHY = 400


class Refused(ValueError):
    """Nothing was erased; the message says why, in the reader's language. `calls`: those a legal hold keeps."""

    def __init__(self, message: object, calls: Sequence[Call] = ()) -> None:
        super().__init__(message)
        self.calls = list(calls)


def erase(session: Session, found: Subject, why: str, user: User | None, now: datetime, data: Path) -> Erasure:
    """Erase what `found` names, files included, and write down that it was done. Flushes; the caller commits.

    The files go last, when nothing else can fail any more. Raises Refused, and OSError when a file can't be deleted.
    """
    why = " ".join(why.split())
    if not why:
        raise Refused(_l("Write why: who asked for it, and when."))
    if len(why) > LONGEST_WHY:
        raise Refused(_l("At most %(most)d characters.", most=LONGEST_WHY))
    if any(one in why for one in found.texts):
        raise Refused(_l("The reason is kept for good, so it may not name whom it is about. Write it without."))
    if calls := scope.held(session, found):
        raise Refused(_l("A legal hold keeps recordings of these calls. Lift it first."), calls)
    if scope.going_on(session, found):
        raise Refused(_l("One of these calls still goes on. Wait until it has ended."))
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("pragma secure_delete=on"))
    counts = found.counts()
    names, recordings = files.of_calls(session, found.call_ids)
    _calls(session, found, now)
    _touches(session, found)
    _lists(session, found, data)
    _mails(session, found, now)
    firms = _people(session, found)
    _cards(session, found)
    for name, count in identifiers.redact(session, found.texts, now).items():
        counts[name] = counts.get(name, 0) + count
    session.expire_all()
    for firm in firms:
        match.index(session, session.get_one(Client, firm))
    record = Erasure(at=now, by_id=user.id if user else None, why=why, counts=counts)
    session.add(record)
    session.flush()
    record.counts = counts | files.erase(data, names, recordings, found.texts)
    session.flush()
    return record


def _calls(session: Session, found: Subject, now: datetime) -> None:
    mine = found.call_ids
    names = select(Call.call_id).where(Call.id.in_(mine))
    _do(session, delete(BridgeCommand).where(BridgeCommand.call_id.in_(names)))
    _do(session, delete(CallTrace).where(CallTrace.call_id.in_(mine)))
    _do(session, update(Transfer).where(Transfer.call_id.in_(mine)).values(briefing="", to_text=""))
    _do(
        session,
        update(Recording)
        .where(Recording.call_id.in_(mine), Recording.path != "")
        .values(path="", original="", size=0, peaks=[], levels=[], deleted_at=now, deleted_why="erased"),
    )
    _do(
        session,
        update(Call)
        .where(Call.id.in_(mine), Call.direction == "in", Call.missed_closed_at.is_(None))
        .values(missed_closed_at=now),
    )
    nobody: dict[str, object] = {
        "number": "", "caller_number": "", "caller_name": "", "candidates": [], "why_client": {}, "why_routed": {},
        "held_words": "", "missed_reason": "", "notice_text": "",
    }  # fmt: skip
    if found.client_ids:
        nobody["client_id"] = None
    _do(session, update(Call).where(Call.id.in_(mine)).values(nobody))
    _do(session, update(Call).where(Call.id.in_(mine), Call.direction == "out").values(dialed_number=""))
    _do(session, delete(RefusedDial).where(RefusedDial.number.in_(found.numbers)))
    _do(session, delete(NotSame).where(NotSame.number.in_(found.numbers)))


def _touches(session: Session, found: Subject) -> None:
    mine = found.touch_ids
    nobody: dict[str, object] = {"note": "", "draft": {}, "person_id": None}
    if found.client_ids:
        nobody["client_id"] = None
    for run in session.scalars(select(ScriptRun).where(ScriptRun.touch_id.in_(mine))):
        run.state = run.state | {"given": [one | {"text": ""} for one in run.state.get("given", [])]}
    session.flush()
    _do(session, update(Touch).where(Touch.id.in_(mine)).values(nobody))
    _do(session, delete(Task).where(Task.id.in_(found.task_ids)))
    _do(session, update(Approach).where(Approach.touch_id.in_(mine)).values(note=""))


def _mails(session: Session, found: Subject, now: datetime) -> None:
    """Letters go. Mails stay as numbers of what was sent, without a word, and say that they were erased."""
    mine = OutgoingMail.id.in_(found.mail_ids)
    _do(
        session,
        update(OutgoingMail).where(mine, OutgoingMail.ended_at.is_(None)).values(state="withdrawn", ended_at=now),
    )
    _do(session, delete(Letter).where(Letter.id.in_(found.letter_ids)))
    nothing = {"to_address": "", "reply_to": "", "subject": "", "body": "", "last_error": "", "erased_at": now}
    _do(session, update(OutgoingMail).where(mine).values(nothing))


def _lists(session: Session, found: Subject, data: Path) -> None:
    for item in session.scalars(select(WorklistItem).where(WorklistItem.id.in_(found.item_ids))):
        item.number, item.company, item.person, item.about, item.more_why = f"erased {item.id}", "", "", "", ""
    session.flush()
    _do(session, update(Approach).where(Approach.item_id.in_(found.item_ids)).values(note=""))
    rows = update(ImportRow).where(ImportRow.id.in_(found.row_ids))
    _do(session, rows.values(cells=None, reason="", digest=""))
    gone = files.lists_holding(data, found.texts)
    for one in session.scalars(select(Import).where(Import.file != "")):
        if Path(one.file).name in gone:
            one.file = ""
    session.flush()


def _people(session: Session, found: Subject) -> list[int]:
    """Take people and addresses off cards that stay; returns those cards."""
    points = ContactPoint.id.in_(found.point_ids)
    people = Person.id.in_(found.person_ids)
    firms = {*session.scalars(select(ContactPoint.client_id).where(points))}
    firms |= {*session.scalars(select(Person.client_id).where(people))}
    words = _words(session, firms)
    leftovers.forget(session, firms, found.person_ids)
    _do(session, update(CardChange).where(CardChange.id.in_(found.change_ids)).values(old="", new="", why=""))
    _do(session, delete(ContactPoint).where(points))
    _do(session, update(Touch).where(Touch.person_id.in_(found.person_ids)).values(person_id=None))
    _do(session, delete(Person).where(people))
    for firm in firms:
        match.forget(session, firm)
    _forget_words(session, words)
    return sorted(firms - set(found.client_ids))


def _cards(session: Session, found: Subject) -> None:
    ids = found.client_ids
    if not ids:
        return
    _do(session, delete(Feed).where(Feed.kind == "card", Feed.ref.in_([str(one) for one in ids])))
    _do(session, delete(Deal).where(Deal.id.in_(found.deal_ids)))
    _do(session, update(Client).where(Client.merged_into_id.in_(ids)).values(merged_into_id=None))
    _do(session, delete(Client).where(Client.id.in_(ids)))  # what hangs on it goes by the keys of the tables


def _words(session: Session, client_ids: set[int]) -> dict[str, set[str]]:
    """The words by whose slips these cards are found."""
    clients = session.scalars(select(Client).where(Client.id.in_(client_ids))).all()
    return {
        "company": {word for client in clients for word in keys.search_words(client.name)},
        "surname": {keys.surname_key(person.surname) for client in clients for person in client.people},
    }


def _forget_words(session: Session, words: dict[str, set[str]]) -> None:
    """Words of names go when no other card has them; the cards that stay get theirs again with their keys."""
    for kind, key in (("company", "word"), ("surname", "surname")):
        mine = {word for word in words[kind] if near.worth(word)}
        kept = session.scalars(select(MatchKey.key).where(MatchKey.kind == key, MatchKey.key.in_(mine)).distinct())
        _do(session, delete(NearWord).where(NearWord.kind == kind, NearWord.word.in_(mine - set(kept))))


def _do(session: Session, statement: object) -> None:
    session.execute(statement, execution_options={"synchronize_session": False})  # type: ignore[call-overload]
