"""How a line stands in the office: its own people, its mode, its ring lengths, and calls that others take."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from sipbridge.events import CallEnded, EndReason, LineChanged, MenuChosen, StandingPlans, from_wire
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls import queries, trace
from webapp.calls.models import Call, LineState
from webapp.clients.models import Client
from webapp.office.models import Line, LinePerson
from webapp.roster.models import Absence
from webapp.touches.models import Touch
from webapp.touches.queries import unfinished


def the_call(session: Session) -> Call:
    session.expire_all()
    return session.scalars(select(Call)).one()


@pytest.fixture
def line(session: Session, on_duty: dict[str, User]) -> Line:
    return session.scalars(select(Line).where(Line.active).order_by(Line.id)).first()  # type: ignore[return-value]


def test_a_line_with_people_of_its_own_rings_them(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge
) -> None:
    vera, boris = on_duty["vera"], on_duty["boris"]
    line.people = [LinePerson(user_id=boris.id, rank=1), LinePerson(user_id=vera.id, rank=0)]
    session.commit()
    plan = bridge.offer("c1", line=line.name)
    assert [step["extensions"] for step in plan["steps"]] == [
        [vera.extension],
        [boris.extension],
        [on_duty["head"].extension],
    ]
    assert "Vera Sokolova, who takes this line's calls" in trace.why(the_call(session))[-1]
    headers = {"Authorization": f"Bearer {bridge.token}"}
    plans = from_wire(StandingPlans, bridge.client.get("/bridge/standing", headers=headers).get_json())
    assert plans.lines[line.name][0].plan.steps[0].extensions == (vera.extension,)


def test_who_is_absent_takes_no_calls_of_the_line_either(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge, clock: Clock
) -> None:
    line.people = [LinePerson(user_id=on_duty["vera"].id), LinePerson(user_id=on_duty["boris"].id)]
    away = Absence(user_id=on_duty["vera"].id, starts_at=clock(), ends_at=clock() + timedelta(hours=1), reason="ill")
    session.add(away)
    session.commit()
    assert bridge.offer("c1", line=line.name)["steps"][0]["extensions"] == [on_duty["boris"].extension]


def test_a_clients_own_manager_comes_first_on_any_line(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge, make_client: Callable[..., Client]
) -> None:
    make_client("Rassvet", "+74951234567", owner_id=on_duty["vera"].id)
    line.people = [LinePerson(user_id=on_duty["boris"].id)]
    session.commit()
    steps = bridge.offer("c1", line=line.name)["steps"]
    assert [step["extensions"] for step in steps[:2]] == [[on_duty["vera"].extension], [on_duty["boris"].extension]]


def test_a_line_has_rings_and_steps_of_its_own(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge
) -> None:
    line.mode, line.ring_seconds, line.step_seconds = "watch", 4.0, 12.0
    session.commit()
    plan = bridge.offer("c1", line=line.name)
    assert (plan["mode"], plan["ring_seconds"], plan["steps"][0]["seconds"]) == ("watch", 4.0, 12.0)


def test_a_watched_call_taken_on_another_phone_leaves_its_row_to_who_is_on_duty(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge, clock: Clock
) -> None:
    line.mode = "watch"
    session.commit()
    bridge.offer("c1", line=line.name)
    bridge.send(CallEnded("c1", EndReason.ANSWERED_ELSEWHERE, 1, 4.0, 0.0, clock.move(seconds=4)))
    call = the_call(session)
    assert not call.is_missed
    assert queries.state_of(call) == "elsewhere"
    assert [touch.call_id for touch in unfinished(session, on_duty["anna"])] == [call.id]


def test_a_watched_call_nobody_took_is_missed(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge, clock: Clock
) -> None:
    line.mode = "watch"
    session.commit()
    bridge.offer("c1", line=line.name)
    bridge.send(CallEnded("c1", EndReason.ABANDONED, 2, 9.0, 0.0, clock.move(seconds=9)))
    assert the_call(session).is_missed
    assert session.scalars(select(Touch)).one().user_id is None


def test_a_call_sent_on_with_302_is_not_missed_and_its_row_stays_with_who_was_meant(
    session: Session, on_duty: dict[str, User], line: Line, bridge: Bridge, clock: Clock
) -> None:
    line.mode = "redirect"
    session.commit()
    bridge.offer("c1", line=line.name)
    bridge.send(CallEnded("c1", EndReason.REDIRECTED, 1, 0.1, 0.0, clock()))
    call = the_call(session)
    assert not call.is_missed
    assert queries.count_missed(session) == 0
    assert queries.state_of(call) == "sent_on"
    assert session.scalars(select(Touch)).one().user_id == on_duty["anna"].id
    assert trace.sentences(session, call)[-1][1] == "The caller was sent on to the manager's telephone."


def test_a_line_says_since_when_and_what_went_wrong_last(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    up = clock()
    bridge.send(LineChanged("desk", True, "registered", up))
    down = clock.move(minutes=1)
    bridge.send(LineChanged("desk", False, "403 Forbidden", down))
    bridge.send(LineChanged("desk", False, "no answer", clock.move(minutes=1)))
    state = session.scalars(select(LineState)).one()
    assert (state.registered, state.since, state.last_error, state.last_error_at) == (
        False,
        down,
        "no answer",
        clock(),
    )
    again = clock.move(minutes=1)
    bridge.send(LineChanged("desk", True, "registered", again), LineChanged("desk", True, "registered", clock()))
    session.expire_all()
    assert (state.registered, state.since, state.last_error) == (True, again, "no answer")


@pytest.mark.parametrize(
    "broken",
    [
        "[never closed",
        "[" * 100_000,
        "null",
        "[]",
        '"x"',
        '{"choices": 5}',
        '{"sound": "menu.wav", "choices": [1, {}, {"digit": ["1"]}, {"digit": "12", "user_ids": []}]}',
        '{"sound": {"a": 1}, "choices": [{"digit": "1", "user_ids": ["a"]}]}',
        '{"sound": "menu.wav", "choices": [{"digit": "1", "title": {}, "user_ids": 5}]}',
        '{"sound": "menu.wav", "choices": [{"digit": "1", "user_ids": [null, -1, 1000000000000000000000]}]}',
    ],
)
def test_a_menu_broken_in_the_database_keeps_no_caller_out(
    session: Session, on_duty: dict[str, User], bridge: Bridge, sign_in: Callable[[str], FlaskClient], broken: str
) -> None:
    if session.get_bind().dialect.name != "sqlite" and broken.count("[") > broken.count("]"):
        pytest.skip("this database refuses what is no JSON")
    session.execute(text("update line set menu = :broken"), {"broken": broken})
    session.commit()
    plan = bridge.offer("c1")
    assert plan["steps"] and all(len(choice["digit"]) == 1 for choice in (plan["menu"] or {}).get("choices", []))
    bridge.send(MenuChosen("c1", "1", bridge.clock()))
    assert the_call(session).menu_digit == "1"
    head, line_id = sign_in("head"), session.scalar(select(Line.id))
    assert head.get(f"/settings/lines?line={line_id}").status_code == 200
