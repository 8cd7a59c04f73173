"""A whole installation in a folder of its own: web, bridge, worker as real processes on free ports.

Used by the end-to-end tests, the benchmarks and the script that takes the screenshots.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask

from tests.ports import free_port, free_range
from webapp import config, create_app
from webapp.db import db

ROOT = Path(__file__).parent.parent.parent
Seen = TypeVar("Seen")


def wait_for(what: Callable[[], Seen], seconds: float = 15, told: str = "") -> Seen:
    """Ask until the answer is true; fails loudly after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        with suppress(OSError):
            if seen := what():
                return seen
        assert time.monotonic() < deadline, f"waited {seconds} s in vain{': ' + told if told else ''}"
        time.sleep(0.03)


def sip_answers(port: int) -> bool:
    """Whether somebody at this port of ours answers an OPTIONS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        probe.settimeout(0.3)
        host, own = probe.getsockname()
        asked = f"127.0.0.1:{port}"
        probe.sendto(
            (
                f"OPTIONS sip:{asked} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:{own};branch=z9hG4bKup{own}"
                f"{time.monotonic_ns()};rport\r\nMax-Forwards: 70\r\nFrom: <sip:probe@{host}>;tag=up\r\n"
                f"To: <sip:{asked}>\r\nCall-ID: up{time.monotonic_ns()}@{host}\r\nCSeq: 1 OPTIONS\r\n"
                "Content-Length: 0\r\n\r\n"
            ).encode(),
            ("127.0.0.1", port),
        )
        with suppress(TimeoutError, ConnectionError):
            return probe.recv(4096).startswith(b"SIP/2.0 200")
    return False


class Installation:
    """The processes of one installation; each can be started, stopped and killed by name."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        rtp = free_range(200)
        self.web_port, self.sip_port = free_port(), free_port()
        self.environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SECONDRING_")},
            "SECONDRING_DATA": str(folder / "var"),
            "SECONDRING_WEB": f"127.0.0.1:{self.web_port}",
            "SECONDRING_SIP": f"127.0.0.1:{self.sip_port}",
            "SECONDRING_RTP": f"{rtp[0]}-{rtp[-1]}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.url = f"http://127.0.0.1:{self.web_port}"
        self._app: Flask | None = None

    @property
    def sip(self) -> str:
        """The office's SIP address, host:port."""
        return f"127.0.0.1:{self.sip_port}"

    def app(self) -> Flask:
        """The app on this installation's database, for seeding it and looking into it."""
        self._app = self._app or create_app(config.load(self.environ))
        return self._app

    def ask(self, query: Callable[[Any], Seen]) -> Seen:
        """The answer of `query(session)` in a session of its own."""
        app = self.app()
        with app.app_context():
            try:
                return query(db.session())
            finally:
                db.session.remove()
                db.engine.dispose()

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start one process: `web`, `bridge`, `worker`, or any module with arguments under a name of yours."""
        modules = {"web": ("webapp.serve",), "bridge": ("sipbridge",), "worker": ("webapp.worker",)}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *(command or modules[name])],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes[name] = process
        if name == "web":
            wait_for(lambda: self.get("/healthz"), told=self.log("web"))
        if name == "bridge":
            wait_for(self.bridge_is_up, told=self.log("bridge"))
        return process

    def bridge_is_up(self) -> bool:
        """True when the SIP port answers an OPTIONS."""
        return sip_answers(self.sip_port)

    def get(self, path: str) -> Any:
        """The JSON of a public page; raises OSError while the web is down."""
        with urllib.request.urlopen(self.url + path, timeout=3) as answer:  # noqa: S310
            return json.load(answer)

    def log(self, name: str) -> str:
        """What the process has written so far."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def kill(self, name: str) -> None:
        """kill -9."""
        process = self.processes.pop(name)
        process.kill()
        process.wait(10)

    def stop(self, name: str) -> int:
        """Ask the process to end; returns its exit code."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(10)

    def close(self) -> None:
        """End everything that still runs."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
