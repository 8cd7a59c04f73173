"""What each bridge last said of itself, read with care: the telephones page stands even when the word is nonsense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.calls.models import BridgeStatus

SILENT_AFTER = timedelta(seconds=30)
"""A heartbeat is noted every ten seconds; after three that did not come the bridge is called silent."""
MOST = 500
LONGEST = 120


@dataclass(frozen=True, slots=True)
class Phone:
    """A telephone registered now. Its texts come from the network."""

    login: str
    device: str
    address: str
    since: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Thread:
    """One of the bridge's threads: `state` is well, dead or stuck."""

    name: str
    state: str
    replaced: int


@dataclass(frozen=True, slots=True)
class Status:
    """A bridge's last heartbeat. `name` is '' for the only one; `live` are its calls by their ids."""

    name: str
    at: datetime
    started_at: datetime | None
    ended_why: str
    lines: Mapping[str, bool]
    phones: Sequence[Phone]
    threads: Sequence[Thread]
    counters: Mapping[str, int]
    live: Mapping[str, Mapping[str, Any]]
    calls: int
    waiting: int
    refused: int

    def is_silent(self, now: datetime) -> bool:
        """True when no heartbeat came for SILENT_AFTER."""
        return now - self.at > SILENT_AFTER


@dataclass(frozen=True, slots=True)
class Bridges:
    """All bridges of the office; none when no bridge has ever spoken to this desk."""

    each: Sequence[Status]

    def are_silent(self, now: datetime) -> bool:
        """True when none of them is heard of."""
        return all(one.is_silent(now) for one in self.each)

    def phones_of(self, login: str) -> list[Phone]:
        """The telephones registered under `login`."""
        return [phone for one in self.each for phone in one.phones if phone.login == login]


def read(session: Session) -> Bridges:
    """The bridges' state as they last told it, by name."""
    return Bridges([_status(row) for row in session.scalars(select(BridgeStatus).order_by(BridgeStatus.name))])


def _status(row: BridgeStatus) -> Status:
    said: dict[str, Any] = row.status if isinstance(row.status, dict) else {}
    counters = said.get("counters")
    return Status(
        name=row.name,
        at=row.at,
        started_at=row.started_at,
        ended_why=row.ended_why,
        lines={str(name)[:80]: up is True for name, up in _some(said.get("lines"))},
        phones=[_phone(one) for one in _list(said.get("phones")) if isinstance(one.get("user"), str)],
        threads=[_thread(name, one) for name, one in _some(said.get("threads"))],
        counters={str(name)[:40]: value for name, value in _some(counters) if _is_count(value)},
        live={one["call_id"]: one for one in _list(said.get("live")) if isinstance(one.get("call_id"), str)},
        calls=_count(said.get("calls")),
        waiting=_count(said.get("waiting")),
        refused=_count(said.get("refused")),
    )


def _phone(one: dict[str, Any]) -> Phone:
    device, address = str(one.get("device") or "")[:LONGEST], str(one.get("address") or "")[:LONGEST]
    return Phone(one["user"][:40], device, address, moment(one.get("since")), moment(one.get("expires_at")))


def _thread(name: Any, one: Any) -> Thread:
    said = one if isinstance(one, dict) else {}
    state = str(said.get("state", ""))
    kind = "well" if state == "well" else "dead" if state == "dead" else "stuck"
    return Thread(str(name)[:40], kind, _count(said.get("replaced")))


def _some(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items())[:MOST] if isinstance(value, dict) else []


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value[:MOST] if isinstance(one, dict)] if isinstance(value, list) else []


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _count(value: Any) -> int:
    return value if _is_count(value) else 0


def moment(value: Any) -> datetime | None:
    """An ISO 8601 time with its zone; None for anything else."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else None
