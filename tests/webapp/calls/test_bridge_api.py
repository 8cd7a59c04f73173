"""From a bridge's events to the desk's state: every walk of a call, each event once, nothing lost or doubled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sipbridge.events import (
    ApologyStarted,
    CallAnswered,
    CallEnded,
    CallOffered,
    EndReason,
    GreetingStarted,
    LegEnd,
    LegEnded,
    LegRinging,
    PlanChosen,
    RecordingReady,
    StandingPlans,
    encode,
    from_wire,
)
from tests.e2e.installation import wait_for
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls import trace
from webapp.calls.models import Call, CallAudience
from webapp.clients.models import Client
from webapp.db import db
from webapp.deals.models import Deal
from webapp.feed import Feed
from webapp.presence import marking
from webapp.roster.models import Absence, Shift
from webapp.tasks.models import Task
from webapp.touches.models import Touch

MakeClient = Callable[..., Client]


def the_call(session: Session, call_id: str = "c1") -> Call:
    session.expire_all()
    return session.scalars(select(Call).where(Call.call_id == call_id)).one()


def popped(session: Session, call: Call) -> set[int]:
    return set(
        session.scalars(
            select(CallAudience.user_id).where(
                CallAudience.call_id == call.id, CallAudience.state.in_(("rung", "taken"))
            )
        )
    )


def test_a_new_caller_rings_duty_and_only_duty(session: Session, on_duty: dict[str, User], bridge: Bridge) -> None:
    plan = bridge.offer("c1")
    assert [step["extensions"] for step in plan["steps"]] == [
        [on_duty["anna"].extension],
        [on_duty["boris"].extension],
        [on_duty["head"].extension],
    ]
    call = the_call(session)
    assert popped(session, call) == {on_duty["anna"].id}
    assert (call.situation, call.number) == ("new_caller", "+74951234567")
    heard = session.execute(select(Feed.user_id, Feed.kind, Feed.ref)).all()
    assert (on_duty["anna"].id, "call", str(call.id)) in heard
    assert all(user_id != on_duty["boris"].id for user_id, _, _ in heard)
    touch = session.scalars(select(Touch)).one()
    assert (touch.call_id, touch.user_id, touch.client_id) == (call.id, on_duty["anna"].id, None)


def test_a_known_number_opens_its_card_at_its_own_manager(
    session: Session, on_duty: dict[str, User], bridge: Bridge, make_client: MakeClient
) -> None:
    client = make_client("Rassvet", "8 (495) 123-45-67", owner_id=on_duty["vera"].id)
    plan = bridge.offer("c1")
    assert plan["steps"][0]["extensions"] == [on_duty["vera"].extension]
    call = the_call(session)
    assert (call.client_id, call.situation) == (client.id, "known_client")
    assert any("Vera Sokolova" in text for text in trace.why(call))


def test_two_cards_with_one_number_are_candidates_and_none_is_opened(
    session: Session, on_duty: dict[str, User], bridge: Bridge, make_client: MakeClient
) -> None:
    both = {make_client("One", "+74951234567").id, make_client("Two", "+74951234567").id}
    bridge.offer("c1")
    call = the_call(session)
    assert call.client_id is None
    assert {candidate["client_id"] for candidate in call.candidates} == both


def test_a_hidden_number_is_taken_like_any_other(session: Session, on_duty: dict[str, User], bridge: Bridge) -> None:
    plan = bridge.offer("c1", number="")
    assert plan["steps"]
    assert the_call(session).number == ""


def test_an_absent_owner_is_answered_for_by_duty(
    session: Session, on_duty: dict[str, User], bridge: Bridge, make_client: MakeClient, clock: Clock
) -> None:
    make_client("Rassvet", "+74951234567", owner_id=on_duty["vera"].id)
    session.add(
        Absence(user_id=on_duty["vera"].id, starts_at=clock(), ends_at=clock() + timedelta(hours=1), reason="ill")
    )
    session.commit()
    plan = bridge.offer("c1")
    assert plan["steps"][0]["extensions"] == [on_duty["anna"].extension]
    assert the_call(session).situation == "absent_employee"


@pytest.mark.parametrize("how", ["absence", "key"])
def test_who_leaves_after_this_talk_is_not_rung_for_the_next(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock, how: str
) -> None:
    anna = on_duty["anna"]
    bridge.offer("c1")
    bridge.send(CallAnswered("c1", anna.extension, 2, 7.0, clock.move(seconds=7)))
    assert [anna.extension] in [step["extensions"] for step in bridge.offer("c2", "+74957654321")["steps"]]
    if how == "key":
        marking.away(session, anna, clock())
    else:
        session.add(Absence(user_id=anna.id, starts_at=clock(), ends_at=clock() + timedelta(hours=1), kind="meeting"))
    session.commit()
    rung = [extension for step in bridge.offer("c3", "+74957654322")["steps"] for extension in step["extensions"]]
    assert rung == [on_duty["boris"].extension, on_duty["head"].extension]
    assert the_call(session, "c3").duty_ids == []


def test_an_open_matter_goes_to_its_owner(
    session: Session, on_duty: dict[str, User], bridge: Bridge, make_client: MakeClient, clock: Clock
) -> None:
    client = make_client("Rassvet", "+74951234567", owner_id=on_duty["vera"].id)
    session.add(Deal(client_id=client.id, owner_id=on_duty["boris"].id, title="Windows", opened_at=clock()))
    session.commit()
    plan = bridge.offer("c1")
    assert plan["steps"][0]["extensions"] == [on_duty["boris"].extension]
    assert the_call(session).situation == "open_matter"


def test_the_pop_goes_away_elsewhere_when_one_takes_it(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.offer("c1")
    anna, boris = on_duty["anna"], on_duty["boris"]
    bridge.send(LegRinging("c1", anna.extension, 0, clock()))
    bridge.send(LegEnded("c1", anna.extension, LegEnd.BUSY, clock()), LegRinging("c1", boris.extension, 1, clock()))
    assert popped(session, the_call(session)) == {anna.id, boris.id}
    bridge.send(CallAnswered("c1", boris.extension, 2, 7.5, clock.move(seconds=8)))
    call = the_call(session)
    assert popped(session, call) == {boris.id}
    assert (call.state, call.answered_by_id, call.rings) == ("talking", boris.id, 2)
    assert session.scalars(select(Touch)).one().user_id == boris.id


def test_a_colleague_who_takes_a_client_gets_the_colleagues_script(
    session: Session, on_duty: dict[str, User], bridge: Bridge, make_client: MakeClient, clock: Clock
) -> None:
    make_client("Rassvet", "+74951234567", owner_id=on_duty["vera"].id)
    bridge.offer("c1")
    bridge.send(CallAnswered("c1", on_duty["anna"].extension, 2, 7.5, clock()))
    assert the_call(session).situation == "colleagues_client"


def test_greeting_apology_and_promise(session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock) -> None:
    bridge.offer("c1")
    bridge.send(GreetingStarted("c1", 2, 10.0, clock.move(seconds=10)))
    assert the_call(session).state == "greeted"
    told = clock.move(seconds=50)
    bridge.send(ApologyStarted("c1", told), CallEnded("c1", EndReason.NO_ANSWER, 2, 10.0, 0.0, clock.move(seconds=6)))
    call = the_call(session)
    assert call.is_missed
    promise = session.scalars(select(Task)).one()
    assert (promise.kind, promise.user_id, promise.due_at) == (
        "promise",
        on_duty["anna"].id,
        told + timedelta(minutes=10),
    )
    assert popped(session, call) == set()
    assert session.scalars(select(Touch)).one().user_id is None


@pytest.mark.parametrize(
    ("away", "absent", "keeper"),
    [
        (("anna",), (), "boris"),
        ((), ("anna",), "boris"),
        (("anna",), ("boris",), "head"),
        (("anna", "boris"), ("head",), None),
    ],
)
def test_nobody_who_is_gone_keeps_a_promise(
    session: Session,
    on_duty: dict[str, User],
    bridge: Bridge,
    clock: Clock,
    away: tuple[str, ...],
    absent: tuple[str, ...],
    keeper: str | None,
) -> None:
    for login in away:
        marking.away(session, on_duty[login], clock())
    for login in absent:
        gone = Absence(user_id=on_duty[login].id, starts_at=clock(), ends_at=clock() + timedelta(hours=2))
        session.add(gone)
    session.commit()
    bridge.offer("c1")
    bridge.send(ApologyStarted("c1", clock()), CallEnded("c1", EndReason.NO_ANSWER, 2, 10.0, 0.0, clock()))
    promise = session.scalars(select(Task).where(Task.kind == "promise")).one()
    assert promise.user_id == (on_duty[keeper].id if keeper else None)


def test_who_was_missed_is_made_good_by_the_next_talk(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.offer("c1")
    bridge.send(ApologyStarted("c1", clock()), CallEnded("c1", EndReason.NO_ANSWER, 2, 10.0, 0.0, clock()))
    clock.move(minutes=5)
    bridge.offer("c2")
    assert the_call(session, "c2").situation == "was_missed"
    bridge.send(CallAnswered("c2", on_duty["anna"].extension, 2, 7.0, clock.move(seconds=7)))
    assert the_call(session, "c1").missed_closed_at == clock()
    assert session.scalars(select(Task)).one().done_at == clock()


def test_a_greeting_alone_does_not_make_good(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.offer("c1")
    bridge.send(CallEnded("c1", EndReason.ABANDONED, 1, 4.0, 0.0, clock()))
    bridge.offer("c2")
    bridge.send(GreetingStarted("c2", 2, 10.0, clock()), CallEnded("c2", EndReason.ABANDONED, 2, 12.0, 0.0, clock()))
    assert the_call(session, "c1").missed_closed_at is None


def test_the_head_hears_of_a_call_nobody_was_there_for(
    session: Session, office: dict[str, User], bridge: Bridge
) -> None:
    office["head"].extension = ""
    session.commit()
    plan = bridge.offer("c1")
    assert plan["steps"] == []
    assert popped(session, the_call(session)) == {office["head"].id}


def test_a_call_with_nobody_at_all_leaves_the_head_a_note(
    session: Session, office: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    session.add(
        Absence(user_id=office["head"].id, starts_at=clock(), ends_at=clock() + timedelta(hours=1), reason="meeting")
    )
    session.commit()
    assert bridge.offer("c1")["steps"] == []
    note = session.scalars(select(Task)).one()
    assert (note.kind, note.user_id, note.number) == ("gap", office["head"].id, "+74951234567")


def test_every_event_takes_effect_once(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    offer = encode("e1", CallOffered("c1", "desk", "+74951234567", "", "", clock()))
    ended = encode("e2", CallEnded("c1", EndReason.ABANDONED, 1, 3.0, 0.0, clock()))
    for batch in ([offer], [offer, ended], [offer, ended]):
        assert bridge.post({"events": batch}).status_code == 200
    assert session.scalar(select(func.count()).select_from(Call)) == 1
    assert session.scalar(select(func.count()).select_from(Touch)) == 1


def test_two_copies_of_a_batch_at_once_are_one(
    app: Flask, session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    """A bridge that was answered too late says it again while the first copy is still being taken."""
    batch = [encode(f"copy-{n}", CallOffered(f"c{n}", "desk", f"+7495000{n:04}", "", "1", clock())) for n in range(20)]
    session.commit()
    both, codes = threading.Barrier(2), []

    def deliver() -> None:
        both.wait(5)
        copy = Bridge(app.test_client(), app.config["BRIDGE_TOKEN"], clock)
        codes.append(copy.post({"events": batch}).status_code)

    threads = [threading.Thread(target=deliver) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(codes) in ([200, 200], [200, 503])
    assert session.scalar(select(func.count(Call.id))) == session.scalar(select(func.count(Touch.id))) == 20


def test_an_event_that_meets_anothers_work_is_applied_to_what_is_there_then(
    session: Session, on_duty: dict[str, User], bridge: Bridge
) -> None:
    """Databases that let several write at once say so when a row was written a moment ago."""
    once = iter([IntegrityError("insert", {}, Exception("it is there already"))])

    @event.listens_for(Engine, "before_cursor_execute")
    def meet(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("INSERT INTO call "):
            for error in once:
                raise error

    try:
        assert bridge.offer("c1")["steps"]
    finally:
        event.remove(Engine, "before_cursor_execute", meet)
    assert the_call(session).state == "ringing"


def test_a_standing_plan_takes_the_pop_from_those_it_does_not_ring(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock, make_client: MakeClient
) -> None:
    make_client("Rassvet", "+74951234567", owner_id=on_duty["vera"].id)
    bridge.offer("c1")
    bridge.send(PlanChosen("c1", True, (on_duty["anna"].extension, on_duty["boris"].extension), clock()))
    bridge.send(LegRinging("c1", on_duty["anna"].extension, 0, clock()))
    assert popped(session, the_call(session)) == {on_duty["anna"].id}


def test_a_recording_belongs_to_its_call(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.offer("c1")
    bridge.send(
        CallAnswered("c1", on_duty["anna"].extension, 2, 7.0, clock()),
        CallEnded("c1", EndReason.COMPLETED, 2, 7.0, 42.0, clock()),
        RecordingReady("c1", "2026/03/c1.wav", 42.0, clock()),
    )
    call = the_call(session)
    talk = call.recording()
    assert talk and (talk.path, talk.seconds) == ("2026/03/c1.wav", 42.0)
    assert (call.talk_seconds, call.is_missed) == (42.0, False)


def test_the_trace_tells_the_whole_story(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.offer("c1")
    bridge.send(
        LegRinging("c1", on_duty["anna"].extension, 0, clock()),
        CallAnswered("c1", on_duty["anna"].extension, 2, 7.0, clock.move(seconds=7)),
        CallEnded("c1", EndReason.COMPLETED, 2, 7.0, 42.0, clock.move(seconds=42)),
    )
    texts = [text for _, text in trace.sentences(session, the_call(session))]
    assert any("Anna Petrova was rung" in text for text in texts)
    assert texts[-1] == "The talk ended after 42 s."


def test_a_stranger_is_refused(app: object, bridge: Bridge) -> None:
    assert bridge.post({"events": []}, token="wrong").status_code == 401
    assert bridge.client.get("/bridge/standing").status_code == 401


def test_nonsense_is_refused_and_changes_nothing(session: Session, on_duty: dict[str, User], bridge: Bridge) -> None:
    nonsense: list[object] = [[], {"events": "x"}, {"events": [{"event_id": "a", "kind": "Nonsense", "data": {}}]}]
    for body in nonsense:
        assert bridge.post(body).status_code == 400
    assert session.scalar(select(func.count()).select_from(Call)) == 0


def test_standing_plans_follow_the_roster(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    headers = {"Authorization": f"Bearer {bridge.token}"}
    plans = from_wire(StandingPlans, bridge.client.get("/bridge/standing", headers=headers).get_json())
    first, later = plans.lines["desk"][0], plans.lines["desk"][1]
    assert first.plan.steps[0].extensions == (on_duty["anna"].extension,)
    assert later.starts_at == clock() + timedelta(hours=5)
    assert later.plan.steps[0].extensions == (on_duty["head"].extension,)
    assert plans.lines["*"] == plans.lines["desk"]
    before = bridge.send()["standing"]
    shift = session.scalars(select(Shift).where(Shift.rank == 0)).one()
    shift.user_id = on_duty["vera"].id
    session.add(Feed(user_id=None, kind="standing", ref="", at=clock()))
    session.commit()
    assert bridge.send()["standing"] != before


def test_intake_of_an_unknown_caller_takes_few_queries(
    on_duty: dict[str, User], bridge: Bridge, count_queries: Callable[[], int]
) -> None:
    bridge.offer("c1")
    before = count_queries()
    bridge.offer("c2", number="+74957654321")
    assert count_queries() - before <= 32


@pytest.mark.databases("postgresql")  # SQLite lets one write at a time
def test_a_batch_that_loses_a_deadlock_is_asked_for_again(
    app: Flask, session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    batch = [encode(f"event-{n}", CallOffered(f"c{n}", "desk", f"+7495000{n:04}", "", "1", clock())) for n in range(2)]
    session.commit()
    note = text("insert into bridge_event (event_id, kind, received_at) values (:event, 'x', now())")
    waiting = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
    codes: list[int] = []
    with db.engine.connect() as other, db.engine.connect() as looking:
        other.execute(text("set local deadlock_timeout = '20s'"))  # so that the desk is the one who gives way
        other.execute(note, {"event": "event-1"})
        delivery = threading.Thread(target=lambda: codes.append(bridge.post({"events": batch}).status_code))
        delivery.start()

        def waits() -> bool:
            looking.rollback()
            return looking.scalar(waiting) == 1

        wait_for(waits)  # has the first event in hand, and wants the second
        other.execute(note, {"event": "event-0"})  # wants the first: a deadlock
        delivery.join(20)
        other.rollback()
    assert codes == [503]
    assert session.scalar(select(func.count(Call.id))) == 0
    session.commit()
    assert bridge.post({"events": batch}).status_code == 200
    assert session.scalar(select(func.count(Call.id))) == 2
