"""`./desk run`: make everything ready, start the processes, keep them running, stop them cleanly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

import flask_migrate
from flask import Flask
from sqlalchemy import select

from service.notify import Supervisor
from webapp import clock, config, create_app, demo
from webapp.accounts.models import User
from webapp.db import db
from webapp.office.models import Office
from webapp.safekeeping import Refused

STOP_WITHIN = 3.5
BRIDGE_FIRST = 1.2
"""Seconds the bridge has, of those, to tell a desk that still listens how its calls ended."""
FIRST_PORT_OF_PHONES = 5070
PICK_UP_AFTER = 3
SILENT_TOO_LONG = 15.0
"""Seconds without a sign of life after which a process that gave some is ended and started again."""
WEB_STARTS_WITHIN = 20.0
"""Seconds after which the telephones are started though the web is not up: they can do without it."""


class CannotStartError(Exception):
    """Something in the way; the text says what to do."""


def _open_ear() -> socket.socket | None:
    """A socket for signs of life, under a name the kernel makes up; None where it has no such names."""
    if sys.platform != "linux":
        return None
    ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    ear.bind("")
    return ear


@dataclass
class Child:
    """One process of the desk; started again when it ends by itself, later each time it ends at once.

    It is told, as by systemd, where to say that it goes round (`service.notify`); who then falls silent is hung.
    """

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    wait: float = 0.5
    due: float = 0.0
    starts: int = 0
    ear: socket.socket | None = field(default_factory=_open_ear)
    heard: float = 0.0

    def look_after(self, now: float) -> None:
        """Start the process when it is due. Raises CannotStartError when its first start was refused (code 2)."""
        if self.process and self.process.poll() is None:
            self._listen(now)
            return
        if self.process:
            if self.process.returncode == 2 and self.starts == 1:
                raise CannotStartError(f"{self.name} can't start; the line above says why")
            lived = now - self.started
            self.wait = 0.5 if lived > 30 else min(self.wait * 2, 10)
            print(f"{self.name} ended with code {self.process.returncode}; starting it again", file=sys.stderr)
            self.process, self.due = None, now + self.wait
        if now >= self.due:
            self.started = now
            self.starts += 1
            self.heard = 0.0
            self.process = subprocess.Popen(self.command, start_new_session=True, env=self._environ())

    def close(self) -> None:
        """End the process, when it still runs, and hear nothing any more."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.ear:
            self.ear.close()

    def _environ(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if name not in ("NOTIFY_SOCKET", "WATCHDOG_PID")}
        if self.ear:
            own["NOTIFY_SOCKET"] = "@" + self.ear.getsockname()[1:].decode("ascii")
            own["WATCHDOG_USEC"] = str(round(SILENT_TOO_LONG * 1e6))
        return own

    def _listen(self, now: float) -> None:
        """Hear its signs of life; end it when they stopped coming."""
        while self.ear:
            try:
                words = self.ear.recv(4096)
            except BlockingIOError:
                break
            if b"WATCHDOG=1" in words:
                self.heard = now
        if self.process and self.heard and now - self.heard > SILENT_TOO_LONG:
            print(f"{self.name} gives no sign of life", file=sys.stderr)
            self.process.kill()
            self.process.wait()


def run() -> int:
    """Run the whole desk until Ctrl-C. Returns the exit code; 2 with one line when it can't start."""
    try:
        settings = config.load()
        _check(settings)
        app = create_app(settings)
        with app.app_context():
            flask_migrate.upgrade()
            passwords = _first_run(settings)
            phones = _desk_phones()
            roles = {user.login: user.role for user in db.session.scalars(select(User))}
            welcome = _welcome(settings, passwords, roles, bool(phones))
    except (config.ConfigError, CannotStartError, Refused) as error:
        print(f"secondring: {error}", file=sys.stderr)
        return 2
    python = [sys.executable, "-m"]
    children = [
        *(Child("web", [*python, "webapp.serve"]) for _ in range(settings.web_processes)),
        Child("bridge", [*python, "sipbridge"]),
        Child("worker", [*python, "webapp.worker"]),
        *(
            Child(
                f"desk phone {login}",
                [*python, "sipbridge.deskphone", "--listen", address, "--pick-up-after", str(PICK_UP_AFTER)],
            )
            for login, address in phones
        ),
    ]
    return _supervise(children, settings, welcome)


