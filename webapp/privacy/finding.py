"""Where somebody is found: cards and people by any number, address or name, and every other place with their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from webapp.clients import keys, listing
from webapp.clients.models import CardChange, Client, ContactPoint, MatchKey, Person
from webapp.privacy import identifiers, scope
from webapp.privacy.scope import Subject

MOST = 25
_LOG = CardChange.__table__.c

PLACES = {
    "client": _l("cards"),
    "person": _l("people"),
    "contact_point": _l("phones and addresses"),
    "call": _l("calls"),
    "touch": _l("contacts"),
    "task": _l("tasks"),
    "deal": _l("deals"),
    "card_change": _l("lines of the change log"),
    "worklist_item": _l("numbers to call"),
    "approach": _l("results of agents"),
    "import_row": _l("rows of lists"),
    "import": _l("lists"),
    "transfer": _l("callers passed on"),
    "refused_dial": _l("numbers dialled in vain"),
    "call_trace": _l("traces of calls"),
    "bridge_command": _l("orders to the bridge"),
    "script_run": _l("talks by a script"),
    "quick_row": _l("rows of the quick entry"),
    "merge": _l("merges"),
    "extra_value": _l("extra fields"),
    "letter": _l("letters"),
    "outgoing_mail": _l("mails"),
    "task_message": _l("messages"),
    "not_same": _l("numbers told apart"),
    "job": _l("long work"),
    "recordings": _l("recordings"),
    "ladders": _l("SIP messages of calls"),
    "lists": _l("uploaded files"),
}
"""What tables and kinds of files are called."""


@dataclass(frozen=True)
class Found:
    """`clients` and `people` that may be meant; `places`: rows by table in which the very words stand."""

    clients: Sequence[Client] = ()
    people: Sequence[Person] = ()
    places: dict[str, int] = field(default_factory=dict)
    number: Subject | None = None


def find(session: Session, text: str, country: str) -> Found:
    """By a number in any form, an e-mail, or a name in any alphabet; addresses that were taken off count too."""
    text = " ".join(text.replace("\0", "").split())[:200]
    if len(text) < 3:
        return Found()
    ids = {client.id for client in listing.search(session, text, country)}
    normal = keys.email_key(text) if "@" in text else keys.normal_phone(text, country)
    texts = identifiers.of_text(text, country)
    if normal:
        points = session.execute(
            select(ContactPoint.client_id, ContactPoint.person_id).where(ContactPoint.normal == normal)
        ).all()
        ids |= {row.client_id for row in points}
    if texts:
        past = or_(*(identifiers.holding(session, column, texts) for column in (_LOG.old, _LOG.new)))
        ids |= set(session.scalars(select(CardChange.client_id).where(past).distinct().limit(MOST)))
    surname = keys.surname_key(text.split()[0])
    if surname:
        ids |= set(
            session.scalars(
                select(MatchKey.client_id).where(MatchKey.kind == "surname", MatchKey.key == surname).limit(MOST)
            )
        )
    query = select(Client).where(Client.id.in_(sorted(ids)[:MOST])).order_by(Client.id)
    clients = session.scalars(query.options(joinedload(Client.owner), selectinload(Client.people))).all()
    people = [person for client in clients for person in client.people]
    return Found(clients, people, identifiers.found(session, texts), scope.of_number(session, text, country))
