"""Carries out what the desk asks of calls: checks what a machine can't know, and lets the machine do the rest."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from datetime import datetime
from typing import Protocol

import structlog

from sipbridge.claims import Claims
from sipbridge.events import Command, CommandRefused, Dial, Event, HangUp, JoinCalls, Transfer
from sipbridge.handset import Handset
from sipbridge.livecall import House, LiveCall
from sipbridge.moves import CALLER, Action, CallerGone, Input, JoinedTo, Ordered, SideHeld, TakenOver
from sipbridge.placed import MANAGER, Placed
from sipbridge.waiting import Waiting

_DIALS = uuid.UUID("5f6c8a52-6f53-4c39-9f0e-0d7c2f1b9a11")  # makes a file name of any call id

REMEMBERED = 2000  # commands carried out, and calls that ended

log = structlog.get_logger(__name__)


class Calls(House, Protocol):
    """What commands need of the bridge. `waiting` holds the softphones that have dialled."""

    waiting: Waiting

    @property
    def is_full(self) -> bool:
        """Whether no further call may begin."""

    def live(self, call_id: str) -> LiveCall | None:
        """The call of this id while it goes on."""

    def trouble(self, target: str, line: str) -> str:
        """Why a target can't be rung, '' when it can."""

    def begin(self, live: LiveCall, actions: list[Action]) -> None:
        """Take a new call in."""

    def feed(self, live: LiveCall, happened: Input) -> None:
        """Tell a call's machine what happened."""

    def watch(self, live: LiveCall, party: int, handset: Handset) -> None:
        """What befalls these telephones befalls this party of the call."""

    def wall_clock(self) -> datetime:
        """Now, aware, in UTC."""

    def report(self, *events: Event) -> None:
        """Tell the desk."""


class Orders:
    """Each command is carried out once, however often it comes. Works on the bridge's thread.

    `claims` where several bridges hear the same commands, None for the only one.
    """

    def __init__(self, claims: Claims | None) -> None:
        self._claims = claims
        self._done: OrderedDict[str, None] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    def ended(self, call_id: str) -> None:
        """Remember that this call was ours: of several bridges only the one that had a call speaks of it."""
        _remember(self._ended, call_id)

    def carry_out(self, bridge: Calls, command_id: str, command: Command) -> None:
        """Do it, or tell the desk why not."""
        if command_id in self._done:
            return
        _remember(self._done, command_id)
        live = bridge.live(command.call_id)
        if isinstance(command, Dial) and command.waits:
            why = self._put_through(bridge, command) if live is None else ""
        elif isinstance(command, HangUp) and (leg := bridge.waiting.take(command.call_id)) is not None:
            why = ""
            leg.reject(603, "Decline")
        elif isinstance(command, Dial):
            why = self._dial(bridge, command) if live is None and command.call_id not in self._ended else ""
            if self._claims is not None:
                why = ""  # another bridge may have the line and the telephone
        elif live is None:
            why = "no_call" if self._claims is None or command.call_id in self._ended else ""
        elif isinstance(command, JoinCalls):
            why = self._join(bridge, live, bridge.live(command.other_call_id))
        else:
            why = bridge.trouble(command.target, command.line) if isinstance(command, Transfer) else ""
            if not why:
                bridge.feed(live, Ordered(command_id, command))
        if why:
            log.info("a command was refused", call_id=command.call_id, kind=type(command).__name__, why=why)
            bridge.report(CommandRefused(command.call_id, command_id, why, bridge.wall_clock()))

    def _dial(self, bridge: Calls, dial: Dial) -> str:
        if bridge.is_full:
            return "failed"
        if bridge.trouble(dial.extension, ""):
            return "no_phone"
        if why := bridge.trouble(dial.target, dial.line):
            return why
        if self._claims is not None and not self._claims.take(
            f"{uuid.uuid5(_DIALS, dial.call_id)}", bridge.wall_clock()
        ):
            return ""
        call = Placed(dial, bridge.wall_clock())
        bridge.begin(LiveCall(call, bridge, time.monotonic()), call.begin())
        log.info("call placed", call_id=dial.call_id, line=dial.line)
        return ""

    def _put_through(self, bridge: Calls, dial: Dial) -> str:
        """Answer the softphone that has dialled, and ring whom it called."""
        leg = bridge.waiting.take(dial.call_id)
        if leg is None:
            return "no_phone" if self._claims is None or dial.call_id in self._ended else ""
        if leg.ended:  # it gave up in this very moment; that will be told in its turn
            return "no_phone"
        if bridge.is_full:
            leg.reject(503, "Service Unavailable", (("Retry-After", "30"),))
            return "failed"
        if why := bridge.trouble(dial.target, dial.line):
            leg.reject(480, "Temporarily Unavailable")
            return why
        call, handset = Placed(dial, bridge.wall_clock()), Handset((leg,))
        live = LiveCall(call, bridge, time.monotonic(), {MANAGER: handset})
        actions = call.begin()
        bridge.watch(live, MANAGER, handset)
        bridge.begin(live, actions)
        log.info("a softphone was put through", call_id=dial.call_id, line=dial.line, internal=dial.internal)
        return ""

    def _join(self, bridge: Calls, one: LiveCall, other: LiveCall | None) -> str:
        if other is None:
            return "no_call"
        if one is other or not (one.call.can_be_joined and other.call.can_be_joined):
            return "not_now"
        if one.call.extension != other.call.extension or one.codec != other.codec:
            return "failed"
        if other.call.internal:
            _give_over(bridge, one, other)
            return ""
        bridge.feed(one, JoinedTo(other.call.number))
        bridge.feed(other, JoinedTo(one.call.number))
        if not (one.call.over or other.call.over):
            one.join_callers(other)
        return ""


def _give_over(bridge: Calls, one: LiveCall, internal: LiveCall) -> None:
    """Let the colleague whom the manager has called have the caller of `one`."""
    key, colleague, extension = len(one.call.phones), internal.parties.pop(CALLER), internal.call.number
    one.parties[key] = colleague
    bridge.feed(one, TakenOver(key, extension))
    bridge.watch(one, key, colleague)
    if colleague.leg.held:
        bridge.feed(one, SideHeld(key))
    bridge.feed(internal, CallerGone())


def _remember(known: OrderedDict[str, None], key: str) -> None:
    known[key] = None
    if len(known) > REMEMBERED:
        known.popitem(last=False)
