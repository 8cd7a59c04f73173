"""A key pressed at one web process is heard by a bridge that listens at another; on PostgreSQL at once."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sipbridge.events import CallAnswered, CallOffered, Event, Hold, Resume, decode_command, encode
from tests.e2e.installation import Installation, wait_for
from tests.e2e.office import KNOWN, Desk
from tests.postgres import Cluster
from webapp import clock, config
from webapp.accounts import softphones
from webapp.accounts.models import User
from webapp.calls import control
from webapp.calls.models import Call

TIMES = 15


def test_a_command_crosses_from_one_web_process_to_another(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    database = cluster.database("office")
    here = Desk(tmp_path / "here", DATABASE_URL=database)
    there = Installation(tmp_path, DATABASE_URL=database, SECONDRING_DATA=here.environ["SECONDRING_DATA"])
    try:
        here.found()
        here.start("web")
        there.start("web")
        token = config.secret(here.folder / "var", "bridge_token")
        _tell(here, token, CallOffered("c1", "desk", KNOWN, "", "", clock.now()))
        _tell(here, token, CallAnswered("c1", here.ask(_extension_of_anna), 2, 6.0, clock.now()))

        stream = http.client.HTTPConnection("127.0.0.1", there.web_port, timeout=10)
        stream.request("GET", "/bridge/commands", headers={"Authorization": f"Bearer {token}"})
        heard = stream.getresponse()
        took = []
        for _ in range(TIMES):
            for ask, wanted in ((_hold, Hold("c1")), (_resume, Resume("c1"))):
                begun = time.monotonic()
                here.ask(ask)  # its own connection and commit: a process of its own
                assert _next(heard) == wanted
                took.append(time.monotonic() - begun)
        here.ask(_new_secret)
        wait_for(lambda: heard.readline() == b"event: changed\n", told="the bridge is not told of the new secret")
        stream.close()
        assert sorted(took)[len(took) // 2] < 0.2, f"half of them wait for the poll: {took}"
    finally:
        here.close()
        there.close()


def _tell(desk: Installation, token: str, event: Event) -> None:
    body = json.dumps({"events": [encode(f"event-{time.monotonic_ns()}", event)], "status": {}}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(desk.url + "/bridge/events", body, headers)  # noqa: S310
    wait_for(lambda: urllib.request.urlopen(request, timeout=5).status == 200)  # noqa: S310


def _extension_of_anna(session: Any) -> str:
    user = session.scalars(select(User).where(User.login == "anna")).one()
    return str(user.extension)


def _hold(session: Any) -> bool:
    call, anna = _parties(session)
    control.hold(session, call, anna, "here", clock.now())
    session.commit()
    return True


def _resume(session: Any) -> bool:
    call, anna = _parties(session)
    control.ask(session, Resume(call.call_id), anna, clock.now())
    session.commit()
    return True


def _new_secret(session: Any) -> bool:
    softphones.make_secret(session, _parties(session)[1], clock.now())
    session.commit()
    return True


def _parties(session: Any) -> tuple[Call, User]:
    call: Call = session.scalars(select(Call)).one()
    anna: User = session.scalars(select(User).where(User.login == "anna")).one()
    return call, anna


def _next(heard: http.client.HTTPResponse) -> object:
    while line := heard.readline():
        if line.startswith(b"data: "):
            return decode_command(json.loads(line[6:]))[1]
    raise AssertionError("the stream ended")
