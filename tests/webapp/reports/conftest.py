"""A way to put touches and calls into the ledger's tests."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.clients.models import Client, ContactPoint, Person
from webapp.office.models import Channel, Outcome, Purpose
from webapp.touches.models import Touch


class Book:
    """Writes rows into the ledger. `talk=None` makes a touch without a call, `talk=0` a missed call."""

    def __init__(self, session: Session, people: dict[str, User], clock: Clock) -> None:
        self.session, self.people, self.clock = session, people, clock
        self.outcomes = {outcome.key: outcome for outcome in session.scalars(select(Outcome))}
        self.purposes = {purpose.key: purpose for purpose in session.scalars(select(Purpose))}
        self.channels = list(session.scalars(select(Channel).order_by(Channel.rank)))
        self.ids = itertools.count(1)

    def client(self, name: str = "Rassvet LLC", **values: Any) -> Client:
        client = Client(name=name, created_at=self.clock(), **values)
        client.people = [Person(surname="Orlov", given_name="Pavel", patronymic="Ilyich", position="buyer")]
        client.contact_points = [
            ContactPoint(kind="phone", value="+7 495 000-12-34", normal="+74950001234", person=client.people[0]),
            ContactPoint(kind="email", value="orlov@rassvet.example", normal="orlov@rassvet.example"),
        ]
        self.session.add(client)
        self.session.flush()
        return client

    def add(
        self,
        login: str | None,
        at: datetime,
        outcome: str | None = "answered",
        talk: float | None = 60.0,
        channel: int | None = None,
        client: Client | None = None,
        state: str = "ended",
        **values: Any,
    ) -> Touch:
        call = None
        user = self.people[login] if login else None
        if talk is not None:
            answered = talk > 0 and state in ("ended", "talking")
            call = Call(
                call_id=f"call-{next(self.ids)}",
                number=values.pop("number", "+74950001234"),
                caller_name=values.pop("caller_name", ""),
                offered_at=at,
                state=state,
                rings=2,
                ring_seconds=8.0,
                talk_seconds=talk,
                answered_at=at if answered else None,
                answered_by_id=user.id if user and answered else None,
                ended_at=at if state == "ended" else None,
                end_reason=values.pop("end_reason", "completed" if answered else "abandoned"),
                client=client,
            )
            self.session.add(call)
        touch = Touch(
            started_at=at,
            user_id=user.id if user else None,
            call=call,
            client=client,
            person=client.people[0] if client and client.people else None,
            purpose_id=self.purposes["price"].id if outcome else None,
            outcome_id=self.outcomes[outcome].id if outcome else None,
            channel_id=self.channels[channel].id if channel is not None else None,
            closed_at=at if outcome else None,
            **values,
        )
        self.session.add(touch)
        self.session.flush()
        return touch


@pytest.fixture
def book(session: Session, office: dict[str, User], clock: Clock) -> Book:
    return Book(session, office, clock)
