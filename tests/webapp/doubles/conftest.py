"""Cards with something of everything, and what they look like, row by row."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients import contacts, match
from webapp.clients.models import CardChange, Client, NotSame, PairVerdict, Person
from webapp.db import db
from webapp.deals.models import Deal
from webapp.doubles import links
from webapp.imports.models import Import, ImportRow
from webapp.letters.models import Letter
from webapp.office.models import Channel, ClientStatus, Region
from webapp.quick.models import QuickRow
from webapp.rules.models import ExtraField, ExtraValue
from webapp.tasks.models import Task
from webapp.touches.models import Touch
from webapp.worklists.models import Worklist, WorklistItem

RichMaker = Callable[..., Client]
LEFT_OUT = ("merge", "double_pair", "client.merged_into_id", "match_key")
TEXTS = ("", "", "windows", "two doors", "60 m²; soon", "Окна")


@pytest.fixture
def rich_card(session: Session, office: dict[str, User], clock: Clock) -> RichMaker:
    """`rich_card(dice)`: a card with rows in every table that may refer to one; `bare` leaves most to chance."""
    fields = [ExtraField(key=f"field{number}", names={"en": f"Field {number}"}) for number in (1, 2)]
    lists: Any = (Import(name="list", made_at=clock()), Worklist(name="list", made_at=clock()))
    session.add_all([*fields, *lists])
    session.flush()
    serial = iter(range(1, 1_000_000))
    statuses, regions, channels = (list(session.scalars(select(one))) for one in (ClientStatus, Region, Channel))

    def make(dice: random.Random, *strangers: Client, bare: bool = True) -> Client:
        def some(most: int) -> range:
            return range(dice.randint(0 if bare else 1, most))

        client = Client(
            name=dice.choice(("Rassvet", "ООО «Рассвет»", "Granit", "")),
            created_at=clock() - timedelta(days=dice.randrange(100)),
            owner_id=dice.choice((None, office["anna"].id, office["boris"].id)),
            status=dice.choice((None, *statuses)),
            region=dice.choice((None, *regions)),
            channel=dice.choice((None, *channels)),
            category=dice.choice(("", "A", "B")),
            never_record=dice.random() < 0.2,
            note=dice.choice(TEXTS),
            product=dice.choice(TEXTS),
            website=dice.choice(("", "rassvet.example")),
        )
        session.add(client)
        session.flush()
        for _one in some(3):
            name = {"surname": dice.choice(("Orlov", "Орлов", "Belkin", "")), "given_name": dice.choice(("Pavel", ""))}
            client.people.append(Person(**name, position=dice.choice(("", "Director", "Buyer"))))
        session.flush()
        for _one in some(4):
            person = dice.choice((None, *client.people))
            number = dice.choice(("+7 495 123-45-67", "84951234567", "+7 812 765-43-21", "local 5"))
            point = contacts.add(session, client, dice.choice(("phone", "mobile")), number, "RU", person)
            point.preferred = dice.random() < 0.3
        if dice.random() < 0.7:
            contacts.add(session, client, "email", dice.choice(("a@x.example", "b@x.example")), "RU")
        for _one in some(3):
            at, number = clock() - timedelta(hours=next(serial)), next(serial)
            call = Call(call_id=f"call-{number}", offered_at=at, client_id=client.id, state="ended", ended_at=at)
            session.add(call)
            session.flush()
            person_id = dice.choice((None, *client.people)) and dice.choice(client.people).id
            touch = Touch(started_at=at, call_id=call.id, client_id=client.id, person_id=person_id)
            session.add_all((touch, Task(kind="promise", client_id=client.id, call=call, due_at=at, created_at=at)))
            letter = {"user_id": office["anna"].id, "made_at": at}
            session.add(Letter(touch=touch, client_id=client.id, **letter))
        for _one in some(2):
            session.add(Deal(client_id=client.id, title="windows", opened_at=clock()))
            number = f"+7812{next(serial):07}"
            session.add(WorklistItem(worklist_id=lists[1].id, number=number, client_id=client.id))
            row = {"user_id": office["anna"].id, "key": str(next(serial)), "begun_at": clock()}
            session.add(QuickRow(client_id=client.id, **row))
            session.add(ImportRow(import_id=lists[0].id, number=next(serial), state="new", client_id=client.id))
            person_id = client.people[0].id if client.people else None
            change = {"field": "note", "new": "x", "person_id": person_id, "at": clock()}
            session.add(CardChange(client_id=client.id, **change))
        for field in fields:
            if not bare or dice.random() < 0.5:
                text = dice.choice(("yes", "no"))
                session.add(ExtraValue(client_id=client.id, field_id=field.id, text=text))
        for number in ("+74951234567", "+78127654321"):
            if not bare or dice.random() < 0.3:
                session.add(NotSame(number=number, client_id=client.id))
        for stranger in strangers:
            if not bare or dice.random() < 0.5:
                verdict = dice.choice(("other", "unsure"))
                low, high = sorted((client.id, stranger.id))
                session.add(PairVerdict(low_id=low, high_id=high, verdict=verdict, at=clock()))
        asked = [{"client_id": client.id, "reason": "phone", "sure": False}]
        asked += [{"client_id": one.id, "reason": "phone", "sure": False} for one in strangers]
        ringing = Call(call_id=f"call-{next(serial)}", offered_at=clock(), candidates=asked)
        session.add(ringing)
        session.flush()
        session.expire_all()
        match.index(session, client)
        session.commit()
        return client

    return make


def snapshot(session: Session, *cards: int) -> dict[str, Any]:
    """Every row that is a card's or refers to it, as the database has it, but for the record of merges itself."""
    session.flush()
    seen: dict[str, Any] = {}
    for column in links.referring(db.metadata):
        table = column.table
        if table.name in LEFT_OUT or str(column) in LEFT_OUT:
            continue
        ids = list(cards)
        if next(iter(column.foreign_keys)).column.table.name == "person":
            ids = list(session.scalars(select(Person.id).where(Person.client_id.in_(cards))))
        # Nothing refers to an extra value's own id: one that was taken off and put back is as it was.
        told = [one for one in table.columns if table.name != "extra_value" or one.name != "id"]
        rows = select(*told).where(column.in_(ids))
        if table.name == "card_change":
            rows = rows.where(table.c.source.not_in(("merge", "split", "undo")))
        seen[str(column)] = sorted(map(repr, session.execute(rows)))
    table = db.metadata.tables["client"]
    seen["client"] = sorted(map(repr, session.execute(select(table).where(table.c.id.in_(cards)))))
    keys = db.metadata.tables["match_key"]
    asked = select(keys.c.client_id, keys.c.kind, keys.c.key, keys.c.whole).where(keys.c.client_id.in_(cards))
    seen["keys"] = sorted(map(repr, session.execute(asked)))
    seen["asked"] = [repr(one) for one in session.execute(select(Call.id, Call.candidates).order_by(Call.id))]
    return seen
