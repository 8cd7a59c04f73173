"""`python -m sipbridge`: start the bridge, watch over it, stop it cleanly on SIGTERM or SIGINT.

Exit codes: 0 stopped as asked, 1 broken, 2 can't start (one line says why). After 1 the supervisor starts it
again (systemd, `./desk run`), and the desk is told what had ended it.
"""

from __future__ import annotations

import errno
import faulthandler
import fcntl
import gc
import os
import signal
import sqlite3
import sys
import threading
import uuid
import wave
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import structlog

from service.notify import Supervisor
from sipbridge import config as settings
from sipbridge import pyvoip
from sipbridge.bridge import Bridge
from sipbridge.commandlink import CommandLink
from sipbridge.config import Config, ConfigError
from sipbridge.events import BridgeStarted, Event, MessageLeft, RecordingReady
from sipbridge.farewell import SHORTEST_MESSAGE, message_path
from sipbridge.ladder import Ladder
from sipbridge.livecall import recording_path
from sipbridge.logs import to_stderr
from sipbridge.media.announcements import Announcements
from sipbridge.media.hub import Hub
from sipbridge.media.recorder import writer
from sipbridge.outbox import Outbox
from sipbridge.watchdog import LOOK_SECONDS, Life, Watchdog, Watched
from sipbridge.weblink import WebLink, read_token

REFUSED_AT_ONCE = 100
"""Calls over the cap that the bridge refuses itself, and tells the desk of; the endpoint refuses what is beyond."""
WATCHER_MAY_PAUSE = 15.0
"""Seconds after which the process ends by itself because its main thread, which watches the others, hangs."""
LAST_WORDS = 3.0
"""Seconds the healthy threads have to end calls politely when one is lost."""

log = structlog.get_logger("sipbridge")


class CannotStart(Exception):
    """Something outside must change before the bridge can start; the text is for the administrator."""


def main() -> int:
    """Run until told to stop; the exit code."""
    to_stderr()
    collect_seldom()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        return run(settings.load(), stop, Supervisor())
    except (ConfigError, CannotStart) as error:
        print(f"sipbridge: {error}", file=sys.stderr)
        return 2


