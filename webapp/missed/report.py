"""What the head reads of a period's missed callers (D22). Every figure counts episodes, so each can open its rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from webapp.missed.episodes import Episode, hour_of

SMALL_SAMPLE = 30
"""Below so many, a median says little: it is marked."""


@dataclass(frozen=True)
class Times:
    """Minutes to return. `p50`: half were spoken with within so many; `worst`: the longest, with its call."""

    count: int
    p50: float | None = None
    worst: float | None = None
    worst_call: int | None = None

    @property
    def is_small(self) -> bool:
        """True when there are too few to say much."""
        return 0 < self.count < SMALL_SAMPLE


@dataclass(frozen=True)
class Person:
    """One manager: callers missed while on duty, those of them who wait still, and whom he spoke with afterwards."""

    user_id: int
    name: str
    missed: int
    waiting: int
    returned: Times


@dataclass(frozen=True)
class Report:
    """All figures. `calls`: how often they rang. `reasons`: (reason, count, a call that has it), the commonest first.

    `hours`: callers by the hour of their first call, from the first hour that has any to the last.
    """

    callers: int
    calls: int
    waiting: int
    rang_again: int
    rung_back: int
    closed: int
    times: Times
    reasons: Sequence[tuple[str, int, int]]
    people: Sequence[Person]
    hours: Sequence[tuple[int, int]]

    @property
    def busiest(self) -> int:
        """The most callers of one hour."""
        return max((count for _hour, count in self.hours), default=0)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the smallest value that `percent` per cent of all do not exceed; never between two.

    Of 4 values the 50th is the second, of 5 the third. Raises ValueError for no values.
    """
    if not values:
        raise ValueError("no values")
    return sorted(values)[max(1, math.ceil(percent / 100 * len(values))) - 1]


def of(found: Sequence[Episode], names: Mapping[int, str], zone: ZoneInfo) -> Report:
    """The report of these episodes."""
    how = Counter(one.how for one in found if not one.is_open)
    reasons = Counter(one.last.reason for one in found if one.how == "reason")
    example = {one.last.reason: one.last.id for one in found if one.how == "reason"}
    hours = Counter(hour_of(one, zone) for one in found)
    return Report(
        callers=len(found),
        calls=sum(len(one.calls) for one in found),
        waiting=sum(one.is_open for one in found),
        rang_again=how["in"],
        rung_back=how["out"],
        closed=how["reason"],
        times=times(found),
        reasons=[(reason, count, example[reason]) for reason, count in reasons.most_common()],
        people=_people(found, names),
        hours=[(hour, hours[hour]) for hour in range(min(hours), max(hours) + 1)] if hours else [],
    )


def times(found: Sequence[Episode]) -> Times:
    """Minutes from the end of the first call to the talk, of those who were spoken with alone."""
    spoken = sorted((one.minutes, one.first.id) for one in found if one.minutes is not None)
    if not spoken:
        return Times(0)
    worst, call_id = spoken[-1]
    return Times(len(spoken), percentile([minutes for minutes, _call in spoken], 50), worst, call_id)


def _people(found: Sequence[Episode], names: Mapping[int, str]) -> list[Person]:
    people = []
    for user_id, name in names.items():
        on_duty = [one for one in found if user_id in one.duty_ids]
        returned = times([one for one in found if one.last.by == user_id])
        if on_duty or returned.count:
            people.append(Person(user_id, name, len(on_duty), sum(one.is_open for one in on_duty), returned))
    return sorted(people, key=lambda one: (-one.missed, -one.returned.count, one.name))
