"""What a script file may say: the models behind `scripts_library/README.md`.

A script is a skeleton for one kind of call (D66): steps with one sentence each, answers that lead on, seven
branches that are always at hand, questions to ask (D48), and small words for the hour and the day.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args

from flask_babel import lazy_gettext as _l
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from webapp.scripts import phrases
from webapp.scripts.reading import Problem, Source, Text, read

Situation = Literal[
    "new_caller", "known_client", "colleagues_client", "open_matter", "absent_employee", "was_missed", "we_call"
]
BranchKey = Literal["price", "wont_name", "angry", "absent", "cant_hear", "dont_know", "nothing_fits"]
NextKind = Literal["call_back", "meeting_ours", "meeting_theirs", "offer", "samples", "order", "technologist", "letter"]
Light = Literal["name", "next_step"]

SITUATIONS: tuple[Situation, ...] = get_args(Situation)
WITHOUT_ENTRY: dict[Situation, Situation] = {"we_call": "known_client"}
"""Situations a script may leave out, and where it begins instead."""
LETTERS: dict[BranchKey, str] = {
    "price": "P",
    "wont_name": "W",
    "angry": "A",
    "absent": "B",
    "cant_hear": "H",
    "dont_know": "D",
    "nothing_fits": "N",
}
"""The key of every branch, in the order they are shown."""

SPECIAL_ASKS = frozenset({"message", "said"})
"""What `ask` may name besides card fields: a message for the absent colleague, words for the head (D66)."""

MAX_ANSWERS = 6
MAX_SENTENCE = 140
MIN_QUESTIONS = 25


def _phrase(sentence: str) -> str:
    phrases.parse(sentence)
    return sentence


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Sentence = Annotated[Line, AfterValidator(_phrase)]
DayOfYear = Annotated[str, StringConstraints(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Hint(_Part):
    """A small note beside the sentence: what to do, and what it replaces (D62)."""

    right: Line
    wrong: Line | None = None


class Answer(_Part):
    """What the caller may say. Leads to a step, into a branch (coming back at `to` or here), or back."""

    text: Line
    to: Slug | None = None
    branch: BranchKey | None = None
    returns: bool = Field(default=False, alias="return")
    fills: dict[str, Line] = Field(default_factory=dict)
    ask: Slug | None = None
    light: Light | None = None
    promise: bool = False
    purpose: Slug | None = None
    outcome: Slug | None = None
    next: NextKind | None = None

    @model_validator(mode="after")
    def leads_somewhere(self) -> Self:
        if self.returns and (self.to or self.branch):
            raise ValueError(_l("An answer with “return” goes nowhere else: take away “to” and “branch”."))
        if not (self.returns or self.to or self.branch):
            raise ValueError(_l("This answer leads nowhere: add “to”, “branch” or “return: true”."))
        return self


class Step(_Part):
    """One sentence to say and what may follow it."""

    say: Sentence
    hint: Hint | None = None
    answers: tuple[Answer, ...] = Field(default=(), max_length=MAX_ANSWERS)
    to: Slug | None = None
    returns: bool = Field(default=False, alias="return")
    end: bool = False
    promise: bool = False
    skip_known: bool = False
    deflection: bool = False
    last_price: bool = False

    @model_validator(mode="after")
    def ends_one_way(self) -> Self:
        ways = [bool(self.answers), self.to is not None, self.returns, self.end]
        if sum(ways) == 0:
            raise ValueError(_l("A dead end: add “answers”, “to”, “return: true” or “end: true”."))
        if sum(ways) > 1:
            raise ValueError(_l("A step has one way on: “answers”, “to”, “return” or “end”, not several."))
        if self.skip_known and not any(answer.ask and answer.to for answer in self.answers):
            raise ValueError(_l("“skip_known” needs an answer with “ask” and “to”."))
        return self


class Branch(_Part):
    """A constant key. Each press in one call takes the first of `steps` that was not yet said."""

    steps: tuple[Slug, ...] = Field(min_length=1, max_length=6)


class Question(_Part):
    """A question to have at hand (D48); `field` is the card's field it learns."""

    id: Slug
    text: Sentence
    field: Slug | None = None


class Greetings(_Part):
    """The greeting word of the hour."""

    morning: Line
    afternoon: Line
    evening: Line
    night: Line


class Moments(_Part):
    """How a moment is spoken; `{time}` and `{date}` stand for the clock and the day."""

    today: Line
    tomorrow: Line
    later: Line


class Holiday(_Part):
    """A wish said between two days of the year, both included; may run over New Year."""

    start: DayOfYear = Field(alias="from")
    stop: DayOfYear = Field(alias="to")
    say: Line

    def covers(self, day: date) -> bool:
        """Whether the wish is said on this day."""
        today = f"{day:%m-%d}"
        if self.start <= self.stop:
            return self.start <= today <= self.stop
        return today >= self.start or today <= self.stop


class Phrases(_Part):
    """Sentences said outside the steps: holding (D24, D28), a second line (D23), passing on (D27)."""

    hold: Sentence
    second_line: Sentence
    back_from_hold: Sentence
    transfer: Sentence