def _supervise(children: list[Child], settings: config.Config, welcome: str) -> int:
    """Start the web, then, when it answers, the others; keep all running until told to stop."""
    stopping = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    webs = [child for child in children if child.name == "web"]
    others = [child for child in children if child.name != "web"]
    code, greeted, patience = 0, False, time.monotonic() + WEB_STARTS_WITHIN
    supervisor = Supervisor()
    while not stopping:
        now = time.monotonic()
        supervisor.alive()
        try:
            for child in webs:
                child.look_after(now)
            if not greeted and (_answers(*settings.web) or now > patience):
                greeted = True
                print(welcome, flush=True)
                supervisor.ready()
            for child in others if greeted else ():
                child.look_after(now)
        except CannotStartError as error:
            print(f"secondring: {error}", file=sys.stderr)
            code, stopping = 2, True
        time.sleep(0.2)
    supervisor.stopping()
    running = [(child.name, child.process) for child in children if child.process]
    _stop([one for name, one in running if name != "web"], [one for name, one in running if name == "web"])
    for child in children:
        child.close()
    print("secondring: stopped", flush=True)
    return code


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 0.2).close()
    except OSError:
        return False
    return True


def _stop(talkers: list[subprocess.Popen[bytes]], web: list[subprocess.Popen[bytes]]) -> None:
    """Ask all to stop, `web` only when those who talk to it have ended or had their time; wait, end the rest."""
    deadline = time.monotonic() + STOP_WITHIN
    _terminate(talkers)
    _wait(talkers, time.monotonic() + BRIDGE_FIRST)
    _terminate(web)
    for process in _wait([*talkers, *web], deadline):
        process.kill()
        process.wait()


def _terminate(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.terminate()


def _wait(processes: list[subprocess.Popen[bytes]], until: float) -> list[subprocess.Popen[bytes]]:
    """Wait for all until then (of `time.monotonic`); those that still run."""
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.05, until - time.monotonic()))
    return [process for process in processes if process.poll() is None]


def _check(settings: config.Config) -> None:
    """Refuse early, in one clear line, what would fail later in many. Raises CannotStartError."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = settings.data / ".writable"
        probe.touch()
        probe.unlink()
    except OSError:
        raise CannotStartError(
            f"can't write to the folder {settings.data}; make it writable or set SECONDRING_DATA to another one"
        ) from None
    for setting, (host, port), kind in (
        ("SECONDRING_WEB", settings.web, socket.SOCK_STREAM),
        ("SECONDRING_SIP", settings.sip, socket.SOCK_DGRAM),
    ):
        if not _is_free(host, port, kind):
            raise CannotStartError(
                f"{host}:{port} is in use or not an address of this machine; "
                f"stop what uses it, or set {setting} to another host:port"
            )


def _is_free(host: str, port: int, kind: socket.SocketKind) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _first_run(settings: config.Config) -> dict[str, str]:
    """Load the demo office into an empty database; returns logins with their new passwords."""
    if db.session.scalar(select(Office.id)) is not None:
        return {}
    language = "ru" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith(("ru", "uk", "be")) else "en"
    passwords = demo.load(db.session(), clock.now(), language, settings.timezone)
    db.session.commit()
    return passwords


def _desk_phones(is_free: Callable[[str, int, socket.SocketKind], bool] = _is_free) -> list[tuple[str, str]]:
    """An address for the built-in desk phone of every user who has one: the old one when it is still free."""
    users = db.session.scalars(select(User).where(User.desk_phone, User.active).order_by(User.id)).all()
    taken: set[int] = set()
    phones = []
    for user in users:
        old = user.extension.rpartition(":")[2]
        candidates = [int(old)] if old.isdigit() else []
        candidates += range(FIRST_PORT_OF_PHONES, FIRST_PORT_OF_PHONES + 2000)
        port = next(p for p in candidates if p not in taken and is_free("127.0.0.1", p, socket.SOCK_DGRAM))
        taken.add(port)
        user.extension = f"sip:{user.login}@127.0.0.1:{port}"
        phones.append((user.login, f"127.0.0.1:{port}"))
    db.session.commit()
    return phones


def _welcome(settings: config.Config, passwords: dict[str, str], roles: dict[str, str], phones: bool) -> str:
    host, port = settings.sip
    lines = ["", f"  Second Ring is at  {settings.web_url}", ""]
    if passwords:
        lines.append("  Sign in as one of these; the passwords were made just now and are not shown again:")
        lines += [f"    {login:<12} {password}  {roles[login]}" for login, password in passwords.items()]
    else:
        lines.append("  Users and data are as you left them. Forgot a password? ./desk users --new-password LOGIN")
    lines += [
        "",
        f"  Calls for the office go to  sip:desk@{host}:{port}",
        "    any softphone: no registration, dial that address; or place a test call:",
        '    ./desk call --from +74951234567 --name "A new caller"',
    ]
    if phones:
        lines.append("  The office's desk phones are built in and pick up by themselves after a few seconds.")
    lines += [
        "    your own softphone: sign in, click your name, then Register my softphone",
        "",
        "  Ctrl-C stops.",
        "",
    ]
    return "\n".join(lines)


def make_app() -> Flask:
    """For `flask --app webapp.run:make_app db ...` when a migration is written."""
    return create_app()
