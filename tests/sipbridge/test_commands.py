"""The stream of commands: read as it comes, opened again when it ends, nothing asked twice."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sipbridge import commandlink
from sipbridge.claims import Claims
from sipbridge.commandlink import CommandLink
from sipbridge.deadlines import Deadlines
from sipbridge.events import Command, HangUp, Hold, Resume, encode_command
from tests.sipbridge.standin import Desk, wait_for


@pytest.fixture
def desk() -> Iterator[Desk]:
    stand_in = Desk()
    stand_in.token = "secret"
    yield stand_in.start()
    stand_in.stop()


class Ear:
    """A link and what it heard."""

    def __init__(self, address: tuple[str, int], kept: Path, token: str) -> None:
        self.heard: list[tuple[str, Command]] = []
        self.changes: list[float] = []
        self.link = CommandLink(
            *(address, token, kept, lambda command_id, command: self.heard.append((command_id, command))),
            lambda: self.changes.append(time.monotonic()),
        )
        self.link.start()

    def hears(self, *commands: Command) -> None:
        wait_for(lambda: len(self.heard) >= len(commands), 5, f"{len(commands)} commands, got {self.heard}")
        assert [command for _, command in self.heard] == list(commands)


@pytest.fixture
def ear(desk: Desk, tmp_path: Path) -> Iterator[Ear]:
    one = Ear(desk.address, tmp_path / "last", desk.token)
    yield one
    one.link.stop(3)


def test_commands_come_in_their_order(desk: Desk, ear: Ear, tmp_path: Path) -> None:
    wait_for(lambda: desk.listening, 5, "a listening bridge")
    desk.ask(Hold("c1"))
    desk.ask(Resume("c1"))
    ear.hears(Hold("c1"), Resume("c1"))
    assert [command_id for command_id, _ in ear.heard] == ["1", "2"]
    assert (tmp_path / "last").read_text() == "2"


def test_the_word_of_a_change_is_no_command(desk: Desk, ear: Ear) -> None:
    wait_for(lambda: desk.listening, 5, "a listening bridge")
    desk.changes += 1
    wait_for(lambda: ear.changes, 5, "the word of a change")
    desk.ask(Hold("c1"))
    ear.hears(Hold("c1"))
    assert len(ear.changes) == 1


def test_after_a_pause_of_the_desk_it_goes_on_where_it_was(desk: Desk, ear: Ear) -> None:
    desk.ask(Hold("c1"))
    ear.hears(Hold("c1"))
    desk.stop()
    desk.ask(Resume("c1"))
    desk.start()
    ear.hears(Hold("c1"), Resume("c1"))
    assert desk.streams_opened == ["", "1"]


def test_a_fresh_link_goes_on_where_the_old_one_was(desk: Desk, ear: Ear, tmp_path: Path) -> None:
    desk.ask(Hold("c1"))
    ear.hears(Hold("c1"))
    ear.link.stop(3)
    assert not ear.link.thread.is_alive()
    another = Ear(desk.address, tmp_path / "last", desk.token)
    desk.ask(HangUp("c1"))
    another.hears(HangUp("c1"))
    another.link.stop(3)


def test_what_can_not_be_read_is_passed_over(desk: Desk, ear: Ear) -> None:
    desk.commands += ["no json", '{"command_id": "2", "kind": "Explode", "data": {}}', '{"kind": "Hold"}', "[" * 5000]
    desk.commands.append(json.dumps(encode_command("5", Hold("c1"))))
    ear.hears(Hold("c1"))


@pytest.mark.parametrize("token", ["wrong", ""])
def test_a_desk_that_refuses_is_asked_again_and_again(desk: Desk, tmp_path: Path, token: str) -> None:
    one = Ear(desk.address, tmp_path / "last", token)
    wait_for(lambda: desk.connections >= 2, 5, "another try")
    assert one.heard == [] and one.link.thread.is_alive()
    one.link.stop(3)


def test_a_desk_that_falls_silent_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers, and then never says another word: another connection is made, by the same living thread."""
    monkeypatch.setattr(commandlink, "READ_TIMEOUT", 0.3)
    came: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n\n")
                came.append(connection)

        threading.Thread(target=answer, daemon=True).start()
        one = Ear(server.getsockname(), tmp_path / "last", "")
        wait_for(lambda: len(came) == 2, 5, "a second connection")
        assert one.link.beat > time.monotonic() - 1.0
        one.link.stop(3)
        for connection in came:
            connection.close()


def test_one_bridge_of_several_places_a_call(tmp_path: Path) -> None:
    one, other = Claims(tmp_path / "claims"), Claims(tmp_path / "claims")
    now = datetime.now(UTC)
    assert one.take("a", now) and not other.take("a", now) and other.take("b", now)
    assert one.take("c", now + timedelta(hours=2))
    assert [path.name for path in (tmp_path / "claims").iterdir()] == [], "old ones are forgotten"


def test_deadlines_are_told_once_and_the_last_word_counts() -> None:
    deadlines = Deadlines()
    assert deadlines.take(1e9) is None
    deadlines.set("a", 5.0)
    deadlines.set("b", 3.0)
    deadlines.set("a", 2.0)
    assert deadlines.next == 2.0 and deadlines.take(1.9) is None
    assert [deadlines.take(4.0), deadlines.take(4.0)] == ["a", "b"]
    assert deadlines.take(9.0) is None
    deadlines.set("a", 6.0)
    deadlines.set("a", None)
    assert deadlines.take(9.0) is None
