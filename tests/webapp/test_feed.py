"""The live stream over real HTTP: one's own announcements only, replay after a loss, strangers outside."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator

import pytest
import uvicorn
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, insert, text
from sqlalchemy.orm import Session

from tests.e2e.installation import wait_for
from tests.ports import free_port
from tests.webapp.conftest import Clock
from webapp import feed
from webapp.accounts.models import User
from webapp.asgi import make_asgi


@pytest.fixture
def address(app: Flask) -> Iterator[tuple[str, int]]:
    """The app served by a real server on a free port."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(make_asgi(app), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_for(lambda: server.started)
    yield "127.0.0.1", port
    server.should_exit = server.force_exit = True
    thread.join(10)
    assert not thread.is_alive()


class Stream:
    """One reader of server-sent events."""

    def __init__(self, address: tuple[str, int], path: str = "/events", **headers: str) -> None:
        self.connection = http.client.HTTPConnection(*address, timeout=8)
        self.connection.request("GET", path, headers=headers)
        self.answer = self.connection.getresponse()

    def next(self) -> tuple[str, str, str]:
        """(id, kind, ref) of the next event; raises TimeoutError when none comes."""
        event: dict[str, str] = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if not line and "id" in event:
                return event["id"], event["event"], event["data"]
            name, _, value = line.partition(": ")
            if name:
                event[name] = value

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


def cookie_of(client: FlaskClient, app: Flask) -> str:
    cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    return f"{cookie.key}={cookie.value}"


def test_i_hear_what_is_mine_and_at_once(
    app: Flask,
    session: Session,
    office: dict[str, User],
    sign_in: Callable[[str], FlaskClient],
    address: tuple[str, int],
    clock: Clock,
) -> None:
    stream = Stream(address, Cookie=cookie_of(sign_in("anna"), app))
    assert stream.answer.status == 200
    feed.announce(session, [office["boris"].id], "call", 1, clock())
    feed.announce(session, [office["anna"].id], "call", 2, clock())
    session.commit()
    assert stream.next()[1:] == ("call", "2")
    stream.close()


@pytest.mark.parametrize("by_header", [True, False], ids=["Last-Event-ID", "?after="])
def test_what_was_missed_is_replayed_in_order(
    app: Flask,
    session: Session,
    office: dict[str, User],
    sign_in: Callable[[str], FlaskClient],
    address: tuple[str, int],
    clock: Clock,
    by_header: bool,
) -> None:
    seen = feed.last_id(session)
    for ref in range(5):
        feed.announce(session, [office["anna"].id], "card", ref, clock())
    session.commit()
    cookie = cookie_of(sign_in("anna"), app)
    if by_header:
        stream = Stream(address, Cookie=cookie, **{"Last-Event-ID": str(seen)})
    else:
        stream = Stream(address, f"/events?after={seen}", Cookie=cookie)
    assert [stream.next()[2] for _ in range(5)] == ["0", "1", "2", "3", "4"]
    stream.close()


def test_an_announcement_rolled_back_is_never_heard(
    app: Flask,
    session: Session,
    office: dict[str, User],
    sign_in: Callable[[str], FlaskClient],
    address: tuple[str, int],
    clock: Clock,
) -> None:
    stream = Stream(address, Cookie=cookie_of(sign_in("anna"), app))
    feed.announce(session, [office["anna"].id], "call", "ghost", clock())
    session.rollback()
    feed.announce(session, [office["anna"].id], "call", "real", clock())
    session.commit()
    assert stream.next()[2] == "real"
    stream.close()


@pytest.mark.parametrize("cookie", ["", "secondring_8000=forged.cookie.value"])
def test_a_stranger_is_told_to_go(office: dict[str, User], address: tuple[str, int], cookie: str) -> None:
    stream = Stream(address, Cookie=cookie)
    assert stream.answer.status == 204
    stream.close()


def test_old_announcements_are_forgotten(session: Session, office: dict[str, User], clock: Clock) -> None:
    feed.announce(session, [office["anna"].id], "call", "old", clock())
    clock.move(days=3)
    feed.announce(session, [office["anna"].id], "call", "new", clock())
    session.commit()
    assert feed.prune(session, clock()) == 1


@pytest.mark.databases("postgresql")
def test_another_process_wakes_the_streams_also_after_the_server_has_cut_them_off(
    app: Flask,
    session: Session,
    office: dict[str, User],
    sign_in: Callable[[str], FlaskClient],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(feed, "POLL_SECONDS", 3600)
    stream = Stream(request.getfixturevalue("address"), Cookie=cookie_of(sign_in("anna"), app))
    anna = office["anna"].id
    session.commit()
    other = create_engine(app.config["SQLALCHEMY_DATABASE_URI"])  # a connection whose commits our process does not see

    def listens() -> bool:
        with other.connect() as connection:
            return bool(connection.scalar(text("select count(*) from pg_stat_activity where query = 'listen feed'")))

    wait_for(listens)
    for ref in range(3):
        with other.begin() as connection:
            connection.execute(text("select pg_notify('feed', '')"))
            connection.execute(insert(feed.Feed), {"user_id": anna, "kind": "call", "ref": str(ref), "at": clock()})
        assert stream.next()[1:] == ("call", str(ref))
        with other.connect() as connection:
            cut = "select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen feed'"
            connection.execute(text(cut))
        with other.begin() as connection:  # while nobody listens
            connection.execute(insert(feed.Feed), {"user_id": anna, "kind": "tasks", "ref": str(ref), "at": clock()})
        assert stream.next()[1:] == ("tasks", str(ref))
        wait_for(listens)
    stream.close()
    other.dispose()
