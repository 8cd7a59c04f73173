"""Heads and secretaries are told once a transaction, and only of what took effect."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import LineChanged
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.now.telling import tell


def told(session: Session) -> list[int | None]:
    session.expire_all()
    return list(session.scalars(select(Feed.user_id).where(Feed.kind == "now").order_by(Feed.id)))


def test_heads_and_secretaries_hear_once_a_transaction(session: Session, office: dict[str, User], clock: Clock) -> None:
    both = [office["head"].id, office["secretary"].id]
    tell(session, clock())
    tell(session, clock())
    with session.begin_nested():
        tell(session, clock())
    session.commit()
    assert told(session) == both
    session.commit()
    tell(session, clock())
    session.commit()
    assert told(session) == both * 2


def test_what_was_told_in_a_savepoint_that_is_taken_back_is_told_again(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    savepoint = session.begin_nested()
    tell(session, clock())
    savepoint.rollback()
    tell(session, clock())
    session.commit()
    assert told(session) == [office["head"].id, office["secretary"].id]


def test_who_works_here_no_more_is_not_told(session: Session, office: dict[str, User], clock: Clock) -> None:
    office["secretary"].active = False
    session.flush()
    tell(session, clock())
    session.commit()
    assert told(session) == [office["head"].id]


def test_a_batch_of_the_bridge_is_one_word_and_a_heartbeat_none(
    app: Flask, session: Session, office: dict[str, User], clock: Clock
) -> None:
    bridge = Bridge(app.test_client(), app.config["BRIDGE_TOKEN"], clock)
    bridge.send()
    assert told(session) == []
    bridge.send(LineChanged("desk", True, "", clock()), LineChanged("desk", False, "503", clock()))
    assert told(session) == [office["head"].id, office["secretary"].id]
