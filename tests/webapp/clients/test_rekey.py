"""Old cards learn the search keys of a new release in steps, and are found meanwhile."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tests.webapp.clients.conftest import Maker
from tests.webapp.conftest import Clock
from webapp.clients import match, rekey
from webapp.clients.models import MatchKey, NearWord
from webapp.jobs import work


def test_all_cards_get_their_keys_in_steps(session: Session, make_card: Maker, clock: Clock) -> None:
    cards = [make_card(f"Северный ветер {number}", ("123-45-67 / 765-43-21",), surname="Орлов") for number in range(7)]
    gone = make_card("Forgotten")
    gone.merged_into_id = cards[0].id
    session.execute(delete(MatchKey))
    session.execute(delete(NearWord))
    job = work.ask(session, "rekey", {}, None, clock())
    session.commit()
    rekey.AT_ONCE, before = 3, rekey.AT_ONCE
    try:
        steps = 1
        while work.carry_on(session, job.id, clock()):
            steps += 1
    finally:
        rekey.AT_ONCE = before
    assert steps == 3 and (job.done, job.total, job.state) == (7, 7, "done")
    assert match.find(session, {"name": "Северный ветр 6"}, "RU")[0].client_id == cards[6].id
    assert len(match.by_number(session, "7654321", "RU")) == 7
    assert session.scalars(select(MatchKey.id).where(MatchKey.client_id == gone.id)).first() is None
