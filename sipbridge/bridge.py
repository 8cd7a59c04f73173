"""Connects telephones, plans and calls: one thread owns every call; everybody else hands it errands.

SIP threads, the media hub and the links to the desk only put errands into a queue. The thread runs them one
by one, and in between lets the calls know when their deadlines come.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

import structlog

from sipbridge import pyvoip
from sipbridge.call import Call
from sipbridge.claims import Claims
from sipbridge.config import Config
from sipbridge.deadlines import Deadlines
from sipbridge.errands import Errands
from sipbridge.events import (
    CallEnded,
    CallOffered,
    Command,
    Directory,
    EndReason,
    Event,
    LineChanged,
    PhoneDialled,
    Plan,
    StandingPlans,
)
from sipbridge.handset import Handset
from sipbridge.instructions import Instructions
from sipbridge.lines import Lines
from sipbridge.livecall import LiveCall
from sipbridge.media.announcements import Announcements
from sipbridge.media.recorder import Recorder
from sipbridge.moves import (
    CALLER,
    Action,
    CallBroken,
    DiscardRecording,
    Emit,
    Input,
    MessageSaved,
    PartnerLeft,
    PlanArrived,
    StopRecording,
    TimePassed,
)
from sipbridge.orders import Orders
from sipbridge.outbox import Outbox
from sipbridge.saving import Saving
from sipbridge.shelving import Shelving
from sipbridge.silence import too_silent
from sipbridge.sorting import happened_to
from sipbridge.switchboard import REGISTERED, Switchboard
from sipbridge.waiting import Waiting

TICK = 2.0
"""Seconds between looks at the calls: signs of life to disk, silence on the line."""

LAST_MESSAGES = 1.0
"""Seconds in which voice messages are closed when the bridge stops."""

LONGEST_TEXT = 200  # of names and numbers as the network wrote them

log = structlog.get_logger(__name__)
KeepLadder = Callable[[str, datetime, list[tuple[str, str]]], None]


class Bridge:
    """All calls. `now` tells the wall clock, aware, in UTC; `keep_ladder` keeps the SIP of a call that is over."""

    def __init__(
        self,
        config: Config,
        outbox: Outbox,
        announcements: Announcements,
        now: Callable[[], datetime],
        keep_ladder: KeepLadder = lambda call_id, began_at, legs: None,
    ) -> None:
        self.announcements = announcements
        self.recordings = config.data / "recordings"
        self.waiting = Waiting()
        self._instructions = Instructions(config.bridge_folder)
        self._max_calls = config.max_calls
        self._name = config.name
        self._outbox = outbox
        self._now = now
        self._keep_ladder = keep_ladder
        self._endpoint: pyvoip.Endpoint | None = None
        self._switchboard: Switchboard | None = None
        self._calls: dict[str, LiveCall] = {}
        self._legs: dict[str, tuple[LiveCall, int]] = {}  # by the leg's id: whose, and which party
        self._lines = Lines(account.line for account in config.accounts)
        self._orders = Orders(Claims(config.data / "claims") if config.name else None)
        self._saving = Saving(outbox)
        self._deadlines = Deadlines()
        self._next_tick = 0.0
        self.errands = Errands(self._saving, self._look_at_the_clock, self._next_due, lambda: bool(self._calls))
        self.report = self.errands.report
        self._shelving = Shelving(self.recordings, self.report, now)

    # For other threads.

    @property
    def standing_version(self) -> str:
        """The version of the standing plans on disk, '' without any."""
        return self._instructions.standing_version

    @property
    def directory_version(self) -> str:
        """The version of the directory on disk, '' without any."""
        return self._instructions.directory_version

    def start(self, endpoint: pyvoip.Endpoint, deliver: Callable[[bool], None]) -> None:
        """Begin to work with the telephones behind `endpoint`; calls that came earlier are not lost.

        `deliver` is called whenever the outbox has news, with True when a caller waits for the desk's answer.
        """
        self._endpoint, self._switchboard, self._saving.deliver = endpoint, Switchboard(endpoint), deliver
        if self._instructions.directory is not None:
            endpoint.set_directory(self._instructions.directory)
        self.errands.start()

    def stop(self, seconds: float) -> None:
        """End every call, close the recordings, end the thread; waits for up to `seconds`."""
        until = time.monotonic() + seconds
        self.errands.put(self._end_all)
        self.errands.thread.join(seconds)
        self._shelving.stop(max(0.1, until - time.monotonic()))
        self.report()

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
        self.errands.put(partial(self._offered, leg, offered))

    def on_dialled(self, leg: pyvoip.Leg, user: str, number: str) -> None:
        """A user's registered telephone has dialled."""
        self.errands.put(partial(self._dialled, leg, user, number))

    def codec_of(self, user: str) -> str:
        """The codec in which this user speaks already at his registered telephone, '' while he does not."""
        calls = list(self._calls.values())
        return next((live.codec for live in calls if live.call.extension == REGISTERED + user), "")

    def on_leg(self, leg: pyvoip.Leg, event: pyvoip.LegEvent) -> None:
        """Something happened to a caller's or a manager's leg."""
        self.errands.put(partial(self._leg_changed, leg, event))

    def on_line(self, line: str, registered: bool, detail: str) -> None:
        """A registration came up or went down."""
        self.errands.put(partial(self._line_changed, line, registered, detail))

    def on_plan(self, call_id: str, plan: Plan) -> None:
        """The desk's plan for a call."""
        self.errands.put(partial(self._plan_arrived, call_id, plan))

    def on_standing(self, plans: StandingPlans) -> None:
        """New standing plans."""
        self.errands.put(partial(self._instructions.take_standing, plans))

    def on_directory(self, users: Directory) -> None:
        """Whose softphones may register from now on."""
        self.errands.put(partial(self._take_directory, users))

    def on_command(self, command_id: str, command: Command) -> None:
        """The desk asks something of a call."""
        self.errands.put(lambda: self._orders.carry_out(self, command_id, command))

    def post(self, live: LiveCall, happened: Input) -> None:
        """Feed `happened` to `live`, soon."""
        self.errands.put(partial(self.feed, live, happened))

    def status(self) -> dict[str, Any]:
        """What the heartbeat tells the desk: live calls, lines, phones, and how much waits or was refused."""
        endpoint = self._endpoint
        return {
            "name": self._name,
            "calls": len(self._calls),
            "lines": self._lines.up.copy(),
            "live": [live.told() for live in list(self._calls.values())],
            "phones": endpoint.registered_phones() if endpoint is not None else [],
            "counters": dict(endpoint.counters) if endpoint is not None else {},
            "waiting": self._outbox.waiting(),
            "refused": self._outbox.refused(),
        }

    # The thread.

    def _next_due(self) -> float:
        return min(self._deadlines.next, self.waiting.next, self._next_tick)

    def _look_at_the_clock(self, now: float) -> None:
        while (call_id := self._deadlines.take(now)) is not None:
            self.feed(self._calls[call_id], TimePassed())
        for call_id in self.waiting.refuse_overdue(now):
            self._orders.ended(call_id)
        if now >= self._next_tick:
            self._next_tick = now + TICK
            self._tick(now)

    def _tick(self, now: float) -> None:
        self._saving.save()
        for live in list(self._calls.values()):
            if (happened := too_silent(live, now)) is not None:
                self.feed(live, happened)
        if self._calls:
            with contextlib.suppress(sqlite3.Error):  # told by `report`, when there is something to save
                self._outbox.still_open(self._now())

    def _end_all(self) -> None:
        self.errands.end_soon(LAST_MESSAGES)
        for live in list(self._calls.values()):
            self.feed(live, CallBroken())

    # What others report.

    def _offered(self, leg: pyvoip.Leg, offered: CallOffered) -> None:
        if self.is_full:
            log.warning("too many calls at once; one was refused", call_id=leg.id, most=self._max_calls)
            leg.reject(503, "Service Unavailable", (("Retry-After", "30"),))
            refused = CallEnded(offered.call_id, EndReason.REJECTED, 1, 0.0, 0.0, offered.offered_at)
            self.report(offered, refused)
            return
        call = Call(offered, self._instructions.plan(offered.line, offered.offered_at))
        live = LiveCall(call, self, time.monotonic(), {CALLER: Handset((leg,), leg)})
        self.watch(live, CALLER, live.parties[CALLER])
        self.begin(live, call.begin())
        log.info("call offered", call_id=leg.id, line=offered.line)

    def _dialled(self, leg: pyvoip.Leg, user: str, number: str) -> None:
        if self.is_full:
            leg.reject(503, "Service Unavailable", (("Retry-After", "30"),))
        elif not leg.ended:
            self.waiting.add(leg, time.monotonic())
            self.report(PhoneDialled(leg.id, REGISTERED + user, number[:LONGEST_TEXT], self._now()))

    def _leg_changed(self, leg: pyvoip.Leg, event: pyvoip.LegEvent) -> None:
        if leg.id not in self._legs:
            if self.waiting.take(leg.id) is not None:
                self._orders.ended(leg.id)  # it gave up before the desk had decided
            if isinstance(event, pyvoip.Answered) and not leg.inbound:
                leg.hangup()  # picked up when the call was already over
            return
        live, party = self._legs[leg.id]
        if isinstance(event, pyvoip.Ended):
            del self._legs[leg.id]
            log.info("a leg ended", call_id=live.id, party=party, cause=event.cause, code=event.code)
        happened = happened_to(live.parties[party], party, leg, event, self.call_of)
        if happened is not None:
            self.feed(live, happened)

    def call_of(self, leg_id: str) -> str:
        """The id of the call that a leg belongs to, '' when there is none."""
        return self._legs[leg_id][0].id if leg_id in self._legs else ""

    def _line_changed(self, line: str, registered: bool, detail: str) -> None:
        if self._lines.changed(line, registered, detail):
            log.info("line changed", line=line, registered=registered, detail=detail)
            self.report(LineChanged(line, registered, detail[:LONGEST_TEXT], self._now()))

    def _plan_arrived(self, call_id: str, plan: Plan) -> None:
        live = self._calls.get(call_id)
        if live is not None:
            self.feed(live, PlanArrived(plan))

    def _take_directory(self, users: Directory) -> None:
        if self._endpoint is not None:
            self._endpoint.set_directory(users)
        self._instructions.take_directory(users)

    # What commands need.

    @property
    def is_full(self) -> bool:
        """Whether no further call may begin."""
        return len(self._calls) >= self._max_calls

    def live(self, call_id: str) -> LiveCall | None:
        """The call of this id while it goes on."""
        return self._calls.get(call_id)

    def trouble(self, target: str, line: str) -> str:
        """Why `target` can't be rung, see `Switchboard.trouble`."""
        return self._switchboard.trouble(target, line) if self._switchboard is not None else "failed"

    def wall_clock(self) -> datetime:
        """Now, aware, in UTC."""
        return self._now()

    # What the calls decide.

    def begin(self, live: LiveCall, actions: list[Action]) -> None:
        """Take a new call in."""
        self._calls[live.id] = live
        self._do(live, actions)

    def feed(self, live: LiveCall, happened: Input) -> None:
        """Tell a call's machine what happened, and do what it says."""
        self._do(live, live.call.handle(happened, time.monotonic() - live.began))

    def _do(self, live: LiveCall, actions: list[Action]) -> None:
        events: list[Event] = []
        for action in actions:
            if isinstance(action, Emit):
                events.append(action.event)
                continue
            if isinstance(action, StopRecording | DiscardRecording):  # what the call says comes before its recording
                self.report(*events)
                self.errands.save_news()
                events.clear()
            try:
                live.act(action)
            except Exception as error:
                log.error("could not be done", call_id=live.id, action=type(action).__name__, why=str(error))
                live.failed(action)
        if events:
            self.report(*events)
        if live.call.over:
            self._forget(live)
        else:
            deadline = live.call.next_deadline
            self._deadlines.set(live.id, None if deadline is None else live.began + deadline)

    def _forget(self, live: LiveCall) -> None:
        if self._calls.pop(live.id, None) is None:
            return
        self._deadlines.set(live.id, None)
        for party in live.parties.values():
            for leg in party.legs:
                self._legs.pop(leg.id, None)
        self._orders.ended(live.id)
        if not live.call.internal:
            self._keep_ladder(live.id, live.call.began_at, live.ladder)
        log.info("call ended", call_id=live.id)
        partner, live.partner = live.partner, None
        if partner is not None:
            partner.partner = None
            self.feed(partner, PartnerLeft())

    def dial(self, live: LiveCall, party: int, target: str, line: str) -> Handset:
        """Ring `target` in the call's codec. Raises what `Switchboard.ring` does."""
        assert self._switchboard is not None  # noqa: S101 calls come from the endpoint
        number, name = live.call.shown
        legs = self._switchboard.ring(target, line, number, name, live.codec)
        handset = Handset(legs)
        self.watch(live, party, handset)
        return handset

    def watch(self, live: LiveCall, party: int, handset: Handset) -> None:
        """What befalls these telephones befalls this party of the call."""
        name = "caller" if party == CALLER else live.call.phones[party].extension
        for leg in handset.legs:
            self._legs[leg.id] = (live, party)
            live.ladder.append((name, leg.call_id))

    def contacts(self, extensions: tuple[str, ...]) -> tuple[str, ...]:
        """The SIP URIs behind extensions."""
        return self._switchboard.contacts(extensions) if self._switchboard is not None else ()

    def close_recording(self, live: LiveCall, recorder: Recorder, keep: bool) -> None:
        """Close a talk's recording and tell the desk, or leave nothing of it."""
        self._shelving.recording(live.id, live.recording_path, recorder, keep)

    def close_message(self, live: LiveCall, recorder: Recorder, keep: bool) -> None:
        """Close a voice message and tell the call."""
        saved: Callable[[float], None] = lambda seconds: self.post(live, MessageSaved(seconds))  # noqa: E731
        self._shelving.message(live.message_path, recorder, keep, saved)
