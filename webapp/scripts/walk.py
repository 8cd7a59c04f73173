"""Walking a script during a talk: every key press gives a new state and what it changed.

Nothing here reads a clock, a request or a database. The state and the view are in modules of their own; whoever
walks a script finds all of it under this one name.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from webapp.scripts.grammar import SPECIAL_ASKS, Answer, BranchKey, Light, NextKind, Script, Situation, Step
from webapp.scripts.state import Given, Place, State, settle
from webapp.scripts.view import (
    BRANCH_LABELS,
    SITUATION_LABELS,
    StepView,
    phrase,
    spoken_moment,
    view,
    words_of_the_hour,
)

__all__ = [
    "BRANCH_LABELS",
    "NOTHING",
    "SITUATION_LABELS",
    "Effects",
    "Moved",
    "State",
    "StepView",
    "answer",
    "ask",
    "back",
    "branch",
    "phrase",
    "settle",
    "spoken_moment",
    "start",
    "view",
    "words_of_the_hour",
]

MAX_HISTORY = 100
MAX_RETURNS = 8
MAX_TYPED = 2000
NOTHING_KNOWN: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Effects:
    """What a key press asks the rest of the desk to do. Keys of purpose and outcome are the lists' own.

    `fields`: card field -> value. `promise`: a promised call starts now (D26). `message`: for the absent
    colleague, word for word (D58). `said`: for the head's inbox (D66), heard at step `said_at`.
    """

    fields: dict[str, str] = field(default_factory=dict)
    lights: frozenset[Light] = frozenset()
    promise: bool = False
    message: str | None = None
    said: str | None = None
    said_at: str | None = None
    purpose: str | None = None
    outcome: str | None = None
    next_kind: NextKind | None = None


NOTHING = Effects()
Moved = tuple[State, Effects]


def start(script: Script, situation: Situation, known: Collection[str] = NOTHING_KNOWN) -> State:
    """The state at the situation's first step. A hidden number is a `new_caller`."""
    step = _arrive(script, script.entry(situation), known)
    return State(
        script=script.script,
        language=script.language,
        version=script.version,
        situation=situation,
        step=step,
    )


def answer(
    state: State, script: Script, n: int, text: str | None = None, known: Collection[str] = NOTHING_KNOWN
) -> Moved:
    """Choose answer `n` (from 1); on a step without answers 1 goes on. A number not offered changes nothing.

    `text` is what was typed for an answer that asks. `known`: card fields that already have a value.
    """
    state = settle(state, script)
    step = script.steps[state.step]
    if not step.answers:
        return _said(state, _go_on(state, script, step, known), script) if n == 1 else (state, NOTHING)
    if not 1 <= n <= len(step.answers):
        return state, NOTHING
    chosen = step.answers[n - 1]
    typed = _clean(text)
    effects = _effects(chosen, typed, state, known)
    filled = tuple(dict.fromkeys((*state.filled, *effects.fields)))
    lights: tuple[Light, ...] = tuple(dict.fromkeys((*state.lights, *effects.lights)))
    changes: dict[str, object] = {
        "given": (*state.given, Given(step=state.step, n=n, text=typed))[-MAX_HISTORY:],
        "filled": filled,
        "lights": lights,
    }
    known = {*known, *filled}
    if chosen.branch:
        after = _enter(state, script, chosen.branch, chosen.to or state.step, known, changes)
    elif chosen.returns:
        after = _return(state, script, known, changes)
    else:
        after = _move(state, script, chosen.to or state.step, state.returns, known, changes)
    return _said(state, after, script, effects)


def branch(state: State, script: Script, key: BranchKey, known: Collection[str] = NOTHING_KNOWN) -> Moved:
    """Press a constant key: the branch's first step not yet said in this call (D53, D66)."""
    state = settle(state, script)
    return _said(state, _enter(state, script, key, state.step, {*known, *state.filled}, {}), script)


def _said(before: State, after: State, script: Script, effects: Effects = NOTHING) -> Moved:
    """A step that promises has promised as soon as its sentence is before the manager: he reads it aloud (D26)."""
    if script.steps[after.step].promise and after.step != before.step:
        effects = replace(effects, promise=True)
    return after, effects


