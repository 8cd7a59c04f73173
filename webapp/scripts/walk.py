"""Walking a script during a talk: every key press gives a new state and what it changed.

Nothing here reads a clock, a request or a database. A State is plain data, kept as JSON beside the touch,
so a reload or a restart in mid-call loses nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from babel.dates import format_date
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, ConfigDict

from webapp.scripts.grammar import (
    LETTERS,
    SITUATIONS,
    SPECIAL_ASKS,
    Answer,
    BranchKey,
    Hint,
    Light,
    NextKind,
    Script,
    Situation,
    Step,
)
from webapp.scripts.phrases import fill
from webapp.scripts.reading import Text

MAX_HISTORY = 100
MAX_RETURNS = 8
MAX_TYPED = 2000
NOTHING_KNOWN: frozenset[str] = frozenset()

BRANCH_LABELS: dict[BranchKey, Text] = {
    "price": _l("Price"),
    "wont_name": _l("Won't give the name"),
    "angry": _l("Angry"),
    "absent": _l("Absent colleague"),
    "cant_hear": _l("Can't hear"),
    "dont_know": _l("Don't know"),
    "nothing_fits": _l("Nothing fits"),
}

SITUATION_LABELS: dict[Situation, Text] = {
    "new_caller": _l("New caller"),
    "known_client": _l("Known client"),
    "colleagues_client": _l("A colleague's client"),
    "open_matter": _l("Client with an open matter"),
    "absent_employee": _l("Call for an absent colleague"),
    "was_missed": _l("Rang before and was missed"),
}


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class Given(_Data):
    """An answer that was chosen: its number from 1, and what was typed with it."""

    step: str
    n: int
    text: str = ""


class Place(_Data):
    """Where the talk stood before a key was pressed, so that back-step can return there."""

    step: str
    returns: tuple[str, ...] = ()
    lights: tuple[Light, ...] = ()
    given: int = 0


class State(_Data):
    """One run of a script. `returns`: steps the open branches come back to, the latest last."""

    script: str
    language: str
    version: int
    situation: Situation
    step: str
    returns: tuple[str, ...] = ()
    history: tuple[Place, ...] = ()
    given: tuple[Given, ...] = ()
    lights: tuple[Light, ...] = ()
    asked: tuple[str, ...] = ()
    filled: tuple[str, ...] = ()
    restarted: bool = False


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
    step = _arrive(script, script.entries[situation], known)
    return State(
        script=script.script,
        language=script.language,
        version=script.version,
        situation=situation,
        step=step,
    )


def settle(state: State, script: Script) -> State:
    """The same state on the script as it is now: when its step is gone, the entry of its situation."""
    if state.step in script.steps:
        there = set(script.steps)
        if state.version == script.version and there.issuperset(state.returns):
            return state
        returns = tuple(step for step in state.returns if step in there)
        return state.model_copy(update={"version": script.version, "returns": returns})
    return state.model_copy(
        update={
            "version": script.version,
            "step": script.entries[state.situation],
            "returns": (),
            "history": (),
            "restarted": True,
        }
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
        return (_go_on(state, script, step, known), NOTHING) if n == 1 else (state, NOTHING)
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
        return _enter(state, script, chosen.branch, chosen.to or state.step, known, changes), effects
    if chosen.returns:
        return _return(state, script, known, changes), effects
    return _move(state, script, chosen.to or state.step, state.returns, known, changes), effects


def branch(state: State, script: Script, key: BranchKey, known: Collection[str] = NOTHING_KNOWN) -> Moved:
    """Press a constant key: the branch's first step not yet said in this call (D53, D66)."""
    state = settle(state, script)
    return _enter(state, script, key, state.step, {*known, *state.filled}, {}), NOTHING


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
    target = state.returns[-1] if state.returns else script.entries[state.situation]
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


@dataclass(frozen=True, slots=True)
class AnswerView:
    """A key from 1 to 6. `ask` names the field (or `message`, `said`) whose text box stands beside it."""

    n: int
    text: Text
    ask: str | None = None


