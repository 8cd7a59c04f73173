"""The one key on the desk: away and back, typed minutes, and the writing down of a talk that ends with its row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import CallAnswered, CallEnded, EndReason
from tests.webapp.calls.conftest import Bridge, bridge, make_client, on_duty
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.presence.models import Presence
from webapp.roster.models import Absence, Shift
from webapp.tasks.models import Task
from webapp.tasks.queries import title
from webapp.touches import closing
from webapp.touches.models import Touch

__all__ = ["bridge", "make_client", "on_duty"]
SignIn = Callable[[str], FlaskClient]


def mine(session: Session, user: User) -> Presence:
    session.expire_all()
    return session.get_one(Presence, user.id)


def test_one_key_says_away_and_the_next_says_back(
    session: Session, office: dict[str, User], sign_in: SignIn, clock: Clock
) -> None:
    anna = sign_in("anna")
    shown = anna.post("/presence/away", data={"minutes": "20"})
    assert shown.status_code == 200
    assert "You are away until 12:20" in shown.get_data(as_text=True)
    assert mine(session, office["anna"]).back_at == clock() + timedelta(minutes=20)
    assert "You are away" in anna.get("/desk").get_data(as_text=True)
    assert "Away</button>" in anna.post("/presence/back").get_data(as_text=True)
    assert mine(session, office["anna"]).state == "here"


def test_without_minutes_he_is_away_until_he_says_so(
    session: Session, office: dict[str, User], sign_in: SignIn
) -> None:
    assert "You are away<" in sign_in("anna").post("/presence/away", data={"minutes": ""}).get_data(as_text=True)
    assert mine(session, office["anna"]).back_at is None


def test_the_last_one_on_duty_is_told_that_nobody_is_left(
    session: Session, on_duty: dict[str, User], sign_in: SignIn, clock: Clock
) -> None:
    anna = sign_in("anna")
    assert "Nobody else is on duty" in anna.post("/presence/away").get_data(as_text=True)
    assert mine(session, on_duty["anna"]).state == "away"
    assert "Nobody else is on duty" not in sign_in("boris").post("/presence/away").get_data(as_text=True)
    session.add(Shift(user_id=on_duty["vera"].id, starts_at=clock(), ends_at=clock() + timedelta(hours=1)))
    session.commit()
    assert "Nobody else is on duty" not in anna.get("/desk").get_data(as_text=True)


def test_the_key_that_says_back_ends_an_absence_too(
    session: Session, on_duty: dict[str, User], sign_in: SignIn, clock: Clock
) -> None:
    ends = clock() + timedelta(minutes=40)
    session.add(Absence(user_id=on_duty["anna"].id, kind="meeting", starts_at=clock(), ends_at=ends))
    session.commit()
    clock.move(minutes=10)
    anna = sign_in("anna")
    assert "You are away until today 12:40" in anna.get("/desk").get_data(as_text=True)
    assert "Away</button>" in anna.post("/presence/back").get_data(as_text=True)
    assert session.scalars(select(Absence.ends_at)).one() == clock()


@pytest.mark.parametrize("typed", ["0", "-5", "soon", "601", "1e3", "٢"])
def test_minutes_that_are_none_are_said_and_kept(
    session: Session, office: dict[str, User], sign_in: SignIn, typed: str
) -> None:
    answer = sign_in("anna").post("/presence/away", data={"minutes": typed})
    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.get_data(as_text=True)
    assert session.get(Presence, office["anna"].id) is None


def test_who_sees_no_desk_has_no_key(sign_in: SignIn) -> None:
    assert sign_in("admin").post("/presence/away").status_code == 403


def test_who_is_away_is_not_rung_and_the_standing_plan_leaves_him_out(
    session: Session, on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn
) -> None:
    sign_in("anna").post("/presence/away", data={"minutes": "30"})
    assert on_duty["anna"].extension not in str(bridge.offer("c1"))
    headers = {"Authorization": f"Bearer {bridge.token}"}
    plans = bridge.client.get("/bridge/standing", headers=headers).get_json()["lines"]["desk"]
    assert on_duty["anna"].extension not in str(plans[0]["plan"])
    assert on_duty["anna"].extension in str(plans[1]["plan"])


def talked(bridge: Bridge, clock: Clock, who: User, call_id: str = "c1") -> None:
    """A call is offered, answered by `who`, and ends."""
    bridge.offer(call_id)
    bridge.send(CallAnswered(call_id, who.extension, 1, 4.0, clock.move(seconds=4)))
    bridge.send(CallEnded(call_id, EndReason.COMPLETED, 1, 4.0, 60.0, clock.move(seconds=60)))


def test_after_a_talk_he_rests_until_the_row_is_closed(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock, sign_in: SignIn
) -> None:
    anna = on_duty["anna"]
    talked(bridge, clock, anna)
    assert mine(session, anna).wrap_up_until == clock() + timedelta(seconds=60)
    assert "Writing down the talk until 12:02:04" in sign_in("anna").get("/desk").get_data(as_text=True)
    # Boris, free, comes first; Anna is still rung, after him.
    steps = [step["extensions"] for step in bridge.offer("c2", number="+74957654321")["steps"]]
    assert steps[:2] == [[on_duty["boris"].extension], [anna.extension]]
    touch = session.scalars(select(Touch).order_by(Touch.id)).first()
    assert touch is not None
    closing.finish(session, touch, anna.id, clock())
    session.commit()
    assert mine(session, anna).wrap_up_until is None


def test_the_clients_manager_finds_one_note_of_the_call_a_colleague_answered(
    session: Session,
    on_duty: dict[str, User],
    bridge: Bridge,
    clock: Clock,
    make_client: Callable[..., Client],
    sign_in: SignIn,
) -> None:
    """D14: he was away; Anna answered for him."""
    vera = on_duty["vera"]
    client = make_client("Rassvet", "+74951234567", owner_id=vera.id)
    sign_in("vera").post("/presence/away")
    talked(bridge, clock, on_duty["anna"])
    bridge.send(CallEnded("c1", EndReason.COMPLETED, 1, 4.0, 60.0, clock()))
    note = session.scalars(select(Task).where(Task.kind == "note")).one()
    assert (note.user_id, note.client_id, note.number) == (vera.id, client.id, "+74951234567")
    assert title(note) == "rang today 12:00 on line Sales desk; Anna Petrova answered for you"
    page = sign_in("vera").get("/desk").get_data(as_text=True)
    assert "Rassvet" in page
    assert "Anna Petrova answered for you" in page


def test_who_took_his_own_call_gets_no_note(
    session: Session, on_duty: dict[str, User], bridge: Bridge, clock: Clock, make_client: Callable[..., Client]
) -> None:
    make_client("Rassvet", "+74951234567", owner_id=on_duty["vera"].id)
    talked(bridge, clock, on_duty["vera"])
    talked(bridge, clock, on_duty["anna"], "c2")
    assert [task.user_id for task in session.scalars(select(Task).where(Task.kind == "note"))] == [on_duty["vera"].id]
    assert session.scalars(select(Task).where(Task.kind == "note")).one().call_id == 2


def test_a_missed_call_leaves_no_note(session: Session, office: dict[str, User], bridge: Bridge, clock: Clock) -> None:
    """Nobody spoke with the caller: that is a missed call, and no note."""
    bridge.offer("c1")
    bridge.send(CallEnded("c1", EndReason.ABANDONED, 2, 9.0, 0.0, clock.move(seconds=9)))
    assert not session.scalars(select(Task).where(Task.kind == "note")).all()
