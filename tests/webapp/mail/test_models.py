"""The words of a mail never change (D80): not by a model, not by a statement, not by hand; only erasing takes them."""

from __future__ import annotations

import importlib
import re

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.mail.conftest import Queued
from webapp.mail import models
from webapp.mail.models import WORDS, OutgoingMail, Unalterable

OTHER = {"user_id": None, "made_at": "2020-01-01 00:00:00+00:00"}


@pytest.mark.parametrize("name", WORDS)
def test_no_statement_changes_them(name: str, queued: Queued, session: Session) -> None:
    mail = queued()
    with pytest.raises(DBAPIError, match="never change"):
        session.execute(text(f"UPDATE outgoing_mail SET {name} = :value"), {"value": OTHER.get(name, "other")})  # noqa: S608
    session.rollback()
    session.execute(update(OutgoingMail).values(state="sent", to_address=OutgoingMail.to_address))
    assert mail.state == "sent"


@pytest.mark.parametrize("name", ["subject", "body", "to_address"])
def test_no_model_changes_them(name: str, queued: Queued, session: Session) -> None:
    mail = queued()
    setattr(mail, name, "other")
    with pytest.raises(Unalterable):
        session.flush()


def test_erasing_takes_them_and_says_so(queued: Queued, session: Session, clock: Clock) -> None:
    mail = queued()
    session.execute(update(OutgoingMail).values(subject="", body="", erased_at=clock()))
    with pytest.raises(DBAPIError, match="never change"):  # it was said of that one time
        session.execute(update(OutgoingMail).values(subject="better"))
    session.rollback()
    mail.subject, mail.erased_at = "", clock()
    session.flush()
    assert mail.subject == ""


def test_the_migration_makes_the_same_guards() -> None:
    module = importlib.import_module("webapp.migrations.versions.0004_no_caller_is_lost")

    def plain(statement: str) -> str:
        return re.sub(r"[\s()]+", "", statement)

    for dialect in ("sqlite", "postgresql"):
        ours = [plain(statement) for name, statement in models._guards() if name == dialect]
        assert [plain(statement) for statement in module.KEPT_WORDS[dialect]] == ours
