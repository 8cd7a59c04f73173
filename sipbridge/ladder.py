"""The ladder: the SIP messages of a call with their times, kept for people who ask later what happened.

`note` takes every datagram of the telephone side and remembers those that belong to a call, in memory and
bounded. `keep`, said once the call is over, has the ladder of its legs written to
`<folder>/YYYY-MM-DD/<call_id>.json` (the UTC day of the offer, readable by the owner only): a list of

    {"at": "2026-03-02T09:00:00.123456+00:00",   when, UTC
     "ms": 1204,                                 milliseconds since the first message of the list
     "from": "caller", "to": "desk",             the names given to `keep`, "desk" for the bridge itself
     "address": "10.0.0.9:5060",                 the far end's, whatever its name
     "first_line": "INVITE sip:desk@10.0.0.5 SIP/2.0",
     "text": "INVITE sip:...\\nVia: ...",        the whole message, lines separated by \\n, at most 4 kB of it
     "call": "a84b4c76e66710",                   the SIP Call-ID of the leg
     "left_out": 0}                              messages of this leg left out just before this one

in the order they came or went. What proves an identity or opens media is replaced by "(removed)"; bytes that are
no UTF-8, control characters and marks that turn the direction of writing are written out (\\xff, \\x07, \\u202e).
The desk deletes the days it needs no longer.
"""

from __future__ import annotations

import logging
import queue
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sipbridge.kept import write_json

HERE = "desk"
MOST_MESSAGES = 200  # of one leg: its first and its last hundred
MOST_BYTES = 4096  # of one message
MOST_MEMORY = 24 << 20  # bytes, of all legs together
OVERHEAD = 350  # bytes that a message costs besides its text
OF_LEG = 600  # bytes that a leg costs besides its messages
FORGET_ENDED = 15 * 60.0  # seconds
FORGET_SILENT = 4 * 3600.0  # a leg whose end was never seen
SETTLE = 2.0  # seconds in which the last answers still come
LOOK = 60.0  # seconds between looks for what is to be forgotten while no message comes
MOST_WANTED = 10_000  # ladders that wait for a disk that hangs

REMOVED = "(removed)"

_CALL_ID = re.compile(rb"(?:^|[\r\n])(?:call-id|i)[ \t]*:(?:\r\n[ \t]|[ \t])*([^\r\n]{1,256})", re.I)
_OF_INVITE = re.compile(rb"[\r\n]cseq[ \t]*:[ \t]*[0-9]+[ \t]+INVITE", re.I)
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
_PROOF = re.compile(
    r"((?:proxy-)?authorization|(?:www|proxy)-authenticate|(?:proxy-)?authentication-info)([ \t]*:)", re.I
)
_KEY = re.compile(r"(a=(?:crypto|key-mgmt):|k=)", re.I)
_PASSWORD = re.compile(r"(sips?:[^\s:@<>;,?\"]+):[^\s@<>;,?\"]*@", re.I)
# What a plain message must hold somewhere, in lower case, for one of its lines to be changed; most hold none.
_HINTS = ("authori", "authenti", "crypto:", "key-mgmt:", "k=")
_PASSWORD_HINT = re.compile(r"sips?:[^\s:@<>;,?]+:[^\s@<>;,?]*@")

Address = tuple[str, int]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Noted:
    """One datagram as it was; `order` counts all of them, `number` those of its leg."""

    order: int
    number: int
    at: datetime
    sent: bool
    address: Address
    data: bytes


@dataclass(slots=True)
class Leg:
    """What is remembered of one SIP Call-ID."""

    first: list[Noted] = field(default_factory=list)
    last: deque[Noted] | None = None  # most have none, and an empty one costs as much as a message
    count: int = 0
    size: int = 0
    heard: float = 0.0
    answered: bool = False
    ended: bool = False


