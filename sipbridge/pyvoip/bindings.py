"""Bindings: which telephones of a user are registered, and how they survive a restart (RFC 3261 10)."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sipbridge.kept import write_json
from sipbridge.pyvoip.message import Address
from sipbridge.pyvoip.uri import Uri, parse_uri

MOST_BYTES = 64 << 20

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Binding:
    """One registered telephone of `user`.

    `uri` is what to put into a request for it, `address` where to send that: the place that proved to hold the
    user's secret, whatever `uri` says. `device` is what the telephone calls itself, fit to be shown.
    """

    user: str
    uri: str
    address: Address
    device: str
    since: datetime
    expires_at: datetime


@dataclass(slots=True)
class Kept:
    """A binding with what decides about its replacement. `ends` is on the endpoint's monotonic clock."""

    binding: Binding
    ends: float
    instance: str
    call_id: str
    cseq: int

    @property
    def uri(self) -> Uri:
        return parse_uri(self.binding.uri)


def to_json(kept: Kept) -> dict[str, Any]:
    """What the file holds of one binding."""
    b = kept.binding
    return {
        "user": b.user,
        "uri": b.uri,
        "address": list(b.address),
        "device": b.device,
        "since": b.since.isoformat(),
        "expires_at": b.expires_at.isoformat(),
        "instance": kept.instance,
        "call_id": kept.call_id,
        "cseq": kept.cseq,
    }


def from_json(item: Any, clock: float, now: datetime, longest: float) -> Kept | None:
    """A binding of the file, None when it has expired. Raises ValueError, KeyError or TypeError for nonsense.

    It lives for what was left of it by the wall clock, at most `longest` seconds should that clock have moved.
    """
    since, expires_at = datetime.fromisoformat(item["since"]), datetime.fromisoformat(item["expires_at"])
    left = min((expires_at - now).total_seconds(), longest)
    host, port = item["address"]
    if left <= 0:
        return None
    texts = [item[name] for name in ("user", "uri", "device", "instance", "call_id")]
    if (
        not all(isinstance(text, str) for text in (*texts, host))
        or type(port) is not int
        or type(item["cseq"]) is not int
    ):
        raise ValueError("a field is of the wrong type")
    user, uri, device, instance, call_id = texts
    parse_uri(uri)
    return Kept(
        Binding(user, uri, (host, port), device, since, expires_at), clock + left, instance, call_id, item["cseq"]
    )


class BindingsFile:
    """Writes the bindings on a thread of its own, the newest state only: no burst of REGISTERs waits for a disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wanted: list[dict[str, Any]] | None = None
        self._changed = threading.Condition()
        self._closing = False
        self._thread: threading.Thread | None = None

    def load(self, clock: float, now: datetime, longest: float) -> list[Kept]:
        """What is still valid of the file. What can't be read is told and left out: telephones register again."""
        try:
            with self._path.open("rb") as file:
                items = json.loads(file.read(MOST_BYTES))
            found = [from_json(item, clock, now, longest) for item in items]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            log.error("the kept registrations can't be used; the telephones will register again: %s", error)
            return []
        return [kept for kept in found if kept is not None]

    def want(self, items: list[dict[str, Any]]) -> None:
        """Have this state written, soon."""
        with self._changed:
            self._wanted = items
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sip-bindings", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Write what is wanted and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread:
            self._thread.join(1)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted is not None or self._closing)
                items, self._wanted = self._wanted, None
            if items is None:
                return
            try:
                write_json(self._path, items)
            except OSError as error:
                log.error("the registrations can't be kept on disk: %s", error)
