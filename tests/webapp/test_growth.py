"""A year of calls must not make a page, a ringing call or the worker's minute slower: what is asked is looked up."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from webapp.accounts.models import Role, User
from webapp.bridge_api import forgetting
from webapp.calendars import entries as calendar
from webapp.calls import missed, outbound
from webapp.calls.models import BridgeEvent, Call, CallAudience, CallTrace
from webapp.desk import queries as desk
from webapp.letters import queries as letters
from webapp.letters.models import Letter
from webapp.mail import listing as mails
from webapp.mail import sending
from webapp.mail.models import OutgoingMail
from webapp.missed import episodes, escalation
from webapp.now import board as now_board
from webapp.presence import whereabouts
from webapp.reception import board as reception
from webapp.recordings import keeping, store
from webapp.recordings.models import Recording
from webapp.roster import swaps
from webapp.roster.models import Swap
from webapp.tasks import chasing, digest, listing, reminding
from webapp.tasks.models import Message, Task
from webapp.tasks.overdue import tell_overdue
from webapp.touches import queries as touches
from webapp.touches.models import Touch

from .conftest import Clock

OLD = 400


@contextmanager
def counted_steps(session: Session) -> Iterator[Callable[[], int]]:
    """How many steps SQLite's machine has made on this session's connection: its work, whatever the machine's."""
    connection = session.connection().connection.dbapi_connection
    assert isinstance(connection, sqlite3.Connection)
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 10
        return 0

    connection.set_progress_handler(step, 10)
    try:
        yield lambda: steps
    finally:
        connection.set_progress_handler(None, 0)


def carry(session: Session, users: list[User], first: int, many: int, clock: Clock) -> None:
    """So many calls of the months before: rung at three, most taken, recorded and stored, all long done."""
    rows: dict[Any, list[dict[str, Any]]] = {
        kind: []
        for kind in (Call, Touch, CallAudience, CallTrace, Recording, Task, Message, OutgoingMail, Letter, Swap)
    }
    ids = [user.id for user in users]
    for number in range(first, first + many):
        at = clock() - timedelta(days=2, minutes=number)
        taken = number % 7 > 0
        done = at + timedelta(hours=1)
        rows[Call].append(
            {
                **{"id": number, "call_id": f"old-{number}", "number": f"+7495{number:07d}", "offered_at": at},
                **{"state": "ended", "end_reason": "caller_hung_up", "answered_at": at if taken else None},
                **{"ended_at": done, "missed_closed_at": None if taken else done},
            }
        )
        mine = ids[number % len(ids)]
        rows[Touch].append({"id": number, "started_at": at, "user_id": mine, "call_id": number, "closed_at": done})
        rows[CallAudience] += [
            {"call_id": number, "user_id": user, "state": "taken" if taken and user == mine else "gone"} for user in ids
        ]
        rows[CallTrace].append({"call_id": number, "at": at, "kind": "offered"})
        rows[Recording].append(
            {"call_id": number, "path": f"2026/01/{number}.webm", "ready_at": done, "stored_at": done}
            | {"peaks": [[number % 100] * 200] * 2}
        )
        rows[Task].append(
            {"id": number, "kind": "promise" if number % 2 else "message", "user_id": mine}
            | {"due_at": at, "created_at": at, "done_at": done, "call_id": number, "reminded_at": at}
        )
        rows[Message].append({"task_id": number, "who": "Orlov", "read_at": done, "taken_by_id": mine})
        rows[OutgoingMail].append(
            {"id": number, "key": f"letter:{number}", "message_id": f"{number}@desk.example", "user_id": mine}
            | {"to_address": "a@b.example", "subject": "Offer", "body": "x" * 3000, "state": "sent"}
            | {"due_at": at, "made_at": at, "sent_at": done, "ended_at": done}
        )
        rows[Letter].append(
            {"id": number, "touch_id": number, "user_id": mine, "made_at": at, "mail_id": number, "body": "x" * 3000}
        )
        rows[Swap].append(
            {"starts_at": at, "ends_at": done, "shift_version": 1, "from_user_id": mine, "state": "accepted"}
            | {"words": "", "offered_at": at, "answered_at": at}
        )
    for kind, values in rows.items():
        session.execute(insert(kind), values)
    session.commit()


