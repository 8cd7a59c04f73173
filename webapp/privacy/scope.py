"""Whom a request is about, and everything that is kept of them: what is exported, and what is erased."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select
from sqlalchemy.orm import Session

from webapp.calls.models import LIVE, Call
from webapp.clients import cards, contacts, keys
from webapp.clients.models import CardChange, Client, ContactPoint, Person
from webapp.deals.models import Deal
from webapp.doubles import leftovers
from webapp.history.timeline import family
from webapp.imports.models import ImportRow
from webapp.letters.models import Letter
from webapp.mail.models import OutgoingMail
from webapp.privacy import identifiers
from webapp.recordings.models import Recording
from webapp.tasks.models import Message, Task
from webapp.touches.models import Touch
from webapp.worklists.models import WorklistItem

TELEPHONES = (*contacts.TELEPHONES, "messenger")


@dataclass
class Subject:
    """`kind`: card, person or number. Ids of rows that are theirs; `texts` name them wherever else they stand.

    `numbers` (E.164 or digits) and `emails` are those that nobody else has too.
    """

    kind: str
    title: str
    client_ids: list[int] = field(default_factory=list)
    person_ids: list[int] = field(default_factory=list)
    point_ids: list[int] = field(default_factory=list)
    change_ids: list[int] = field(default_factory=list)
    call_ids: list[int] = field(default_factory=list)
    touch_ids: list[int] = field(default_factory=list)
    task_ids: list[int] = field(default_factory=list)
    deal_ids: list[int] = field(default_factory=list)
    item_ids: list[int] = field(default_factory=list)
    row_ids: list[int] = field(default_factory=list)
    letter_ids: list[int] = field(default_factory=list)
    mail_ids: list[int] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)

    def counts(self) -> dict[str, int]:
        """How much it is, by table; for people to see before they erase."""
        ids = {
            "client": self.client_ids,
            "person": self.person_ids,
            "contact_point": self.point_ids,
            "call": self.call_ids,
            "touch": self.touch_ids,
            "task": self.task_ids,
            "deal": self.deal_ids,
            "card_change": self.change_ids,
            "worklist_item": self.item_ids,
            "import_row": self.row_ids,
            "letter": self.letter_ids,
            "outgoing_mail": self.mail_ids,
        }
        return {name: len(rows) for name, rows in ids.items() if rows}


def of_card(session: Session, client: Client) -> Subject:
    """A client with its people and all that was merged into it."""
    while client.merged_into_id is not None:
        client = session.get_one(Client, client.merged_into_id)
    found = Subject("card", cards.title(client) or f"#{client.id}", family(session, client.id))
    people = session.scalars(select(Person).where(Person.client_id.in_(found.client_ids))).all()
    points = session.scalars(select(ContactPoint).where(ContactPoint.client_id.in_(found.client_ids))).all()
    lines = session.scalars(select(CardChange).where(CardChange.client_id.in_(found.client_ids))).all()
    for one in session.scalars(select(Client).where(Client.id.in_(found.client_ids))):
        if one.kind == "private" and len(one.name.split()) > 1:
            found.texts.add(one.name)
    found.deal_ids = _ids(session, select(Deal.id).where(Deal.client_id.in_(found.client_ids)))
    _people_and_points(session, found, people, points, lines)
    _hanging(session, found, Touch.client_id.in_(found.client_ids), Call.client_id.in_(found.client_ids))
    return found


def of_person(session: Session, person: Person) -> Subject:
    """One person of a client, also as a merge has left them behind; the client stays."""
    found = Subject("person", person.full_name or f"#{person.id}")
    people = [person, *leftovers.people(session, person)]
    theirs_too = ContactPoint.person_id.in_([one.id for one in people])
    points = {point.id: point for point in session.scalars(select(ContactPoint).where(theirs_too))}
    normals = {point.normal for point in points.values() if point.normal}
    points |= {point.id: point for point in leftovers.points(session, person.client_id, normals)}
    lines = session.scalars(select(CardChange).where(CardChange.person_id == person.id)).all()
    _people_and_points(session, found, people, list(points.values()), lines)
    theirs = select(Touch.call_id).where(Touch.person_id == person.id, Touch.call_id.is_not(None))
    _hanging(session, found, Touch.person_id == person.id, Call.id.in_(theirs))
    return found


def of_number(session: Session, text: str, country: str) -> Subject | None:
    """A number or an e-mail, whoever has it; None when the text is neither."""
    text = " ".join(text.split())
    normal = keys.email_key(text) if "@" in text else keys.normal_phone(text, country)
    if len(normal) < identifiers.SHORTEST:
        return None
    found = Subject("number", text)
    points = session.scalars(select(ContactPoint).where(ContactPoint.normal == normal)).all()
    found.point_ids = [point.id for point in points]
    found.texts = {normal, *(point.value for point in points)} if "@" in text else identifiers.of_number(normal, text)
    found.numbers = [] if "@" in text else [normal]
    _hanging(session, found)
    return found


def _people_and_points(
    session: Session,
    found: Subject,
    people: Iterable[Person],
    points: Sequence[ContactPoint],
    lines: Sequence[CardChange],
) -> None:
    for person in people:
        found.person_ids.append(person.id)
        found.texts |= identifiers.of_name(person.surname, person.given_name, person.patronymic)
    found.point_ids = [point.id for point in points]
    found.change_ids = [line.id for line in lines]
    addresses = {(point.kind, point.value, point.normal) for point in points}
    for line in lines:  # addresses that were theirs once
        for text in (line.old, line.new) if line.field in contacts.KINDS else ():
            addresses.add((line.field, text, keys.normal_contact(line.field, text, "ZZ") if text else ""))
    for kind, value, normal in sorted(addresses):
        if not normal or _is_shared(session, found, normal):
            continue
        if kind in TELEPHONES and normal.lstrip("+").isdigit():
            found.numbers.append(normal)
            found.texts |= identifiers.of_number(normal, value)
        elif kind != "site":
            found.texts |= {one for one in (normal, value) if len(one) >= identifiers.SHORTEST}
    found.numbers = sorted(set(found.numbers))


def _is_shared(session: Session, found: Subject, normal: str) -> bool:
    """Somebody who stays has this address as well: it does not name these alone."""
    query = select(ContactPoint.id).where(ContactPoint.normal == normal, ContactPoint.id.not_in(found.point_ids))
    return session.scalar(query.limit(1)) is not None


def _hanging(session: Session, found: Subject, *of_them: ColumnElement[bool]) -> None:
    """Calls, touches, tasks, items of worklists and rows of lists that are theirs.

    `of_them`: conditions on Touch and on Call beside their numbers.
    """
    touches, calls = of_them or (false(), false())
    by_number: ColumnElement[bool] = Call.number.in_(found.numbers)
    # A call with a card of its own is that card's, whatever its number.
    if found.kind == "card":
        by_number = and_(by_number, Call.client_id.is_(None))
    elif found.kind == "person":
        firm = select(Person.client_id).where(Person.id.in_(found.person_ids))
        by_number = and_(by_number, or_(Call.client_id.is_(None), Call.client_id.in_(firm)))
    found.call_ids = _ids(session, select(Call.id).where(or_(by_number, calls)))
    found.touch_ids = _ids(session, select(Touch.id).where(or_(Touch.call_id.in_(found.call_ids), touches)))
    found.task_ids = _ids(
        session,
        select(Task.id).where(
            or_(
                Task.client_id.in_(found.client_ids),
                Task.number.in_(found.numbers),
                Task.call_id.in_(found.call_ids),
                Task.touch_id.in_(found.touch_ids),
            )
        ),
    )
    theirs = or_(WorklistItem.client_id.in_(found.client_ids), WorklistItem.number.in_(found.numbers))
    found.item_ids = _ids(session, select(WorklistItem.id).where(theirs))
    rows: list[ColumnElement[bool]] = [ImportRow.client_id.in_(found.client_ids)]
    if found.texts:
        rows.append(identifiers.holding(session, ImportRow.__table__.c.cells, found.texts))
    found.row_ids = _ids(session, select(ImportRow.id).where(or_(*rows)))
    _mails(session, found)


def _mails(session: Session, found: Subject) -> None:
    """Letters about their talks or to them, with the mails they became; messages left for colleagues; mails to them."""
    addresses = sorted(text for text in found.texts if "@" in text)
    theirs = or_(
        Letter.client_id.in_(found.client_ids),
        Letter.touch_id.in_(found.touch_ids),
        func.lower(Letter.to_address).in_(addresses),
    )
    found.letter_ids = _ids(session, select(Letter.id).where(theirs))
    base = [f"letter:{letter_id}" for letter_id in found.letter_ids]
    mails: list[ColumnElement[bool]] = [
        OutgoingMail.id.in_(select(Letter.mail_id).where(Letter.id.in_(found.letter_ids))),
        OutgoingMail.id.in_(select(Message.mail_id).where(Message.task_id.in_(found.task_ids))),
        func.lower(OutgoingMail.to_address).in_(addresses),
        # Those that were withdrawn or sent again hang on nothing any more.
        *(or_(OutgoingMail.key == one, OutgoingMail.key.like(f"{one}#%")) for one in base),
    ]
    found.mail_ids = _ids(session, select(OutgoingMail.id).where(or_(*mails)))


def _ids(session: Session, query: Select[tuple[int]]) -> list[int]:
    return sorted(session.scalars(query))


def held(session: Session, found: Subject) -> list[Call]:
    """Calls whose recording a legal hold keeps: nothing may be erased before it is lifted."""
    kept = select(Recording.call_id).where(Recording.call_id.in_(found.call_ids), Recording.held_at.is_not(None))
    return list(session.scalars(select(Call).where(Call.id.in_(kept)).order_by(Call.id)))


def going_on(session: Session, found: Subject) -> bool:
    """One of them is on the telephone now."""
    query = select(Call.id).where(Call.id.in_(found.call_ids), Call.state.in_(LIVE))
    return session.scalar(query.limit(1)) is not None
