"""The worker's minute: every duty in a transaction of its own, rows claimed before anything is announced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from tests.webapp.conftest import Clock
from webapp import worker
from webapp.accounts.models import User
from webapp.calls.models import Call
from webapp.feed import Feed
from webapp.missed import escalation
from webapp.tasks import chasing, reminding
from webapp.tasks.models import Message, Task
from webapp.tasks.overdue import tell_overdue

ZONE = ZoneInfo("Europe/Moscow")


def owe(session: Session, user: User, clock: Clock, kind: str) -> Task:
    task = Task(
        kind=kind,
        text="the offer",
        user_id=user.id,
        number="+74951112233",
        due_at=clock() - timedelta(hours=3),
        created_at=clock() - timedelta(hours=4),
    )
    if kind == "message":
        task.message = Message(who="Orlov")
    session.add(task)
    session.commit()
    return task


@contextmanager
def written(session: Session) -> Iterator[list[str]]:
    """The statements that write, in their order."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            found.append(statement)

    event.listen(session.get_bind(), "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(session.get_bind(), "before_cursor_execute", note)


def test_a_duty_that_fails_takes_nothing_of_the_others_with_it(
    session: Session, office: dict[str, User], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise = owe(session, office["anna"], clock, "promise")
    seen: list[object] = []

    def break_down(within: Session, _now: object, _zone: object) -> None:
        seen.append(within.scalar(select(Task.overdue_told_at).where(Task.id == promise.id)))
        within.add(Task(kind="note", text="half of it", due_at=clock(), created_at=clock()))
        within.flush()
        raise KeyError("a surprise")

    duties = {
        "promises": worker.DUTIES["promises"],
        "broken": break_down,
        "missed calls": worker.DUTIES["missed calls"],
    }
    monkeypatch.setattr(worker, "DUTIES", duties)
    call = Call(call_id="m", number="+74950000001", state="ended", ended_at=clock() - timedelta(hours=1))
    call.offered_at = clock() - timedelta(hours=1)
    session.add(call)
    session.commit()
    worker.do_duties(session, clock(), ZONE)
    assert seen == [clock()]
    session.rollback()  # what was not committed is gone
    session.expire_all()
    assert promise.overdue_told_at == clock() and call.missed_told == escalation.HEAD
    assert not session.scalar(select(func.count()).where(Task.kind == "note"))


@pytest.mark.parametrize("duty", ["promise", "message", "reminder", "missed"])
def test_all_rows_are_claimed_before_the_feed_is_held(
    session: Session, office: dict[str, User], clock: Clock, duty: str
) -> None:
    """Whoever announces holds the feed until he commits: a worker that waited for a row then, which somebody about to
    announce has changed, would wait for ever."""
    verbs: dict[str, Callable[[], int]] = {
        "promise": lambda: tell_overdue(session, clock()),
        "message": lambda: chasing.chase(session, clock(), ZONE),
        "reminder": lambda: reminding.remind(session, clock()),
        "missed": lambda: escalation.tell(session, clock()),
    }
    for login in ("anna", "boris"):
        if duty == "missed":
            call = Call(call_id=login, number=f"+7495000000{len(login)}", state="ended", ended_at=clock())
            call.offered_at = clock() - timedelta(hours=1)
            session.add(call)
        else:
            owe(session, office[login], clock, {"reminder": "next_touch"}.get(duty, duty))
    session.commit()
    with written(session) as statements:
        assert verbs[duty]() >= 2
    first = next(at for at, text in enumerate(statements) if text.startswith(f"INSERT INTO {Feed.__tablename__}"))
    assert first and not [text for text in statements[first:] if text.startswith("UPDATE")]


def test_what_was_written_stays_out_of_errors(session: Session, office: dict[str, User], clock: Clock) -> None:
    session.add(Task(kind="note", text="Mrs Orlova rang", due_at="no time", created_at=clock()))
    with pytest.raises(StatementError) as error:
        session.flush()
    session.rollback()
    assert "Orlova" not in str(error.value)
