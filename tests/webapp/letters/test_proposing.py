"""Which talks propose a letter, to whom, and what card and talk put into it."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients.models import ContactPoint
from webapp.letters import proposing
from webapp.letters.models import Letter
from webapp.office.models import Office, Outcome, PriceRange
from webapp.tasks import work
from webapp.touches import closing
from webapp.touches.models import Touch


def close(session: Session, touch: Touch, user: User, clock: Clock) -> Letter | None:
    assert closing.close(session, touch, user, clock()) == {}
    session.commit()
    return session.scalars(select(Letter)).one_or_none()


def test_a_closed_talk_proposes_what_was_said(
    session: Session, talk: Touch, office: dict[str, User], clock: Clock
) -> None:
    settings = session.scalars(select(Office)).one()
    settings.requisites, settings.signature = "Northwind Ltd, 12 Quay Road", "northwind.example"
    session.add(PriceRange(product="Windows", low="100", high="300"))
    work.promise(session, talk, office["anna"], clock())
    letter = close(session, talk, office["anna"], clock)
    assert letter and letter.to_address == "pavel@rassvet.example" and letter.user_id == office["anna"].id
    assert letter.subject == "Rassvet: Windows, what we agreed on 10 March"
    for words in (
        "Dear Pavel,", "Product: Windows", "Quantity: 40 pieces", "Needed by: 1 May", "our offer by 11 March, 12:00",
        "We call you back by 10 March, 12:10", "Windows: from 100 to 300", "Northwind Ltd, 12 Quay Road",
        "Kind regards,\nAnna Petrova\nmanager\nnorthwind.example",
    ):  # fmt: skip
        assert words in letter.body
    assert close(session, talk, office["anna"], clock) is letter


@pytest.mark.parametrize("key", proposing.NO_LETTER)
def test_a_refusal_is_skipped(key: str, session: Session, talk: Touch, office: dict[str, User], clock: Clock) -> None:
    talk.outcome_id = session.scalars(select(Outcome.id).where(Outcome.key == key)).one()
    assert close(session, talk, office["anna"], clock) is None


def test_who_was_not_spoken_to_gets_none(session: Session, talk: Touch, office: dict[str, User], clock: Clock) -> None:
    assert talk.call
    talk.call.answered_at = None
    assert close(session, talk, office["anna"], clock) is None


def test_the_address_is_the_speaker_s_own(session: Session, talk: Touch) -> None:
    assert talk.client
    points = talk.client.contact_points
    for point in points:
        point.person_id = None
    points.append(ContactPoint(kind="email", value="own@rassvet.example", normal="own@rassvet.example"))
    session.flush()
    assert proposing.address_of(talk) == "pavel@rassvet.example"
    points[-1].preferred = True
    assert proposing.address_of(talk) == "own@rassvet.example"
    points[0 if points[0].kind == "email" else 1].person_id = talk.person_id
    assert proposing.address_of(talk) == "pavel@rassvet.example"
    for point in points:
        point.value = "nobody" if point.kind == "email" else point.value
    assert proposing.address_of(talk) == ""


def test_the_language_is_the_office_s(session: Session, talk: Touch, office: dict[str, User], clock: Clock) -> None:
    session.scalars(select(Office)).one().language = "ru"
    letter = close(session, talk, office["anna"], clock)
    assert letter and letter.body.startswith("Pavel, добрый день.")
