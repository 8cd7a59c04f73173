"""Softphones that have dialled something themselves and wait for what the desk says to that."""

from __future__ import annotations

import math
from collections import OrderedDict

from sipbridge import pyvoip
from sipbridge.asking import DESK_DECIDES


class Waiting:
    """Their legs, by the id that is the call's. Each waits for as long, so the first to come is the first to leave."""

    def __init__(self) -> None:
        self._legs: OrderedDict[str, tuple[float, pyvoip.Leg]] = OrderedDict()

    @property
    def next(self) -> float:
        """The monotonic time at which the desk was silent for too long, infinity while nobody waits."""
        return next((until for until, _ in self._legs.values()), math.inf)

    def add(self, leg: pyvoip.Leg, now: float) -> None:
        """This one has dialled."""
        self._legs[leg.id] = now + DESK_DECIDES, leg

    def take(self, call_id: str) -> pyvoip.Leg | None:
        """Whoever waits with this call, and waits no more; None when nobody does."""
        _, leg = self._legs.pop(call_id, (0.0, None))
        return leg

    def refuse_overdue(self, now: float) -> list[str]:
        """Refuse those that have waited for too long; their calls."""
        overdue = [call_id for call_id, (until, _) in self._legs.items() if until <= now]
        for call_id in overdue:
            _, leg = self._legs.pop(call_id)
            leg.reject(503, "Service Unavailable", (("Retry-After", "5"),))
        return overdue