class Ladder:
    """The memory of messages and the thread that writes ladders into `folder`. Any thread may call it."""

    def __init__(self, folder: Path, *, settle: float = SETTLE, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._settle, self._clock = folder, settle, clock
        self._open: OrderedDict[str, Leg] = OrderedDict()  # the one heard of last at the end
        self._ended: OrderedDict[str, Leg] = OrderedDict()
        self._size = self._order = 0
        self._lock = threading.Lock()
        self._wanted: queue.SimpleQueue[tuple[float, str, datetime, list[tuple[str, str]]] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ladder", daemon=True)
        self._thread.start()

    def note(self, at: datetime, sent: bool, address: Address, data: bytes) -> None:
        """Remember a datagram when it belongs to a call: an INVITE, or what has the Call-ID of one."""
        match = _CALL_ID.search(data, 0, MOST_BYTES)
        if match is None:
            return
        call = match[1].strip().decode("utf-8", "surrogateescape")
        with self._lock:
            leg = self._open.pop(call, None) or self._ended.pop(call, None)
            if leg is None:
                if not data.lstrip(b"\r\n").startswith(b"INVITE "):
                    return
                leg = Leg()
            self._order += 1
            self._remember(leg, Noted(self._order, leg.count, at, sent, address, bytes(data[:MOST_BYTES])))
            (self._ended if leg.ended else self._open)[call] = leg
            self._forget()

    def _remember(self, leg: Leg, noted: Noted) -> None:
        before = leg.size
        leg.size += len(noted.data) + OVERHEAD + (0 if leg.count else OF_LEG)
        leg.count += 1
        leg.heard = self._clock()
        if len(leg.first) < MOST_MESSAGES // 2:
            leg.first.append(noted)
        else:
            if leg.last is None:
                leg.last = deque(maxlen=MOST_MESSAGES // 2)
            elif len(leg.last) == MOST_MESSAGES // 2:
                leg.size -= len(leg.last[0].data) + OVERHEAD
            leg.last.append(noted)
        _follow(leg, noted.data)
        self._size += leg.size - before

    def _forget(self) -> None:
        """Drop what nobody asked for in time, then what is too much: ended legs first, the oldest first."""
        now = self._clock()
        for legs, patience in ((self._ended, FORGET_ENDED), (self._open, FORGET_SILENT)):
            while legs:
                call, leg = next(iter(legs.items()))
                if self._size <= MOST_MEMORY and now - leg.heard <= patience:
                    break
                self._drop(call)

    def _drop(self, call: str) -> Leg | None:
        leg = self._open.pop(call, None) or self._ended.pop(call, None)
        if leg is not None:
            self._size -= leg.size
        return leg

    def keep(self, call_id: str, offered_at: datetime, legs: list[tuple[str, str]]) -> None:
        """Write the ladder of a call that is over, a little later and elsewhere. `legs`: (name, SIP Call-ID)."""
        if self._wanted.qsize() >= MOST_WANTED:
            log.error("too many ladders wait for the disk; that of a call is not kept")
            return
        self._wanted.put((self._clock() + self._settle, call_id, offered_at, list(legs)))

    def close(self) -> None:
        """Write what was asked for and end; takes less than two seconds."""
        self._stopping.set()
        self._wanted.put(None)
        self._thread.join(1.5)

    # The thread

    def _run(self) -> None:
        while True:
            try:
                wanted = self._wanted.get(timeout=LOOK)
            except queue.Empty:
                with self._lock:
                    self._forget()
                continue
            if wanted is None:
                return
            due, call_id, offered_at, legs = wanted
            self._stopping.wait(max(0.0, due - self._clock()))
            try:
                self._write(call_id, offered_at, legs)
            except OSError as error:
                log.error("the ladder of a call can't be kept: %s", error)
            except Exception:
                log.exception("the ladder of a call could not be written")

    def _write(self, call_id: str, offered_at: datetime, legs: list[tuple[str, str]]) -> None:
        if not _SAFE_NAME.fullmatch(call_id):
            raise ValueError("the call's id can't be a file name")
        with self._lock:
            taken = [(name, call, leg) for name, call in legs if (leg := self._drop(call))]
        steps = sorted(
            (noted.order, name, call, noted, left_out)
            for name, call, leg in taken
            for noted, left_out in _with_gaps(leg)
        )
        if steps:
            day = offered_at.astimezone(UTC).date().isoformat()
            began = steps[0][3].at
            told = [_told(noted, began, name, call, left_out) for _, name, call, noted, left_out in steps]
            write_json(self._folder / day / f"{call_id}.json", told)


def _with_gaps(leg: Leg) -> Iterator[tuple[Noted, int]]:
    """The messages of a leg, each with the number of those left out before it."""
    expected = 0
    for noted in (*leg.first, *(leg.last or ())):
        yield noted, noted.number - expected
        expected = noted.number + 1


def _told(noted: Noted, began: datetime, name: str, call: str, left_out: int) -> dict[str, Any]:
    """One message as the file holds it."""
    text = readable(noted.data)
    return {
        "at": noted.at.astimezone(UTC).isoformat(),
        "ms": round((noted.at - began).total_seconds() * 1000),
        "from": HERE if noted.sent else harmless(name),
        "to": harmless(name) if noted.sent else HERE,
        "address": "[{}]:{}".format(*noted.address) if ":" in noted.address[0] else "{}:{}".format(*noted.address),
        "first_line": text.partition("\n")[0],
        "text": text,
        "call": harmless(call),
        "left_out": left_out,
    }


def _follow(leg: Leg, data: bytes) -> None:
    """See by a message whether its leg is over: a BYE, a CANCEL, or a refusal of the INVITE that made it."""
    if data.startswith((b"BYE ", b"CANCEL ")):
        leg.ended = True
    elif data.startswith(b"INVITE "):
        leg.ended = False  # once more, with a proof
    elif data.startswith(b"SIP/2.0 ") and _OF_INVITE.search(data):
        leg.answered = leg.answered or data[8:9] == b"2"
        leg.ended = leg.ended or (data[8:9] in (b"3", b"4", b"5", b"6") and not leg.answered)


def readable(data: bytes) -> str:
    """A message as harmless text, what proves an identity or opens media removed."""
    text = data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").replace("\r", "\n")
    return (text if _is_harmless(text) else _cleaned(text)).rstrip("\n")


def _is_harmless(text: str) -> bool:
    """Whether a message needs no look at its single lines, which takes ten times as long."""
    if not text.isascii() or not text.replace("\n", "").replace("\t", "").isprintable():
        return False
    lower = text.lower()
    return not any(hint in lower for hint in _HINTS) and not _PASSWORD_HINT.search(lower)


def _cleaned(text: str) -> str:
    lines: list[str] = []
    folded = False  # the line before was removed, and this may be its continuation
    for line in text.split("\n"):
        if folded and line[:1] in (" ", "\t"):
            continue
        match = _PROOF.match(line) or _KEY.match(line)
        folded = match is not None
        lines.append(f"{match[0]} {REMOVED}" if match else harmless(_PASSWORD.sub(rf"\1:{REMOVED}@", line)))
    return "\n".join(lines)


def harmless(text: str) -> str:
    """One line of text in which nothing acts: what is not to be printed is written out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == "\t" else _written_out(char) for char in text)


def _written_out(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
