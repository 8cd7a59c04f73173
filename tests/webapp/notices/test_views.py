"""Calls for attention: each user's own choice, and words for his own rows of the feed alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sipbridge.events import CallAnswered, CallEnded, EndReason, LegRinging, LineChanged
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from webapp import feed
from webapp.accounts.models import User
from webapp.clients.models import Client
from webapp.feed import Feed
from webapp.notices import choices
from webapp.tasks.models import Task
from webapp.tasks.overdue import tell_overdue

SignIn = Callable[[str], FlaskClient]


def last_row(session: Session, user: User, kind: str) -> int:
    query = select(Feed.id).where(Feed.user_id == user.id, Feed.kind == kind).order_by(Feed.id.desc()).limit(1)
    return session.scalars(query).one()


def told(client: FlaskClient, session: Session, user: User, kind: str) -> list[dict[str, Any]]:
    """What the newest row of this kind has to tell."""
    answer = client.get(f"/notices/{last_row(session, user, kind)}")
    assert answer.status_code == 200
    notices: list[dict[str, Any]] = answer.get_json()["notices"]
    return notices


def test_a_call_that_rings_me_and_only_while_it_does(
    on_duty: dict[str, User],
    bridge: Bridge,
    sign_in: SignIn,
    clock: Clock,
    session: Session,
    make_client: Callable[..., Client],
) -> None:
    make_client("Rassvet", "+7 495 123-45-67")
    anna, me = sign_in("anna"), on_duty["anna"]
    bridge.offer("one")
    bridge.send(LegRinging("one", me.extension, 0, clock()))
    first = told(anna, session, me, "call")
    assert [(one["event"], one["title"], one["url"]) for one in first] == [("call", "Rassvet", "/desk")]
    assert "rings you" in first[0]["body"]
    assert told(anna, session, me, "call")[0]["key"] == first[0]["key"], "the same event has the same key"
    bridge.send(CallAnswered("one", me.extension, 1, 3.0, clock()))
    assert told(anna, session, me, "call") == []


def test_a_call_that_rings_a_colleague_is_no_business_of_mine(
    on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    bridge.offer("one")
    bridge.send(LegRinging("one", on_duty["anna"].extension, 0, clock()))
    row = last_row(session, on_duty["anna"], "call")
    assert sign_in("boris").get(f"/notices/{row}").status_code == 404
    feed.announce(session, [on_duty["boris"].id], "call", 1, clock())
    session.commit()
    assert told(sign_in("boris"), session, on_duty["boris"], "call") == []


def test_bad_rows_and_strangers(sign_in: SignIn, office: dict[str, User], app: Flask, session: Session) -> None:
    anna = sign_in("anna")
    assert anna.get("/notices/999").status_code == 404
    assert anna.get("/notices/x").status_code == 404
    assert "/login" in app.test_client().get("/notices/1").headers["Location"]
    assert "/login" in app.test_client().post("/notices").headers["Location"]
    feed.announce(session, [office["anna"].id], "call", "not a number", app.config["CLOCK"]())
    session.commit()
    assert told(anna, session, office["anna"], "call") == []


def test_the_head_hears_of_what_was_missed_and_managers_do_not(
    on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    bridge.offer("one")
    bridge.send(CallEnded("one", EndReason.ABANDONED, 3, 15.0, 0.0, clock()))
    head = told(sign_in("head"), session, on_duty["head"], "tasks")
    assert [(one["event"], one["body"], one["url"]) for one in head] == [("missed", "+7 495 123-45-67", "/calls/1")]
    assert told(sign_in("anna"), session, on_duty["anna"], "tasks") == []


def test_a_broken_promise_is_told_to_whoever_made_it_and_to_the_head(
    on_duty: dict[str, User], sign_in: SignIn, clock: Clock, session: Session
) -> None:
    mine = {"user_id": on_duty["anna"].id, "number": "+74951234567", "due_at": clock(), "created_at": clock()}
    session.add(Task(kind="promise", **mine))
    session.commit()
    clock.move(minutes=1)
    tell_overdue(session, clock())
    session.commit()
    anna = told(sign_in("anna"), session, on_duty["anna"], "tasks")
    assert [(one["event"], one["title"]) for one in anna] == [("due", "You promised to call")]
    clock.move(minutes=10)  # she had as long again to mend it
    tell_overdue(session, clock())
    session.commit()
    head = told(sign_in("head"), session, on_duty["head"], "tasks")
    assert [(one["event"], one["url"]) for one in head] == [("promise", "/now")]
    assert "Anna Petrova" in head[0]["body"] and anna[0]["key"] == head[0]["key"]
    session.execute(update(Task).values(done_at=clock()))
    session.commit()
    assert told(sign_in("head"), session, on_duty["head"], "tasks") == []


def test_nobody_on_duty_and_a_line_that_is_down(
    office: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    head = sign_in("head")
    bridge.offer("one")
    assert "gap" in [one["event"] for one in told(head, session, office["head"], "tasks")]
    bridge.send(LineChanged("desk", False, "503", clock()))
    line = told(head, session, office["head"], "office")
    assert [(one["event"], one["url"]) for one in line] == [("line", "/telephones")]
    bridge.send(LineChanged("desk", True, "", clock()))
    assert told(head, session, office["head"], "office") == []


def test_what_happened_long_ago_is_not_told(
    on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    bridge.offer("one")
    bridge.send(CallEnded("one", EndReason.ABANDONED, 3, 15.0, 0.0, clock()))
    feed.announce(session, [on_duty["head"].id], "tasks", "", clock() + timedelta(minutes=10))
    session.commit()
    assert told(sign_in("head"), session, on_duty["head"], "tasks") == []


def test_each_user_chooses_for_himself(office: dict[str, User], sign_in: SignIn, session: Session) -> None:
    head = sign_in("head")
    page = head.get("/me").get_data(as_text=True)
    assert 'id="notice-missed"' in page and 'id="notices"' in page
    answer = head.post("/notices", data={"popups": "on", "events": ["missed", "line", "nonsense"]})
    assert answer.status_code == 200 and "Saved." in answer.get_data(as_text=True)
    session.expire_all()
    assert choices.chosen(office["head"]) == ["missed", "line"]
    assert (office["head"].sound, office["head"].popups) == (False, True)
    assert choices.chosen(office["anna"]) == ["call", "due"], "others keep their own"
    body = head.get("/me").get_data(as_text=True).split("<body")[1].split(">")[0]
    assert 'data-notices="missed line"' in body and "data-popups" in body and "data-sound" not in body


def test_what_is_not_chosen_is_not_told(
    on_duty: dict[str, User], bridge: Bridge, sign_in: SignIn, clock: Clock, session: Session
) -> None:
    anna, me = sign_in("anna"), on_duty["anna"]
    anna.post("/notices", data={"sound": "on", "popups": "on", "events": ["due"]})
    bridge.offer("one")
    bridge.send(LegRinging("one", me.extension, 0, clock()))
    assert told(anna, session, me, "call") == []
    anna.post("/notices", data={"events": ["call", "due"]})
    session.expire_all()
    assert choices.chosen(me) == [], "with neither sound nor notification there is nothing to tell"


def test_a_manager_is_not_offered_what_is_the_heads(office: dict[str, User], sign_in: SignIn, session: Session) -> None:
    anna = sign_in("anna")
    page = anna.get("/me").get_data(as_text=True)
    assert 'id="notice-call"' in page and 'id="notice-missed"' not in page
    anna.post("/notices", data={"sound": "on", "events": ["call", "missed"]})
    session.expire_all()
    assert choices.chosen(office["anna"]) == ["call"]