def collect_seldom() -> None:
    """Let Python look for cycles of garbage seldom: all threads wait while it looks at every object of every call.

    At 150 calls a second they waited up to 0.13 s at a time. What the modules made is left out: it stays anyway.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def run(config: Config, stop: threading.Event, supervisor: Supervisor) -> int:
    """Carry calls until `stop`. Raises CannotStart."""
    lock = own_folder(config.bridge_folder)
    life = Life(config.bridge_folder / "last_end")
    outbox = open_outbox(config)
    hub = Hub()
    ladder = Ladder(config.data / "ladders")
    bridge = Bridge(config, outbox, Announcements(config.data / "sounds"), utc_now, ladder.keep)
    delivery = Delivery(config, outbox, bridge)
    cut_off = what_was_cut_off(config, outbox)  # before anybody can call: a call of this life is none of them
    endpoint = listen(config, hub, bridge, ladder)
    watchdog = Watchdog(
        Watched("bridge", lambda: bridge.errands.beat, lambda: bridge.errands.thread),
        Watched("sip", lambda: endpoint.sip.beat, lambda: endpoint.sip.thread),
        Watched("media", lambda: hub.beat, lambda: hub.thread),
        Watched("weblink", lambda: delivery.link.beat, lambda: delivery.link.thread, delivery.replace),
        Watched("commandlink", lambda: delivery.orders.beat, lambda: delivery.orders.thread, delivery.replace_orders),
        Watched("recordings", lambda: writer.beat, lambda: writer.thread, writer.replace),
    )
    bridge.report(*cut_off, BridgeStarted(life.begin(), utc_now()))
    bridge.start(endpoint, delivery.wake)
    delivery.start(watchdog)
    supervisor.ready()
    log.info("ready", sip=f"{config.sip[0]}:{endpoint.port}", desk=f"{config.web[0]}:{config.web[1]}")
    lost = watch(stop, watchdog, supervisor)
    supervisor.stopping(lost)
    if lost:
        life.end(lost)
        log.critical("a thread is lost; the bridge ends so that it can be started anew", why=lost)
        faulthandler.dump_traceback()

    def close() -> None:
        bridge.stop(1.0)
        endpoint.stop()
        delivery.orders.stop()
        delivery.link.stop(0.7)
        hub.stop()
        ladder.close()
        outbox.close()

    closing = threading.Thread(target=close, name="close", daemon=True)
    closing.start()
    closing.join(LAST_WORDS if lost else None)
    if lost:  # a thread that hangs may hold what the interpreter waits for at its end
        sys.stderr.flush()
        os._exit(1)
    faulthandler.cancel_dump_traceback_later()
    life.end()
    lock.close()
    log.info("stopped")
    return 0


def watch(stop: threading.Event, watchdog: Watchdog, supervisor: Supervisor) -> str:
    """Wait for `stop`, looking after the threads; why the process must end, '' when it was asked to."""
    while True:
        # The watcher is watched by a thread that needs neither Python nor its lock.
        faulthandler.dump_traceback_later(WATCHER_MAY_PAUSE, exit=True)
        if stop.wait(LOOK_SECONDS):
            return ""
        if lost := watchdog.look():
            return lost
        supervisor.alive()


class Delivery:
    """The two links to the desk that work now, for events and for commands; one that hangs is left behind."""

    def __init__(self, config: Config, outbox: Outbox, bridge: Bridge) -> None:
        self._config, self._outbox, self._bridge = config, outbox, bridge
        self._token = read_token(config.data)
        self._watchdog = Watchdog()
        self.link = self._make()
        self.orders = self._make_orders()

    def start(self, watchdog: Watchdog) -> None:
        """Begin to deliver; heartbeats tell how the threads under `watchdog` do."""
        self._watchdog = watchdog
        self.link.start()
        self.orders.start()

    def wake(self, hurry: bool) -> None:
        """The outbox has something new."""
        self.link.wake(hurry)

    def replace(self) -> None:
        """Let a fresh link do the work of the one that hangs."""
        hung, self.link = self.link, self._make()
        hung.abandon()
        self.link.start()

    def replace_orders(self) -> None:
        """Let a fresh link hear commands instead of the one that hangs."""
        hung, self.orders = self.orders, self._make_orders()
        hung.stop()
        self.orders.start()

    def _make_orders(self) -> CommandLink:
        heard = self._config.bridge_folder / "last_command"
        return CommandLink(self._config.web, self._token, heard, self._bridge.on_command, lambda: self.wake(True))

    def _make(self) -> WebLink:
        return WebLink(
            self._config.web,
            self._token,
            self._outbox,
            self._bridge.standing_version,
            on_plan=self._bridge.on_plan,
            on_standing=self._bridge.on_standing,
            directory_version=self._bridge.directory_version,
            on_directory=self._bridge.on_directory,
            status=lambda: self._bridge.status() | {"threads": self._watchdog.states()},
        )


def own_folder(folder: Path) -> IO[str]:
    """Make `folder` and lock it for this process; the lock holds as long as the file is open."""
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)  # it holds numbers and names
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise CannotStart(f"SECONDRING_DATA: can't write to {folder}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise CannotStart(f"another bridge already works in {folder}") from None
    return lock


def open_outbox(config: Config) -> Outbox:
    """The outbox. Raises CannotStart."""
    path = config.bridge_folder / "outbox.sqlite"
    try:
        return Outbox(path)
    except sqlite3.Error as error:
        raise CannotStart(f"{path} can't be used: {error}") from None


def what_was_cut_off(config: Config, outbox: Outbox) -> list[Event]:
    """The end of every call that a crash of the bridge cut off, with its voice message and recording, if any."""
    events: list[Event] = []
    for offered, end, offered_at in outbox.cut_off():
        log.warning("a call was cut off when the bridge ended", call_id=end.call_id)
        events += [offered] if offered else []
        message = message_path(f"{offered_at:%Y/%m}", end.call_id)
        if (seconds := recorded_seconds(config.data / "recordings" / message)) >= SHORTEST_MESSAGE:
            events.append(MessageLeft(end.call_id, message, seconds, utc_now()))
        events.append(end)
        path = recording_path(end.call_id, offered_at)
        if seconds := recorded_seconds(config.data / "recordings" / path):
            events.append(RecordingReady(end.call_id, path, seconds, utc_now()))
    return events


def recorded_seconds(path: Path) -> float:
    """How long the recording at `path` is, 0 when there is none."""
    try:
        with wave.open(str(path), "rb") as sound:
            return round(sound.getnframes() / sound.getframerate(), 3)
    except (OSError, EOFError, wave.Error):
        return 0.0


def listen(config: Config, hub: Hub, bridge: Bridge, ladder: Ladder) -> pyvoip.Endpoint:
    """The telephone side, started. Raises CannotStart when its port can't be had."""
    host, port = config.sip
    endpoint = pyvoip.Endpoint(
        host=host,
        port=port,
        rtp_ports=config.rtp_ports,
        peers=config.peers,
        accounts=tuple(pyvoip.Account(a.line, a.user, a.password, a.host, a.port) for a in config.accounts),
        max_calls=config.max_calls + REFUSED_AT_ONCE,
        instance_id=instance_id(config.bridge_folder / "instance_id"),
        hub=hub,
        on_call=bridge.on_call,
        on_leg=bridge.on_leg,
        on_line=bridge.on_line,
        on_dialled=bridge.on_dialled,
        codec_of=bridge.codec_of,
        bindings=config.bridge_folder / "bindings.json",
        on_message=lambda sent, address, data: ladder.note(utc_now(), sent, address, data),
    )
    hub.start()
    try:
        endpoint.start()
    except OSError as error:
        hub.stop()
        if error.errno == errno.EADDRINUSE:
            raise CannotStart(
                f"SECONDRING_SIP: port {port} at {host} is taken by another program; choose another port"
            ) from None
        raise CannotStart(f"SECONDRING_SIP: can't listen at {host}:{port}: {error.strerror}") from None
    return endpoint


def instance_id(path: Path) -> str:
    """The same id at every start, so that a registrar sees one telephone, not many (RFC 5626 4.1)."""
    try:
        return str(uuid.UUID(path.read_text(encoding="ascii").strip()))
    except (OSError, ValueError):
        fresh = str(uuid.uuid4())
        path.write_text(fresh, encoding="ascii")
        return fresh


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


if __name__ == "__main__":
    sys.exit(main())
