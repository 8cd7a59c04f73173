"""The ladder of a past call: its SIP messages, read from the file the bridge left, each with what it means in words.

The file's shape is told in `sipbridge/ladder.py`. What it holds came from the network: everything is bounded, and
what can't be read is as if there were no ladder.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HERE, CALLER = "desk", "caller"
MOST_BYTES = 8 << 20
MOST_MESSAGES = 2000
MOST_PARTIES = 8
MOST_COUNTED = 10**9  # milliseconds, or messages left out
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RESPONSE = re.compile(r"SIP/2\.0 (\d{3})(?: |$)", re.ASCII)
_REQUEST = re.compile(r"([A-Z]{3,12}) \S", re.ASCII)
_CSEQ = re.compile(r"^cseq[ \t]*:[ \t]*\d+[ \t]+([A-Za-z]+)", re.I | re.M)
_TO_TAG = re.compile(r"^(?:to|t)[ \t]*:[^\n]*;[ \t]*tag=", re.I | re.M)
_PROOF = re.compile(r"^(?:proxy-)?authorization[ \t]*:", re.I | re.M)
_SILENT = re.compile(r"^a=(?:sendonly|inactive)[ \t]*$", re.M)


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `sender` and `receiver` are `desk`, `caller` or an extension; one of them is always the desk.

    `kind` is the request's method, or the method that a response answers; `code` is 0 for a request. `inside`: it
    belongs to a call that stands already. `again`: the very same was sent before.
    """

    at: datetime
    ms: int
    sender: str
    receiver: str
    address: str
    first_line: str
    text: str
    leg: str
    left_out: int
    kind: str
    code: int
    inside: bool
    proves: bool
    holds: bool
    again: bool

    @property
    def other(self) -> str:
        """Who is at the far end."""
        return self.receiver if self.sender == HERE else self.sender


def read(folder: Path, call_id: str, offered_at: datetime) -> list[Message]:
    """The messages of a call in order, [] when there are none (any more)."""
    if not _SAFE_NAME.fullmatch(call_id):
        return []
    day = offered_at.astimezone(UTC).date()
    for near in (day, day + timedelta(days=1), day - timedelta(days=1)):  # the two clocks may differ at midnight
        path = folder / near.isoformat() / f"{call_id}.json"
        try:
            with path.open("rb") as file:
                return _messages(json.loads(file.read(MOST_BYTES)))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError):
            return []
    return []


def parties(messages: Sequence[Message]) -> list[str]:
    """The columns: the caller, the desk, then every telephone in the order in which it was asked."""
    others = dict.fromkeys(message.other for message in messages if message.other != CALLER)
    return [CALLER, HERE, *list(others)[: MOST_PARTIES - 2]]


def still_ringing(messages: Sequence[Message], until: int) -> list[str]:
    """The telephones that rang at millisecond `until`: asked to, and neither answered nor silent yet."""
    ringing: dict[str, str] = {}
    for message in messages:
        if message.ms > until:
            break
        if message.other == CALLER or message.kind != "INVITE":
            continue
        if message.sender == HERE and not message.code and not message.inside:
            ringing[message.leg] = message.other
        elif message.sender != HERE and message.code >= 200 and message.code not in (401, 407):
            ringing.pop(message.leg, None)
    return list(dict.fromkeys(ringing.values()))


def who_hung_up(messages: Sequence[Message]) -> str:
    """The far end that ended the call, '' when we did or nobody can tell."""
    ends = (m for m in messages if not m.code and (m.kind == "BYE" or (m.kind == "CANCEL" and m.sender == CALLER)))
    first = next(ends, None)
    return first.sender if first and first.sender != HERE else ""


def forget(folder: Path, days: int, now: datetime) -> int:
    """Delete the ladders of days more than `days` ago, all of them for 0; returns how many days went."""
    newest = (now.astimezone(UTC).date() - timedelta(days=days)).isoformat() if days else "9999-12-31"
    try:
        old = [path for path in folder.iterdir() if _DAY.fullmatch(path.name) and path.name < newest]
    except OSError:  # no ladder was ever kept
        return 0
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return len(old)


def _messages(items: Any) -> list[Message]:
    """Raises ValueError for what is no ladder."""
    if not isinstance(items, list):
        raise ValueError("not a list")
    seen: set[tuple[str, str, str]] = set()
    taken: set[str] = set()
    found = []
    for item in items[:MOST_MESSAGES]:
        message = _message(item, seen)
        if message:
            if message.kind == "INVITE" and 200 <= message.code < 300 and not message.again:
                message = replace(message, inside=message.leg in taken)
                taken.add(message.leg)
            found.append(message)
            seen.add((message.sender, message.leg, message.text))
    return found


def _message(item: Any, seen: set[tuple[str, str, str]]) -> Message | None:
    if not isinstance(item, Mapping):
        return None
    names = ("at", "from", "to", "address", "first_line", "text", "call")
    written = {name: item[name] for name in names if isinstance(item.get(name), str)}
    texts = {name: text.encode("utf-8", "replace").decode() for name, text in written.items()}  # "\ud800" is JSON
    if len(texts) < len(names) or HERE not in (texts["from"], texts["to"]):
        return None
    at = datetime.fromisoformat(texts["at"])
    if at.tzinfo is None or not 2000 <= at.year <= 2999:
        return None
    ms, left_out, text = item.get("ms"), item.get("left_out", 0), texts["text"][:8192]
    response, request, cseq = _RESPONSE.match(text), _REQUEST.match(text), _CSEQ.search(text)
    return Message(
        at=at,
        ms=ms if type(ms) is int and 0 <= ms <= MOST_COUNTED else 0,
        sender=texts["from"][:200],
        receiver=texts["to"][:200],
        address=texts["address"][:80],
        first_line=texts["first_line"][:300],
        text=text,
        leg=texts["call"][:256],
        left_out=left_out if type(left_out) is int and 0 < left_out <= MOST_COUNTED else 0,
        kind=(cseq[1].upper() if response and cseq else request[1] if request and not response else "")[:12],
        code=int(response[1]) if response else 0,
        inside=bool(_TO_TAG.search(text)) and not response,
        proves=bool(_PROOF.search(text)),
        holds=bool(_SILENT.search(text)),
        again=(texts["from"], texts["call"], text) in seen,
    )
