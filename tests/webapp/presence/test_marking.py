"""The key away, and the rest after a talk: what is kept, and who is told."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.feed import Feed
from webapp.presence import marking
from webapp.presence.models import Presence


def told(session: Session) -> list[tuple[int | None, str]]:
    return [(row.user_id, row.kind) for row in session.scalars(select(Feed).order_by(Feed.id))]


def test_away_tells_his_own_pages_the_roster_and_the_bridges(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    marking.away(session, office["anna"], clock(), clock() + timedelta(minutes=5))
    row = session.get_one(Presence, office["anna"].id)
    assert (row.state, row.since, row.back_at) == ("away", clock(), clock() + timedelta(minutes=5))
    assert (office["anna"].id, "call") in told(session)
    assert (office["boris"].id, "roster") in told(session)
    assert (None, "standing") in told(session)


def test_back_ends_the_wrap_up_too(session: Session, office: dict[str, User], clock: Clock) -> None:
    marking.wrap_up(session, [office["anna"].id], clock(), 60, clock())
    marking.back(session, office["anna"], clock())
    row = session.get_one(Presence, office["anna"].id)
    assert (row.state, row.wrap_up_until, row.back_at) == ("here", None, None)


def test_an_end_told_late_is_no_wrap_up(session: Session, office: dict[str, User], clock: Clock) -> None:
    marking.wrap_up(session, [office["anna"].id], clock() - timedelta(minutes=2), 60, clock())
    assert session.get(Presence, office["anna"].id) is None


def test_wrap_up_keeps_what_he_said_of_himself(session: Session, office: dict[str, User], clock: Clock) -> None:
    marking.away(session, office["anna"], clock())
    marking.wrap_up(session, [office["anna"].id], clock(), 60, clock())
    row = session.get_one(Presence, office["anna"].id)
    assert (row.state, row.wrap_up_until) == ("away", clock() + timedelta(seconds=60))
