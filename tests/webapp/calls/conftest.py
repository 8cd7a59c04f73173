"""A roster, some clients, and a bridge's voice for the tests of calls."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from sipbridge.events import CallOffered, Event, encode
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import keys, match
from webapp.clients.models import Client, ContactPoint
from webapp.roster.models import Shift


@pytest.fixture
def on_duty(session: Session, office: dict[str, User], clock: Clock) -> dict[str, User]:
    """anna is on duty around now, boris is her backup."""
    start, end = clock() - timedelta(hours=3), clock() + timedelta(hours=5)
    session.add(Shift(user_id=office["anna"].id, starts_at=start, ends_at=end))
    session.add(Shift(user_id=office["boris"].id, starts_at=start, ends_at=end, rank=1))
    session.commit()
    return office


@pytest.fixture
def make_client(session: Session, clock: Clock) -> Callable[..., Client]:
    """`make_client("Rassvet", "+7 495 123-45-67", owner=...)` gives a card that can be found."""

    def make(name: str, *phones: str, **values: Any) -> Client:
        client = Client(name=name, created_at=clock(), **values)
        client.contact_points = [
            ContactPoint(kind="phone", value=phone, normal=keys.normal_contact("phone", phone, "RU"))
            for phone in phones
        ]
        session.add(client)
        session.flush()
        match.index(session, client)
        session.commit()
        return client

    return make


class Bridge:
    """Speaks to the app as the bridge does: over HTTP, with the token, in envelopes."""

    def __init__(self, client: FlaskClient, token: str, clock: Clock) -> None:
        self.client, self.token, self.clock = client, token, clock
        self.ids = itertools.count(1)

    def post(self, body: Any, token: str | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return self.client.post("/bridge/events", json=body, headers=headers)

    def send(self, *events: Event) -> Any:
        """Deliver events with fresh ids; returns the answer's JSON."""
        answer = self.post({"events": [encode(f"event-{next(self.ids)}", event) for event in events]})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def offer(self, call_id: str, number: str = "+74951234567", line: str = "desk", name: str = "") -> Any:
        """A call rings; returns its plan."""
        answer = self.send(CallOffered(call_id, line, number, name, "4951112233", self.clock()))
        return answer["plans"][call_id]


@pytest.fixture
def bridge(app: Flask, clock: Clock) -> Bridge:
    return Bridge(app.test_client(), app.config["BRIDGE_TOKEN"], clock)
