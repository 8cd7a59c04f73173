"""A bridge as the desk meets it: every event waits in an outbox until its post was answered, in order, some come twice.

The web may be away: then the standing plans that were fetched last are followed, and all that happened comes later.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sipbridge.events import CallOffered, Event, Plan, StandingPlans, encode, from_wire
from tests.webapp.week.world import Time

MOST = 200
Answer = tuple[int, Any]
Ask = Callable[[str, str, Any], Answer]
"""`ask(method, path, body)` gives the status and the JSON of the desk's answer; raises OSError while it is away."""


class Bridge:
    """One bridge of the office. `posts` counts the batches the desk took, `twice` those it got again."""

    def __init__(self, ask: Ask, time: Time, dice: random.Random, lines: tuple[str, ...]) -> None:
        self.ask, self.time, self.dice = ask, time, dice
        self.status = {"name": "", "lines": dict.fromkeys(lines, True)}
        self.outbox: list[dict[str, Any]] = []
        self.away = False
        self.posts = self.twice = self.sent = 0
        self.lost_answers = 0.02
        self._ids = itertools.count(1)
        self._standing = StandingPlans("", {})
        self._plans: dict[str, Plan] = {}

    def say(self, *events: Event, at_once: bool = False) -> None:
        """These have happened; the desk hears of them as soon as it can, of those of one instant together."""
        for event in events:
            self.outbox.append(encode(f"week-{next(self._ids)}", event))
            self.sent += 1
        if at_once:
            self.deliver()
        else:
            self.time.at(self.time.now, self.deliver)

    def deliver(self, *, heartbeat: bool = False) -> None:
        """Post what waits. A batch whose answer is lost stays, and is posted again with what comes next.

        `heartbeat`: say that this bridge is there, though nothing waits.
        """
        while not self.away and (self.outbox or heartbeat):
            heartbeat = False
            batch = self.outbox[:MOST]
            try:
                code, answer = self.ask("POST", "/bridge/events", {"events": batch, "status": self.status})
            except OSError:
                return
            if code != 200:
                assert code == 503, (code, answer)
                return
            self.posts += 1
            if batch and self.dice.random() < self.lost_answers:
                self.twice += 1
                return
            for call_id, plan in answer["plans"].items():
                self._plans[call_id] = from_wire(Plan, plan)
            if answer["standing"] != self._standing.version:
                code, plans = self.ask("GET", "/bridge/standing", None)
                assert code == 200, plans
                self._standing = from_wire(StandingPlans, plans)
            del self.outbox[: len(batch)]

    def offer(self, event: CallOffered) -> tuple[Plan | None, Plan]:
        """A call rings. The plan the desk answers, if it does, and the one that is followed: the standing one when the
        desk is late or away.
        """
        self.say(event, at_once=True)
        plan = self._plans.pop(event.call_id, None)
        if plan is not None and self.dice.random() > 0.02:
            return plan, plan
        return plan, self.standing(event.line, self.time.now)

    def standing(self, line: str, at: datetime) -> Plan:
        """What is to be done without the desk."""
        plans = self._standing.lines.get(line) or self._standing.lines["*"]
        begun = [timed.plan for timed in plans if timed.starts_at <= at]
        return begun[-1] if begun else plans[0].plan
