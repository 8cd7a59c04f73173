"""The bridge's side of the line to the desk: one thread that delivers events in order and brings plans back.

`POST /bridge/events` carries `{"events": [envelope, ...], "status": {...}}`; the answer is
`{"plans": {call_id: plan}, "standing": version, "directory": version}`. An event leaves the outbox only after a 2xx. No
connection or an error of the desk: the same events again, a little later, for as long as it takes.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import structlog

from sipbridge import standing
from sipbridge.directory import check_directory
from sipbridge.events import Directory, Plan, StandingPlans, WireError, from_wire
from sipbridge.outbox import Kept, Outbox

BATCH = 100
HEARTBEAT = 2.0
COMPANY = 0.02
"""Seconds that news nobody waits for stay for others to travel with; under load an exchange carries many."""
STATUS_SECONDS = 1.0
"""Between changes of what the bridge says of itself, while events are on their way all the time."""
BACK_OFF = (0.2, 0.4, 0.8, 1.6, 2.0)
TIMEOUT = 5.0
"""Seconds the desk may be silent, at each step of an exchange; SQLite's own patience there is as long."""
MOST_ANSWER_BYTES = 8_000_000

# These speak of the desk's state, of our token or of a wrong address, never of what one event says.
_NOT_THE_EVENTS_FAULT = frozenset({401, 403, 404, 405, 407, 408, 421, 425, 429})

log = structlog.get_logger(__name__)
T = TypeVar("T")


class NoDesk(Exception):
    """The desk did not take a message; the text says why."""


class Refused(Exception):
    """The desk read the message and will never take it (HTTP 4xx)."""


