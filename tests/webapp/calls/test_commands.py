"""The stream of commands over real HTTP: at once, in order, once, never late, and only to who holds the token."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from sipbridge.events import BridgeStarted, Directory, Hold, Resume, decode_command, from_wire
from tests.webapp.calls.conftest import Bridge
from tests.webapp.conftest import Clock
from tests.webapp.test_feed import address
from webapp.accounts import softphones
from webapp.accounts.models import User
from webapp.calls import control
from webapp.calls.models import BridgeCommand, BridgeStatus
from webapp.feed import Feed

__all__ = ["address"]


class Stream:
    """The bridge's end of the stream."""

    def __init__(self, address: tuple[str, int], token: str, **headers: str) -> None:
        self.connection = http.client.HTTPConnection(*address, timeout=8)
        self.connection.request("GET", "/bridge/commands", headers={"Authorization": f"Bearer {token}", **headers})
        self.answer = self.connection.getresponse()

    def lines(self) -> Iterator[str]:
        while line := self.answer.readline():
            yield line.decode().rstrip("\n")

    def next(self) -> tuple[str, Any]:
        """(id of the event, command); raises TimeoutError when none comes."""
        identity, until = "", time.monotonic() + 8
        for line in self.lines():
            if time.monotonic() > until:  # the stream is alive, and silent
                raise TimeoutError
            if line.startswith("id: "):
                identity = line[4:]
            if line.startswith("data: "):
                command_id, command = decode_command(json.loads(line[6:]))
                assert command_id == identity
                return identity, command
        raise AssertionError("the stream ended")

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


def test_a_command_is_heard_at_once(
    app: Flask, session: Session, office: dict[str, User], address: tuple[str, int], clock: Clock
) -> None:
    stream = Stream(address, app.config["BRIDGE_TOKEN"])
    assert stream.answer.status == 200
    assert stream.answer.headers["content-type"].startswith("text/event-stream")
    took = []
    for _ in range(9):
        control.ask(session, Hold("c1"), office["anna"], clock())
        session.commit()
        begun = time.perf_counter()
        assert stream.next()[1] == Hold("c1")
        took.append(time.perf_counter() - begun)
    assert sorted(took)[4] < 0.1, took  # not the poll's quarter of a second
    stream.close()


def test_commands_come_in_order_and_after_a_loss_only_the_rest(
    app: Flask, session: Session, office: dict[str, User], address: tuple[str, int], clock: Clock
) -> None:
    token = app.config["BRIDGE_TOKEN"]
    for call in ("c1", "c2", "c3"):
        control.ask(session, Hold(call), office["anna"], clock())
        session.commit()
    stream = Stream(address, token)
    heard = [stream.next() for _ in range(3)]
    assert [command.call_id for _, command in heard] == ["c1", "c2", "c3"]
    stream.close()
    again = Stream(address, token, **{"Last-Event-ID": heard[1][0]})
    assert again.next() == heard[2]
    again.close()


def test_a_command_that_became_too_old_is_never_sent(
    app: Flask, session: Session, office: dict[str, User], address: tuple[str, int], clock: Clock
) -> None:
    control.ask(session, Hold("late"), office["anna"], clock())
    clock.move(seconds=10.5)
    control.ask(session, Resume("fresh"), office["anna"], clock())
    session.commit()
    for heard in ({}, {"Last-Event-ID": "0"}):
        stream = Stream(address, app.config["BRIDGE_TOKEN"], **heard)
        assert stream.next()[1] == Resume("fresh")
        stream.close()


@pytest.mark.parametrize("heard", ["999999", "nonsense", "-1", "9" * 30])
def test_an_id_of_another_time_hides_nothing(
    app: Flask, session: Session, office: dict[str, User], address: tuple[str, int], clock: Clock, heard: str
) -> None:
    stream = Stream(address, app.config["BRIDGE_TOKEN"], **{"Last-Event-ID": heard})
    control.ask(session, Hold("c1"), None, clock())
    session.commit()
    assert stream.next()[1] == Hold("c1")
    stream.close()


def test_a_quiet_stream_says_that_it_lives(app: Flask, office: dict[str, User], address: tuple[str, int]) -> None:
    stream = Stream(address, app.config["BRIDGE_TOKEN"])
    assert ": still here" in stream.lines()
    stream.close()


@pytest.mark.parametrize("token", ["", "wrong", "ключ"])
def test_a_stranger_hears_nothing(app: Flask, office: dict[str, User], address: tuple[str, int], token: str) -> None:
    connection = http.client.HTTPConnection(*address, timeout=8)
    headers = {"Authorization": f"Bearer {token}".encode()} if token else {}
    connection.request("GET", "/bridge/commands", headers=headers)
    assert connection.getresponse().status == 401
    connection.close()


def test_a_rolled_back_command_was_never_asked(
    app: Flask, session: Session, office: dict[str, User], address: tuple[str, int], clock: Clock
) -> None:
    stream = Stream(address, app.config["BRIDGE_TOKEN"])
    control.ask(session, Hold("ghost"), office["anna"], clock())
    session.rollback()
    control.ask(session, Hold("real"), office["anna"], clock())
    session.commit()
    assert stream.next()[1] == Hold("real")
    stream.close()


def test_old_commands_are_forgotten(session: Session, office: dict[str, User], clock: Clock) -> None:
    control.ask(session, Hold("old"), office["anna"], clock())
    clock.move(days=3)
    control.ask(session, Hold("new"), office["anna"], clock())
    session.commit()
    assert control.prune(session, clock()) == 1
    assert session.scalars(select(BridgeCommand.call_id)).all() == ["new"]


def test_the_directory_and_its_version(session: Session, office: dict[str, User], bridge: Bridge, clock: Clock) -> None:
    headers = {"Authorization": f"Bearer {bridge.token}"}
    before = bridge.send()["directory"]
    softphones.make_secret(session, office["anna"], clock())
    session.commit()
    said = bridge.send()["directory"]
    directory = from_wire(Directory, bridge.client.get("/bridge/directory", headers=headers).get_json())
    assert before != said == directory.version
    assert (set(directory.users), directory.realm) == ({"anna"}, softphones.REALM)
    assert bridge.client.get("/bridge/directory").status_code == 401


def test_two_bridges_keep_apart(session: Session, office: dict[str, User], bridge: Bridge, clock: Clock) -> None:
    for name, calls in (("", 1), ("east", 2), ("east", 3)):
        assert bridge.post({"events": [], "status": {"name": name, "calls": calls}}).status_code == 200
    rows = session.scalars(select(BridgeStatus).order_by(BridgeStatus.id)).all()
    assert [(row.name, row.status["calls"]) for row in rows] == [("", 1), ("east", 3)]


@pytest.mark.parametrize("status", [{"name": 5}, {"name": "x" * 500}, [], "text", None])
def test_a_strange_status_harms_nothing(
    session: Session, office: dict[str, User], bridge: Bridge, status: object
) -> None:
    assert bridge.post({"events": [], "status": status}).status_code == 200


def test_a_start_of_the_bridge_is_told_to_the_heads(
    session: Session, office: dict[str, User], bridge: Bridge, clock: Clock
) -> None:
    bridge.send(BridgeStarted("a thread hung", clock()))
    row = session.scalars(select(BridgeStatus)).one()
    assert (row.started_at, row.ended_why) == (clock(), "a thread hung")
    told = session.scalars(select(Feed.user_id).where(Feed.kind == "office")).all()
    assert told == [office["head"].id]
