"""Sees a thread that is stuck or dead; what can be replaced while calls go on is replaced, else the process ends.

The threads that carry calls (the bridge's own, SIP, media) can't be replaced under their calls: the process ends
with the reason on record, and whoever supervises it starts it anew. Those beside the calls (the link to the
desk, the writer of recordings) are left behind, and a fresh one takes over.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import structlog

LOOK_SECONDS = 1.0
LONGEST_PAUSE = 7.0
"""Seconds without a sign of life after which a thread is taken for stuck; seen a look later, within ten."""

RUNNING, STOPPED, KILLED = "running", "stopped", "killed"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """One thread. `beat` is the monotonic time of its last sign of life, infinity when it has nothing to do.

    `thread` gives the thread itself, None while there is none to be. `replace` puts a fresh one in its place
    and returns at once; without it the process must end.
    """

    name: str
    beat: Callable[[], float]
    thread: Callable[[], Thread | None]
    replace: Callable[[], None] | None = None


class Watchdog:
    """Looks after threads. `look` is called about once in `LOOK_SECONDS` by a thread that does nothing else."""

    def __init__(self, *watched: Watched, clock: Callable[[], float] = time.monotonic) -> None:
        self._watched = watched
        self._clock = clock
        self._looked = clock()
        self._since: dict[str, float] = {one.name: self._looked for one in watched}  # started, or replaced
        self._replaced: Counter[str] = Counter()
        self._ill: dict[str, str] = {}

    def look(self) -> str:
        """Look at every thread and replace what can be; why the process must end, '' when it need not."""
        now = self._clock()
        paused, self._looked = now - self._looked, now
        if paused > LONGEST_PAUSE / 2:  # the whole process was held up: let the others go round first
            self._since = dict.fromkeys(self._since, now)
            return ""
        for one in self._watched:
            if wrong := self._wrong(one, now):
                why = f"thread {one.name} {wrong}"
                if one.replace is None:
                    self._ill[one.name] = wrong
                    return why
                log.error("a thread is replaced; calls go on", thread=one.name, why=wrong)
                self._replaced[one.name] += 1
                self._since[one.name] = now
                one.replace()
        return ""

    def states(self) -> Mapping[str, Any]:
        """For the heartbeat: how each thread does, and how often it was replaced."""
        return {
            one.name: {"state": self._ill.get(one.name, "well"), "replaced": self._replaced[one.name]}
            for one in self._watched
        }

    def _wrong(self, one: Watched, now: float) -> str:
        thread = one.thread()
        if thread is not None and not thread.is_alive():
            return "dead"
        quiet = now - max(one.beat(), self._since[one.name])
        return f"stuck for {quiet:.0f} s" if quiet > LONGEST_PAUSE else ""


class Life:
    """What ended this bridge the last time, in one small file, written so that a killed process leaves a trace."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self) -> str:
        """Note that the bridge runs; what had ended it before: '' for a clean end and at the very first start."""
        try:
            before = self._path.read_text(encoding="utf-8")[:200].strip()
        except FileNotFoundError:
            before = STOPPED
        except (OSError, UnicodeDecodeError):
            before = RUNNING
        self._note(RUNNING)
        return {STOPPED: "", RUNNING: KILLED, "": KILLED}.get(before, before)

    def end(self, why: str = "") -> None:
        """Note the end and its reason, '' for a clean one."""
        self._note(why or STOPPED)

    def _note(self, words: str) -> None:
        try:
            self._path.write_text(words + "\n", encoding="utf-8")
        except OSError as error:  # a full disk; the next start will say "killed"
            log.error("the bridge's state can't be kept on disk", why=error.strerror)