def back(state: State, script: Script) -> Moved:
    """Undo the last move and its lights. What was filled in stays on the card: nothing typed is lost."""
    state = settle(state, script)
    history = list(state.history)
    while history:
        place = history.pop()
        if place.step in script.steps:
            returns = tuple(step for step in place.returns if step in script.steps)
            update = {
                "step": place.step,
                "returns": returns,
                "history": tuple(history),
                "lights": place.lights,
                "given": state.given[: place.given],
                "restarted": False,
            }
            return state.model_copy(update=update), NOTHING
    return state, NOTHING


def ask(state: State, script: Script, question_id: str) -> Moved:
    """Tick a question as asked; ticking again takes the tick away (D48)."""
    state = settle(state, script)
    if question_id not in {question.id for question in script.questions}:
        return state, NOTHING
    asked = [one for one in state.asked if one != question_id]
    if len(asked) == len(state.asked):
        asked.append(question_id)
    return state.model_copy(update={"asked": tuple(asked)}), NOTHING


def _clean(text: str | None) -> str:
    kept = "".join(c for c in (text or "")[:MAX_TYPED] if c.isprintable() or c in "\n\t")
    return kept.strip()


def _effects(chosen: Answer, typed: str, state: State, known: Collection[str]) -> Effects:
    fields = dict(chosen.fills)
    if chosen.ask and chosen.ask not in SPECIAL_ASKS and typed:
        fields[chosen.ask] = typed
    # An answer that asks has earned its light only when the thing is really written down.
    learnt = not chosen.ask or bool(typed) or chosen.ask in known or chosen.ask in state.filled
    return Effects(
        fields=fields,
        lights=frozenset({chosen.light}) if chosen.light and learnt else frozenset(),
        promise=chosen.promise,
        message=typed if chosen.ask == "message" and typed else None,
        said=typed if chosen.ask == "said" and typed else None,
        said_at=(state.returns[-1] if state.returns else state.step) if chosen.ask == "said" and typed else None,
        purpose=chosen.purpose,
        outcome=chosen.outcome,
        next_kind=chosen.next,
    )


def _go_on(state: State, script: Script, step: Step, known: Collection[str]) -> State:
    known = {*known, *state.filled}
    if step.returns:
        return _return(state, script, known, {})
    if step.to:
        return _move(state, script, step.to, state.returns, known, {})
    return state


def _enter(
    state: State,
    script: Script,
    key: BranchKey,
    come_back: str,
    known: Collection[str],
    changes: dict[str, object],
) -> State:
    said = {state.step, *(place.step for place in state.history)}
    ladder = [_arrive(script, one, known) for one in script.branches[key].steps]
    step = next((one for one in ladder if one not in said), ladder[-1])
    inside = state.step in script.branch_steps[key]
    returns = state.returns if inside else (*state.returns, come_back)[-MAX_RETURNS:]
    return _move(state, script, step, returns, known, changes)


def _return(state: State, script: Script, known: Collection[str], changes: dict[str, object]) -> State:
    target = state.returns[-1] if state.returns else script.entry(state.situation)
    return _move(state, script, target, state.returns[:-1], known, changes)


def _move(
    state: State,
    script: Script,
    target: str,
    returns: tuple[str, ...],
    known: Collection[str],
    changes: dict[str, object],
) -> State:
    step = _arrive(script, target, known)
    here = Place(step=state.step, returns=state.returns, lights=state.lights, given=len(state.given))
    update = {
        **changes,
        "step": step,
        # On a main step no branch is open any more: it was left for good.
        "returns": () if step in script.main_steps else returns,
        "history": (*state.history, here)[-MAX_HISTORY:],
        "restarted": False,
    }
    return state.model_copy(update=update)


def _arrive(script: Script, target: str, known: Collection[str]) -> str:
    """The step itself, or the one after it while `skip_known` steps ask what is known already (D33)."""
    passed: set[str] = set()
    while script.steps[target].skip_known and target not in passed:
        passed.add(target)
        onward = next(
            (one.to for one in script.steps[target].answers if one.ask in known and one.to and not one.branch),
            None,
        )
        if onward is None:
            break
        target = onward
    return target
