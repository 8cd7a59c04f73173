"""A small real HTTP server that stands for the desk: it records, answers plans, and misbehaves on request."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sipbridge.events import (
    CallOffered,
    Command,
    Directory,
    Event,
    Plan,
    StandingPlans,
    decode,
    encode_command,
    to_wire,
)
from tests.ports import free_port


def wait_for(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first true value of `condition`, or an error after `seconds`."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, f"waited {seconds} s for {what}"
        time.sleep(0.01)
    return value


class Desk:
    """`events` are those taken, each once, in order; `read` counts every copy that came."""

    def __init__(self, plan: Callable[[CallOffered], Plan | None] | None = None) -> None:
        self.port = free_port()
        self.plan = plan or (lambda offered: None)
        self.standing = StandingPlans("", {})
        self.directory = Directory("", "office", {})
        self.commands: list[str] = []  # envelopes in the order they were asked, the first has the id 1
        self.listening = 0  # bridges that hear commands
        self.changes = 0  # times that every such bridge is told of new standing plans or another directory
        self.streams_opened: list[str] = []  # the Last-Event-ID of each stream, '' without
        self.status_code = 200
        self.refuse: Callable[[Event], bool] = lambda event: False
        self.delay = 0.0
        self.mumbles = False  # answers 200 with something that was not agreed
        self.cuts = 0  # so many answers end in the middle
        self.token = ""
        self.events: list[Event] = []
        self.ids: list[str] = []
        self._known: set[str] = set()
        self.batches: list[int] = []
        self.heartbeats: list[dict[str, Any]] = []
        self.requests = 0
        self.connections = 0
        self.read = 0
        self.lock = threading.Lock()
        self._server: _Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self.port)

    def start(self) -> Desk:
        self._server = wait_for(self._serve, 5, f"port {self.port}")
        self._server.desk = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def _serve(self) -> _Server | None:
        with contextlib.suppress(OSError):  # some program may have taken the port for a moment
            return _Server(self.address, _Handler)
        return None

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            server.end_connections()

    def ask(self, command: Command) -> str:
        """Ask something of the bridge; the command's id."""
        command_id = str(len(self.commands) + 1)
        self.commands.append(json.dumps(encode_command(command_id, command)))
        return command_id

    def of(self, kind: type[Event]) -> list[Any]:
        with self.lock:
            return [event for event in self.events if isinstance(event, kind)]

    def kinds(self, call_id: str | None = None) -> list[str]:
        """What was told of one call, or of all calls."""
        with self.lock:
            return [
                type(event).__name__
                for event in self.events
                if hasattr(event, "call_id") and call_id in (None, event.call_id)
            ]

    def take(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        arrived = [decode(envelope) for envelope in body["events"]]
        if not arrived:
            self.heartbeats.append(body["status"])
        if self.status_code >= 300:
            return self.status_code, {"error": "as told"}
        if any(self.refuse(event) for _, event in arrived):
            return 422, {"error": "this one never"}
        self.batches.append(len(arrived))
        plans = {}
        for event_id, event in arrived:
            if event_id not in self._known:  # exactly once: the desk knows the event by its id
                self._known.add(event_id)
                self.ids.append(event_id)
                self.events.append(event)
            if isinstance(event, CallOffered) and (plan := self.plan(event)) is not None:
                plans[event.call_id] = to_wire(plan)
        return 200, {"plans": plans, "standing": self.standing.version, "directory": self.directory.version}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    desk: Desk

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        self.desk.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # connections are cut on purpose

    def end_connections(self) -> None:
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        desk = self.server.desk
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/bridge/events"
        desk.read += len(body["events"])
        if desk.delay:
            time.sleep(desk.delay)
        with desk.lock:
            desk.requests += 1
            if desk.token and self.headers["Authorization"] != f"Bearer {desk.token}":
                return self._answer(401, {})
            self._answer(*desk.take(body))

    def do_GET(self) -> None:
        desk = self.server.desk
        if self.path == "/bridge/commands":
            return self._stream()
        answers: dict[str, Any] = {"/bridge/standing": desk.standing, "/bridge/directory": desk.directory}
        with desk.lock:
            self._answer(200, to_wire(answers[self.path]))

    def _stream(self) -> None:
        """Commands as they are asked, until the bridge leaves or the desk stops."""
        desk, server = self.server.desk, self.server
        if desk.token and self.headers["Authorization"] != f"Bearer {desk.token}":
            return self._answer(401, {})
        desk.streams_opened.append(self.headers["Last-Event-ID"] or "")
        told, changes = int(self.headers["Last-Event-ID"] or 0), desk.changes
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        desk.listening += 1
        try:
            self.wfile.write(b": commands\n\n")
            said = time.monotonic()
            while desk._server is server:
                for number in range(told + 1, len(desk.commands) + 1):
                    told, said = number, time.monotonic()
                    self.wfile.write(f"id: {number}\ndata: {desk.commands[number - 1]}\n\n".encode())
                if changes < desk.changes:
                    changes = desk.changes
                    self.wfile.write(b"event: changed\ndata:\n\n")
                if time.monotonic() - said > 1.0:
                    said = time.monotonic()
                    self.wfile.write(b": still here\n\n")
                time.sleep(0.01)
        finally:
            desk.listening -= 1

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = b"<html>hello" if self.server.desk.mumbles else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.server.desk.cuts:
            self.server.desk.cuts -= 1
            self.close_connection, content = True, content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        pass