def asked(session: Session, users: list[User], clock: Clock, folder: Path) -> dict[str, Callable[[], object]]:
    """What is asked all day long."""
    anna, now, zone = users[0], clock(), ZoneInfo("Europe/Moscow")
    head = session.scalars(select(User).where(User.role == Role.HEAD)).one()
    return {
        "live calls": lambda: desk.live_calls(session, anna, now),
        "gone lately": lambda: desk.gone_lately(session, anna, now),
        "unfinished rows": lambda: touches.unfinished(session, anna),
        "who is missed": lambda: missed.longest_waiting(session, 50),
        "who talks": lambda: whereabouts.talks(session),
        "promises": lambda: tell_overdue(session, now),
        "calls of ours that are lost": lambda: outbound.end_lost(session, now),
        "what is to be stored": lambda: store.claim(session, now),
        "the head's board": lambda: now_board.of(session, now, zone),
        "the secretary's board": lambda: reception.of(session, anna, None, now, zone),
        "originals": lambda: store.remove_originals(session, folder),
        "reminders": lambda: reminding.remind(session, now),
        "a user's reminders": lambda: reminding.standing(session, anna),
        "messages nobody has read": lambda: chasing.chase(session, now, zone),
        "digests": lambda: digest.send(session, now, zone),
        "missed calls nobody returns": lambda: escalation.tell(session, now),
        "who waits to be rung back": lambda: episodes.find(session, episodes.Wanted(), zone),
        "offers of shifts": lambda: swaps.void_changed(session, now),
        "offers to me": lambda: swaps.for_user(session, anna, now),
        "mail that is due": lambda: (sending.recover(session, now), sending.waiting(session, now)),
        "letters to send": lambda: letters.of(session, head, "draft"),
        "letters sent": lambda: letters.of(session, head, "sent"),
        "a manager's letters sent": lambda: letters.of(session, anna, "sent"),
        "tasks": lambda: listing.listed(session, listing.Asked(anna.id), now, zone),
        "everybody's tasks": lambda: listing.listed(session, listing.Asked(None), now, zone),
        "what a manager has done": lambda: listing.listed(session, listing.Asked(anna.id, done=True), now, zone),
        "what everybody has done": lambda: listing.listed(session, listing.Asked(None, done=True), now, zone),
        "mails": lambda: mails.of(session, head, ""),
        "mails sent": lambda: mails.of(session, head, "sent"),
        "a manager's mails": lambda: mails.of(session, anna, ""),
        "what a calendar holds": lambda: calendar.of(session, anna, now),
    }


@pytest.mark.databases("sqlite")  # whose work can be counted
def test_what_is_asked_all_day_does_not_grow_with_the_calls_ever_carried(
    session: Session, office: dict[str, User], clock: Clock, tmp_path: Path
) -> None:
    users = [office[login] for login in sorted(office)][:3]
    steps: list[dict[str, int]] = []
    for first, many in ((1, OLD), (OLD + 1, 9 * OLD)):
        carry(session, users, first, many, clock)
        taken: dict[str, int] = {}
        for name, ask in asked(session, users, clock, tmp_path).items():
            session.expire_all()
            ask()  # whose session this is, is read once
            with counted_steps(session) as so_far:
                ask()
                taken[name] = so_far()
            session.rollback()
        steps.append(taken)
    few, many_more = steps
    grew = {name: (few[name], many_more[name]) for name in few if many_more[name] > few[name] + 300}
    print(*grew.items(), sep="\n")
    assert not grew, "steps after 400 calls, and after 4000"


@pytest.mark.databases("sqlite")  # where a picture lies in the row; PostgreSQL keeps long values apart
def test_looking_for_old_recordings_reads_none_of_their_pictures_and_lets_others_write(
    session: Session, office: dict[str, User], clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry(session, [office["anna"]], 1, OLD, clock)
    query = select(Recording.id).join(Call, Call.id == Recording.call_id).where(keeping._is_due([], clock()))
    text = str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
    plan = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")]
    session.commit()
    assert any("COVERING INDEX ix_recording_kept" in line for line in plan), plan

    monkeypatch.setattr(keeping, "AT_ONCE", 7)
    session.execute(update(Recording).values(stopped="forbidden"))
    session.commit()
    assert keeping.delete_due(session, tmp_path, clock(), lambda: True) == OLD


def test_events_that_took_effect_long_ago_are_forgotten_a_few_at_a_time(
    session: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", 10)
    long_ago, lately = clock() - timedelta(days=91), clock() - timedelta(days=89)
    session.execute(
        insert(BridgeEvent),
        [
            {"event_id": f"{number}", "kind": "CallEnded", "received_at": long_ago if number < 35 else lately}
            for number in range(50)
        ],
    )
    session.commit()
    rounds = iter((True, True, False))
    assert forgetting.prune(session, clock(), lambda: next(rounds)) == 20
    assert forgetting.prune(session, clock(), lambda: True) == 15
    assert session.scalar(select(func.count(BridgeEvent.event_id))) == 15


def test_of_thousands_who_were_never_rung_back_only_those_shown_are_read(
    session: Session, office: dict[str, User], clock: Clock
) -> None:
    carry(session, [office["anna"]], 1, 700, clock)
    for number in (7, 14, 21, 28):  # one caller, tried four times
        session.get_one(Call, number).number = "+74959999999"
    session.execute(update(Call).values(missed_closed_at=None))
    session.commit()
    everybody, _all = missed.longest_waiting(session, 1000)
    assert len(everybody) == 97 and len(everybody[-1].calls) == 4, "every seventh, four of them by one caller"
    everybody_named = [one.number for one in everybody]
    session.expunge_all()
    shown, in_all = missed.longest_waiting(session, 10)
    assert in_all == 97 and [one.number for one in shown] == everybody_named[:10]
    assert sum(isinstance(row, Call) for row in session.identity_map.values()) == 10
    assert missed.longest_waiting(session, 100)[0][-1].calls[0].offered_at == max(
        session.scalars(select(Call.offered_at).where(Call.number == "+74959999999"))
    )
