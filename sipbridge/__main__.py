"""`python -m sipbridge`: start the bridge, watch over it, stop it cleanly on SIGTERM or SIGINT.

Exit codes: 0 stopped as asked, 1 broken, 2 can't start (one line says why).
"""

from __future__ import annotations

import errno
import fcntl
import signal
import sqlite3
import sys
import threading
import time
import uuid
import wave
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import structlog

from sipbridge import config as settings
from sipbridge import pyvoip
from sipbridge.bridge import Bridge
from sipbridge.config import Config, ConfigError
from sipbridge.events import RecordingReady
from sipbridge.livecall import recording_path
from sipbridge.logs import to_stderr
from sipbridge.media.announcements import Announcements
from sipbridge.media.hub import Hub
from sipbridge.outbox import Outbox
from sipbridge.weblink import WebLink, read_token

WATCH_SECONDS = 1.0
LONGEST_PAUSE = 10.0
"""Seconds after which a thread that should go round all the time is taken for hung."""

log = structlog.get_logger("sipbridge")


class CannotStart(Exception):
    """Something outside must change before the bridge can start; the text is for the administrator."""


def main() -> int:
    """Run until told to stop; the exit code."""
    to_stderr()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        return run(settings.load(), stop)
    except (ConfigError, CannotStart) as error:
        print(f"sipbridge: {error}", file=sys.stderr)
        return 2


def run(config: Config, stop: threading.Event) -> int:
    """Carry calls until `stop`. Raises CannotStart."""
    lock = own_folder(config.bridge_folder)
    outbox = open_outbox(config)
    hub = Hub()
    bridge = Bridge(config, outbox, Announcements(config.data / "sounds"), utc_now)
    link = WebLink(
        config.web,
        read_token(config.data),
        outbox,
        bridge.standing_version,
        on_plan=bridge.on_plan,
        on_standing=bridge.on_standing,
        status=bridge.status,
    )
    endpoint = listen(config, hub, bridge)
    bridge.start(endpoint, link.wake)
    link.start()
    log.info("ready", sip=f"{config.sip[0]}:{endpoint.port}", desk=f"{config.web[0]}:{config.web[1]}")
    healthy = watch(stop, lambda: max(bridge.stood_still(), time.monotonic() - hub.beat) < LONGEST_PAUSE)
    bridge.stop(1.0)
    endpoint.stop()
    link.stop(0.7)
    hub.stop()
    outbox.close()
    lock.close()
    log.info("stopped")
    return 0 if healthy else 1


def watch(stop: threading.Event, well: Callable[[], bool]) -> bool:
    """Wait for `stop`, looking after the threads; False when one of them is lost."""
    while not stop.wait(WATCH_SECONDS):
        if not well():
            log.critical("a thread is lost; the bridge ends so that it can be started anew")
            return False
    return True


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
    """The outbox, with an end for every call that a crash of the bridge cut off."""
    path = config.bridge_folder / "outbox.sqlite"
    try:
        outbox = Outbox(path)
        failed = outbox.fail_open_calls()
    except sqlite3.Error as error:
        raise CannotStart(f"{path} can't be used: {error}") from None
    for call_id, offered_at in failed:
        log.warning("a call was cut off when the bridge ended", call_id=call_id)
        path_of_recording = recording_path(call_id, offered_at)
        if seconds := recorded_seconds(config.data / "recordings" / path_of_recording):
            outbox.add(RecordingReady(call_id, path_of_recording, seconds, utc_now()))
    return outbox


def recorded_seconds(path: Path) -> float:
    """How long the recording at `path` is, 0 when there is none."""
    try:
        with wave.open(str(path), "rb") as sound:
            return round(sound.getnframes() / sound.getframerate(), 3)
    except (OSError, EOFError, wave.Error):
        return 0.0


def listen(config: Config, hub: Hub, bridge: Bridge) -> pyvoip.Endpoint:
    """The telephone side, started. Raises CannotStart when its port can't be had."""
    host, port = config.sip
    endpoint = pyvoip.Endpoint(
        host=host,
        port=port,
        rtp_ports=config.rtp_ports,
        peers=config.peers,
        accounts=tuple(pyvoip.Account(a.line, a.user, a.password, a.host, a.port) for a in config.accounts),
        max_calls=2 * config.max_calls,  # the bridge refuses those over its cap itself, and tells the desk
        instance_id=instance_id(config.bridge_folder / "instance_id"),
        hub=hub,
        on_call=bridge.on_call,
        on_leg=bridge.on_leg,
        on_line=bridge.on_line,
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
