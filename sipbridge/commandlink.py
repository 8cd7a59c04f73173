"""Hears what the desk asks of calls: one thread that reads `GET /bridge/commands`, a stream of server-sent events.

Each event is one command, its `id` a number that grows. The number last heard is kept on disk before the command
is carried out, and sent as `Last-Event-ID` when the stream is opened again, so that nothing is asked twice: a
command lost to a crash can be asked again by the manager, an outbound call placed twice can't be taken back.
An event named `changed` is no command: the desk has new standing plans or another directory.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from sipbridge.events import Command, decode_command
from sipbridge.weblink import BACK_OFF

READ_TIMEOUT = 15.0
"""Seconds without a word, not even a comment, after which the stream counts as dead; the desk speaks every 5."""

LONGEST_LINE = 65_536

log = structlog.get_logger(__name__)


class CommandLink:
    """Reads the commands of the desk at `desk` (host, port) until stopped.

    `on_command(command_id, command)` and `on_changed()` are called on the link's thread and must return at once.
    `kept` is the file that holds the number last heard. `beat` is the monotonic time until which the thread may
    be waiting.
    """

    def __init__(
        self,
        desk: tuple[str, int],
        token: str,
        kept: Path,
        on_command: Callable[[str, Command], None],
        on_changed: Callable[[], None],
    ) -> None:
        self._desk, self._token, self._kept = desk, token, kept
        self._on_command, self._on_changed = on_command, on_changed
        self._heard = _read(kept)
        self._connection: http.client.HTTPConnection | None = None
        self._stopping = threading.Event()
        self._failures = 0
        self.beat = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="commandlink", daemon=True)

    @property
    def thread(self) -> threading.Thread:
        """The one that reads."""
        return self._thread

    def start(self) -> None:
        """Begin to listen."""
        self._wait_until(READ_TIMEOUT)
        self._thread.start()

    def stop(self, seconds: float = 0.0) -> None:
        """Listen no more; waits for up to `seconds` for the thread. One that hangs is left behind."""
        self._stopping.set()
        sock = self._connection.sock if self._connection is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if seconds:
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._listen()
            except (OSError, http.client.HTTPException, ValueError) as error:
                if self._failures == 0 and not self._stopping.is_set():
                    log.warning("no commands can be heard from the desk", why=f"{type(error).__name__}: {error}")
            except Exception:
                log.exception("listening to commands failed")
            if self._connection is not None:
                self._connection.close()
            self._failures += 1
            pause = BACK_OFF[min(self._failures, len(BACK_OFF)) - 1]
            self._wait_until(pause)
            self._stopping.wait(pause)

    def _wait_until(self, seconds: float) -> None:
        self.beat = time.monotonic() + seconds

    def _listen(self) -> None:
        """Read one stream to its end."""
        self._wait_until(3 * READ_TIMEOUT)  # a connection, a request, an answer
        connection = self._connection = http.client.HTTPConnection(*self._desk, timeout=READ_TIMEOUT)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "text/event-stream"}
        if self._heard:
            headers["Last-Event-ID"] = self._heard
        connection.request("GET", "/bridge/commands", headers=headers)
        response = connection.getresponse()
        if response.status != 200:
            raise http.client.HTTPException(f"HTTP {response.status}")
        if self._failures > 1:
            log.info("commands can be heard again")
        event_id = data = ""
        while not self._stopping.is_set():
            self._wait_until(READ_TIMEOUT)
            line = response.readline(LONGEST_LINE)
            if not line.endswith(b"\n"):
                raise ConnectionError("the stream ended")
            self._failures = 0
            name, _, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                event_id = value
            elif name == "data":
                data += value
            elif name == "event" and value == "changed":
                self._on_changed()
            elif not (name or value) and data:
                self._take(event_id, data)
                event_id = data = ""

    def _take(self, event_id: str, data: str) -> None:
        if event_id.isascii() and event_id.isdigit():
            self._heard = event_id
            with contextlib.suppress(OSError):  # a disk that refuses must not make the managers' buttons dead
                self._kept.write_text(event_id, encoding="ascii")
        try:
            command_id, command = decode_command(json.loads(data))
        except ValueError as error:  # a WireError is one
            log.error("a command of the desk can't be read", why=str(error))
            return
        self._on_command(command_id, command)


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return text if text.isdigit() else ""
