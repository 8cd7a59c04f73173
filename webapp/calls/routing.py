"""Who is to be rung for a call, and why. Pure: facts in, a decision out; `intake.py` gathers the facts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Seat:
    """A person who may take calls. Without an extension there is nothing to ring, but the pop still shows."""

    user_id: int
    name: str
    extension: str
    until: str = ""
    """When their duty ends, ISO 8601, '' when they are not on duty."""


@dataclass(frozen=True)
class Facts:
    """What routing looks at. `owner` is the client's own manager, `matter_owner` that of an open deal.

    `line_people` take the calls of the line instead of those on duty: steps of people, who is rung first is first.
    """

    client_known: bool = False
    owner: Seat | None = None
    matter_owner: Seat | None = None
    has_open_matter: bool = False
    away: frozenset[int] = frozenset()
    """User ids of those who are absent, off work, or in a talk now."""
    region_seats: tuple[Seat, ...] = ()
    duty: tuple[Seat, ...] = ()
    backups: tuple[Seat, ...] = ()
    heads: tuple[Seat, ...] = ()
    line_people: tuple[tuple[Seat, ...], ...] = ()
    was_missed: bool = False


@dataclass(frozen=True)
class Decision:
    """Steps of people to ring in turn, the script's entry, and the reason as a key with names to fill it."""

    steps: tuple[tuple[Seat, ...], ...]
    situation: str
    reason: str
    names: dict[str, str]


def decide(facts: Facts) -> Decision:
    """Open matter -> its owner; a client's own manager; the region's manager; duty; backups; the head (D11-D14, D18).

    A manager who is away is passed over, and the duty manager answers in his place (D14). The people of a line stand
    in the place of duty and backups.
    """
    own = facts.matter_owner if facts.has_open_matter and facts.matter_owner else facts.owner
    own_is_here = own is not None and own.user_id not in facts.away
    region = tuple(seat for seat in facts.region_seats if seat.user_id not in facts.away)
    wanted: list[tuple[Seat, ...]] = []
    names: dict[str, str] = {}
    if own and own_is_here:
        reason = "matter_owner" if own is facts.matter_owner else "own_manager"
        names["name"] = own.name
        wanted.append((own,))
    elif own:
        reason = "own_manager_away"
        names["name"] = own.name
    elif facts.client_known and region:
        reason = "region"
        names["name"] = region[0].name
        wanted.append(region)
    elif facts.line_people:
        reason = "line"
        names["name"] = ", ".join(seat.name for seat in facts.line_people[0])
    else:
        reason = "duty" if facts.duty else "nobody_on_duty"
    if facts.line_people:
        wanted += facts.line_people
        names["line_people"] = ", ".join(seat.name for seat in facts.line_people[0])
    elif facts.duty:
        wanted.append(facts.duty)
        names["duty"] = ", ".join(seat.name for seat in facts.duty)
        names["until"] = facts.duty[0].until
    backups = () if facts.line_people else facts.backups
    wanted += [(seat,) for seat in (*backups, *facts.heads)]
    return Decision(_each_once(wanted), _situation(facts, own_is_here), reason, names)


def _situation(facts: Facts, own_is_here: bool) -> str:
    """Where the script begins. Somebody we failed to answer hears the apology first, whoever he is."""
    if facts.was_missed:
        return "was_missed"
    if not facts.client_known:
        return "new_caller"
    if (facts.owner or facts.matter_owner) and not own_is_here:
        return "absent_employee"
    return "open_matter" if facts.has_open_matter else "known_client"


def _each_once(wanted: list[tuple[Seat, ...]]) -> tuple[tuple[Seat, ...], ...]:
    """Nobody is rung twice, and steps that became empty are gone."""
    seen: set[int] = set()
    steps = []
    for step in wanted:
        fresh = tuple({seat.user_id: seat for seat in step if seat.user_id not in seen}.values())
        seen.update(seat.user_id for seat in fresh)
        if fresh:
            steps.append(fresh)
    return tuple(steps)
