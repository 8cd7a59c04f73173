"""Who is to be rung for a call, and why. Pure: facts in, a decision out; `facts.py` gathers the facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Who = Literal["matter", "owner", "asked", "worked", "region", "duty", "backup", "head"]
"""Whom a step rings: the owner of the open matter, the client's own manager, the employee asked for, who spoke with the
caller last, the region's, those on duty (or the people of the line), the backups, the heads."""

ORDER: tuple[Who, ...] = ("matter", "owner", "asked", "worked", "region", "duty", "backup", "head")
"""The usual order, on lines whose head chose none (D11-D14)."""

SPREADS = ("together", "order", "evenly")

GONE = frozenset({"absent", "away", "left"})
"""States in which nobody is rung, whoever he is."""

AT_ANY_HOUR = frozenset({"duty", "backup", "head"})
"""Whom a step rings though the office is closed: they are on the roster or on the line, or are the last resort."""

LATER = {"wrap_up": 1, "talk": 2}
"""Who can be rung, but only after those who are free: he writes down a talk, or is in one (D23)."""


@dataclass(frozen=True)
class Seat:
    """A person who may take calls. Without an extension there is nothing to ring, but the pop may still show."""

    user_id: int
    name: str
    extension: str
    until: str = ""
    """When their duty ends, ISO 8601, '' when they are not on duty."""


@dataclass(frozen=True)
class Where:
    """Where somebody is who isn't simply here: talk, wrap_up, away, absent, off, or left (works here no more)."""

    state: str
    until: str = ""


@dataclass(frozen=True)
class Hunt:
    """One step of a line's own order; `seconds` None: as long as the line rings one."""

    who: Who
    seconds: float | None = None


