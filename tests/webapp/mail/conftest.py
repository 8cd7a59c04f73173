"""Mails in the queue, and the app with a mail server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.config import MailServer
from webapp.mail import queue
from webapp.mail.models import OutgoingMail
from webapp.mail.sender import Sender
from webapp.mail.smtp import Limits

SHORT = Limits(connect=2, answer=0.5, last_answer=0.5, greeting=1, mail=1)
Queued = Callable[..., OutgoingMail]


@pytest.fixture
def queued(session: Session, office: dict[str, User], clock: Clock) -> Queued:
    """`queued("letter:1")` is a mail of Anna's that is due now, committed."""

    def put(key: str = "letter:1", to_address: str = "pavel@rassvet.example", whose: str = "anna") -> OutgoingMail:
        mail = queue.put(
            session, key, to_address, "Окна: сроки", "Здравствуйте, Павел.\n\n.точка\n", clock(),
            user_id=office[whose].id if whose else None, reply_to="anna@northwind.example",
        )  # fmt: skip
        session.commit()
        return mail

    return put


@pytest.fixture
def rounds(app: Flask, clock: Clock) -> Callable[[MailServer | None], None]:
    """`rounds(server)` is one round of the worker's thread."""

    def go(server: MailServer | None) -> None:
        app.config["SETTINGS"] = dataclasses.replace(app.config["SETTINGS"], mail=server)
        Sender(app, clock, SHORT).round()

    return go
