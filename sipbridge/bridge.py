"""Connects telephones, plans and calls: one thread owns every call; everybody else hands it errands.

SIP threads, the media hub and the delivery thread only put errands into a queue. The thread runs them one
by one, and in between lets the calls know when their deadlines come.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from sipbridge import pyvoip, standing
from sipbridge.call import Call
from sipbridge.config import Config
from sipbridge.events import (
    CallEnded,
    CallOffered,
    EndReason,
    Event,
    LegEnd,
    LineChanged,
    Plan,
    RecordingReady,
    StandingPlans,
)
from sipbridge.livecall import LiveCall
from sipbridge.media.announcements import Announcements
from sipbridge.media.recorder import Recorder
from sipbridge.moves import (
    Action,
    CallBroken,
    CallerLeft,
    Emit,
    Input,
    PhoneAnswered,
    PhoneEnded,
    PlanArrived,
    StopRecording,
    TimePassed,
)
from sipbridge.outbox import Outbox

TICK = 2.0
"""Seconds between looks at the calls: signs of life to disk, silence on the line."""

SILENCE_LIMIT = 60.0
"""Seconds without a packet from either side after which a talk is taken for lost."""

LONGEST_TEXT = 200  # of names and numbers as the network wrote them
MOST_UNSAVED = 10_000

_LEG_ENDS = {"busy": LegEnd.BUSY, "rejected": LegEnd.REJECTED, "cancelled": LegEnd.CANCELLED}

log = structlog.get_logger(__name__)
Errand = Callable[[], None]


class Bridge:
    """All calls. `now` tells the wall clock, aware, in UTC."""

    def __init__(
        self, config: Config, outbox: Outbox, announcements: Announcements, now: Callable[[], datetime]
    ) -> None:
        self.announcements = announcements
        self.recordings = config.data / "recordings"
        self._standing_path = config.bridge_folder / "standing.json"
        self._max_calls = config.max_calls
        self._outbox = outbox
        self._now = now
        self._endpoint: pyvoip.Endpoint | None = None
        self._deliver: Errand = lambda: None
        self._standing = _load_standing(self._standing_path)
        self._calls: dict[str, LiveCall] = {}
        self._legs: dict[str, tuple[LiveCall, int | None]] = {}  # None: the caller's own
        self._lines: dict[str, bool] = {}
        self._unsaved: deque[Event] = deque(maxlen=MOST_UNSAVED)  # events on their way to disk
        self._saving = threading.Lock()
        self._errands: queue.SimpleQueue[Errand] = queue.SimpleQueue()
        self._closing = ThreadPoolExecutor(1, thread_name_prefix="recordings-close")
        self._next_tick = 0.0
        self._beat = time.monotonic()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="bridge", daemon=True)

    # For other threads.

    @property
    def standing_version(self) -> str:
        """The version of the standing plans on disk, '' without any."""
        return self._standing.version if self._standing is not None else ""

    @property
    def beat(self) -> float:
        """The monotonic time of the thread's last turn, never older than a few seconds while it is well."""
        return self._beat

    @property
    def thread(self) -> threading.Thread:
        """The thread that owns the calls."""
        return self._thread

    def report(self, *events: Event) -> None:
        """Bring events that no call makes on their way to the desk; a disk that refuses only delays them."""
        self._save(*events)

    def start(self, endpoint: pyvoip.Endpoint, deliver: Errand) -> None:
        """Begin to work with the telephones behind `endpoint`; calls that came earlier are not lost.

        `deliver` is called whenever the outbox has news.
        """
        self._endpoint, self._deliver = endpoint, deliver
        self._beat = time.monotonic()
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End every call, close the recordings, end the thread; waits for up to `seconds`."""
        until = time.monotonic() + seconds
        self._errands.put(self._end_all)
        self._thread.join(seconds)
        # A recorder waits two seconds for its disk at most; usually milliseconds.
        closing = threading.Thread(target=self._closing.shutdown, daemon=True)
        closing.start()
        closing.join(max(0.1, until - time.monotonic()))
        self._save()

    def on_call(self, leg: pyvoip.Leg) -> None:
        """A caller's INVITE. It rings at once, on the thread that read it: a hand-over would cost time."""
        offered = CallOffered(
            call_id=leg.id,
            line=leg.line[:LONGEST_TEXT],
            caller_number=leg.caller_number[:LONGEST_TEXT],
            caller_name=leg.caller_name[:LONGEST_TEXT],
            dialed_number=leg.dialed_number[:LONGEST_TEXT],
            offered_at=self._now(),
        )
        self._outbox.note(offered)
        if len(self._calls) < self._max_calls:
            leg.ring()
        self._errands.put(partial(self._offered, leg, offered))

    def on_leg(self, leg: pyvoip.Leg, event: pyvoip.LegEvent) -> None:
        """Something happened to a caller's or a manager's leg."""
        self._errands.put(partial(self._leg_changed, leg, event))

    def on_line(self, line: str, registered: bool, detail: str) -> None:
        """A registration came up or went down."""
        self._errands.put(partial(self._line_changed, line, registered, detail))

    def on_plan(self, call_id: str, plan: Plan) -> None:
        """The desk's plan for a call."""
        self._errands.put(partial(self._plan_arrived, call_id, plan))

    def on_standing(self, plans: StandingPlans) -> None:
        """New standing plans."""
        self._errands.put(partial(self._take_standing, plans))

    def post(self, live: LiveCall, happened: Input) -> None:
        """Feed `happened` to `live`, soon."""
        self._errands.put(partial(self._feed, live, happened))

    def status(self) -> dict[str, Any]:
        """What the heartbeat tells the desk: live calls, lines, and how much waits or was refused."""
        return {
            "calls": len(self._calls),
            "lines": self._lines.copy(),
            "counters": dict(self._endpoint.counters) if self._endpoint is not None else {},
            "waiting": self._outbox.waiting(),
            "refused": self._outbox.refused(),
        }

    # The thread.

    def _run(self) -> None:
        while not self._stopping:
            self._beat = time.monotonic()
            try:
                errand: Errand | None = self._errands.get(timeout=self._patience())
            except queue.Empty:
                errand = None
            try:
                if errand is not None:
                    errand()
                self._deadlines()
            except Exception:
                log.exception("an errand failed")

    def _patience(self) -> float:
        """Seconds until something falls due."""
        now = time.monotonic()
        wait = self._next_tick - now
        for live in self._calls.values():
            if (deadline := live.call.next_deadline) is not None:
                wait = min(wait, live.began + deadline - now)
        return max(0.0, wait)

    def _deadlines(self) -> None:
        now = time.monotonic()
        for live in list(self._calls.values()):
            deadline = live.call.next_deadline
            if deadline is not None and live.began + deadline <= now:
                self._feed(live, TimePassed())
        if now >= self._next_tick:
            self._next_tick = now + TICK
            self._tick(now)

    def _tick(self, now: float) -> None:
        if self._unsaved:
            self._save()
        for live in list(self._calls.values()):
            if live.call.talking and now - live.last_heard() > SILENCE_LIMIT:
                log.warning("both sides are silent; the call is ended", call_id=live.id)
                self._feed(live, CallBroken())
        if self._calls:
            with contextlib.suppress(sqlite3.Error):  # told by `_save`, when there is something to save
                self._outbox.still_open(self._now())

    def _end_all(self) -> None:
        for live in list(self._calls.values()):
            self._feed(live, CallBroken())
        self._stopping = True

    # What others report.

    def _offered(self, leg: pyvoip.Leg, offered: CallOffered) -> None:
        if len(self._calls) >= self._max_calls:
            log.warning("too many calls at once; one was refused", call_id=leg.id, most=self._max_calls)
            leg.reject(503, "Service Unavailable", (("Retry-After", "30"),))
            refused = CallEnded(offered.call_id, EndReason.REJECTED, 1, 0.0, 0.0, offered.offered_at)
            self._save(offered, refused)
            return
        plan = standing.choose(self._standing, offered.line, offered.offered_at)
        live = LiveCall(Call(offered, plan), leg, self, time.monotonic())
        self._calls[leg.id] = live
        self._legs[leg.id] = (live, None)
        self._do(live, live.call.begin())
        log.info("call offered", call_id=leg.id, line=offered.line)

    def _leg_changed(self, leg: pyvoip.Leg, event: pyvoip.LegEvent) -> None:
        live, key = self._legs.get(leg.id, (None, None))
        if live is None:
            if isinstance(event, pyvoip.Answered) and not leg.inbound:
                leg.hangup()  # picked up when the call was already over
            return
        if isinstance(event, pyvoip.Ended):
            del self._legs[leg.id]
        if key is None:
            self._caller_changed(live, event)
        else:
            self._manager_changed(live, key, event)

    def _caller_changed(self, live: LiveCall, event: pyvoip.LegEvent) -> None:
        match event:
            case pyvoip.Ended(_, "remote_bye" | "cancelled", elsewhere):
                self._feed(live, CallerLeft(elsewhere))
            case pyvoip.Ended(code, cause, _):
                log.warning("the caller's leg broke", call_id=live.id, cause=cause, code=code)
                self._feed(live, CallBroken(caller_is_gone=True))

    def _manager_changed(self, live: LiveCall, key: int, event: pyvoip.LegEvent) -> None:
        match event:
            case pyvoip.Ringing():
                live.rang.add(key)
            case pyvoip.Answered():
                self._feed(live, PhoneAnswered(key))
            case pyvoip.Ended(code, cause, _):
                log.info("a manager's leg ended", call_id=live.id, leg=key, cause=cause, code=code)
                # A phone that rang and then gives up by itself was there, and nobody came.
                quiet = LegEnd.NO_ANSWER if key in live.rang and code in (408, 480) else LegEnd.UNREACHABLE
                self._feed(live, PhoneEnded(key, _LEG_ENDS.get(cause, quiet)))

    def _line_changed(self, line: str, registered: bool, detail: str) -> None:
        if self._lines.get(line) is not registered:
            self._lines[line] = registered
            log.info("line changed", line=line, registered=registered, detail=detail)
            self._save(LineChanged(line, registered, detail[:LONGEST_TEXT], self._now()))

    def _plan_arrived(self, call_id: str, plan: Plan) -> None:
        live = self._calls.get(call_id)
        if live is not None:
            self._feed(live, PlanArrived(plan))

    def _take_standing(self, plans: StandingPlans) -> None:
        self._standing = plans
        try:
            standing.save(self._standing_path, plans)
        except OSError as error:
            log.error("standing plans can't be kept on disk", why=str(error))

    # What the calls decide.

    def _feed(self, live: LiveCall, happened: Input) -> None:
        self._do(live, live.call.handle(happened, time.monotonic() - live.began))

    def _do(self, live: LiveCall, actions: list[Action]) -> None:
        events: list[Event] = []
        for action in actions:
            if isinstance(action, Emit):
                events.append(action.event)
                continue
            if isinstance(action, StopRecording):  # the call's end comes first, then the recording's
                self._save(*events)
                events.clear()
            try:
                live.act(action)
            except Exception as error:
                log.error("could not be done", call_id=live.id, action=type(action).__name__, why=str(error))
                live.failed(action)
        if events:
            self._save(*events)
        if live.call.over and self._calls.pop(live.id, None) is not None:
            for leg in (live.caller, *live.managers.values()):
                self._legs.pop(leg.id, None)
            log.info("call ended", call_id=live.id)

    def dial(self, live: LiveCall, key: int, extension: str) -> pyvoip.Leg:
        """Ring `extension`, in the caller's own codec: nothing is transcoded. Raises what `Endpoint.dial` does."""
        assert self._endpoint is not None  # noqa: S101 calls come from the endpoint
        offered = live.call.offered
        leg = self._endpoint.dial(
            extension,
            caller_number=offered.caller_number,
            caller_name=offered.caller_name,
            codec=live.caller.codec,
        )
        self._legs[leg.id] = (live, key)
        return leg

    def close_recording(self, live: LiveCall, recorder: Recorder) -> None:
        """Close `recorder` on its own thread, since that waits for the disk, and tell the desk."""
        self._closing.submit(self._recording_closed, live, recorder)

    def _recording_closed(self, live: LiveCall, recorder: Recorder) -> None:
        if seconds := recorder.close():
            self._save(RecordingReady(live.id, live.recording_path, round(seconds, 3), self._now()))
        else:
            log.error("nothing could be recorded", call_id=live.id, why=recorder.failure)

    def _save(self, *events: Event) -> None:
        """Bring events to disk. A disk that refuses ends no call: they wait in memory for a better moment."""
        with self._saving:
            self._unsaved.extend(events)
            try:
                self._outbox.add(*self._unsaved)
            except sqlite3.Error as error:
                log.error("events can't be brought to disk", waiting=len(self._unsaved), why=str(error))
                return
            self._unsaved.clear()
        self._deliver()


def _load_standing(path: Path) -> StandingPlans | None:
    try:
        return standing.load(path)
    except (ValueError, OSError) as error:  # WireError and PlanError are ValueErrors
        log.error("the standing plans on disk can't be used; waiting for the desk", why=str(error))
        return None
