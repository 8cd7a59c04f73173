"""What the page shows of a script: the sentence filled in, its answers, the constant keys, the questions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_date
from flask_babel import lazy_gettext as _l

from webapp.scripts.grammar import LETTERS, BranchKey, Hint, Script, Situation
from webapp.scripts.phrases import fill
from webapp.scripts.reading import Text
from webapp.scripts.state import State, settle

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
    "we_call": _l("We call"),
}


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
    if "mobile" in known:  # whoever can be reached on a mobile needn't be asked for a phone
        known.add("phone")
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