@dataclass(frozen=True, slots=True)
class BranchView:
    """A constant key with its letter; `here` while the talk is inside this branch."""

    key: BranchKey
    letter: str
    label: Text
    here: bool


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question at hand. `known`: the card has the answer, so it is struck off."""

    id: str
    text: str
    field: str | None
    asked: bool
    known: bool


@dataclass(frozen=True, slots=True)
class StepView:
    """All the page shows of a script at one moment. `returning_to`: the sentence a branch comes back to."""

    step: str
    say: str
    hint: Hint | None
    answers: tuple[AnswerView, ...]
    branches: tuple[BranchView, ...]
    questions: tuple[QuestionView, ...]
    name_light: bool
    next_step_light: bool
    shows_price: bool
    end: bool
    can_go_back: bool
    returning_to: str | None
    notice: Text | None


def view(state: State, script: Script, values: Mapping[str, str | None], known_fields: Collection[str]) -> StepView:
    """What to show: `values` for placeholders, `known_fields` the card's fields that have a value.

    The price range is said only where the script allows it (D53), whatever `values` holds.
    """
    state = settle(state, script)
    step = script.steps[state.step]
    if not step.last_price:
        values = {**values, "price_range": None}

    def said(sentence: str) -> str:
        return fill(sentence, values, script.if_unknown)

    if step.answers:
        answers = tuple(AnswerView(n, one.text, one.ask) for n, one in enumerate(step.answers, 1))
    elif step.end:
        answers = ()
    else:
        answers = (AnswerView(1, _l("Back to where we were") if step.returns else _l("Go on")),)
    known = {*known_fields, *state.filled}
    named = "name" in state.lights or ("name" in known and bool(known & {"given_name", "surname"}))
    return StepView(
        step=state.step,
        say=said(step.say),
        hint=step.hint,
        answers=answers,
        branches=tuple(
            BranchView(key, letter, BRANCH_LABELS[key], state.step in script.branch_steps[key])
            for key, letter in LETTERS.items()
        ),
        questions=tuple(
            QuestionView(one.id, said(one.text), one.field, one.id in state.asked, one.field in known)
            for one in script.questions
        ),
        name_light=named,
        next_step_light="next_step" in state.lights,
        shows_price=step.last_price,
        end=step.end,
        can_go_back=bool(state.history),
        returning_to=said(script.steps[state.returns[-1]].say) if state.returns else None,
        notice=_l("The script was changed during the talk; it starts again here.") if state.restarted else None,
    )


def phrase(script: Script, name: str, values: Mapping[str, str | None]) -> str:
    """One of the script's `phrases`, filled: hold, second_line, back_from_hold, transfer."""
    sentence: str = getattr(script.phrases, name)
    return fill(sentence, {**values, "price_range": None}, script.if_unknown)


def words_of_the_hour(script: Script, now: datetime) -> dict[str, str]:
    """`greeting_word` and `holiday_wish` for this moment, given in the office's time zone."""
    words = script.greetings
    if 5 <= now.hour < 12:
        greeting = words.morning
    elif 12 <= now.hour < 18:
        greeting = words.afternoon
    else:
        greeting = words.evening if 18 <= now.hour < 23 else words.night
    wish = next((one.say for one in script.holidays if one.covers(now.date())), "")
    return {"greeting_word": greeting, "holiday_wish": wish}


def spoken_moment(script: Script, when: datetime, now: datetime) -> str:
    """A moment as it is said in the script's language; both times in the office's time zone."""
    time, day = f"{when:%H:%M}", format_date(when.date(), "d MMMM", locale=script.language)
    if when.date() == now.date():
        form = script.moments.today
    elif when.date() == now.date() + timedelta(days=1):
        form = script.moments.tomorrow
    else:
        form = script.moments.later
    return form.replace("{time}", time).replace("{date}", day)


__all__ = [
    "SITUATIONS",
    "Effects",
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
