"""The standing plans: what to do when the desk is silent. Kept on disk, chosen by line and time."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from pathlib import Path

from sipbridge.events import Choice, Menu, Plan, StandingPlans, Step, WireError, from_wire, to_wire
from sipbridge.kept import write_json

NOBODY = Plan((), 2, 5.0, "greeting.en.wav", "apology.en.wav", False)
"""Followed when no standing plan was ever received: greet on the second ring, then apologise (D19, D26)."""

FOR_ANY_LINE = "*"
_KEYS = frozenset("0123456789*#")


class PlanError(ValueError):
    """A plan that can't be followed; the text says why."""


def check_plan(plan: Plan) -> Plan:
    """`plan` without steps that ring nobody. Raises PlanError when its numbers make no sense."""
    if not 1 <= plan.answer_on_ring <= 20:
        raise PlanError("answer_on_ring should be from 1 to 20")
    if not 0.05 <= plan.ring_seconds <= 60:
        raise PlanError("ring_seconds should be from 0.05 to 60")
    if not 0 <= plan.message_seconds <= 600:
        raise PlanError("message_seconds should be from 0 to 600")
    menu = plan.menu
    if menu is not None:
        if len(menu.choices) > 12 or not all(choice.digit in _KEYS for choice in menu.choices):
            raise PlanError("a menu has at most 12 choices, each a digit, * or #")
        menu = Menu(menu.sound, tuple(Choice(choice.digit, _check_steps(choice.steps)) for choice in menu.choices))
    return dataclasses.replace(plan, steps=_check_steps(plan.steps), menu=menu)


def _check_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if len(steps) > 50 or any(len(step.extensions) > 20 for step in steps):
        raise PlanError("a plan has at most 50 steps of at most 20 extensions")
    if not all(0 < step.seconds <= 600 for step in steps):
        raise PlanError("a step should last more than 0 and at most 600 seconds")
    return tuple(Step(tuple(dict.fromkeys(s.extensions)), s.seconds) for s in steps if s.extensions)


def check_standing(plans: StandingPlans) -> StandingPlans:
    """`plans` when every one of them can be followed. Raises PlanError naming the line."""
    for line, timed in plans.lines.items():
        for item in timed:
            try:
                check_plan(item.plan)
            except PlanError as error:
                raise PlanError(f"line {line!r}, from {item.starts_at.isoformat()}: {error}") from None
    return plans


def choose(plans: StandingPlans | None, line: str, at: datetime) -> Plan:
    """The plan that holds for `line` at `at`, else the one for any line, else `NOBODY`."""
    lines = {name.lower(): timed for name, timed in plans.lines.items()} if plans is not None else {}
    for name in (line.lower(), FOR_ANY_LINE):
        timed = lines.get(name, ())
        begun = [item for item in timed if item.starts_at <= at]
        if begun:
            return check_plan(max(begun, key=lambda item: item.starts_at).plan)
    return NOBODY


def load(path: Path) -> StandingPlans | None:
    """The plans kept at `path`, None when there are none yet. Raises WireError, PlanError, OSError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        return check_standing(from_wire(StandingPlans, json.loads(text)))
    except json.JSONDecodeError as error:
        raise WireError(f"standing plans are not JSON: {error}") from None


def save(path: Path, plans: StandingPlans) -> None:
    """Keep `plans` at `path`; a crash at any instant leaves either the old ones or the new ones."""
    write_json(path, to_wire(plans))
