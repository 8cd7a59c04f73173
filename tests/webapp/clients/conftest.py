"""Cards to look for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients import contacts, match
from webapp.clients.models import Client, Person

Maker = Callable[..., Client]


@pytest.fixture
def make_card(session: Session, office: dict[str, User], clock: Clock) -> Maker:
    """`make_card("Rassvet", phones=("+7 495 1234567",), surname="Orlov")` gives a card with its keys."""

    def make(name: str, phones: tuple[str, ...] = (), email: str = "", **about: Any) -> Client:
        person_fields = {key: about.pop(key) for key in ("surname", "given_name", "patronymic") if key in about}
        client = Client(name=name, created_at=clock(), **about)
        session.add(client)
        session.flush()
        person = Person(**person_fields) if person_fields else None
        if person:
            client.people.append(person)
        for phone in phones:
            contacts.add(session, client, "phone", phone, "RU", person)
        if email:
            contacts.add(session, client, "email", email, "RU", person)
        match.index(session, client)
        session.commit()
        return client

    return make