class Script(_Part):
    """One script in one language."""

    script: Slug
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
    title: Line
    version: int = Field(ge=1)
    attitude: tuple[Line, ...] = Field(min_length=1, max_length=20)
    warm_up: tuple[Line, ...] = Field(default=(), max_length=20)
    greetings: Greetings
    moments: Moments
    holidays: tuple[Holiday, ...] = Field(default=(), max_length=40)
    if_unknown: dict[Slug, Line] = Field(default_factory=dict)
    phrases: Phrases
    entries: dict[Situation, Slug]
    branches: dict[BranchKey, Branch]
    steps: dict[Slug, Step] = Field(min_length=1, max_length=400)
    questions: tuple[Question, ...] = Field(max_length=200)

    def entry(self, situation: Situation) -> str:
        """The step at which the talk of a situation begins."""
        return self.entries.get(situation) or self.entries[WITHOUT_ENTRY[situation]]

    @cached_property
    def main_steps(self) -> frozenset[str]:
        """Steps reached from the entries without pressing a branch key."""
        return frozenset(self.reach(self.entries.values()))

    @cached_property
    def branch_steps(self) -> dict[str, frozenset[str]]:
        """The steps each branch has to itself: walking on to a main step leaves the branch for good."""
        return {
            key: frozenset(self.reach(branch.steps, stop=self.main_steps)) - self.main_steps
            for key, branch in self.branches.items()
        }

    def leads_to(self, step_id: str) -> Iterator[str]:
        """The steps one answer away, branches not counted."""
        step = self.steps[step_id]
        if step.to:
            yield step.to
        for answer in step.answers:
            if answer.to:
                yield answer.to

    def reach(self, start: Any, stop: frozenset[str] = frozenset()) -> set[str]:
        """The existing steps reachable from `start` by answers; those in `stop` are not walked through."""
        found: set[str] = set()
        waiting = [step_id for step_id in start if step_id in self.steps]
        while waiting:
            step_id = waiting.pop()
            if step_id in found:
                continue
            found.add(step_id)
            if step_id not in stop:
                waiting.extend(target for target in self.leads_to(step_id) if target in self.steps)
        return found


def parse(raw: bytes, file: str) -> tuple[Script | None, Source | None, list[Problem]]:
    """Read one file into a Script. Problems carry the line; the script is None when there are any."""
    source, problems = read(raw, file)
    if source is None or problems:
        return None, source, problems
    try:
        return Script.model_validate(source.data), source, []
    except ValidationError as errors:
        return (
            None,
            source,
            [Problem(file, source.line(*error["loc"]), _in_words(error), broken=True) for error in errors.errors()],
        )


_WORDS = sorted(
    {
        field.alias or name
        for model in (Script, Step, Answer, Branch, Question, Hint, Holiday, Phrases, Greetings, Moments)
        for name, field in model.model_fields.items()
    }
)


def _in_words(error: ErrorDetails) -> Text:
    """A validation error the way a person would say it."""
    kind, context = error["type"], error.get("ctx", {})
    names = [part for part in error["loc"] if isinstance(part, str) and part != "[key]"]
    name = names[-1] if names else ""
    if kind == "missing":
        return _l("“%(name)s” is missing here.", name=name)
    if kind == "extra_forbidden":
        close = difflib.get_close_matches(name, _WORDS, n=1)
        if close:
            return _l("“%(name)s” has no meaning here; perhaps “%(close)s”?", name=name, close=close[0])
        return _l("“%(name)s” has no meaning here.", name=name)
    if kind == "string_type":
        return _l("“%(name)s” must be text; put it in quotes.", name=name)
    if kind in ("bool_type", "bool_parsing"):
        return _l("Write true or false for “%(name)s”, without quotes; yes and no are only words.", name=name)
    if kind == "int_type":
        return _l("“%(name)s” must be a whole number.", name=name)
    if kind == "string_too_short":
        return _l("“%(name)s” is empty.", name=name)
    if kind in ("string_too_long", "too_long"):
        return _l("“%(name)s” is too long: at most %(most)d.", name=name, most=context.get("max_length", 0))
    if kind in ("too_short", "greater_than_equal"):
        return _l("“%(name)s” is too small.", name=name)
    if kind == "literal_error":
        return _l("“%(name)s” must be one of: %(choices)s.", name=name, choices=context.get("expected", ""))
    if kind == "string_pattern_mismatch":
        value = str(error["input"])[:40]
        return _l("“%(value)s” is not a proper name for “%(name)s”.", value=value, name=name)
    if kind == "tuple_type":
        return _l("“%(name)s” must be a list, each item on its own line after a dash.", name=name)
    if kind in ("dict_type", "model_type"):
        return _l("“%(name)s” must hold names and values, set in by two spaces.", name=name)
    if kind == "value_error":
        told: Text = context["error"].args[0]
        return told
    return _l("“%(name)s”: %(reason)s.", name=name, reason=error["msg"])
