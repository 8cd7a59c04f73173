"""A missed call is closed by a talk with its number, whoever rang and by whichever line, or by a reason (D22)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import ApologyStarted, CallAnswered, CallEnded, CallTransferred, EndReason
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from webapp.accounts.models import User
from webapp.calls import missed
from webapp.calls.models import Call, CallTrace
from webapp.clients.models import Client
from webapp.office.models import Line
from webapp.tasks.models import Task
from webapp.touches.models import Touch

NUMBER = "+74951234567"


@pytest.fixture
def lost(on_duty: dict[str, User], bridge: Bridge, session: Session, clock: Clock) -> Call:
    """He rang, heard the apology, and nobody spoke."""
    bridge.offer("lost")
    bridge.send(
        ApologyStarted("lost", clock.move(seconds=30)), CallEnded("lost", EndReason.NO_ANSWER, 4, 20.0, 0.0, clock())
    )
    call = session.scalars(select(Call).where(Call.call_id == "lost")).one()
    clock.move(minutes=10)
    return call


def standing(session: Session, call: Call) -> tuple[str, str]:
    """How the call was closed, and by whom: ("", "") while it waits."""
    session.expire_all()
    return call.missed_how, call.missed_closed_by.login if call.missed_closed_by else ""


def promises(session: Session) -> list[bool]:
    return [task.done_at is not None for task in session.scalars(select(Task).where(Task.kind == "promise"))]


def rings_again(bridge: Bridge, user: User, clock: Clock, line: str = "desk", talked: float = 40.0) -> None:
    bridge.offer("again", line=line)
    bridge.send(CallAnswered("again", user.extension, 2, 7.0, clock.move(seconds=7)))
    bridge.send(CallEnded("again", EndReason.COMPLETED, 2, 7.0, talked, clock.move(seconds=talked)))


@pytest.mark.parametrize("line", ["desk", "second"])
def test_a_talk_when_they_ring_again_closes_by_any_line(
    lost: Call, bridge: Bridge, office: dict[str, User], session: Session, clock: Clock, line: str
) -> None:
    session.add(Line(name="second", title="Second"))
    session.commit()
    rings_again(bridge, office["boris"], clock, line)
    assert standing(session, lost) == ("in", "boris")
    assert promises(session) == [True]


def test_a_talk_that_is_passed_on_closes_once(
    lost: Call, bridge: Bridge, office: dict[str, User], session: Session, clock: Clock
) -> None:
    bridge.offer("again")
    bridge.send(CallAnswered("again", office["anna"].extension, 2, 7.0, clock.move(seconds=7)))
    bridge.send(CallTransferred("again", office["boris"].extension, clock.move(seconds=7)))
    bridge.send(CallEnded("again", EndReason.COMPLETED, 2, 7.0, 30.0, clock.move(seconds=30)))
    assert standing(session, lost) == ("in", "anna")
    kinds = session.scalars(select(CallTrace.kind).where(CallTrace.call_id == lost.id)).all()
    assert kinds.count("made_good") == 1


def test_picked_up_and_gone_before_a_word_closes_nothing(
    lost: Call, bridge: Bridge, office: dict[str, User], session: Session, clock: Clock
) -> None:
    rings_again(bridge, office["anna"], clock, talked=0.2)
    assert standing(session, lost) == ("", "") and promises(session) == [False]
    assert session.scalars(select(CallTrace.kind).where(CallTrace.call_id == lost.id)).all()[-1] == "waits_again"


def test_another_missed_call_closes_nothing(lost: Call, bridge: Bridge, session: Session, clock: Clock) -> None:
    bridge.offer("again")
    bridge.send(CallEnded("again", EndReason.ABANDONED, 2, 9.0, 0.0, clock.move(seconds=9)))
    assert standing(session, lost) == ("", "")
    [waiting] = missed.longest_waiting(session, 50)[0]
    assert [call.call_id for call in waiting.calls] == ["again", "lost"]


def test_a_call_that_ends_while_we_speak_with_him_by_another_waits_for_nobody(
    on_duty: dict[str, User], bridge: Bridge, session: Session, clock: Clock
) -> None:
    bridge.offer("lost")
    clock.move(seconds=5)
    bridge.offer("again")
    bridge.send(CallAnswered("again", on_duty["anna"].extension, 2, 7.0, clock.move(seconds=7)))
    bridge.send(CallEnded("lost", EndReason.ABANDONED, 2, 12.0, 0.0, clock.move(seconds=1)))
    lost = session.scalars(select(Call).where(Call.call_id == "lost")).one()
    assert standing(session, lost) == ("in", "anna")


def test_a_talk_without_a_word_hides_no_later_one_from_a_call_that_ends_after_both(
    bridge: Bridge, on_duty: dict[str, User], session: Session, clock: Clock
) -> None:
    bridge.offer("lost")
    rings_again(bridge, on_duty["anna"], clock, talked=0.3)
    bridge.offer("once more")
    bridge.send(CallAnswered("once more", on_duty["boris"].extension, 1, 2.0, clock.move(seconds=2)))
    bridge.send(CallEnded("lost", EndReason.ABANDONED, 4, 20.0, 0.0, clock.move(seconds=5)))
    assert standing(session, session.scalars(select(Call).where(Call.call_id == "lost")).one()) == ("in", "boris")


def test_what_a_talk_without_a_word_had_closed_is_closed_by_one_that_goes_on_beside_it(
    lost: Call, bridge: Bridge, office: dict[str, User], session: Session, clock: Clock
) -> None:
    bridge.offer("silent")
    bridge.offer("spoken")
    bridge.send(CallAnswered("silent", office["anna"].extension, 1, 2.0, clock.move(seconds=2)))
    bridge.send(CallAnswered("spoken", office["boris"].extension, 1, 2.3, clock.move(seconds=0.3)))
    bridge.send(CallEnded("silent", EndReason.COMPLETED, 1, 2.0, 0.6, clock.move(seconds=0.3)))
    assert standing(session, lost) == ("in", "boris")
    assert promises(session) == [True]


def test_who_is_missed_after_a_talk_goes_on_waiting(
    lost: Call, office: dict[str, User], session: Session, clock: Clock
) -> None:
    earlier = lost.offered_at - timedelta(minutes=1)
    missed.make_good(session, NUMBER, office["anna"], "out", earlier, clock())  # the bridge tells of it only now
    session.commit()
    assert standing(session, lost) == ("", "") and promises(session) == [False]


def test_a_reason_closes_all_calls_of_the_number(
    lost: Call, bridge: Bridge, office: dict[str, User], session: Session, clock: Clock
) -> None:
    bridge.offer("again")
    bridge.offer("other", number="+74957654321")
    bridge.send(
        CallEnded("again", EndReason.ABANDONED, 2, 9.0, 0.0, clock.move(seconds=9)),
        CallEnded("other", EndReason.ABANDONED, 2, 9.0, 0.0, clock()),
    )
    again = session.scalars(select(Call).where(Call.call_id == "again")).one()
    assert missed.close(session, again, "  A  robot ", office["anna"], clock()) is None
    session.commit()
    assert [standing(session, call) for call in (lost, again)] == [("reason", "anna")] * 2
    assert lost.missed_reason == "A robot" and lost.missed_closed_at == again.missed_closed_at
    assert [waiting.number for waiting in missed.longest_waiting(session, 50)[0]] == ["+74957654321"]
    assert missed.close(session, again, "Later", office["boris"], clock()) is not None
    assert standing(session, again) == ("reason", "anna")


# The same matter


def touch_of(session: Session, call_id: str) -> Touch:
    return session.scalars(select(Touch).join(Call, Call.id == Touch.call_id).where(Call.call_id == call_id)).one()


def test_who_rings_again_goes_on_with_what_was_written(
    lost: Call, bridge: Bridge, office: dict[str, User], session: Session, clock: Clock
) -> None:
    row = touch_of(session, "lost")
    row.user_id, row.saved_at, row.note, row.draft = office["anna"].id, clock(), "asks for doors", {"name": "Dawn"}
    session.commit()
    bridge.offer("again")
    again = touch_of(session, "again")
    assert again.call and again.call.situation == "was_missed"
    assert (again.follows_id, again.note, again.draft["name"]) == (row.id, "asks for doors", "Dawn")
    bridge.send(CallAnswered("again", office["boris"].extension, 2, 7.0, clock.move(seconds=7)))
    session.expire_all()
    assert row.user_id is None and again.user_id == office["boris"].id
    bridge.send(CallEnded("again", EndReason.COMPLETED, 2, 7.0, 60.0, clock.move(seconds=60)))
    bridge.offer("third")
    assert touch_of(session, "third").follows_id is None, "who was spoken with begins anew"


def test_the_card_found_meanwhile_goes_along(
    lost: Call,
    bridge: Bridge,
    office: dict[str, User],
    session: Session,
    clock: Clock,
    make_client: Callable[..., Client],
) -> None:
    row, card = touch_of(session, "lost"), make_client("Dawn", "+7 495 000-00-01")
    row.client_id = card.id
    session.commit()
    bridge.offer("again")
    again = touch_of(session, "again")
    assert (again.client_id, again.name_known) == (card.id, True)
    assert again.call and again.call.client_id == card.id


def test_another_card_of_the_number_is_another_matter(
    on_duty: dict[str, User], bridge: Bridge, session: Session, clock: Clock, make_client: Callable[..., Client]
) -> None:
    make_client("Rassvet", NUMBER)
    bridge.offer("lost")
    bridge.send(CallEnded("lost", EndReason.ABANDONED, 2, 9.0, 0.0, clock.move(seconds=9)))
    row = touch_of(session, "lost")
    row.client_id, row.note = make_client("Dawn", "+7 495 000-00-01").id, "asks for doors"
    session.commit()
    bridge.offer("again")
    again = touch_of(session, "again")
    assert (again.follows_id, again.note) == (None, "")
