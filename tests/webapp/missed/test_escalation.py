"""Who is told of a missed call: backups, then the head, each once, and nobody of a number that was returned."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from tests.webapp.missed.conftest import Miss
from webapp.accounts.models import User
from webapp.calls import missed
from webapp.calls.models import CallTrace
from webapp.feed import Feed
from webapp.missed import escalation
from webapp.presence import marking


def told(session: Session, clock: Clock, office: dict[str, User]) -> list[str]:
    """Whom one round of the worker tells, by login."""
    last = session.scalars(select(Feed.id).order_by(Feed.id.desc())).first() or 0
    escalation.tell(session, clock())
    session.commit()
    logins = {user.id: login for login, user in office.items()}
    rows = session.scalars(select(Feed.user_id).where(Feed.id > last, Feed.kind == "tasks"))
    return sorted(logins[user_id] for user_id in rows if user_id)


def test_the_backups_after_five_minutes_the_head_after_fifteen_each_once(
    session: Session, miss: Miss, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    call = miss("+74950000001", 4)
    assert told(session, clock, office) == []
    clock.move(minutes=1)
    assert told(session, clock, office) == ["boris"]
    assert told(session, clock, office) == []
    clock.move(minutes=9, seconds=59)
    assert told(session, clock, office) == []
    clock.move(seconds=1)
    assert told(session, clock, office) == ["head"]
    assert told(session, clock, office) == []
    session.refresh(call)
    assert call.missed_told == escalation.HEAD
    rows = session.scalars(select(CallTrace).where(CallTrace.call_id == call.id, CallTrace.kind == "missed_told"))
    assert [row.facts["names"] for row in rows] == ["Boris Ivanov", "Helen Markova"]


def test_a_worker_that_was_away_tells_both_at_once(
    session: Session, miss: Miss, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    miss("+74950000001", 40)
    assert told(session, clock, office) == ["boris", "head"]


def test_a_backup_who_is_gone_is_not_told(
    session: Session, miss: Miss, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    miss("+74950000001", 6)
    marking.away(session, office["boris"], clock())
    session.commit()
    assert told(session, clock, office) == ["anna"]


def test_without_a_backup_who_is_on_duty_is_told(
    session: Session, miss: Miss, office: dict[str, User], clock: Clock
) -> None:
    miss("+74950000001", 6)
    assert told(session, clock, office) == []
    miss("+74950000002", 16)
    assert told(session, clock, office) == ["head"]


def test_nobody_is_told_of_a_number_that_was_returned(
    session: Session, miss: Miss, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    miss("+74950000001", 40)
    miss("+74950000002", 40, back=2)
    missed.make_good(session, "+74950000001", on_duty, "out", clock(), clock())
    session.commit()
    assert told(session, clock, office) == []


def test_who_rings_again_while_the_head_knows_is_no_news(
    session: Session, miss: Miss, on_duty: User, office: dict[str, User], clock: Clock
) -> None:
    miss("+74950000001", 20)
    miss("", 20)
    assert told(session, clock, office) == ["boris", "boris", "head", "head"]
    again = miss("+74950000001", 0)
    clock.move(minutes=20)
    assert told(session, clock, office) == []
    session.refresh(again)
    assert again.missed_told == escalation.HEAD
    miss("+74950000003", 20)
    assert told(session, clock, office) == ["boris", "head"]