class WebLink:
    """Delivers `outbox` to the desk at `desk` (host, port) until stopped.

    `on_plan(call_id, plan)`, `on_standing(plans)` and `on_directory(directory)` are called on the delivery thread
    and must return at once. `status()` is what the heartbeat tells about the bridge.
    """

    def __init__(
        self,
        desk: tuple[str, int],
        token: str,
        outbox: Outbox,
        standing_version: str,
        *,
        on_plan: Callable[[str, Plan], None],
        on_standing: Callable[[StandingPlans], None],
        status: Callable[[], dict[str, Any]],
        directory_version: str = "",
        on_directory: Callable[[Directory], None] = lambda directory: None,
    ) -> None:
        self._desk = desk
        self._token = token
        self._outbox = outbox
        self._standing_version = standing_version
        self._on_plan = on_plan
        self._on_standing = on_standing
        self._directory_version = directory_version
        self._on_directory = on_directory
        self._status = status
        self._connection: http.client.HTTPConnection | None = None
        self._news, self._hurry = threading.Event(), threading.Event()
        self._told, self._told_at = "", -math.inf  # the status last sent
        self._stopping = threading.Event()
        self._one_by_one_until = 0  # events up to this number are sent alone: one of them is refused
        self._failures = 0
        self._abandoned = False
        self.beat = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="weblink", daemon=True)

    @property
    def thread(self) -> threading.Thread:
        """The one that delivers. `beat` is the monotonic time of its last sign of life."""
        return self._thread

    def start(self) -> None:
        """Begin to deliver."""
        self.beat = time.monotonic()
        self._thread.start()

    def abandon(self) -> None:
        """Wait for nothing any more: the thread hangs, another link does its work. It may deliver what it was at."""
        self._abandoned = True
        self._stopping.set()
        self._drop_connection(abort=True)

    def wake(self, hurry: bool = True) -> None:
        """Say that the outbox has something new; without `hurry` it may wait a moment."""
        if hurry:
            self._hurry.set()
        self._news.set()

    def stop(self, seconds: float) -> None:
        """Try for up to `seconds` to deliver what is left, then end; the rest stays in the outbox."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self._thread.is_alive() and self._outbox.waiting():
            if self._failures:
                break
            self._thread.join(0.02)
        self._stopping.set()
        self.wake()
        self._drop_connection(abort=True)
        self._thread.join(max(0.1, until - time.monotonic()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.beat = time.monotonic()
            self._news.clear()
            self._hurry.clear()
            try:
                busy = self._deliver()
            except NoDesk as error:
                self._drop_connection()
                self._failures += 1
                if self._failures == 1 and not self._stopping.is_set():
                    log.warning("the desk takes no events; they wait on disk", why=str(error))
                self._stopping.wait(BACK_OFF[min(self._failures, len(BACK_OFF)) - 1])
                continue
            except Exception:
                self._failures += 1
                log.exception("delivery failed")
                self._stopping.wait(BACK_OFF[-1])
                continue
            if self._failures:
                log.info("the desk takes events again")
                self._failures = 0
            if not busy and self._news.wait(HEARTBEAT):
                self._hurry.wait(COMPANY)
        self._drop_connection()

    def _deliver(self) -> bool:
        """Send the next batch, or a heartbeat when none waits. True when there may be more."""
        kept = self._outbox.oldest(BATCH)
        if kept and kept[0].seq <= self._one_by_one_until:
            kept = kept[:1]
        try:
            answer = self._post(kept)
        except Refused as error:
            if not kept:
                raise NoDesk(f"heartbeat refused: {error}") from None
            if len(kept) > 1:
                self._one_by_one_until = kept[-1].seq
            else:
                log.error("the desk refuses an event; put aside", event_id=kept[0].event_id, why=str(error))
                self._outbox.put_aside(kept[0], str(error))
            return True
        if kept:
            self._outbox.delivered(kept)
        if not self._abandoned:  # else these are yesterday's plans
            self._read(answer)
        return len(kept) == BATCH or bool(kept and kept[0].seq <= self._one_by_one_until)

    def _post(self, kept: list[Kept]) -> bytes:
        events = ",".join(item.envelope for item in kept)
        now = time.monotonic()
        if not kept or now - self._told_at >= STATUS_SECONDS:
            self._told, self._told_at = json.dumps(self._status()), now
        return self._ask("POST", "/bridge/events", f'{{"events":[{events}],"status":{self._told}}}'.encode())

    def _read(self, answer: bytes) -> None:
        """Take plans and news of standing plans from the desk's answer; what can't be read is only logged."""
        try:
            body = json.loads(answer)
            plans = body["plans"].items()
            version, users = body.get("standing", ""), body.get("directory", "")
        except (ValueError, KeyError, AttributeError, TypeError):
            log.error("the desk's answer is not what was agreed")
            return
        for call_id, wire in plans:
            try:
                self._on_plan(call_id, standing.check_plan(from_wire(Plan, wire)))
            except (WireError, standing.PlanError) as error:
                log.error("the desk's plan can't be followed", call_id=call_id, why=str(error))
        if isinstance(version, str) and version and version != self._standing_version:
            self._fetch_standing()
        if isinstance(users, str) and users and users != self._directory_version:
            self._fetch_directory()

    def _fetch_standing(self) -> None:
        plans = self._fetch("/bridge/standing", StandingPlans, standing.check_standing)
        if plans is not None:
            self._on_standing(plans)
            self._standing_version = plans.version
            log.info("standing plans received", lines=len(plans.lines))

    def _fetch_directory(self) -> None:
        directory = self._fetch("/bridge/directory", Directory, check_directory)
        if directory is not None:
            self._on_directory(directory)
            self._directory_version = directory.version
            log.info("directory received", users=len(directory.users))

    def _fetch(self, path: str, kind: type[T], check: Callable[[T], T]) -> T | None:
        """What the desk says at `path`; None when it can't be used, and what was said before stays."""
        try:
            return check(from_wire(kind, json.loads(self._ask("GET", path))))
        except (ValueError, Refused) as error:  # WireError, PlanError and DirectoryError are ValueErrors
            log.error("what the desk says can't be used; the old stays", of=path, why=str(error))
            return None

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of a 2xx answer. Raises NoDesk or Refused."""
        fresh = self._connection is None
        try:
            status, answer = self._exchange(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self._drop_connection()
            if fresh or isinstance(error, TimeoutError) or self._stopping.is_set():
                raise NoDesk(f"{type(error).__name__}: {error}") from None
            return self._ask(method, path, body)  # the kept connection had been closed: one fresh try
        if 200 <= status < 300:
            return answer
        if 400 <= status < 500 and status not in _NOT_THE_EVENTS_FAULT:
            raise Refused(f"HTTP {status}: {answer[:200].decode('utf-8', 'replace')}")
        raise NoDesk(f"HTTP {status}")

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self._desk, timeout=TIMEOUT)
            self._connection.connect()
            self.beat = time.monotonic()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        self._connection.request(method, path, body, headers)
        self.beat = time.monotonic()
        response = self._connection.getresponse()
        self.beat = time.monotonic()
        answer = response.read(MOST_ANSWER_BYTES + 1)
        if response.length and len(answer) <= MOST_ANSWER_BYTES:  # the connection ended in the middle
            raise http.client.IncompleteRead(answer, response.length)
        if len(answer) > MOST_ANSWER_BYTES:
            raise http.client.HTTPException("the answer is too long")
        return response.status, answer

    def _drop_connection(self, *, abort: bool = False) -> None:
        connection = self._connection
        if connection is None:
            return
        if abort:  # from another thread: end its wait, let it close the connection itself
            sock = connection.sock
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            return
        self._connection = None
        connection.close()


def read_token(data: Path) -> str:
    """The secret shared by bridge and desk, in `<data>/bridge_token`; whoever comes first makes it (0600).

    Raises OSError when it can be neither made nor read.
    """
    path = data / "bridge_token"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = data / f"bridge_token.{secrets.token_hex(8)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32))
    # The name appears together with its content, so that nobody ever reads half a token.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    token = path.read_text(encoding="ascii").strip()
    if not token:
        raise OSError(f"{path} is empty; delete it and start again")
    return token