@dataclass(frozen=True)
class Facts:
    """What routing looks at. `owner` is the client's own manager, `matter_owner` that of an open deal.

    `asked_for`: his own number was dialled. `worked_with`: he spoke with this client or number last (D13).
    `region`: those on duty for the client's region, else its managers. `line_people` take the calls of the line
    instead of those on duty: steps of people, who is rung first is first. All of them whether they are here or not:
    `states` says so of those who are not simply here. `load`: how many calls somebody took today, and when the last.
    """

    client_known: bool = False
    owner: Seat | None = None
    matter_owner: Seat | None = None
    has_open_matter: bool = False
    asked_for: Seat | None = None
    worked_with: Seat | None = None
    region: tuple[Seat, ...] = ()
    duty: tuple[Seat, ...] = ()
    backups: tuple[Seat, ...] = ()
    heads: tuple[Seat, ...] = ()
    line_people: tuple[tuple[Seat, ...], ...] = ()
    states: Mapping[int, Where] = field(default_factory=dict)
    was_missed: bool = False
    is_open: bool = True
    hunt: tuple[Hunt, ...] = ()
    spread: str = "together"
    load: Mapping[int, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rung:
    """One step: these are rung together. `seconds` None: as long as the line rings one."""

    who: Who
    seats: tuple[Seat, ...]
    seconds: float | None = None


@dataclass(frozen=True)
class Passed:
    """Somebody who would have been rung, and why he isn't: a state of `Where`, or no_phone.

    One in a talk or in wrap-up is rung all the same, after those who are free.
    """

    user_id: int
    name: str
    why: str
    until: str = ""


@dataclass(frozen=True)
class Decision:
    """Steps of people to ring in turn, the script's entry, and the reason as a key with names to fill it.

    `meant_id`: who should have had the call: the owner of the matter or the client, or who was asked for (D14).
    `gap`: nobody on duty could be rung, and the head is told (D18). `duty_ids`: who is on duty, and here.
    """

    steps: tuple[Rung, ...]
    situation: str
    reason: str
    names: dict[str, str]
    passed_over: tuple[Passed, ...] = ()
    meant_id: int | None = None
    gap: bool = False
    duty_ids: tuple[int, ...] = ()

    @property
    def nobody(self) -> bool:
        """True when no telephone rings: the caller hears the apology and is promised a call."""
        return not any(seat.extension for step in self.steps for seat in step.seats)


def decide(facts: Facts) -> Decision:
    """Open matter -> its owner; own manager; who was asked for or worked with; region; duty; backups; head (D11-D14).

    The head may have chosen another order for the line. Nobody is rung twice, and nobody who is absent or away; those
    who are free first, then those who write down a talk, last those in a talk. The people of a line stand in the place
    of duty and backups. When nobody has a telephone, the first who are here see the call all the same.
    """
    wanted = list(_each_once(_wanted(facts)))
    can = [(step, [seat for seat in step.seats if not _gone(facts, step.who, seat)]) for step in wanted]
    ringing = [replace(step, seats=rung) for step, here in can if (rung := tuple(s for s in here if s.extension))]
    steps = _free_first(facts, ringing) or tuple(replace(step, seats=tuple(here)) for step, here in can if here)[:1]
    passed = tuple(one for step in wanted for seat in step.seats if (one := _passed(facts, step.who, seat)))
    meant = _meant(facts)
    elsewhere = next((one for one in passed if meant and one.user_id == meant.user_id), None)
    if elsewhere and steps and meant in steps[0].seats:
        elsewhere = None
    pool = [seat for step in facts.line_people or (facts.duty,) for seat in step if not _gone(facts, "duty", seat)]
    return Decision(
        steps=steps,
        situation=_situation(facts, elsewhere is not None),
        reason=_reason(facts, steps, meant, elsewhere),
        names=_names(facts, steps, meant, elsewhere),
        passed_over=passed,
        meant_id=meant.user_id if meant else None,
        gap=_is_gap(facts, steps),
        duty_ids=tuple(seat.user_id for seat in pool),
    )


def _wanted(facts: Facts) -> Iterator[Rung]:
    """Everybody who may be rung, in the order of the line, whether he is here or not."""
    single = {
        "matter": facts.matter_owner if facts.has_open_matter else None,
        "owner": facts.owner,
        "asked": facts.asked_for,
        "worked": facts.worked_with,
    }
    for hunt in facts.hunt or tuple(Hunt(who) for who in ORDER):
        groups: Iterable[Sequence[Seat]]
        if hunt.who in single:
            one = single[hunt.who]
            groups = [(one,)] if one else []
        elif hunt.who == "region":
            groups = _spread(facts, facts.region)
        elif hunt.who == "duty":
            groups = facts.line_people or _spread(facts, facts.duty)
        elif hunt.who == "backup":
            groups = [] if facts.line_people else [(seat,) for seat in facts.backups]
        else:
            groups = [(seat,) for seat in facts.heads]
        for group in groups:
            yield Rung(hunt.who, tuple(group), hunt.seconds)


def _spread(facts: Facts, seats: Sequence[Seat]) -> list[tuple[Seat, ...]]:
    """Together, one by one as the roster has them, or whoever had the fewest calls today, and waits longest, first."""
    if facts.spread == "together":
        return [tuple(seats)] if seats else []
    if facts.spread == "evenly":
        seats = sorted(seats, key=lambda seat: facts.load.get(seat.user_id, (0, "")))
    return [(seat,) for seat in seats]


def _each_once(wanted: Iterable[Rung]) -> Iterator[Rung]:
    """Nobody is rung twice, and steps that became empty are gone."""
    seen: set[int] = set()
    for step in wanted:
        fresh = tuple({seat.user_id: seat for seat in step.seats if seat.user_id not in seen}.values())
        seen.update(seat.user_id for seat in fresh)
        if fresh:
            yield replace(step, seats=fresh)


def _state(facts: Facts, seat: Seat) -> str:
    return facts.states[seat.user_id].state if seat.user_id in facts.states else "here"


def _gone(facts: Facts, who: Who, seat: Seat) -> bool:
    state = _state(facts, seat)
    return state in GONE or (state == "off" and who not in AT_ANY_HOUR)


def _passed(facts: Facts, who: Who, seat: Seat) -> Passed | None:
    """Why this one is passed over, or rung later than his place; None when he is rung in it."""
    state = _state(facts, seat)
    if _gone(facts, who, seat) or (seat.extension and state in LATER):
        return Passed(seat.user_id, seat.name, state, facts.states[seat.user_id].until)
    return None if seat.extension else Passed(seat.user_id, seat.name, "no_phone")


def _free_first(facts: Facts, steps: Sequence[Rung]) -> tuple[Rung, ...]:
    """The steps in three rounds: who is free, who writes down a talk, who is in one (D23).

    Heads who stand at the end are the last resort: they come after those who write down a talk.
    """
    last_resort = bool(steps) and steps[-1].who == "head"
    rounds: list[list[Rung]] = [[], [], []]
    for step in steps:
        least = 1 if step.who == "head" and last_resort else 0
        for number, found in enumerate(rounds):
            seats = tuple(seat for seat in step.seats if max(least, LATER.get(_state(facts, seat), 0)) == number)
            if seats:
                found.append(replace(step, seats=seats))
    return tuple(step for found in rounds for step in found)


def _meant(facts: Facts) -> Seat | None:
    """Who should have the call by right; who only spoke with the caller last is a good guess and no more."""
    return (facts.matter_owner if facts.has_open_matter else None) or facts.owner or facts.asked_for


REASONS: dict[Who, str] = {
    "matter": "matter_owner",
    "owner": "own_manager",
    "asked": "asked_for",
    "worked": "worked_with",
    "region": "region",
    "duty": "duty",
    "backup": "backup",
    "head": "head",
}


def _reason(facts: Facts, steps: Sequence[Rung], meant: Seat | None, elsewhere: Passed | None) -> str:
    """The reason by its key. `elsewhere`: why he who should have had the call is not rung first."""
    if elsewhere:
        by_number = meant is facts.asked_for and not facts.owner
        return "asked_for_away" if by_number else "own_manager_away"
    someone_on_duty = bool(facts.line_people or facts.duty)
    if not steps:
        return "nobody_can" if someone_on_duty else "nobody_on_duty"
    first = steps[0].who
    if meant and meant not in steps[0].seats:
        return "line_order"
    if first == "duty":
        return "line" if facts.line_people else "duty"
    return "nobody_on_duty" if first in ("backup", "head") and not someone_on_duty else REASONS[first]


def _names(facts: Facts, steps: Sequence[Rung], meant: Seat | None, elsewhere: Passed | None) -> dict[str, str]:
    """Who the reason is about (`name`), who rings (`rung`), who is on duty or takes the line's calls."""
    names: dict[str, str] = {}
    pool = [seat for seat in (facts.line_people or (facts.duty,))[0] if not _gone(facts, "duty", seat)]
    if pool:
        names["line_people" if facts.line_people else "duty"] = _joined(pool)
        if pool[0].until and not facts.line_people:
            names["until"] = pool[0].until
    if steps:
        names["name"] = names["rung"] = _joined(steps[0].seats)
    if elsewhere:
        names |= {"name": elsewhere.name, "why": elsewhere.why, "why_until": elsewhere.until}
    return names


def _joined(seats: Iterable[Seat]) -> str:
    return ", ".join(seat.name for seat in seats)


def _is_gap(facts: Facts, steps: Sequence[Rung]) -> bool:
    """Nobody at all, or in working hours nobody but a backup or the head."""
    if not steps:
        return True
    return facts.is_open and all(step.who in ("backup", "head") for step in steps)


def _situation(facts: Facts, meant_is_elsewhere: bool) -> str:
    """Where the script begins. Somebody we failed to answer hears the apology first, whoever he is."""
    if facts.was_missed:
        return "was_missed"
    if meant_is_elsewhere:
        return "absent_employee"
    if not facts.client_known:
        return "new_caller"
    return "open_matter" if facts.has_open_matter else "known_client"
