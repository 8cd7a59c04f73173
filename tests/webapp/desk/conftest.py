"""Calls for the desk's tests, fed the way the bridge feeds them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import CallAnswered, CallEnded, CallOffered, EndReason, Event
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls import intake, lifecycle
from webapp.calls.models import Call
from webapp.clients import keys, match
from webapp.clients.models import Client, ContactPoint, Person
from webapp.roster.models import Shift
from webapp.touches.models import Touch

NUMBER = "+74951234567"


class Phone:
    """Rings the office: `ring()` gives the touch of a fresh call, the rest moves that call on."""

    def __init__(self, app: Flask, session: Session, clock: Clock) -> None:
        self.session, self.clock, self.settings = session, clock, app.config["SETTINGS"]
        self.numbers = itertools.count(1)

    def ring(self, number: str = NUMBER, name: str = "") -> Touch:
        event = CallOffered(f"call-{next(self.numbers)}", "desk", number, name, "", self.clock())
        intake.offered(self.session, event, self.clock(), self.settings.country, self.settings.timezone)
        self.session.commit()
        call = self.session.scalars(select(Call).where(Call.call_id == event.call_id)).one()
        return self.session.scalars(select(Touch).where(Touch.call_id == call.id)).one()

    def answer(self, touch: Touch, user: User) -> None:
        assert touch.call
        self.apply(CallAnswered(touch.call.call_id, user.extension, 2, 6.0, self.clock()))

    def end(self, touch: Touch, reason: EndReason = EndReason.COMPLETED) -> None:
        assert touch.call
        talked = 60.0 if reason is EndReason.COMPLETED else 0.0
        self.apply(CallEnded(touch.call.call_id, reason, 2, 6.0, talked, self.clock()))

    def apply(self, event: Event) -> None:
        lifecycle.apply(event, self.session, self.clock())
        self.session.commit()


@pytest.fixture
def phone(app: Flask, session: Session, clock: Clock) -> Phone:
    return Phone(app, session, clock)


@pytest.fixture
def on_duty(session: Session, office: dict[str, User], clock: Clock) -> User:
    """Anna is on duty from an hour ago for four hours, Boris is her backup."""
    start = clock() - timedelta(hours=1)
    for rank, login in enumerate(("anna", "boris")):
        shift = Shift(user_id=office[login].id, starts_at=start, ends_at=start + timedelta(hours=5), rank=rank)
        session.add(shift)
    session.commit()
    return office["anna"]


@pytest.fixture
def client_with(session: Session, clock: Clock) -> Callable[..., Client]:
    """`client_with(NUMBER, "Rassvet")` makes a card with this number."""

    def make(number: str, name: str, owner: User | None = None) -> Client:
        client = Client(name=name, created_at=clock(), owner_id=owner.id if owner else None)
        client.people = [Person(surname="Orlov", given_name="Pavel", position="buyer")]
        client.contact_points = [ContactPoint(kind="phone", value=number, normal=keys.normal_phone(number, "RU"))]
        session.add(client)
        session.flush()
        match.index(session, client)
        session.commit()
        return client

    return make
